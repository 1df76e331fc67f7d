"""A post's HTML as it goes into a mail: whole addresses, no players, no page furniture, nothing wider than the mail."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from blogapp.core.embeds import embed
from blogapp.core.markup import absolute, prefix_ids
from blogapp.delivery.tree import Element, Node, parse, render

WIDEST = 600
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# What mail programs do not know becomes what they do.
RENAMED = {
    **dict.fromkeys("article aside details figure footer header section main nav".split(), "div"),
    "figcaption": "p",
    "summary": "p",
    "tt": "code",
}
# Tags that say nothing in a mail; what is inside stays.
UNWRAPPED = frozenset("span time data colgroup col bdi font".split())
KEPT = {
    "a": ("href",),
    "abbr": ("title",),
    "img": ("src", "alt", "width", "height"),
    "td": ("colspan", "rowspan"),
    "th": ("colspan", "rowspan", "scope"),
    "ol": ("start", "type", "reversed"),
    "li": ("value",),
}
STYLED = frozenset(("footnote", "footnote-ref", "footnote-backref", "align-right", "align-center"))
LONG_WORD = 20
# Where a text may be cut so that what is left is whole.
DIVISIBLE = frozenset(("div", "ul", "ol", "li", "dl", "blockquote", "table", "tbody", "pre"))


def mail_article(html: str, base_url: str, prefix: str, widths: Mapping[int, int]) -> Element:
    """The tree of the post as the mail shows it.

    Args:
        html: sanitised, as the site shows it.
        prefix: put before ids, so that the footnotes of two posts in one mail do not meet.
        widths: of our own pictures, in pixels, by the number of the attachment.
    """
    root = parse(prefix_ids(absolute(html, base_url), prefix))
    targets = {element.attributes.get("href", "")[1:] for element in root.walk() if element.tag == "a"}
    shift = 1 if any(element.tag == "h1" for element in root.walk()) else 0
    return Element(
        "",
        {},
        _adapt(
            root.children, _Context(targets, shift, re.compile(re.escape(base_url) + r"/files/(\d{1,18})/"), widths)
        ),
    )


@dataclass(frozen=True)
class _Context:
    targets: set[str]
    shift: int
    own_picture: re.Pattern[str]
    widths: Mapping[int, int]


def _adapt(nodes: list[Node], context: _Context) -> list[Node]:
    adapted: list[Node] = []
    for node in nodes:
        if isinstance(node, str):
            adapted.append(node)
        elif node.tag in UNWRAPPED:
            adapted += _adapt(node.children, context)
        elif node.tag in ("iframe", "video", "audio"):
            adapted.append(_player(node))
        else:
            adapted.append(_element(node, context))
    return adapted


def _element(node: Element, context: _Context) -> Element:
    tag = RENAMED.get(node.tag, node.tag)
    if node.tag in HEADINGS:
        tag = HEADINGS[min(HEADINGS.index(node.tag) + context.shift, 5)]
    kept = ("lang", "dir", *KEPT.get(tag, ()))
    attributes = {name: node.attributes[name] for name in kept if name in node.attributes}
    if (identity := node.attributes.get("id")) and identity in context.targets:
        attributes["id"] = identity
    if css := _class(node):
        attributes["class"] = css
    if tag == "img":
        attributes = _picture(attributes, context)
    if tag == "table":
        attributes |= {"cellpadding": "0", "cellspacing": "0", "border": "0", "width": "100%"}
    children: list[Node] = [Element("strong", {}, node.children)] if node.tag == "summary" else node.children
    return Element(tag, attributes, _adapt(children, context))


def _class(node: Element) -> str:
    """The classes that the mail's style sheet knows."""
    if node.tag in ("table", "figcaption"):
        return "data" if node.tag == "table" else "caption"
    names = [name for name in node.classes if name in STYLED]
    # Breaking words anywhere makes narrow columns of short words absurd: only cells that need it.
    if node.tag in ("td", "th") and any(len(word) > LONG_WORD for word in node.text.split()):
        names.append("long")
    return " ".join(names)


