"""Addresses of headings."""

import html
import re
from xml.etree import ElementTree as etree

from markdown.extensions.toc import remove_fnrefs, run_postprocessors, unescape
from markdown.treeprocessors import Treeprocessor

from blogapp.core.dialect.attributes import HEADING


class HeadingIds(Treeprocessor):
    """`## GDS & CoTech` -> `gds--cotech`, as kramdown's GFM parser does it; duplicates end in -1, -2 …"""

    def run(self, root: etree.Element) -> None:
        taken = {element.attrib["id"]: 0 for element in root.iter() if "id" in element.attrib}
        for heading in root.iter():
            if isinstance(heading.tag, str) and HEADING.fullmatch(heading.tag) and "id" not in heading.attrib:
                if wanted := heading_id(self._words(heading)):
                    heading.set("id", unique_id(wanted, taken))

    def _words(self, heading: etree.Element) -> str:
        text = unescape(self.md.serializer(remove_fnrefs(heading)))
        return html.unescape(re.sub(r"<[^>]*>", "", run_postprocessors(text, self.md)).rstrip("\n"))


def heading_id(words: str) -> str:
    """Lower-case, nothing but word characters and hyphens, each blank a hyphen; none for `???`."""
    return re.sub(r"[ \t]", "-", re.sub(r"[^\w\- \t]", "", words.lower()))


def unique_id(wanted: str, taken: dict[str, int]) -> str:
    """`wanted`, or `wanted-1` … where it is taken; the answer counts as taken from now on."""
    unique = wanted
    while unique in taken:
        taken[wanted] += 1
        unique = f"{wanted}-{taken[wanted]}"
    taken[unique] = 0
    return unique
