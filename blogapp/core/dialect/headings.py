"""Addresses of headings, and the alignment of tables, on the finished tree."""

import html
import re
from xml.etree import ElementTree as etree

from markdown.extensions.toc import remove_fnrefs, render_inner_html, strip_tags
from markdown.treeprocessors import Treeprocessor

HEADING = re.compile("h[1-6]")


class HeadingIds(Treeprocessor):
    """`## GDS & CoTech` -> `gds--cotech`, as kramdown's GFM parser does it; duplicates end in -1, -2 …"""

    def run(self, root: etree.Element) -> None:
        taken = {element.attrib["id"] for element in root.iter() if "id" in element.attrib}
        for heading in root.iter():
            if isinstance(heading.tag, str) and HEADING.fullmatch(heading.tag) and "id" not in heading.attrib:
                words = html.unescape(strip_tags(render_inner_html(remove_fnrefs(heading), self.md)))
                heading.set("id", unique_id(heading_id(words), taken))


def heading_id(words: str) -> str:
    """Lower-case, nothing but word characters and hyphens, each blank a hyphen."""
    return re.sub(r"[ \t]", "-", re.sub(r"[^\w\- \t]", "", words.lower())) or "section"


def unique_id(wanted: str, taken: set[str]) -> str:
    """`wanted`, or `wanted-1` … where it is taken; the answer counts as taken from now on."""
    unique, count = wanted, 0
    while unique in taken:
        count += 1
        unique = f"{wanted}-{count}"
    taken.add(unique)
    return unique


class AlignByClass(Treeprocessor):
    """Tables say their alignment by class: the page's policy allows no inline style."""

    def run(self, root: etree.Element) -> None:
        for cell in root.iter():
            if cell.tag in ("td", "th") and (align := cell.attrib.pop("align", None)):
                cell.set("class", f"{cell.get('class', '')} align-{align}".strip())
