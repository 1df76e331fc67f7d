"""Our own pictures on a page, in kinds and widths from which a browser chooses. Pure functions over stored HTML."""

import re

from blogapp.core.markup import ATTRIBUTE, plain
from blogapp.core.picturemarks import IMAGE, MARK, SOURCE, Mark, mark_in
from blogapp.core.variants import KINDS

# How wide a picture is at most: the measure of the text in static/reading.css, or a phone's screen without its margins.
COLUMN = 680
WIDE_SCREEN = "45em"
ON_A_PHONE = "91vw"
# What a browser takes that knows no srcset.
PLAIN_WIDTH = 1080
# A phone's first screen: a picture with no more words before it is what the reader waits for.
FIRST_SCREEN = 500
TYPES = {"avif": "image/avif", "webp": "image/webp"}


def with_pictures(html: str) -> str:
    """Each of our pictures as <picture>. The first is fetched at once if it stands near the top, the others in time."""
    if "data-picture" not in html:
        return html
    first = IMAGE.search(html)
    near = first is not None and len(plain(html[: first.start()])) <= FIRST_SCREEN

    def shown(tag: re.Match[str]) -> str:
        mark = mark_in(tag[0])
        if mark is None:
            return tag[0]
        return _picture(tag[0], mark, eager=near and first is not None and tag.start() == first.start())

    return IMAGE.sub(shown, html)


def _picture(tag: str, mark: Mark, *, eager: bool) -> str:
    tag = MARK.sub("", tag)
    if eager:
        tag = tag.replace(' loading="lazy"', ' fetchpriority="high"')
    widths = mark.widths
    best = max((width for width in widths if width <= PLAIN_WIDTH), default=widths[0])
    if not mark.varies or " srcset=" in tag:
        # Small, moving, or with a choice of its author's own: as it is, but kept for ever by browsers.
        return SOURCE.sub(mark.address(mark.width, mark.kind), tag, count=1)
    sizes = _sizes(tag)
    tag = SOURCE.sub(mark.address(best, mark.kind), tag, count=1)
    if len(widths) > 1:
        tag = f'{tag[:-1]} srcset="{_srcset(mark, mark.kind)}" sizes="{sizes}">'
    sources = "".join(
        f'<source type="{TYPES[kind]}" srcset="{_srcset(mark, kind)}" sizes="{sizes}">'
        for kind in KINDS
        if kind != mark.kind
    )
    return f"<picture>{sources}{tag}</picture>"


def _srcset(mark: Mark, kind: str) -> str:
    return ", ".join(f"{mark.address(width, kind)} {width}w" for width in mark.widths)


def _sizes(tag: str) -> str:
    """How wide it will be shown: as its author says or as it is, but no wider than the column."""
    given = dict(ATTRIBUTE.findall(tag)).get("width", "")
    width = min(int(given), COLUMN) if given.isdecimal() and given.isascii() else COLUMN
    if width < COLUMN:
        return f"(min-width: {round(width * 1.1) + 1}px) {width}px, {ON_A_PHONE}"
    return f"(min-width: {WIDE_SCREEN}) {COLUMN}px, {ON_A_PHONE}"
