"""Paragraphs, headings, quotations, rules and definitions as kramdown's GFM parser cuts them.

Every processor looks at the beginning of a block only, and leaves the lines behind its own for the others.
"""

import re
from typing import Any, cast
from xml.etree import ElementTree as etree

from markdown.blockprocessors import BlockProcessor, SetextHeaderProcessor
from markdown.preprocessors import Preprocessor

from blogapp.core.dialect.attributes import assign, take_attributes
from blogapp.core.dialect.lines import (
    LAZY_END,
    PLACEHOLDER,
    RULE,
    Block,
    end_before,
    paragraph_end,
    parse_inside,
    take,
    take_line,
)


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
        block = blocks[0]
        end = paragraph_end(block)
        alone = PLACEHOLDER.match(block)
        while not alone and end < len(block) and not self._other_begins(parent, block[end + 1 :]):
            end += 1 + paragraph_end(block[end + 1 :])
        text = take(blocks, end)
        if text.strip():
            etree.SubElement(parent, "p").text = text.strip()
            for given in take_attributes(blocks):
                assign(parent[-1], given)

    def _other_begins(self, parent: etree.Element, rest: str) -> bool:
        """Whether what looks like a block is one: a fence may be open, a list of attributes empty."""
        if PLACEHOLDER.match(rest) or not rest.split("\n", 1)[0].strip():
            return True
        return any(isinstance(kind, Block) and kind.test(parent, rest) for kind in self.parser.blockprocessors)


class Heading(Block):
    """`#hashtag` is no heading: a blank has to follow, then a word."""

    RE = re.compile(r"(?P<level>#{1,6})[ \t]+(?P<words>.*\S)")

    def test(self, parent: etree.Element, block: str) -> bool:
        found = self.RE.match(block)
        return bool(found and _without_hashes(found["words"]))

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        found = cast(re.Match[str], self.RE.match(take_line(blocks)))
        heading = etree.SubElement(parent, f"h{len(found['level'])}")
        heading.text = _without_hashes(found["words"])
        for given in take_attributes(blocks):
            assign(heading, given)


def _without_hashes(words: str) -> str:
    return re.sub(r"(?:^|[ \t])#+$", "", words).rstrip()


class UnderlinedHeading(Block, SetextHeaderProcessor):
    """A line over `===` or `---`."""

    RE = re.compile(r"[ ]{0,3}[^ \t\n].*\n(?:=[=-]*|-[=-]*)[ \t]*(?:\n|$)")

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        super().run(parent, blocks)
        for given in take_attributes(blocks):
            assign(parent[-1], given)


class Rule(Block):
    """`* * *`"""

    def test(self, parent: etree.Element, block: str) -> bool:
        return bool(RULE.match(block))

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        take_line(blocks)
        etree.SubElement(parent, "hr")


class Boundary(Block):
    """`^` on a line of its own ends what stands before it, and is not shown."""

    RE = re.compile(r"\^[ \t]*$", re.MULTILINE)

    def test(self, parent: etree.Element, block: str) -> bool:
        return bool(self.RE.match(block))

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        take_line(blocks)


class Quotation(Block):
    """Lazy lines belong to it; after an empty line another one begins."""

    RE = re.compile(r"^[ ]{0,3}>[ ]?", re.MULTILINE)

    def test(self, parent: etree.Element, block: str) -> bool:
        return bool(self.RE.match(block))

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        text = self.RE.sub("", take(blocks, end_before(LAZY_END, blocks[0])))
        quotation = etree.SubElement(parent, "blockquote")
        parse_inside(self.parser, quotation, re.sub(r"^[ \t]+$", "", text, flags=re.MULTILINE))
        for given in take_attributes(blocks):
            assign(quotation, given)


class Definition(Block):
    """`[id]: address "title"`, at the beginning of a block or behind another definition."""

    RE = re.compile(r"[ ]{0,3}\[(?P<id>[^\n\]]+)\]:[ \t]*+(?P<rest>[^\n]*\S)[ \t]*(?:\n|$)")
    QUOTED = re.compile(r"<(?P<address>.*?)>(?P<title>[ \t]+[\"'].+)?$")
    # No run of blanks is read twice: a line may be as long as the text.
    BEFORE_TITLE = re.compile(r"(?<![ \t])[ \t]++(?=[\"'])")
    TITLE = re.compile(r"[ \t]*(?P<quote>[\"'])(?P<title>.+)(?P=quote)[ \t]*(?:\n|$)")

    def test(self, parent: etree.Element, block: str) -> bool:
        return self._read(block) is not None

    def run(self, parent: etree.Element, blocks: list[str]) -> bool:
        read = self._read(blocks[0])
        if read is None:
            return False
        name, address, title, end = read
        references: dict[str, Any] = cast(Any, self.parser.md).references
        references[reference_id(name)] = (address, title)
        if rest := blocks.pop(0)[end:]:
            blocks.insert(0, rest)
            take_attributes(blocks)
        return True

    def _read(self, block: str) -> tuple[str, str, str | None, int] | None:
        """Id, address, title, and where the definition ends."""
        found = self.RE.match(block)
        if not found:
            return None
        address, title, end = found["rest"], "", found.end()
        if quoted := self.QUOTED.match(address):
            address, title = quoted["address"], quoted["title"] or ""
        elif blank := self.BEFORE_TITLE.search(address):
            address, title = address[: blank.start()], address[blank.end() :]
        if title:
            behind = self.TITLE.match(title)
            return (found["id"], address, behind["title"], end) if behind else None
        if below := self.TITLE.match(block, end):
            return found["id"], address, below["title"], below.end()
        return found["id"], address, None, end


def reference_id(source: str) -> str:
    """References are found whatever their case and however long their blanks."""
    return re.sub(r"\s+", " ", source).lower()
