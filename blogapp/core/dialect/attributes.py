"""`{: .class #id key="value"}`, kramdown's attribute list: after a block, before it, or in a line."""

import re
from xml.etree import ElementTree as etree

from markdown.treeprocessors import Treeprocessor

from blogapp.core.dialect.lines import ATTRIBUTES, Block, take_line

ITEM = re.compile(
    r"(?P<attribute>[\w-]+)=(?P<quote>[\"'])(?P<value>.*?)(?P=quote)|(?P<names>(?:[.#][^\s.#]+)+)|\b(?P<toc>toc)\b"
)
SPAN = re.compile(r"\{:(?!:|/)(?P<list>(?:\\\}|[^}])+)\}")
HEADING = re.compile("h[1-6]")
HEADING_ID = re.compile(r"[ \t]+\{#(?P<id>[A-Za-z_:][\w:.-]*)\}[ \t]*$")
# An attribute for the time until the headings are known.
CONTENTS = "data-contents"
NAME = re.compile(r"([.#])([^\s.#]+)")


class SpanAttributes(Treeprocessor):
    """Behind an element in a line, and only with the colon: `{by}` is a text. Behind a heading `{#id}` as well."""

    def run(self, root: etree.Element) -> None:
        for element in root.iter():
            while found := SPAN.match(element.tail or ""):
                assign(element, found["list"])
                element.tail = str(element.tail)[found.end() :]
            if HEADING.fullmatch(str(element.tag)):
                self._take_id(element)

    def _take_id(self, heading: etree.Element) -> None:
        text = heading[-1].tail if len(heading) else heading.text
        if not (found := HEADING_ID.search(text or "")):
            return
        heading.set("id", found["id"])
        if len(heading):
            heading[-1].tail = str(text)[: found.start()]
        else:
            heading.text = str(text)[: found.start()]


class BlockAttributes(Block):
    """On lines of their own before a block: they are the next block's."""

    def test(self, parent: etree.Element, block: str) -> bool:
        return bool(ATTRIBUTES.match(block))

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        given = take_attributes(blocks)
        count = len(parent)
        if blocks and blocks[0].strip():
            self.parser.parseBlocks(parent, [blocks.pop(0)])
            for element in list(parent)[count : count + 1]:
                assign(element, " ".join(given))


def take_attributes(blocks: list[str]) -> list[str]:
    """Take the lists at the beginning of the first block."""
    given = []
    while blocks and (found := ATTRIBUTES.match(blocks[0])):
        given.append(found["list"])
        take_line(blocks)
    return given


def assign(element: etree.Element, text: str) -> None:
    """Give an element what a list says; the cleaner judges it later."""
    for item in ITEM.finditer(text):
        if item["attribute"]:
            element.set(item["attribute"], item["value"])
        elif item["toc"]:
            element.set(CONTENTS, "toc")
        for kind, name in NAME.findall(item["names"] or ""):
            if kind == "#":
                element.set("id", name)
            else:
                element.set("class", f"{element.get('class', '')} {name}".strip())
