"""Ghost's cards as plain HTML: https://ghost.org/docs/themes/content/#editor-cards"""

import re
from collections.abc import Callable
from html import escape

from blogapp.delivery.tree import Element
from blogapp.porting.documents import BadDocument
from blogapp.porting.services.embeds import embed
from blogapp.porting.services.fragments import figure, find, find_all, image, inner, link, replace, words_of

# What stands between these is for some readers only; Ghost's own pattern is as forgiving.
GATED = re.compile(r"<!--\s*kg-gated-block:begin\s+([^\n]*?)-->(.*?)<!--\s*kg-gated-block:end\s*-->", re.DOTALL)
MAX_GATES = 1_000
MEMBERS_ONLY = re.compile(r"<!--\s*members-only\s*-->")
# Forms and buttons of Ghost's own, which do nothing elsewhere.
DROPPED = frozenset("kg-signup-card kg-email-card kg-email-cta-card kg-audio-hide".split())


def open_gates(html: str) -> tuple[str, bool]:
    """The HTML without Ghost's marks for members, and whether a part of it was not for everybody.

    Raises:
        BadDocument: it is made of such marks.
    """
    if html.count("kg-gated-block") > MAX_GATES:
        raise BadDocument(f"it has more than {MAX_GATES:,} parts for members")
    hidden = bool(MEMBERS_ONLY.search(html))
    for match in GATED.finditer(html):
        hidden = hidden or not re.search(r"nonMember\s*:\s*\"?true", match[1])
    return MEMBERS_ONLY.sub("", GATED.sub(lambda match: match[2], html)), hidden


def plain_cards(html: str) -> str:
    """The HTML with every card reduced to what any page can show."""
    return replace(html, _card) if "kg-" in html else html


def _card(element: Element) -> str | None:
    names = element.classes
    if DROPPED.intersection(names):
        return ""
    return next((say(element) for name, say in CARDS.items() if name in names), None)


def _bookmark(card: Element) -> str:
    target = find(card, "a")
    said = words_of(find(card, css_class="kg-bookmark-description"))
    below = find(card, "figcaption")
    title = words_of(find(card, css_class="kg-bookmark-title"))
    shown = link(target.attributes.get("href", ""), title) if target else ""
    shown += f"<blockquote><p>{escape(said)}</p></blockquote>" if said else ""
    return shown + (f"<p>{inner(below)}</p>" if below else "")


def _gallery(card: Element) -> str:
    return figure("".join(map(_picture, find_all(card, "img"))), inner(find(card, "figcaption")))


def _image(card: Element) -> str | None:
    picture = find(card, "img")
    if picture is None:
        return None
    target = find(card, "a")
    shown = _picture(picture)
    if target is not None and find(target, "img") is picture:
        shown = f'<a href="{escape(target.attributes.get("href", ""))}">{shown}</a>'
    return figure(shown, inner(find(card, "figcaption")))


def _picture(picture: Element) -> str:
    return image(picture.attributes.get("src", ""), picture.attributes.get("alt", ""))


def _embed(card: Element) -> str | None:
    frame = find(card, "iframe")
    if frame is None or not frame.attributes.get("src"):
        return None
    caption = inner(find(card, "figcaption"))
    return embed(frame.attributes["src"]) + (f"<p>{caption}</p>" if caption else "")


def _media(card: Element) -> str:
    player = find(card, "video") or find(card, "audio")
    inside = find(player, "source") if player else None
    source = next((found.attributes["src"] for found in (player, inside) if found and found.attributes.get("src")), "")
    if player is None or not source:
        return inner(card)
    caption = inner(find(card, "figcaption")) or escape(words_of(find(card, css_class="kg-audio-title")))
    return figure(f'<{player.tag} src="{escape(source)}"></{player.tag}>', caption)


def _file(card: Element) -> str:
    target = find(card, "a")
    names = (words_of(find(card, css_class=f"kg-file-card-{part}")) for part in ("title", "filename"))
    said = words_of(find(card, css_class="kg-file-card-caption"))
    shown = link(target.attributes.get("href", ""), next(filter(None, names), "")) if target else ""
    return shown + (f"<p>{escape(said)}</p>" if said else "")


def _toggle(card: Element) -> str:
    summary = escape(words_of(find(card, css_class="kg-toggle-heading-text")))
    inside = plain_cards(inner(find(card, css_class="kg-toggle-content")))
    return f"<details><summary>{summary}</summary>{inside}</details>"


def _callout(card: Element) -> str:
    sign = escape(words_of(find(card, css_class="kg-callout-emoji")))
    said = f"{sign} {inner(find(card, css_class='kg-callout-text'))}".strip()
    return f"<blockquote><p>{said}</p></blockquote>"


def _button(card: Element) -> str:
    target = find(card, "a")
    return link(target.attributes.get("href", ""), words_of(target)) if target else ""


CARDS: dict[str, Callable[[Element], str | None]] = {
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