def _picture(attributes: dict[str, str], context: _Context) -> dict[str, str]:
    """No wider than the mail: Outlook obeys the attribute, all others the style sheet."""
    attributes.setdefault("alt", "")
    own = context.own_picture.match(attributes.get("src", ""))
    width = attributes.get("width") or str(context.widths.get(int(own[1]), "") if own else "")
    attributes.pop("height", None)
    attributes.pop("width", None)
    width = str(WIDEST) if width == "100%" else width
    if re.fullmatch(r"\d{1,5}", width) and int(width) > 0:
        attributes["width"] = str(min(int(width), WIDEST))
    return attributes


def _player(node: Element) -> Element:
    """What cannot play in a mail is a link to it; to the page about it, where a host has one."""
    if node.tag == "iframe":
        shown = embed(render(node))
        address, words = shown.original, f"{shown.verb} {shown.name} at {shown.host}"
        return _link("", words, address)
    sources = [element.attributes["src"] for element in node.walk() if element.attributes.get("src")]
    address = sources[0] if sources else ""
    name = node.attributes.get("title", "").strip() or re.sub(r"^https?://(?:www\.)?", "", address)
    return _link("Listen to " if node.tag == "audio" else "Watch ", name, address)


def _link(before: str, words: str, address: str) -> Element:
    return Element("p", {"class": "player"}, [before, Element("a", {"href": address}, [words])] if address else [])


def shorten(article: Element, room: int) -> Element:
    """As many of the first blocks as fit into `room` bytes of HTML, and the notes that they refer to.

    Never ends in a heading. Empty where not even the first block fits.
    """
    notes = [child for child in article.elements if "footnote" in child.classes]
    body = Element("", {}, [child for child in article.children if child not in notes])
    kept = _cut(body, room) or Element("")
    _drop_last_headings(kept)
    wanted = {element.attributes.get("href", "")[1:] for element in kept.walk() if "footnote-ref" in element.classes}
    kept.children += [block for note in notes if (block := _notes(note, wanted))]
    return kept


def _cut(node: Element, room: int, *, code: bool = False) -> Element | None:
    """The element with as many of its first blocks as fit; None if nothing is left of it."""
    kept = Element(node.tag, node.attributes)
    left = room - len(render(kept).encode())
    code = code or node.tag == "pre"
    for child in node.children:
        size = len(render(child).encode())
        if size <= left:
            kept.children.append(child)
            left -= size
            continue
        if isinstance(child, str):
            kept.children += [_lines(child, left)] if code else []
        elif (code or child.tag in DIVISIBLE) and (part := _cut(child, left, code=code)):
            kept.children.append(part)
        break
    return kept if left >= 0 and (kept.text.strip() or any(e.tag == "img" for e in kept.walk())) else None


def _lines(text: str, room: int) -> str:
    """As many whole lines as fit."""
    kept, left = "", room
    for line in text.splitlines(keepends=True):
        left -= len(render(line).encode())
        if left < 0:
            break
        kept += line
    return kept


def _drop_last_headings(node: Element) -> None:
    while node.children:
        last = node.children[-1]
        if isinstance(last, Element) and last.tag not in HEADINGS:
            _drop_last_headings(last)
            return
        if isinstance(last, str) and last.strip():
            return
        node.children.pop()


def _notes(notes: Element, wanted: set[str]) -> Element | None:
    """The block of footnotes with the wanted ones, each with the number that it had; None where none is wanted."""
    kept = Element(notes.tag, notes.attributes)
    for child in notes.children:
        if isinstance(child, Element) and child.tag == "ol":
            items = [e for e in child.elements if e.tag == "li"]
            numbered = [Element("li", {"value": str(n), **e.attributes}, e.children) for n, e in enumerate(items, 1)]
            child = Element("ol", child.attributes, [e for e in numbered if e.attributes.get("id") in wanted])
        kept.children.append(child)
    return kept if any(e.tag == "li" for e in kept.walk()) else None
