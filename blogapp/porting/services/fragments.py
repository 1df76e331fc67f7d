"""Pieces of foreign HTML: finding the parts that other programs put into their posts, and saying them plainly.

Nothing here makes HTML harmless; that is the renderer's work (core/sanitise.py), when the post is saved.
"""

from collections.abc import Callable, Iterator
from html import escape

import nh3

from blogapp.core.nesting import is_too_deep
from blogapp.core.sanitise import ATTRIBUTES, SCHEMES, TAGS
from blogapp.delivery.tree import Element, parse, render
from blogapp.porting.documents import BadDocument

# What the parts that other programs make are told by; the renderer drops it.
_CLEANER = nh3.Cleaner(
    tags=TAGS | {"picture"},
    clean_content_tags={"script", "style"},
    attributes={**ATTRIBUTES, "a": {*ATTRIBUTES["a"], "name"}},
    generic_attribute_prefixes={"data-"},
    link_rel=None,
    url_schemes=SCHEMES,
)


def well_formed(html: str) -> str:
    """HTML as a browser would repair it, without comments and scripts.

    Python's own parser takes hours for a megabyte of `<!--` (measured), and stops at `<![if …]>`.

    Raises:
        BadDocument: it is nested so deeply that this one takes minutes, too.
    """
    if is_too_deep(html):
        raise BadDocument("its HTML is nested too deeply")
    return _CLEANER.clean(html)


def find_all(element: Element, tag: str = "", css_class: str = "") -> Iterator[Element]:
    """Every element below of that tag and class."""
    for found in element.walk():
        fits = (not tag or found.tag == tag) and (not css_class or css_class in found.classes)
        if found is not element and fits:
            yield found


def find(element: Element, tag: str = "", css_class: str = "") -> Element | None:
    """The first element below of that tag and class."""
    return next(find_all(element, tag, css_class), None)


def words_of(element: Element | None) -> str:
    """The text inside, on one line."""
    return " ".join(element.text.split()) if element else ""


def inner(element: Element | None) -> str:
    """The HTML inside."""
    return "".join(map(render, element.children)) if element else ""


def replace(html: str, change: Callable[[Element], str | None]) -> str:
    """HTML in which `change` has said what stands for an element ("": nothing; None: it stays, and is looked into)."""
    root = parse(well_formed(html))
    _replace(root, change)
    return render(root)


def _replace(parent: Element, change: Callable[[Element], str | None]) -> None:
    for place, child in enumerate(parent.children):
        if isinstance(child, Element):
            instead = change(child)
            if instead is None:
                _replace(child, change)
            else:
                parent.children[place] = parse(instead)


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
