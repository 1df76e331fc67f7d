"""`[^1]: …`: a note goes on in lines that are indented."""

import re
from typing import cast
from xml.etree import ElementTree as etree

from markdown.extensions.footnotes import FootnoteExtension
from markdown.treeprocessors import Treeprocessor

from blogapp.core.dialect.attributes import take_attributes
from blogapp.core.dialect.lines import INDENT, Block, take_indented, take_line


class FootnoteDefinition(Block):
    """At the beginning of a block only, like every definition of kramdown's."""

    RE = re.compile(r"[ ]{0,3}\[\^(?P<name>\w[\w-]*)\]:[ \t]*(?P<text>.*)")

    def __init__(self, footnotes: FootnoteExtension) -> None:
        super().__init__(footnotes.parser)
        self.footnotes = footnotes

    def test(self, parent: etree.Element, block: str) -> bool:
        return bool(self.RE.match(block))

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        stands_alone = "\n" not in blocks[0]
        found = cast(re.Match[str], self.RE.match(take_line(blocks)))
        lines = [found["text"], *[""] * stands_alone]
        lines += [line.removeprefix(INDENT) for line in take_indented(blocks)]
        self.footnotes.setFootnote(found["name"], "\n".join(lines).strip("\n"))
        take_attributes(blocks)


class UnusedNotes(Treeprocessor):
    """A note that nothing refers to is not shown."""

    def run(self, root: etree.Element) -> None:
        used = {element.get("href") for element in root.iter("a") if element.get("class") == "footnote-ref"}
        for parent in root.iter():
            for notes in [child for child in parent if child.get("class") == "footnote"]:
                for item in list(notes.find("ol") or ()):
                    if f"#{item.get('id')}" not in used:
                        cast(etree.Element, notes.find("ol")).remove(item)
                if not len(notes.find("ol") or ()):
                    parent.remove(notes)
