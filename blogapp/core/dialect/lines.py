"""Where kramdown's blocks begin and end, line by line (its GFM parser with the quirk `paragraph_end`)."""

import re
from collections.abc import Sequence

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
ATTRIBUTES = re.compile(rf"[ ]{{0,3}}{_ATTRIBUTES}")
# What no paragraph, quotation or list item goes on over, however lazy.
LAZY_END = re.compile(_LAZY_END)
INDENT = "    "
# What the library puts where HTML or fenced code was.
PLACEHOLDER = re.compile(r"[ ]{0,3}\x02wzxhzdk:\d+\x03$")
PARAGRAPH_END = re.compile(
    rf"{_LAZY_END}|[ ]{{0,3}}(?:(?:[+*-]|\d+\.|:)[ \t]|>|~~~|```)|#{{1,6}}[ \t]|{PLACEHOLDER.pattern}"
)
RULE = re.compile(r"[ ]{0,3}([*_-])[ \t]*\1[ \t]*\1(?:\1|[ \t])*$")


def paragraph_length(lines: Sequence[str]) -> int:
    """How many of the lines are one paragraph; the first of them always is."""
    if PLACEHOLDER.match(lines[0]):
        return 1
    return next((number for number, line in enumerate(lines) if number and PARAGRAPH_END.match(line)), len(lines))


def take_lines(blocks: list[str], count: int) -> list[str]:
    """Take the first lines off the first block."""
    lines = blocks.pop(0).split("\n")
    if lines[count:]:
        blocks.insert(0, "\n".join(lines[count:]))
    return lines[:count]


def take_indented(blocks: list[str]) -> list[str]:
    """Take the indented lines that the blocks begin with, lazy ones behind them, and more of the same after a gap."""
    taken: list[str] = []
    while blocks and (blocks[0].lstrip("\n").startswith(INDENT) or not blocks[0].strip("\n")):
        lines = blocks[0].split("\n")
        ends = (n for n, line in enumerate(lines) if line and not line.startswith(INDENT) and LAZY_END.match(line))
        count = next(ends, len(lines))
        taken += take_lines(blocks, count)
        if count < len(lines):
            break
        taken.append("")
    return taken
