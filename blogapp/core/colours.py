"""An accent that anybody may choose, and the companions of it that can be read on the site's paper in both themes.

Lightness is moved in OKLCH, where equal steps look equal and the hue stays: Björn Ottosson, "A perceptual color space
for image processing" (2020), whose matrices stand below. What sRGB cannot show loses chroma, never hue.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

DEFAULT_ACCENT = "#2b47b4"
TEXT = 4.5  # WCAG 2.2, 1.4.3; edges of controls (1.4.11: 3:1) are the same colours
HEX = re.compile(r"#?(?:([0-9a-f]{3})[0-9a-f]?|([0-9a-f]{6})(?:[0-9a-f]{2})?)", re.IGNORECASE)
STEP = 0.004
# How different two colours of links have to look, as a distance in OKLab; 0.02 is just noticeable.
APART = 0.06
DARK_ENOUGH_TO_GLOW = 0.76

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Shades:
    """The colours of one theme that follow from the accent, with the grounds they stand on. All `#rrggbb`."""

    accent: str
    accent_deep: str
    on_accent: str
    visited: str
    paper: str
    wash: str
    mark: str


@dataclass(frozen=True)
class Accent:
    """A chosen colour and what becomes of it."""

    chosen: str
    light: Shades
    dark: Shades


# As in static/reading.css; a test holds the two together.
DEFAULT = Accent(
    DEFAULT_ACCENT,
    Shades("#2b47b4", "#1d338c", "#fdfcf9", "#6d3d96", "#fbf8f2", "#f3eee4", "#f8e9ae"),
    Shades("#a3b6ff", "#c3cfff", "#12151b", "#cba6ee", "#16191e", "#1e2228", "#3f370f"),
)


def parse_colour(text: str) -> str:
    """A CSS hex colour (3, 4, 6 or 8 digits, with or without #) as `#rrggbb`; transparency is left out.

    Raises:
        ValueError: it is none.
    """
    found = HEX.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text.strip()[:40]!r} is not a colour like #2b47b4")
    digits = found[2] or "".join(2 * digit for digit in found[1])
    return f"#{digits.lower()}"


@lru_cache(maxsize=64)
def accent(chosen: str) -> Accent:
    """The accent of both themes, made readable; about 2 ms, once per colour.

    Args:
        chosen: as `parse_colour` gives it.
    """
    if chosen == DEFAULT_ACCENT:
        return DEFAULT
    return Accent(chosen, _shades(chosen, DEFAULT.light, -1), _shades(chosen, DEFAULT.dark, +1))


def _shades(chosen: str, theme: Shades, away: int) -> Shades:
    """Move the colour away from the paper (-1: darker, +1: lighter) until it can be read everywhere."""
    grounds = (theme.paper, theme.wash, theme.mark)
    lightness, chroma, hue = to_oklch(chosen)
    if away > 0:
        # At 4.5:1 a saturated colour on a dark page is legible but dull.
        lightness = max(lightness, DARK_ENOUGH_TO_GLOW)
    lightness = _readable(lightness, chroma, hue, grounds, away)
    shade = from_oklch(lightness, chroma, hue)
    # Hovered links and buttons: further away from the paper, or back a little where there is no room left.
    further = lightness + away * 0.08
    deep = further if 0.1 <= further <= 0.98 else lightness - away * 0.12
    accent_deep = from_oklch(_readable(deep, chroma, hue, grounds, away), chroma, hue)
    return Shades(shade, accent_deep, theme.on_accent, _visited(shade, theme, away), *grounds)


def _readable(lightness: float, chroma: float, hue: float, grounds: Iterable[str], away: int) -> float:
    """The nearest lightness in that direction at which the colour stands out from all grounds."""
    while not stands_out(from_oklch(lightness, chroma, hue), grounds):
        lightness += away * STEP
    return lightness


def stands_out(colour: str, grounds: Iterable[str]) -> bool:
    """Whether text in that colour can be read on each of the grounds."""
    return all(contrast(colour, ground) >= TEXT for ground in grounds)


def _visited(shade: str, theme: Shades, away: int) -> str:
    """The theme's own colour of visited links; turned to another hue where the accent looks like it."""
    if math.dist(_to_oklab(shade), _to_oklab(theme.visited)) >= APART:
        return theme.visited
    lightness, chroma, hue = to_oklch(theme.visited)
    turned = (hue + math.pi * 0.6) % (2 * math.pi)
    return from_oklch(_readable(lightness, chroma, turned, (theme.paper, theme.wash, theme.mark), away), chroma, turned)


def theme_css(of: Accent) -> str:
    """The custom properties that differ from static/reading.css; empty for the default accent.

    Only for screens: what is printed stays black.
    """
    if of.chosen == DEFAULT_ACCENT:
        return ""
    dark = "@media screen and (prefers-color-scheme:dark)"
    return f"@media screen{{{_properties(of.light)}}}\n{dark}{{{_properties(of.dark)}}}\n"


def _properties(shades: Shades) -> str:
    return (
        f":root{{--accent:{shades.accent};--accent-deep:{shades.accent_deep};"
        f"--on-accent:{shades.on_accent};--visited:{shades.visited}}}"
    )


# What colours are made of


def contrast(one: str, other: str) -> float:
    """From 1 to 21 (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(colour: str) -> Triple:
    """The three parts as amounts of light, 0 to 1 (IEC 61966-2-1)."""
    red, green, blue = (_LIGHT[int(colour[i : i + 2], 16)] for i in (1, 3, 5))
    return red, green, blue


_LIGHT = [n / 255 / 12.92 if n / 255 <= 0.04045 else ((n / 255 + 0.055) / 1.055) ** 2.4 for n in range(256)]


def _to_oklab(colour: str) -> Triple:
    r, g, b = _linear(colour)
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    medium = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def to_oklch(colour: str) -> Triple:
    """Lightness (0 to 1), chroma (0 to about 0.32) and hue (radians) of a `#rrggbb`."""
    lightness, a, b = _to_oklab(colour)
    return lightness, math.hypot(a, b), math.atan2(b, a)


def from_oklch(lightness: float, chroma: float, hue: float) -> str:
    """The `#rrggbb`; with as much of the chroma as sRGB can show at that lightness."""
    lightness = min(max(lightness, 0.0), 1.0)
    light = _from_oklab(lightness, chroma, hue)
    if not _within(light):
        low, high = 0.0, chroma
        for _ in range(12):
            middle = (low + high) / 2
            low, high = (middle, high) if _within(_from_oklab(lightness, middle, hue)) else (low, middle)
        light = _from_oklab(lightness, low, hue)
    return "#" + "".join(f"{round(255 * _encoded(part)):02x}" for part in light)


def _from_oklab(lightness: float, chroma: float, hue: float) -> Triple:
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _within(light: Triple) -> bool:
    return all(-0.0001 <= part <= 1.0001 for part in light)


def _encoded(light: float) -> float:
    light = min(max(light, 0.0), 1.0)
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
