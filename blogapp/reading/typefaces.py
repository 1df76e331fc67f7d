"""Fonts for drawn pictures: Pillow's own, and what the machine has where that one lacks a sign.

Pillow brings a part of Aileron: ASCII and typographic quotes, and not one letter with an accent (measured). All others
need a font of the system: Debian's fonts-dejavu-core has Latin, Greek, Cyrillic, Arabic and Hebrew, fonts-noto-core and
fonts-noto-cjk nearly all there is. Where no font has a sign, its bare letter stands for it (é: e), or nothing.
Arabic and Hebrew are set from right to left where Pillow has Raqm, as its wheels do.
"""

import unicodedata
from functools import cache
from pathlib import Path

from PIL import ImageFont

FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts", "C:/Windows/Fonts")
# In this order, if they are there; the first that has all signs of a text sets it.
PREFERRED = ("NotoSans-", "NotoSansCJK", "NotoSans", "DejaVuSans.", "LiberationSans-Regular", "Arial", "FreeSans")
# Slanted, narrow and the like say the same with less grace.
UNFIT = ("italic", "oblique", "mono", "condensed", "narrow", "serif", "extralight", "thin", "black", "math", "symbol")
MOST_FONTS = 400
NO_SIGN = "\U0010ffff"
# A size at which every sign has some dots of its own.
PROBE = 24

Font = ImageFont.FreeTypeFont


def font_for(text: str, size: int) -> Font:
    """The font that has most signs of the text, so many pixels high."""
    return _font(_best(frozenset(text)), size)


def printable(text: str) -> str:
    """The text with what its font can show in place of what it cannot."""
    path = _best(frozenset(text))
    missing = _missing(path, frozenset(text))
    return " ".join("".join(_instead(path, sign) if sign in missing else sign for sign in text).split())


def _instead(path: str, sign: str) -> str:
    bare = "-" if sign in "–—‒" else unicodedata.normalize("NFKD", sign)
    return "".join(part for part in bare if not unicodedata.combining(part) and _has(path, part))


@cache
def _best(signs: frozenset[str]) -> str:
    """The path of the font; "" is Pillow's own."""
    best, lacks = "", len(_missing("", signs))
    if not lacks:
        return best
    for path in _system_fonts():
        missing = len(_missing(path, signs))
        if missing < lacks:
            best, lacks = path, missing
        if not lacks:
            break
    return best


def _missing(path: str, signs: frozenset[str]) -> frozenset[str]:
    return frozenset(sign for sign in signs if not sign.isspace() and not _has(path, sign))


@cache
def _has(path: str, sign: str) -> bool:
    """Whether the font has the sign: what it draws is not what it draws for one that nobody has."""
    font = _font(path, PROBE)
    mask, nothing = font.getmask(sign), font.getmask(NO_SIGN)
    return (mask.size, bytes(mask)) != (nothing.size, bytes(nothing))


@cache
def _font(path: str, size: int) -> Font:
    if path:
        return ImageFont.truetype(path, size)
    found = ImageFont.load_default(size)
    assert isinstance(found, Font)
    return found


@cache
def _system_fonts() -> list[str]:
    found = [
        path
        for folder in FOLDERS
        for path in Path(folder).rglob("*")
        if path.suffix.lower() in (".ttf", ".otf", ".ttc") and not any(word in path.name.lower() for word in UNFIT)
    ]

    def rank(path: Path) -> tuple[int, bool, str]:
        place = next((n for n, name in enumerate(PREFERRED) if path.name.startswith(name)), len(PREFERRED))
        return place, "bold" in path.name.lower(), path.name

    return [str(path) for path in sorted(found, key=rank) if _opens(path)][:MOST_FONTS]


def _opens(path: Path) -> bool:
    try:
        ImageFont.truetype(path, PROBE)
    except OSError:
        return False
    return True
