"""A small tree of a piece of HTML, to change it for a mail or to read it out as text.

For sanitised HTML (`core.sanitise`): well-formed, no comments, no scripts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from typing import Union

VOID = frozenset("area br col embed hr img input link meta param source track wbr".split())
# What starts a block of its own in running text.
BLOCKS = frozenset(
    "address article aside blockquote caption center dd details div dl dt figcaption figure footer form h1 h2 h3 h4 h5 "
    "h6 header hr li main nav ol p pre section summary table tbody td tfoot th thead tr ul video audio iframe".split()
)
# Deeper than any reader follows; whoever reads the tree may recurse.
DEEPEST = 60

Node = Union["Element", str]


@dataclass
class Element:
    """A tag with its attributes and what is inside; text is kept unescaped."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    @property
    def elements(self) -> Iterator["Element"]:
        """The children that are elements."""
        return (child for child in self.children if isinstance(child, Element))

    def walk(self) -> Iterator["Element"]:
        """This element and all below it, in the order of the text."""
        yield self
        for child in self.elements:
            yield from child.walk()

    @property
    def text(self) -> str:
        """All the text inside, as it stands."""
        return "".join(child if isinstance(child, str) else child.text for child in self.children)


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("")
        self.open: list[Element] = [self.root]
        # What is nested deeper than anybody follows joins its ancestor.
        self.too_deep: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        if tag in VOID:
            self.open[-1].children.append(element)
        elif len(self.open) > DEEPEST:
            self.too_deep.append(tag)
        else:
            self.open[-1].children.append(element)
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if self.too_deep:
            if tag in self.too_deep:
                self.too_deep.pop()
        elif any(element.tag == tag for element in self.open[1:]):
            while self.open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(html: str) -> Element:
    """The tree of a fragment; its root has no tag."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    return builder.root


def render(node: Node) -> str:
    """The tree as HTML again, attributes in double quotes."""
    if isinstance(node, str):
        return escape(node, quote=False).replace("\u00a0", "&nbsp;")
    inside = "".join(map(render, node.children))
    if not node.tag:
        return inside
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in node.attributes.items())
    return f"<{node.tag}{attributes}>" + ("" if node.tag in VOID else f"{inside}</{node.tag}>")
