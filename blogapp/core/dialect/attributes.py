"""`{: .class #id key="value"}`: what kramdown calls an inline attribute list, after a block, before it, or in a line."""

import re
from xml.etree import ElementTree as etree

from markdown.blockprocessors import BlockProcessor
from markdown.extensions.attr_list import AttrListTreeprocessor

from blogapp.core.dialect.lines import ATTRIBUTES, take_lines

ITEM = re.compile(r"(?P<attribute>[\w-]+)=(?P<quote>[\"'])(?P<value>.*?)(?P=quote)|(?P<names>(?:[.#][^\s.#]+)+)")
NAME = re.compile(r"([.#])([^\s.#]+)")


class SpanAttributes(AttrListTreeprocessor):
    """Behind an element in a line, and only with the colon: `{by}` is a text."""

    BASE_RE = r"\{:(?!:|/)[ ]*([^\}\n]*)\}"
    INLINE_RE = re.compile(rf"^{BASE_RE}")
    HEADER_RE = re.compile(r"[ \t]+\{(#[A-Za-z_][\w:.-]*)\}[ \t]*$")
    BLOCK_RE = re.compile(r"(?!)")

    def assign_attrs(self, elem: etree.Element, attrs_string: str, *, strict: bool = False) -> str:
        assign(elem, attrs_string)
        return ""


class BlockAttributes(BlockProcessor):
    """On lines of their own before a block: they are the next block's."""

    def test(self, parent: etree.Element, block: str) -> bool:
        return bool(ATTRIBUTES.match(block.partition("\n")[0]))

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
    while blocks and (found := ATTRIBUTES.match(blocks[0].partition("\n")[0])):
        given.append(found["list"])
        take_lines(blocks, 1)
    return given


def assign(element: etree.Element, text: str) -> None:
    """Give an element what a list says; the cleaner judges it later."""
    for item in ITEM.finditer(text):
        if item["attribute"]:
            element.set(item["attribute"], item["value"])
            continue
        for kind, name in NAME.findall(item["names"]):
            if kind == "#":
                element.set("id", name)
            else:
                element.set("class", f"{element.get('class', '')} {name}".strip())
