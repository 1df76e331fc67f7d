"""What a picture or a film says besides what it shows: found in its own structure, whatever the decoder passes over.

A decoder names what it knows (EXIF, XMP, comments). Beside it there are blocks of editors and cameras (who made it,
how, on which layers), and what lies behind the end: the rest of a screenshot that was cut, a second picture, the film
of a "living" photo with its place and sound, or a file of another kind altogether. Whatever is not needed to show the
picture counts as telling. Sources: ITU T.81 B; PNG (3rd ed.) 5; GIF89a; the WebP container; ISO/IEC 14496-12.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

PNG_NEEDS = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP bKGD pHYs sBIT hIST sPLT acTL fcTL fdAT cICP mDCV cLLI".split()
)
WEBP_NEEDS = frozenset([b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"])
AVIF_NEEDS = frozenset(b"ftyp meta mdat moov free skip mif1".split())
GIF_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
# A photo that is sent little by little has some ten; each costs a pass over all of its pixels.
MOST_SCANS = 100
# Where a film keeps what is said about it: who, where, when, with what.
FILM_SAYS = frozenset([b"udta", b"meta", b"uuid"])
FILM_HOLDS = frozenset([b"moov", b"trak", b"mdia", b"moof", b"traf"])
LARGE = 1 << 16


class _Odd(Exception):
    """It is not built as its kind says."""


def tells_more(path: Path, kind: str) -> bool:
    """Whether the file of a picture of that kind (`PNG`, `JPEG`, …) holds more than the picture."""
    data = path.read_bytes()
    walkers = {"PNG": _png, "JPEG": _jpeg, "GIF": _gif, "WEBP": _webp, "AVIF": _avif}
    try:
        return walkers[kind](data)
    except (_Odd, IndexError):
        return True


def scans(path: Path) -> int:
    """In how many passes a JPEG is to be unpacked, at most: the marker stands nowhere else in what is packed."""
    return path.read_bytes().count(b"\xff\xda")


def _png(data: bytes) -> bool:
    at = 8
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        at += 12 + length
        if kind not in PNG_NEEDS:
            return True
        if kind == b"IEND":
            return at != len(data)
    raise _Odd


def _jpeg(data: bytes) -> bool:
    at = 2
    while True:
        if data[at] != 0xFF:
            raise _Odd
        marker = data[at + 1]
        if marker == 0xFF:  # filling
            at += 1
        elif marker == 0xD9:
            return at + 2 != len(data)
        elif marker == 0xDA:
            at = _after_scan(data, at)
        else:
            length = int.from_bytes(data[at + 2 : at + 4], "big")
            if _jpeg_says(marker, data[at + 4 : at + 18]):
                return True
            at += 2 + length


def _jpeg_says(marker: int, head: bytes) -> bool:
    if marker == 0xFE:
        return True
    if not 0xE0 <= marker <= 0xEF:
        return False
    shows = {0xE0: (b"JFIF\0",), 0xE2: (b"ICC_PROFILE\0",), 0xEE: (b"Adobe",)}
    return not head.startswith(shows.get(marker, ()))


def _after_scan(data: bytes, at: int) -> int:
    """The place of the next marker behind a scan: there FF is packed as FF 00, or restarts as FF D0 to D7."""
    at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise _Odd
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 2


def _gif(data: bytes) -> bool:
    at = 13 + _colours(data[10])
    while True:
        kind = data[at]
        if kind == 0x3B:
            return at + 1 != len(data)
        if kind == 0x2C:
            at = _after_blocks(data, at + 10 + _colours(data[at + 9]) + 1)
        elif kind == 0x21:
            label = data[at + 1]
            if label in (0x01, 0xFE) or (label == 0xFF and data[at + 3 : at + 14] not in GIF_LOOPS):
                return True
            at = _after_blocks(data, at + 2)
        else:
            raise _Odd


def _colours(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(data: bytes, at: int) -> int:
    while size := data[at]:
        at += 1 + size
    return at + 1


def _webp(data: bytes) -> bool:
    end = 8 + int.from_bytes(data[4:8], "little")
    at = 12
    while at + 8 <= end:
        if data[at : at + 4] not in WEBP_NEEDS:
            return True
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + size + (size & 1)
    return end + (end & 1) < len(data)


def _avif(data: bytes) -> bool:
    at = 0
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind not in AVIF_NEEDS:
            return True
        if size == 0:
            return False
        if size < 8:
            raise _Odd
        at += size
    return at != len(data)


def silence_film(path: Path) -> None:
    """Empty what an MP4 says about itself, in place: a telephone writes where it was. No other byte moves."""
    with path.open("r+b") as file:
        end = file.seek(0, 2)
        for at, header, size in list(_said(file, 0, end)):
            file.seek(at + 4)
            file.write(b"free")
            file.seek(at + header)
            for left in range(size - header, 0, -LARGE):
                file.write(bytes(min(left, LARGE)))


def _said(file: IO[bytes], at: int, end: int, depth: int = 0) -> Iterator[tuple[int, int, int]]:
    """(place, bytes of its header, bytes in all) of each box that says something, as long as the boxes make sense."""
    while at + 8 <= end:
        file.seek(at)
        head = file.read(16)
        size, kind, header = int.from_bytes(head[:4], "big"), head[4:8], 8
        if size == 1:
            size, header = int.from_bytes(head[8:16], "big"), 16
        if size == 0:
            size = end - at
        if size < header or at + size > end:
            return
        if kind in FILM_SAYS:
            yield at, header, size
        elif kind in FILM_HOLDS and depth < 8:
            yield from _said(file, at + header, at + size, depth + 1)
        at += size
