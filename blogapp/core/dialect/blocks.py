"""Paragraphs, headings, quotations, rules and definitions as kramdown's GFM parser cuts them.

Every processor looks at the beginning of a block only, and leaves the lines behind its own for the others.
"""

import re
from typing import Any, cast
from xml.etree import ElementTree as etree

from markdown.blockprocessors import BlockProcessor, SetextHeaderProcessor
from markdown.preprocessors import Preprocessor

from blogapp.core.dialect.attributes import assign, take_attributes
from blogapp.core.dialect.lines import LAZY_END, RULE, paragraph_length, take_lines


class Comments(Preprocessor):
    """`{::comment}` … `{:/comment}` and options for kramdown are not shown."""

    RE = re.compile(
        r"^[ ]{0,3}\{::comment\}[ \t]*\n.*?^[ ]{0,3}\{:/(?:comment)?\}[ \t]*$|^[ ]{0,3}\{::options\b[^}\n]*/\}[ \t]*$",
        re.DOTALL | re.MULTILINE,
    )

    def run(self, lines: list[str]) -> list[str]:
        return self.RE.sub("", "\n".join(lines)).split("\n")


class Paragraph(BlockProcessor):
    """Ends where another block begins, empty line or not."""

    def test(self, parent: etree.Element, block: str) -> bool:
        return True

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        lines = take_lines(blocks, paragraph_length(blocks[0].split("\n")))
        text = "\n".join(lines)
        if text.strip():
            etree.SubElement(parent, "p").text = text.strip()
            for given in take_attributes(blocks):
                assign(parent[-1], given)


class Heading(BlockProcessor):
    """`#hashtag` is no heading: a blank has to follow, then a word."""

    RE = re.compile(r"(?P<level>#{1,6})[ \t]+(?P<words>.*\S)")

    def test(self, parent: etree.Element, block: str) -> bool:
        found = self.RE.match(block.partition("\n")[0])
        return bool(found and _without_hashes(found["words"]))

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        found = cast(re.Match[str], self.RE.match(take_lines(blocks, 1)[0]))
        heading = etree.SubElement(parent, f"h{len(found['level'])}")
        heading.text = _without_hashes(found["words"])
        for given in take_attributes(blocks):
            assign(heading, given)


def _without_hashes(words: str) -> str:
    return re.sub(r"(?:^|[ \t])#+$", "", words).rstrip()


class UnderlinedHeading(SetextHeaderProcessor):
    """A line over `===` or `---`."""

    RE = re.compile(r"[ ]{0,3}[^ \t\n].*\n(?:=[=-]*|-[=-]*)[ \t]*(?:\n|$)")

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        super().run(parent, blocks)
        for given in take_attributes(blocks):
            assign(parent[-1], given)


class Rule(BlockProcessor):
    """`* * *`"""

    def test(self, parent: etree.Element, block: str) -> bool:
        return bool(RULE.match(block.partition("\n")[0]))

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        take_lines(blocks, 1)
        etree.SubElement(parent, "hr")


class Boundary(BlockProcessor):
    """`^` on a line of its own ends what stands before it, and is not shown."""

    def test(self, parent: etree.Element, block: str) -> bool:
        return block.partition("\n")[0].rstrip() == "^"

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        take_lines(blocks, 1)


class Quotation(BlockProcessor):
    """Lazy lines belong to it; after an empty line another one begins."""

    RE = re.compile(r"^[ ]{0,3}>[ ]?", re.MULTILINE)

    def test(self, parent: etree.Element, block: str) -> bool:
        return bool(self.RE.match(block))

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        lines = blocks[0].split("\n")
        count = next((number for number, line in enumerate(lines) if number and LAZY_END.match(line)), len(lines))
        text = self.RE.sub("", "\n".join(take_lines(blocks, count)))
        quotation = etree.SubElement(parent, "blockquote")
        self.parser.parseChunk(quotation, re.sub(r"^[ \t]+$", "", text, flags=re.MULTILINE))
        for given in take_attributes(blocks):
            assign(quotation, given)


class Definition(BlockProcessor):
    """`[id]: address "title"`, at the beginning of a block or behind another definition."""

    RE = re.compile(
        r"[ ]{0,3}\[(?P<id>[^\n\]]+)\]:[ \t]*(?:<(?P<quoted>.*?)>|(?P<plain>[^\n]*?\S[^\n]*?))"
        r"(?:(?:[ \t]*\n|[ \t]+)[ \t]*(?P<quote>[\"'])(?P<title>.+?)(?P=quote))?[ \t]*(?:\n|$)"
    )

    def test(self, parent: etree.Element, block: str) -> bool:
        found = self.RE.match(block)
        return bool(found and not re.search(r"[ \t]+[\"']", found["plain"] or ""))

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        block = blocks.pop(0)
        found = cast(re.Match[str], self.RE.match(block))
        address = found["quoted"] if found["plain"] is None else found["plain"]
        references: dict[str, Any] = cast(Any, self.parser.md).references
        references[reference_id(found["id"])] = (address, found["title"])
        if rest := block[found.end() :]:
            blocks.insert(0, rest)
            take_attributes(blocks)


def reference_id(source: str) -> str:
    """References are found whatever their case and however long their blanks."""
    return re.sub(r"\s+", " ", source).lower()
