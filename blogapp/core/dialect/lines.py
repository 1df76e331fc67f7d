"""Where kramdown's blocks begin and end, line by line (its GFM parser with the quirk `paragraph_end`)."""

import re
from collections.abc import Callable
from xml.etree import ElementTree as etree

from markdown.blockparser import BlockParser
from markdown.blockprocessors import BlockProcessor

# A line that begins with any other tag ends the paragraph before it.
SPAN_TAGS = (
    "a|abbr|acronym|b|big|bdo|br|button|cite|code|del|dfn|em|i|img|input|ins|kbd|label|mark|option|q|rb|rbc|rp|rt|rtc|"
    "ruby|samp|script|select|small|span|strong|sub|sup|tt|u|var"
)
# Beside the library's own block tags: at the beginning of a line they are blocks to kramdown.
BLOCK_TAGS = "audio bdi canvas data embed font nobr picture s strike svg template time video wbr".split()
_ATTRIBUTES = r"\{:(?!:|/)(?P<list>(?:\\\}|[^}])+)\}[ \t]*$"
_BLOCK_TAG = rf"</?(?!(?:{SPAN_TAGS})\b)[A-Za-z][\w.:-]*"
_LAZY_END = rf"[ ]{{0,3}}(?:{_ATTRIBUTES.replace('?P<list>', '?:')}|{_BLOCK_TAG})|\^?[ \t]*$"

# `{: .class #id key="value"}` on a line of its own.
ATTRIBUTES = re.compile(rf"[ ]{{0,3}}{_ATTRIBUTES}", re.MULTILINE)
# What no paragraph, quotation or list item goes on over, however lazy.
LAZY_END = re.compile(rf"^(?:{_LAZY_END})", re.MULTILINE)
INDENT = "    "
# What the library puts where HTML or fenced code was.
PLACEHOLDER = re.compile(r"[ ]{0,3}\x02wzxhzdk:\d+\x03$", re.MULTILINE)
PARAGRAPH_END = re.compile(
    rf"^(?:{_LAZY_END}|[ ]{{0,3}}(?:(?:[+*-]|\d+\.|:)[ \t]|>|~~~|```)|#{{1,6}}[ \t]|{PLACEHOLDER.pattern})",
    re.MULTILINE,
)
RULE = re.compile(r"[ ]{0,3}([*_-])[ \t]*\1[ \t]*\1(?:\1|[ \t])*$", re.MULTILINE)


class Block(BlockProcessor):
    """A kind of block that is told by how it begins."""


def parse_inside(parser: BlockParser, parent: etree.Element, text: str) -> None:
    """Parse what stands in an item, a quotation or a note: code and HTML of its own have not been taken out yet."""
    if "<" in text or "```" in text or "~~~" in text:
        lines = text.split("\n")
        for name in ("fences", "html_block", "marks"):
            lines = parser.md.preprocessors[name].run(lines)
        text = "\n".join(lines)
    parser.parseChunk(parent, text)


def end_before(pattern: re.Pattern[str], block: str) -> int:
    """Where the block's first lines end: before the first line, but the very first, that the pattern matches."""
    first = block.find("\n")
    found = pattern.search(block, first + 1) if first >= 0 else None
    return found.start() - 1 if found else len(block)


def paragraph_end(block: str) -> int:
    """Where the paragraph ends that the block begins with; its first line always belongs to it."""
    if placeholder := PLACEHOLDER.match(block):
        return placeholder.end()
    return end_before(PARAGRAPH_END, block)


def take(blocks: list[str], end: int) -> str:
    """Take the first lines off the first block, up to the line break at `end`."""
    block = blocks.pop(0)
    if rest := block[end + 1 :]:
        blocks.insert(0, rest)
    return block[:end]


def take_line(blocks: list[str]) -> str:
    end = blocks[0].find("\n")
    return take(blocks, end if end >= 0 else len(blocks[0]))


def take_while(blocks: list[str], is_wanted: Callable[[str], bool]) -> bool:
    """Take lines off the first block as long as they are wanted; True if that was all of it."""
    block, start = blocks[0], 0
    while start <= len(block):
        end = block.find("\n", start)
        end = len(block) if end < 0 else end
        if not is_wanted(block[start:end]):
            blocks[0] = block[start:]
            return False
        start = end + 1
    blocks.pop(0)
    return True


def take_indented(blocks: list[str]) -> list[str]:
    """Take the indented lines that the blocks begin with, lazy ones behind them, and more of the same after a gap."""
    taken: list[str] = []

    def is_wanted(line: str) -> bool:
        if line and not line.startswith(INDENT) and LAZY_END.match(line):
            return False
        taken.append(line)
        return True

    while blocks and (blocks[0].lstrip("\n").startswith(INDENT) or not blocks[0].strip("\n")):
        if not take_while(blocks, is_wanted):
            break
        taken.append("")
    return taken
