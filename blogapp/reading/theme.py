"""The site's accent: what the style inside each page says of it, and icons at addresses that name their content."""

import hashlib
import io
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import Response, abort
from flask.typing import ResponseReturnValue
from PIL import Image, ImageDraw

from blogapp.core.assets import asset
from blogapp.core.colours import DEFAULT_ACCENT, Accent, accent, theme_css
from blogapp.core.resources import resource_dir
from blogapp.core.theme import footer_links, site_accent
from blogapp.reading.blueprint import bp

NAME = re.compile(r"(?P<colour>[0-9a-f]{6})-(?P<mark>[0-9a-f]{12})(?P<kind>\.svg|-32\.png|-180\.png)")
KINDS = {".svg": "image/svg+xml", "-32.png": "image/png", "-180.png": "image/png"}
# The figure of static/favicon.svg, on its 64 squares.
SEVEN = ((15, 13), (49, 13), (49, 22.5), (33.5, 51), (22, 51), (37.3, 23), (15, 23))
SHARP = 4


@dataclass(frozen=True)
class Theme:
    """For the head of a page: CSS ("" for the default accent), addresses of icons, a colour for the browser's bars."""

    css: str
    svg: str
    png: str
    touch: str
    colour: str


@bp.app_context_processor
def _for_templates() -> dict[str, Any]:
    return {"site_theme": site_theme, "footer_links": footer_links}


def site_theme() -> Theme:
    """Where the pages of the site find its accent."""
    return _theme(site_accent())


@lru_cache(maxsize=64)
def _theme(chosen: Accent) -> Theme:
    """Once per colour: the addresses are the same for everybody."""
    if chosen.chosen == DEFAULT_ACCENT:
        icons = [asset(name) for name in ("favicon.svg", "favicon.png", "apple-touch-icon.png")]
        return Theme("", icons[0], icons[1], icons[2], chosen.light.accent)
    stem = f"{chosen.chosen[1:]}-{_mark(chosen)}"
    svg, png, touch = (f"/theme/{stem}{kind}" for kind in KINDS)
    return Theme(theme_css(chosen), svg, png, touch, chosen.light.accent)


@lru_cache(maxsize=64)
def _mark(of: Accent) -> str:
    """Changes with whatever the files of this accent hold."""
    return hashlib.sha256(_svg(of).encode()).hexdigest()[:12]


def _svg(of: Accent) -> str:
    figure = (resource_dir("static") / "favicon.svg").read_text(encoding="utf-8")
    return figure.replace(DEFAULT_ACCENT, of.light.accent)


@bp.get("/theme/<name>")
def theme(name: str) -> ResponseReturnValue:
    """A file of any accent: a page that was kept somewhere goes on looking as it did."""
    found = NAME.fullmatch(name)
    if found is None:
        abort(404)
    of = accent(f"#{found['colour']}")
    response = Response(_file(of, found["kind"]), mimetype=KINDS[found["kind"]])
    lasting = found["mark"] == _mark(of)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if lasting else "no-cache"
    return response


def _file(of: Accent, kind: str) -> str | bytes:
    return _svg(of) if kind == ".svg" else icon_png(of, int(kind[1:-4]))


@lru_cache(maxsize=16)
def icon_png(of: Accent, size: int) -> bytes:
    """The site's icon, `size` pixels wide: the figure of the week on the accent. About 2 ms."""
    whole = size * SHARP
    image = Image.new("RGBA", (whole, whole), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    # Home screens round the corners themselves, and show what is transparent as black.
    draw.rounded_rectangle((0, 0, whole - 1, whole - 1), 0 if size > 64 else whole * 9 / 64, of.light.accent)
    draw.polygon([(x * whole / 64, y * whole / 64) for x, y in SEVEN], of.light.paper)
    out = io.BytesIO()
    image.resize((size, size), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()
