"""Code on lines of its own: between fences, also in a list, or indented."""

import re
from html import escape
from xml.etree import ElementTree as etree

from markdown.preprocessors import Preprocessor
from markdown.util import AtomicString, code_escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from blogapp.core.dialect.attributes import assign, take_attributes
from blogapp.core.dialect.lines import INDENT, LAZY_END, Block, take_indented

OPENING = re.compile(r"[ ]*(?P<fence>`{3,}|~{3,})[ \t]*(?:\{[ ]*\.(?P<named>[\w#.+-]+)[^}`]*\}|(?P<word>[^\s`]+))?\s*$")
ITEM = re.compile(r"(?:[+*-]|\d+\.|:)(?P<blanks>[ \t]+)(?=\S)")
MARK = "\x04"


class Fences(Preprocessor):
    """Takes fenced code out before anything else reads it. A fence counts where its list item's text begins, too.

    HTML that begins a line of an item is marked, so that the library leaves it there (see `Marks`).
    """

    def run(self, lines: list[str]) -> list[str]:
        kept: list[str] = []
        unclosed: set[str] = set()
        columns: list[int] = [0]
        number, after_blank = 0, True
        while number < len(lines):
            line = lines[number]
            indent = len(line) - len(line.lstrip(" "))
            if line.strip() and (after_blank or ITEM.match(line, indent) or LAZY_END.match(line)):
                columns = [column for column in columns if column <= indent]
            column = max(start for start in columns if start <= indent)
            opening = OPENING.match(line) if indent < column + 4 else None
            if opening and (end := _closing(lines, number, opening["fence"], unclosed)):
                kept.append(" " * column + self._stash(opening, _dedent(lines[number + 1 : end], column)))
                number, after_blank = end + 1, False
                continue
            end = max(number, _inner_code(lines, number, indent, columns, unclosed))
            kept.append(f"{line[:indent]}{MARK}{line[indent:]}" if column and line.startswith("<", indent) else line)
            kept += lines[number + 1 : end + 1]
            number, after_blank = end + 1, not line.strip()
        return kept

    def _stash(self, opening: re.Match[str], code: str) -> str:
        language = (opening["named"] or opening["word"] or "").partition("?")[0]
        return self.md.htmlStash.store(coloured(code, language))


class Marks(Preprocessor):
    """Takes the marks away when the library has taken out its HTML."""

    def run(self, lines: list[str]) -> list[str]:
        return [line.replace(MARK, "") for line in lines]


def _inner_code(lines: list[str], number: int, start: int, columns: list[int], unclosed: set[str]) -> int:
    """Note where the items begin on this line; the last line of code that begins behind them: the item's own."""
    indent = start
    while start < columns[-1] + 4 and (item := ITEM.match(lines[number], start)):
        columns.append(item.end())
        start = item.end()
    opening = OPENING.match(lines[number], start) if start > indent else None
    return _closing(lines, number, opening["fence"], unclosed) if opening else 0


def _closing(lines: list[str], start: int, fence: str, unclosed: set[str]) -> int:
    """The number of the line that ends the code begun at `start`; 0 if none does, and then none does further on."""
    if fence in unclosed:
        return 0
    closing = re.compile(rf"[ ]*{fence}{fence[0]}*\s*$")
    for number in range(start + 1, len(lines)):
        if closing.match(lines[number]):
            return number
    unclosed.add(fence)
    return 0


def _dedent(lines: list[str], column: int) -> str:
    return "\n".join(line[column:] if not line[:column].strip() else line for line in lines)


def coloured(code: str, language: str) -> str:
    """The code as HTML, with classes for its colours where the language is known."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False) if language else None
    except ClassNotFound:
        lexer = None
    inner = highlight(code + "\n", lexer, HtmlFormatter(nowrap=True)) if lexer else escape(code, quote=False) + "\n"
    # The parser of HTML takes the first line break of a <pre> away, and a span before it keeps it.
    named = f' class="language-{escape(language)}"' if language else ""
    return f'<div class="highlight"><pre><span></span><code{named}>{inner}</code></pre></div>'


class IndentedCode(Block):
    """Four blanks; lazy lines behind it are put on its last one, as kramdown has it."""

    def test(self, parent: etree.Element, block: str) -> bool:
        return block.startswith(INDENT)

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        code: list[str] = []
        for line in take_indented(blocks):
            if code and line and not line.startswith(INDENT):
                code[-1] += f" {line}"
            else:
                code.append(line.removeprefix(INDENT))
        pre = etree.SubElement(parent, "pre")
        element = etree.SubElement(pre, "code")
        element.text = AtomicString(code_escape("\n".join(code).rstrip()) + "\n")
        for given in take_attributes(blocks):
            assign(pre, given)
