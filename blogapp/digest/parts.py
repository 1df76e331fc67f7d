"""The two parts of a digest, HTML and plain text, small enough for every mail program."""

from collections.abc import Callable, Mapping, Sequence
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
# What is left of a post that is not there in full, in bytes of HTML; and what styles and encoding make of a byte.
BEGINNING = 1500
GROWS = 1.25
WIDTH = 72


@dataclass(frozen=True)
class Parts:
    """The HTML part, styles inlined, and the plain part. `shortened`: both hold the beginning and link to the rest."""

    html: str
    text: str
    shortened: bool


def parts_that_fit(article: Element, context: Mapping[str, Any], name: str = "digest") -> Parts:
    """Both parts with the whole article if it fits, else with its beginning.

    Args:
        name: of the templates.
    """
    html = _html(name, context, article=article, shortened=False)
    if size(html) <= LARGEST_HTML:
        return Parts(html, _text(name, context, article=article, shortened=False), shortened=False)

    def whole(kept: Element) -> str:
        return _html(name, context, article=kept, shortened=True)

    kept, html = _beginning(article, str(context["summary"]), size(html), whole)
    return Parts(html, _text(name, context, article=kept, shortened=True), shortened=True)


def catch_up_that_fits(pieces: Sequence[tuple[dict[str, Any], Element]], context: Mapping[str, Any]) -> Parts:
    """Both parts of a mail with several posts: as many in full as fit, the newest first of all.

    The others are there with their beginning, and where even that is too much with their title; never without a link.

    Args:
        pieces: of each post what the template shows of it (`age`: 0 is the newest) and its article.
    """
    shown = [_Shown(facts, article) for facts, article in pieces]
    oldest_first = sorted(shown, key=lambda piece: -int(piece.facts["age"]))
    html = _html("catch-up", context, pieces=[piece.html() for piece in shown])
    room = size(html)
    for less in (_Shown.keep_beginning, _Shown.keep_title):
        for piece in oldest_first[:-1]:
            if size(html) <= LARGEST_HTML:
                break
            room -= int(less(piece) * GROWS)
            if room <= LARGEST_HTML:
                html = _html("catch-up", context, pieces=[piece.html() for piece in shown])
                room = size(html)
    newest = oldest_first[-1]

    def with_newest(kept: Element) -> str:
        newest.keep(kept)
        return _html("catch-up", context, pieces=[piece.html() for piece in shown])

    html = with_newest(newest.kept)
    if size(html) > LARGEST_HTML:
        _, html = _beginning(newest.kept, str(newest.facts["summary"]), size(html), with_newest)
    text = _text("catch-up", context, pieces=[piece.text() for piece in shown])
    return Parts(html, text, shortened=any(piece.level != "whole" for piece in shown))


class _Shown:
    """One post of several, and how much of it is there."""

    def __init__(self, facts: Mapping[str, Any], article: Element) -> None:
        self.facts, self.article, self.kept, self.level = facts, article, article, "whole"

    def keep(self, kept: Element) -> None:
        if kept is not self.article:
            self.kept, self.level = kept, "beginning"

    def keep_beginning(self) -> int:
        """Keep the first paragraphs. Returns how many bytes less there are."""
        before = len(render(self.article).encode())
        if before <= BEGINNING:
            return 0
        kept = shorten(self.article, BEGINNING)
        self.keep(kept if kept.children else _summary(str(self.facts["summary"])))
        return before - len(render(self.kept).encode())

    def keep_title(self) -> int:
        """Keep nothing but the title and the link. Returns as above."""
        before = len(render(self.kept).encode())
        self.kept, self.level = Element(""), "title"
        return before

    def html(self) -> dict[str, Any]:
        inside = Markup(render(self.kept))  # noqa: S704  # sanitised when the post was saved
        return {**self.facts, "level": self.level, "article": inside}

    def text(self) -> dict[str, Any]:
        return {**self.facts, "level": self.level, "article": _plain(self.kept)}


def _beginning(article: Element, summary: str, whole: int, make: Callable[[Element], str]) -> tuple[Element, str]:
    """The beginning of an article that is too long, and the HTML part with it.

    Args:
        whole: the size of the part with all of it.
        make: makes the part with what is kept.
    """
    room, html_size = len(render(article).encode()), whole
    frame = size(make(Element("")))
    # Where not even the first block fits.
    least = _summary(summary)
    for _ in range(TRIES):
        # What styles and encoding add grows with the article, so the next guess is nearly right.
        room = int(room * 0.98 * max(LARGEST_HTML - frame, 0) / max(html_size - frame, 1))
        kept = shorten(article, room)
        kept = kept if kept.children else least
        html = make(kept)
        html_size = size(html)
        if html_size <= LARGEST_HTML:
            return kept, html
    return least, make(least)


def _summary(text: str) -> Element:
    return Element("", {}, [Element("p", {}, [text])])


def size(html: str) -> int:
    """Bytes of an HTML part as it leaves."""
    return len(quoted_printable(html))


def _html(name: str, context: Mapping[str, Any], *, article: Element | None = None, **given: Any) -> str:
    template = current_app.jinja_env.get_template(f"emails/{name}/body.html")
    if article is not None:
        given["article"] = Markup(render(article))  # noqa: S704  # sanitised when the post was saved
    return inline_styles(template.render(**context, **given))


def _text(name: str, context: Mapping[str, Any], *, article: Element | None = None, **given: Any) -> str:
    template = current_app.jinja_env.get_template(f"emails/{name}/body.txt")
    if article is not None:
        given["article"] = _plain(article)
    return template.render(**context, **given, wrapped=_wrapped, underlined=_underlined).strip() + "\n"


def _plain(article: Element) -> str:
    return plain_text(render(article), base_url=settings().base_url, width=WIDTH).rstrip("\n")


def _wrapped(text: str) -> str:
    return "\n".join(wrap(" ".join(text.split()), WIDTH))


def _underlined(text: str, mark: str) -> str:
    lines = wrap(" ".join(text.split()), WIDTH)
    return "\n".join([*lines, mark * min(WIDTH, max(map(columns, lines)))])
