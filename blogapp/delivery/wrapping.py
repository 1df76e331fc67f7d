"""Lines of plain text: how wide they are on a screen of fixed columns, and where they may break."""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

# A blank at which no line breaks; it becomes an ordinary one on the way out.
HARD = "\u00a0"
_LINK = re.compile(r"[a-z][a-z0-9+.-]*:\S", re.IGNORECASE)
# Chinese and Japanese break anywhere, but no line begins with these or ends with those.
_NOT_FIRST = frozenset("、。，．・：；？！）］｝」』】〉》〕ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ…‥”’")
_NOT_LAST = frozenset("（［｛「『【〈《〔“‘")


@lru_cache(maxsize=4096)
def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def columns(text: str) -> int:
    """How many columns the text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def wrap(text: str, width: int, first: str = "", rest: str | None = None) -> list[str]:
    """Lines of at most `width` columns, broken at blanks (and between wide characters), never inside an address.

    Args:
        text: `\\n` is a line break that is meant, `HARD` a blank that is none.
        first, rest: what the first line and the others begin with; inside the width.
    """
    rest = first if rest is None else rest
    lines: list[str] = []
    for part in text.split("\n"):
        line, empty = (rest if lines else first), True
        for blank, unit in _units(part):
            needed = columns(line) + columns(unit) + (1 if blank and not empty else 0)
            if not empty and needed > width:
                lines.append(line)
                line, empty = rest, True
            line += unit if empty or not blank else f" {unit}"
            empty = False
        lines.append(line)
    return [line.replace(HARD, " ").rstrip() for line in lines]


def fitted(text: str, width: int = 72) -> str:
    """The same with no line that is longer than it must be: what is too long goes on below, as far indented."""
    lines: list[str] = []
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip(" "))]
        lines += wrap(line, width, indent) if columns(line) > width else [line]
    return "\n".join(lines)


def _units(text: str) -> list[tuple[bool, str]]:
    """What may not be broken, each with whether a blank comes before it."""
    units: list[tuple[bool, str]] = []
    for word in text.split(" "):
        if not word:
            continue
        if word.isascii() or _LINK.search(word):
            units.append((True, word))
            continue
        units.extend((number == 0, piece) for number, piece in enumerate(_pieces(word)))
    return units


def _pieces(word: str) -> list[str]:
    """A word cut wherever wide characters allow it."""
    pieces = [word[0]]
    for before, character in pairwise(word):
        wide = _columns(before) == 2 or _columns(character) == 2
        glued = character in _NOT_FIRST or before in _NOT_LAST or _columns(character) == 0 or before == "\u200d"
        # Pictures join into one with what follows; letters do not, so cutting between two is right only for these.
        if wide and not glued and (_is_ideographic(before) or _is_ideographic(character)):
            pieces.append(character)
        else:
            pieces[-1] += character
    return pieces


def _is_ideographic(character: str) -> bool:
    return "\u2e80" <= character <= "\ua4cf" or "\uf900" <= character <= "\ufaff" or character >= "\U00020000"
