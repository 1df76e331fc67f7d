"""WordPress's export file, cut into its entries without holding it: https://wordpress.org/documentation/article/tools-export-screen/

Each entry is parsed by itself, so that a broken one, or a file that was cut off, costs no other; memory is that of the
longest entry. The bytes of an entry stay as they came.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO
from xml.etree.ElementTree import Element, ParseError  # only the types: defusedxml parses

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from blogapp.porting.documents import BadDocument

# What is held is copied with every mark in it, so little at a time is fastest.
CHUNK_BYTES = 1 << 16
MAX_HEAD_BYTES = 20_000_000
MAX_ENTRY_BYTES = 20_000_000
# Outside of these two, `<item` begins an entry and nothing else.
MARK = re.compile(rb"<!\[CDATA\[|<!--|<item[\s>]|</item\s*>")
LONGEST_MARK = 64
# What no XML may hold; WordPress writes it all the same when somebody pasted it.
CONTROLS = bytes([*range(9), 11, 12, *range(14, 32)])
COMMENT = re.compile(rb"<wp:comment>.*?</wp:comment>\s*", re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """The bytes of one `<item>`; None where it is too large to be read, or where the file ends within it."""

    line: int
    content: bytes | None
    reason: str = ""


@dataclass
class _Reader:
    """Bytes of a stream, a piece at a time. `line` is that of the first byte held."""

    stream: IO[bytes]
    held: bytes = b""
    line: int = 1
    ended: bool = False

    def more(self) -> bool:
        chunk = self.stream.read(CHUNK_BYTES)
        self.held += chunk
        self.ended = not chunk
        return bool(chunk)

    def take(self, count: int) -> bytes:
        taken, self.held = self.held[:count], self.held[count:]
        self.line += taken.count(b"\n")
        return taken


def cut(stream: IO[bytes]) -> Iterator[bytes | Entry]:
    """What stands before the first entry, then every entry.

    Raises:
        BadDocument: it is no such file.
    """
    reader = _Reader(stream)
    piece, found = _up_to(reader, (b"<item",), MAX_HEAD_BYTES)
    if piece is None:
        raise BadDocument("it is no export of WordPress's: it begins with more than 20 MB of something else")
    yield piece
    while found:
        line = reader.line
        piece, closed = _up_to(reader, (b"</item",), MAX_ENTRY_BYTES)
        if not closed:
            yield Entry(line, None, "the file ends in the middle of it")
            return
        end = reader.held.index(b">") + 1
        tail = reader.take(end)
        yield Entry(line, None if piece is None else piece + tail, "" if piece else "it is larger than 20 MB")
        _, found = _up_to(reader, (b"<item",), MAX_HEAD_BYTES)


def _up_to(reader: _Reader, wanted: tuple[bytes, ...], most: int) -> tuple[bytes | None, bool]:
    """The bytes before a mark (None: more than `most`), and whether it came; the reader then stands at the mark."""
    pieces: list[bytes] = []
    size = 0

    def keep(piece: bytes) -> None:
        nonlocal size
        size += len(piece)
        if size <= most:
            pieces.append(piece)

    while True:
        match = MARK.search(reader.held)
        if match is None or (match.end() == len(reader.held) and not reader.ended):
            if reader.ended:
                keep(reader.take(len(reader.held)))
                return (b"".join(pieces) if size <= most else None), False
            keep(reader.take(max(0, len(reader.held) - LONGEST_MARK) if match is None else match.start()))
            reader.more()
        elif match[0].startswith(wanted):
            keep(reader.take(match.start()))
            return (b"".join(pieces) if size <= most else None), True
        elif match[0] in (b"<![CDATA[", b"<!--"):
            keep(reader.take(match.end()))
            _keep_until(reader, b"]]>" if match[0] != b"<!--" else b"-->", keep)
        else:
            keep(reader.take(match.end()))


def _keep_until(reader: _Reader, end: bytes, keep: Callable[[bytes], None]) -> None:
    while (at := reader.held.find(end)) < 0:
        keep(reader.take(max(0, len(reader.held) - len(end))))
        if not reader.more():
            return
    keep(reader.take(at + len(end)))


class Parser:
    """Parses the head of a file, and its entries with the names that the head declares."""

    def __init__(self, head: bytes) -> None:
        """
        Raises:
            BadDocument: it is no export of WordPress's, or declares what may do harm.
        """
        start = re.search(rb"<rss\b[^>]*>", head)
        if start is None or b"wordpress.org/export/" not in start[0]:
            raise BadDocument("it is no export of WordPress's")
        declaration = re.match(rb"\s*<\?xml[^>]*\?>", head.removeprefix(b"\xef\xbb\xbf"))
        self._before = (declaration[0].strip() if declaration else b"") + start[0]
        closing = b"" if b"</channel" in head else b"</channel>"
        self.channel = _parse(head + closing + (b"" if b"</rss" in head else b"</rss>"))

    def entry(self, content: bytes) -> Element:
        """
        Raises:
            BadDocument: it is no XML.
        """
        found = _parse(self._before + content + b"</rss>").find("item")
        if found is None:
            raise BadDocument("it is no XML")
        return found


def _parse(data: bytes) -> Element:
    try:
        return fromstring(data.removeprefix(b"\xef\xbb\xbf").lstrip().translate(None, CONTROLS), forbid_dtd=True)
    except DefusedXmlException:
        raise BadDocument("it declares types or entities of its own, which no export of WordPress's does") from None
    except (ParseError, LookupError, ValueError, RecursionError) as error:
        raise BadDocument(f"it is no XML: {str(error).partition(':')[0]}") from None


def without_comments(content: bytes) -> bytes:
    """An entry without what readers wrote below it, and their addresses: they never asked to come along."""
    return COMMENT.sub(b"", content)
