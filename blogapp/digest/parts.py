"""The two parts of a digest, HTML and plain text, small enough for every mail program."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app
from markupsafe import Markup

from blogapp.core.config import settings
from blogapp.delivery.message import inline_styles
from blogapp.delivery.plaintext import plain_text
from blogapp.delivery.quoted import quoted_printable
from blogapp.delivery.tree import Element, render
from blogapp.delivery.wrapping import columns, wrap
from blogapp.digest.article import shorten

# Gmail clips at 102 kB. Counted as sent, in quoted-printable, with room for what splicing adds.
LARGEST_HTML = 102_400 - 1_024
TRIES = 12
WIDTH = 72


@dataclass(frozen=True)
class Parts:
    """The HTML part, styles inlined, and the plain part. `shortened`: both hold the beginning and link to the rest."""

    html: str
    text: str
    shortened: bool


def parts_that_fit(article: Element, context: Mapping[str, Any]) -> Parts:
    """Both parts with the whole article if it fits, else with its beginning."""
    html = _html(article, context, shortened=False)
    room = len(render(article).encode())
    if size(html) <= LARGEST_HTML:
        return Parts(html, _text(article, context, shortened=False), shortened=False)
    frame = size(_html(Element(""), context, shortened=True))
    # Where not even the first block fits.
    beginning = Element("", {}, [Element("p", {}, [context["summary"]])])
    for _ in range(TRIES):
        # What styles and encoding add grows with the article, so the next guess is nearly right.
        room = int(room * 0.98 * max(LARGEST_HTML - frame, 0) / max(size(html) - frame, 1))
        kept = shorten(article, room)
        kept = kept if kept.children else beginning
        html = _html(kept, context, shortened=True)
        if size(html) <= LARGEST_HTML:
            break
    else:
        kept = beginning
        html = _html(kept, context, shortened=True)
    return Parts(html, _text(kept, context, shortened=True), shortened=True)


def size(html: str) -> int:
    """Bytes of an HTML part as it leaves."""
    return len(quoted_printable(html))


def _html(article: Element, context: Mapping[str, Any], *, shortened: bool) -> str:
    template = current_app.jinja_env.get_template("emails/digest/body.html")
    inside = Markup(render(article))  # noqa: S704  # sanitised when the post was saved
    return inline_styles(template.render(**context, article=inside, shortened=shortened))


def _text(article: Element, context: Mapping[str, Any], *, shortened: bool) -> str:
    template = current_app.jinja_env.get_template("emails/digest/body.txt")
    body = plain_text(render(article), base_url=settings().base_url, width=WIDTH)
    given = {"article": body.rstrip("\n"), "shortened": shortened, "wrapped": _wrapped, "underlined": _underlined}
    return template.render(**context, **given).strip() + "\n"


def _wrapped(text: str) -> str:
    return "\n".join(wrap(" ".join(text.split()), WIDTH))


def _underlined(text: str, mark: str) -> str:
    lines = wrap(" ".join(text.split()), WIDTH)
    return "\n".join([*lines, mark * min(WIDTH, max(map(columns, lines)))])
