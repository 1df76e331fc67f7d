"""A message taken apart into its parts, whatever it is: bounded, and never an error. Pure.

What comes in is written by anybody, so this is no parser for reading mail. The standard library's recurses into nested
parts and asks every line of each of them; this one looks at so many parts, so deep, and leaves the rest.
"""

import binascii
import re
from collections import deque
from collections.abc import Iterator
from functools import cached_property

MOST_PARTS = 40
DEEPEST = 5
HEAD_BYTES = 128 * 1024
MOST_FIELDS = 400
LONGEST_VALUE = 2000
END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
FIELD = re.compile(r"([!-9;-~]{1,80})[ \t]*:(.*)", re.DOTALL)
BOUNDARY = re.compile(r"""boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))""", re.IGNORECASE)


class Fields:
    """Header fields, unfolded, by lower-case name; in their order, the first few hundred."""

    def __init__(self, head: bytes) -> None:
        self._fields: dict[str, list[str]] = {}
        for line in re.sub(rb"\r?\n[ \t]+", b" ", head[:HEAD_BYTES]).split(b"\n", MOST_FIELDS)[:MOST_FIELDS]:
            if found := FIELD.fullmatch(line[:LONGEST_VALUE].decode("utf-8", "replace").strip()):
                self._fields.setdefault(found[1].lower(), []).append(found[2].strip())

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __getitem__(self, name: str) -> str:
        """The first of that name; "" where there is none."""
        return self.all(name)[0] if name in self else ""

    def all(self, name: str) -> list[str]:
        return self._fields.get(name, [])


class Part:
    """A message, or a part of one."""

    def __init__(self, content: bytes) -> None:
        end = END_OF_HEAD.search(content, 0, HEAD_BYTES)
        # One that begins with a line break has no head at all (RFC 2046 §5.1).
        headless = content.startswith((b"\n", b"\r\n"))
        self.head, self._raw = (b"", content) if headless else (content, b"")
        if end and not headless:
            self.head, self._raw = content[: end.start()], content[end.end() :]
        self.fields = Fields(self.head)
        self.content_type = self.fields["content-type"]
        self.kind = (self.content_type.partition(";")[0].strip() or "text/plain").lower()

    @cached_property
    def body(self) -> bytes:
        """Its content, decoded."""
        encoding = self.fields["content-transfer-encoding"].lower()
        if encoding == "base64":
            try:
                # Whole groups only: what is cut off in the middle is still worth its beginning.
                plain = re.sub(rb"[^A-Za-z0-9+/]", b"", self._raw)
                return binascii.a2b_base64(plain[: len(plain) // 4 * 4] + _rest(plain))
            except binascii.Error:
                return self._raw
        return binascii.a2b_qp(self._raw) if encoding == "quoted-printable" else self._raw

    @property
    def text(self) -> str:
        """The same as text. Whatever the charset: it is words in ASCII that are looked for."""
        return self.body.replace(b"\0", b" ").decode("utf-8", "replace").replace("\r\n", "\n")

    def blocks(self) -> Iterator[Fields]:
        """Its content as groups of fields with empty lines between them (RFC 3464 §2.1)."""
        for block in re.split(rb"(?:\r?\n[ \t]*){2,}", self.body[:HEAD_BYTES], maxsplit=MOST_PARTS):
            yield Fields(block)

    def inside(self) -> list[bytes]:
        """The parts of a multipart; what a message/rfc822 holds is not looked into."""
        boundary = BOUNDARY.search(self.content_type)
        if not self.kind.startswith("multipart/") or not boundary:
            return []
        mark = re.escape((boundary[1] or boundary[2]).encode("utf-8"))
        pieces = re.split(rb"(?:\A|\r?\n)--" + mark + rb"(?:--)?[ \t]*(?=\r?\n|\Z)", self._raw, maxsplit=MOST_PARTS)
        return [re.sub(rb"\A\r?\n", b"", piece) for piece in pieces[1:]]


def take_apart(message: bytes) -> list[Part]:
    """The message itself, then the parts in it, outermost first."""
    found: list[Part] = []
    waiting = deque([(message, 0)])
    while waiting and len(found) < MOST_PARTS:
        content, depth = waiting.popleft()
        part = Part(content)
        found.append(part)
        if depth < DEEPEST:
            waiting.extend((piece, depth + 1) for piece in part.inside())
    return found


def _rest(plain: bytes) -> bytes:
    """The last group of base64, filled up; one letter alone says nothing."""
    rest = plain[len(plain) // 4 * 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""
