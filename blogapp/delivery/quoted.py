"""Quoted-printable bodies (RFC 2045 §6.7) that need nothing done to them on their way out.

Lines have at most 76 columns, no line begins with a dot (so SMTP has nothing to stuff and a signature made here is of
what is sent) or with `From ` (which mailboxes mangle), and none ends in a blank.
"""

import re

ROOM = 76
_AS_IS = [chr(b) if 32 <= b <= 126 and b != 61 else f"={b:02X}" for b in range(256)]
_AS_IS[9] = "\t"
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def quoted_printable(text: str) -> str:
    """A body of whole lines; line ends come out as CRLF."""
    text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "\r\n".join(map(_line, text.split("\n")))


def quoted_piece(text: str) -> str:
    """A piece of one line, to stand alone between two soft line breaks; its line breaks become blanks."""
    return _line(_CONTROLS.sub("", re.sub(r"[\r\n]+", " ", text)))


def with_marks(text: str, marks: re.Pattern[str]) -> str:
    """A body in which each mark (`marks` has one group) stands alone between soft line breaks."""
    pieces = marks.split(text)
    return "=\r\n".join(piece if number % 2 else quoted_printable(piece) for number, piece in enumerate(pieces))


def _line(line: str) -> str:
    """One line, softly broken where it is too long."""
    encoded = "".join(map(_AS_IS.__getitem__, line.encode("utf-8", "replace")))
    if encoded.endswith((" ", "\t")):
        encoded = f"{encoded[:-1]}={ord(encoded[-1]):02X}"
    lines: list[str] = []
    at = 0
    while at < len(encoded) or not lines:
        first = _first(encoded, at)
        at += 1 if first else 0
        end = at + ROOM - 1 - len(first)
        if end < len(encoded):
            # Not between the three characters of an encoded byte.
            end -= 1 if encoded[end - 1] == "=" else 2 if encoded[end - 2] == "=" else 0
        lines.append(first + encoded[at:end])
        at = end
    return "=\r\n".join(lines)


def _first(encoded: str, at: int) -> str:
    """What replaces the first character of a line where it would be dangerous; else nothing."""
    if encoded.startswith(".", at) or encoded.startswith("From ", at):
        return f"={ord(encoded[at]):02X}"
    return ""
