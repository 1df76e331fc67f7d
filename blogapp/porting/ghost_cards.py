"""Ghost's cards as plain HTML: https://ghost.org/docs/themes/content/#editor-cards"""

import re
from html import escape, unescape

from blogapp.core.markup import plain
from blogapp.porting.embeds import embed
from blogapp.porting.markup_tree import Element, figure, image, link, replace

# What stands between these is for some readers only; Ghost's own pattern is as forgiving.
GATED = re.compile(r"<!--\s*kg-gated-block:begin\s+([^\n]*?)-->(.*?)<!--\s*kg-gated-block:end\s*-->", re.DOTALL)
MEMBERS_ONLY = re.compile(r"<!--\s*members-only\s*-->")
# Forms and buttons of Ghost's own, which do nothing elsewhere.
DROPPED = frozenset("kg-signup-card kg-email-card kg-email-cta-card kg-audio-hide".split())


def open_gates(html: str) -> tuple[str, bool]:
    """The HTML without Ghost's marks for members, and whether a part of it was not for everybody."""
    hidden = bool(MEMBERS_ONLY.search(html))
    for match in GATED.finditer(html):
        hidden = hidden or not re.search(r"nonMember\s*:\s*\"?true", match[1])
    return MEMBERS_ONLY.sub("", GATED.sub(lambda match: match[2], html)), hidden


def plain_cards(html: str) -> str:
    """The HTML with every card reduced to what any page can show.

    Raises:
        BadDocument: it is nested too deeply.
    """
    return replace(html, _card) if "kg-" in html else html


def _card(element: Element) -> str | None:
    names = element.classes
    if names & DROPPED:
        return ""
    for name, say in CARDS.items():
        if name in names:
            return say(element)
    return None


def _text(element: Element, css_class: str) -> str:
    found = element.first(css_class=css_class)
    return unescape(plain(found.inner)) if found else ""


def _bookmark(card: Element) -> str:
    target = card.first("a")
    said = _text(card, "kg-bookmark-description")
    below = card.first("figcaption")
    more = f"<p>{below.inner}</p>" if below else ""
    return (
        (link(unescape(target.get("href")), _text(card, "kg-bookmark-title")) if target else "")
        + (f"<blockquote><p>{escape(said)}</p></blockquote>" if said else "")
        + more
    )


def _gallery(card: Element) -> str:
    pictures = "".join(image(unescape(picture.get("src")), picture.get("alt")) for picture in card.all("img"))
    return figure(pictures, _caption(card))


def _image(card: Element) -> str | None:
    picture = card.first("img")
    if picture is None:
        return None
    shown = image(unescape(picture.get("src")), picture.get("alt"))
    target = card.first("a")
    if target is not None and target.first("img") is picture:
        shown = f'<a href="{escape(unescape(target.get("href")))}">{shown}</a>'
    return figure(shown, _caption(card))


def _embed(card: Element) -> str | None:
    frame = card.first("iframe")
    return (embed(unescape(frame.get("src"))) + _below(card)) if frame and frame.get("src") else None


def _media(card: Element) -> str:
    for tag in ("video", "audio"):
        player = card.first(tag)
        if player is not None:
            source = player.get("src") or next((inner.get("src") for inner in player.all("source")), "")
            if source:
                title = _text(card, "kg-audio-title")
                return figure(f'<{tag} src="{escape(unescape(source))}"></{tag}>', _caption(card) or escape(title))
    return card.inner


def _file(card: Element) -> str:
    target = card.first("a")
    name = _text(card, "kg-file-card-title") or _text(card, "kg-file-card-filename")
    said = _text(card, "kg-file-card-caption")
    return (link(unescape(target.get("href")), name) if target else "") + (f"<p>{escape(said)}</p>" if said else "")


def _toggle(card: Element) -> str:
    inside = card.first(css_class="kg-toggle-content")
    summary = escape(_text(card, "kg-toggle-heading-text"))
    return f"<details><summary>{summary}</summary>{plain_cards(inside.inner) if inside else ''}</details>"


def _callout(card: Element) -> str:
    said = card.first(css_class="kg-callout-text")
    sign = escape(_text(card, "kg-callout-emoji"))
    return f"<blockquote><p>{sign} {said.inner if said else ''}</p></blockquote>".replace("<p> ", "<p>")


def _button(card: Element) -> str:
    target = card.first("a")
    return link(unescape(target.get("href")), unescape(plain(target.inner))) if target else ""


def _caption(card: Element) -> str:
    below = card.first("figcaption")
    return below.inner if below else ""


def _below(card: Element) -> str:
    return f"<p>{_caption(card)}</p>" if _caption(card) else ""


CARDS = {
    "kg-bookmark-card": _bookmark,
    "kg-gallery-card": _gallery,
    "kg-image-card": _image,
    "kg-embed-card": _embed,
    "kg-video-card": _media,
    "kg-audio-card": _media,
    "kg-file-card": _file,
    "kg-toggle-card": _toggle,
    "kg-callout-card": _callout,
    "kg-button-card": _button,
}
