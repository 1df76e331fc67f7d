"""A small tree of HTML, to find and replace the parts that other programs put into their posts.

Not a browser's parser: what comes out is sanitised (core/sanitise.py) by one before anybody sees it.
"""

from collections.abc import Callable, Iterator
from html import escape
from html.parser import HTMLParser

from blogapp.porting.documents import BadDocument

VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
# Their text is no HTML.
RAW = frozenset(("script", "style"))
# Nobody writes so deep; every step further is a step of recursion.
MAX_DEPTH = 200


class Element:
    """A tag with what is in it: elements, and strings that are HTML already."""

    def __init__(self, tag: str, attributes: dict[str, str] | None = None) -> None:
        self.tag = tag
        self.attributes = attributes or {}
        self.children: list[Element | str] = []

    @property
    def classes(self) -> set[str]:
        return set(self.attributes.get("class", "").split())

    def get(self, name: str) -> str:
        return self.attributes.get(name, "")

    def walk(self) -> "Iterator[Element]":
        """All elements below, in order."""
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child.walk()

    def first(self, tag: str = "", css_class: str = "") -> "Element | None":
        """The first element below of that tag and class."""
        return next(self.all(tag, css_class), None)

    def all(self, tag: str = "", css_class: str = "") -> "Iterator[Element]":
        """Every element below of that tag and class."""
        for element in self.walk():
            if (not tag or element.tag == tag) and (not css_class or css_class in element.classes):
                yield element

    @property
    def inner(self) -> str:
        """The HTML inside."""
        return "".join(child if isinstance(child, str) else child.html for child in self.children)

    @property
    def html(self) -> str:
        if not self.tag:
            return self.inner
        attributes = "".join(f' {name}="{escape(value)}"' for name, value in self.attributes.items())
        return f"<{self.tag}{attributes}>" + ("" if self.tag in VOID else f"{self.inner}</{self.tag}>")


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.open = [Element("")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)
            if len(self.open) > MAX_DEPTH:
                raise BadDocument("its HTML is nested too deeply")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self.open) - 1, 0, -1):
            if self.open[depth].tag == tag:
                del self.open[depth:]
                return

    def handle_data(self, data: str) -> None:
        raw = self.open[-1].tag in RAW
        self.open[-1].children.append(data if raw else data.replace("<", "&lt;").replace(">", "&gt;"))

    def handle_entityref(self, name: str) -> None:
        self.open[-1].children.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.open[-1].children.append(f"&#{name};")


def parse_html(html: str) -> Element:
    """The tree of a piece of HTML; comments are left out.

    Raises:
        BadDocument: it is nested too deeply.
    """
    builder = _Builder()
    builder.feed(html)
    builder.close()
    return builder.open[0]


def replace(html: str, change: Callable[[Element], str | None]) -> str:
    """HTML in which `change` has said what stands for an element ("": nothing; None: it stays, and is looked into).

    Raises:
        BadDocument: it is nested too deeply.
    """
    root = parse_html(html)
    _replace(root, change)
    return root.html


def _replace(parent: Element, change: Callable[[Element], str | None]) -> None:
    for place, child in enumerate(parent.children):
        if isinstance(child, Element):
            instead = change(child)
            if instead is None:
                _replace(child, change)
            else:
                parent.children[place] = instead


def figure(pictures: str, caption: str = "") -> str:
    """A figure of pictures that are HTML already, with a caption that is HTML too."""
    below = f"<figcaption>{caption.strip()}</figcaption>" if caption.strip() else ""
    return f"<figure>{pictures}{below}</figure>"


def image(address: str, alt: str = "") -> str:
    """A picture; both values are plain text."""
    return f'<img src="{escape(address)}" alt="{escape(alt)}">'


def link(address: str, text: str = "") -> str:
    """A paragraph that links somewhere; both values are plain text."""
    return f'<p><a href="{escape(address)}">{escape(text.strip() or address)}</a></p>'
