"""The sheet that a page carries inside itself: one request for the text (docs/decisions/0012-inline-styles.md)."""

import base64
import hashlib
import re
from functools import cache

from flask import g
from markupsafe import Markup

from blogapp.core.resources import resource_dir

# A comment, or a string that must stay as it is; what stands between is squeezed.
PIECE = re.compile(r"/\*.*?\*/|(\"[^\"]*\"|'[^']*')", re.DOTALL)
# Blanks that mean nothing. Not around + and - (`calc(1px + 2px)`), nor before ":" (`.prose :is(p)`), "(" and "[".
AROUND = re.compile(r"\s*([{};,>])\s*")
AFTER = re.compile(r"(?<=[:(])\s+|\s+(?=\))")


def inline_styles(*names: str, more: str = "") -> Markup:
    """A <style> of these sheets of static/; the policy of this answer will know it (`style_sources`).

    Args:
        names: as in `reading` for static/reading.css; in their order.
        more: what comes after them: the site's own colours.
    """
    text = squeezed(names) + minified(more)
    g.setdefault("styles", []).append(text)
    return Markup(f"<style>{text}</style>")  # noqa: S704  # our own sheets and computed colours, nobody's input


def style_sources() -> str:
    """What `style-src` has to name beside 'self' for the styles that stand in this answer."""
    return "".join(f" {_source(text)}" for text in g.get("styles", ()))


@cache
def squeezed(names: tuple[str, ...]) -> str:
    """These sheets of static/ as one, without comments and blanks."""
    return "".join(minified((resource_dir("static") / f"{name}.css").read_text("utf-8")) for name in names)


@cache
def _source(text: str) -> str:
    """The hash of a style, as CSP Level 3 wants it (§2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def minified(css: str) -> str:
    """The sheet without comments and needless blanks; strings stay as they are."""
    strings: list[str] = []

    def kept(match: re.Match[str]) -> str:
        if match[1] is None:
            return " "
        strings.append(match[1])
        return f'"{len(strings) - 1}"'

    css = re.sub(r"\s+", " ", PIECE.sub(kept, css))
    css = AFTER.sub("", AROUND.sub(r"\1", css)).replace(";}", "}").strip()
    return re.sub(r'"(\d+)"', lambda match: strings[int(match[1])], css)
