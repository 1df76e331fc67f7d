"""Header values as they leave: encoded, folded, and free of anything that could begin another header.

Every function is total: whatever text comes in, what goes out is printable ASCII whose only line breaks are folds
(CRLF and a blank). Frozen messages and personal values (`template.py`) go through the same functions. The standard
library's `email.policy.SMTP` is not used for this: it RFC 2047-encodes a URL that does not fit 78 columns, which kills
List-Unsubscribe, and before Python 3.11.10 it lets a line break through (CVE-2024-6923).
"""

import base64
import re
import unicodedata
from typing import NamedTuple

# RFC 5322 §2.1.1 asks for 78; one column is kept for the blank of a fold and one for luck.
ROOM = 76
# RFC 5322 §3.2.3: atext. Without `=`, so that nothing can look like an encoded word.
ATOM = r"[A-Za-z0-9!#$%&'*+/?^_`{|}~-]+"
DOT_ATOM = rf"{ATOM}(?:\.{ATOM})*"
ADDRESS = re.compile(rf'(?:{DOT_ATOM}|"(?:[^"\\\x00-\x20\x7f-\U0010ffff]|\\[!-~])*")@(?:[A-Za-z0-9-]+\.)*[A-Za-z0-9-]+')
PLAIN_PHRASE = re.compile(rf"{ATOM}(?: {ATOM})*")
# RFC 5321 §4.5.3.1: 64 octets of local part, 255 of domain, 256 of path with its brackets.
LONGEST_ADDRESS = 254
# What an encoded word may hold as it is, inside a phrase too (RFC 2047 §5 (3)).
Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Q = [chr(b) if b in Q_SAFE else "_" if b == 32 else f"={b:02X}" for b in range(256)]
# RFC 2047 §2: an encoded word has at most 75 characters; these are left for what is inside `=?utf-8?q?…?=`.
INSIDE = 75 - 12


class Mailbox(NamedTuple):
    """A display name (may be empty) and an address."""

    name: str
    address: str


def parse_mailbox(text: str) -> Mailbox:
    """`Name <address>`, `"Name, quoted" <address>` or `address`, taken apart."""
    name, bracket, rest = text.rpartition("<")
    if not bracket:
        return Mailbox("", text.strip())
    name = name.strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return Mailbox(name, rest.rpartition(">")[0].strip() if ">" in rest else rest.strip())


def one_line(text: str) -> str:
    """The text on one line: each run of blanks and line breaks one blank, no control characters, no lone surrogates."""
    if not text.isprintable():
        text = text.encode("utf-8", "replace").decode("utf-8")
        text = "".join(c for c in text if c.isspace() or unicodedata.category(c) != "Cc")
    return " ".join(text.split())


def unstructured(text: str, used: int = 0) -> str:
    """Free text (Subject, Comments), encoded where it has to be. `used`: columns taken by the header's name."""
    text = one_line(text)
    plain = text.isascii() and "=?" not in text and all(len(word) < ROOM for word in text.split(" "))
    return fold(text if plain else encoded_words(text, used), used)


def structured(text: str, used: int = 0) -> str:
    """A header that software reads (List-Unsubscribe, List-Id, Auto-Submitted): folded at blanks, never encoded.

    What is not ASCII has no place in one and becomes `?`. A first word that does not fit stays on the header's own
    line: lines may have 998 columns, and some readers of List-Unsubscribe expect it there.

    Raises:
        ValueError: a word is too long for any line (RFC 5322 §2.1.1).
    """
    text = one_line(text).encode("ascii", "replace").decode("ascii")
    if any(len(word) + used > 900 for word in text.split(" ")):
        raise ValueError("a word of a structured header is longer than a line may be")
    return fold(text, used)


def mailbox(box: Mailbox, used: int = 0) -> str:
    """One mailbox for From, To or Reply-To: the name quoted or encoded as needed.

    What is no address that a header can hold becomes an empty group (RFC 6854), so that nobody gets addressed by
    accident; the envelope is another matter.
    """
    address = ascii_address(box.address)
    if not is_address(address):
        return "undisclosed-recipients:;"
    name = phrase(box.name, used)
    return fold(f"{name} <{address}>", used) if name else address


def ascii_address(address: str) -> str:
    """The address with its domain's A-label (`ada@bücher.test` -> `ada@xn--bcher-kva.test`), where there is one."""
    local, at, domain = address.strip().rpartition("@")
    try:
        return local + at + (domain if domain.isascii() else domain.encode("idna").decode("ascii"))
    except UnicodeError:
        return address.strip()


def is_address(address: str) -> bool:
    """Whether a header can hold it (RFC 5322 §3.4.1, printable ASCII)."""
    return len(address) <= LONGEST_ADDRESS and ADDRESS.fullmatch(address) is not None


def phrase(text: str, used: int = 0) -> str:
    """A display name, unfolded: as it is, as a quoted string, or as encoded words."""
    text = one_line(text)
    if PLAIN_PHRASE.fullmatch(text) and all(len(word) < ROOM for word in text.split(" ")):
        return text
    if text.isascii() and "=?" not in text and len(text) <= 60:
        return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"' if text else ""
    return encoded_words(text, used)


def encoded_words(text: str, used: int = 0) -> str:
    """The text as RFC 2047 encoded words: whole characters in each, at most 75 columns, parted by blanks.

    Blanks between two encoded words vanish when they are read, so those of the text are inside.
    """
    data = text.encode()
    whole = "".join(map(_Q.__getitem__, data))
    # Readable as it stands where most of it is; base64 is shorter for the rest.
    if len(whole) <= len(data) * 1.6:
        if len(whole) <= INSIDE - used:
            return f"=?utf-8?q?{whole}?="  # as nearly every name is
        quoted = ["".join(map(_Q.__getitem__, c.encode())) for c in text]
        return " ".join(f"=?utf-8?q?{chunk}?=" for chunk in _chunks(quoted, INSIDE - used, INSIDE))
    # Four columns of base64 hold three bytes.
    chunks = _chunks(list(text), (INSIDE - used) // 4 * 3, INSIDE // 4 * 3)
    return " ".join(f"=?utf-8?b?{base64.b64encode(chunk.encode()).decode()}?=" for chunk in chunks)


def _chunks(pieces: list[str], first: int, most: int) -> list[str]:
    """Join pieces into chunks of at most `most` bytes, the first one of at most `first`."""
    chunks, room = [""], first
    for piece in pieces:
        length = len(piece.encode())
        if length > room:
            chunks.append("")
            room = most
        chunks[-1] += piece
        room -= length
    return chunks


def fold(text: str, used: int = 0) -> str:
    """Break a header's value at blanks where a line would exceed its room; the first word stays on the first line."""
    lines, room = [""], ROOM - used
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append(word)
            room = ROOM
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return "\r\n ".join(lines)
