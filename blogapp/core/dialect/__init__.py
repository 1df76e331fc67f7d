"""Our Markdown: Python-Markdown taught the ways of kramdown (GFM) that a team's posts rely on.

Held against kramdown 2.4 over 574 real posts by tests/integration/test_markup_corpus.py; docs/rendering.md names what
is left. Blocks are cut by kramdown's rules, in kramdown's order; the library does what stands inside a line.
"""

import re
import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from markdown import Markdown
from markdown.extensions import Extension
from markdown.extensions.footnotes import FootnoteExtension
from markdown.inlinepatterns import DelimiterProcessor, SubstituteTagInlineProcessor

from blogapp.core.dialect.attributes import BlockAttributes, SpanAttributes
from blogapp.core.dialect.blocks import (
    Boundary,
    Comments,
    Definition,
    Heading,
    Paragraph,
    Quotation,
    Rule,
    UnderlinedHeading,
)
from blogapp.core.dialect.code import MARK, Fences, IndentedCode, Marks
from blogapp.core.dialect.contents import Contents
from blogapp.core.dialect.footnotes import FootnoteDefinition, UnusedNotes
from blogapp.core.dialect.headings import HeadingIds
from blogapp.core.dialect.lines import BLOCK_TAGS
from blogapp.core.dialect.links import LINKS, SITE
from blogapp.core.dialect.lists import DefinitionList, List
from blogapp.core.dialect.spans import CODE, LINE_BREAK, CodeSpan, SpanTags
from blogapp.core.dialect.tables import Tables
from blogapp.core.dialect.typography import Typography

# kramdown's, and "~" for our strikethrough.
ESCAPABLE = "\\.*_+`<>()[]{}#!:|\"'$=-~"
NONE: Mapping[str, str] = MappingProxyType({})
_local = threading.local()


def to_html(text: str, references: Mapping[str, str] = NONE, used: dict[str, str] | None = None) -> str:
    """Render Markdown to HTML that nobody has sanitised yet.

    Each thread keeps one parser: making one takes as long as rendering a short post.

    Args:
        references: label (`blocks.reference_id`) -> address, for `[text][label]` where the text does not define it.
        used: is told which of them the text uses.
    """
    parser = cast("Markdown | None", getattr(_local, "parser", None)) or make_parser()
    _local.parser = None  # After an error half-way its state would be anybody's guess.
    parser.reset()
    given: Any = parser
    given.references.update((f"{SITE}{label}", (url, None)) for label, url in references.items())
    given.site_used = {} if used is None else used
    rendered = parser.convert(re.sub(r"\A(?:[ \t]*\n)+", "", text))
    _local.parser = parser
    return rendered.replace(MARK, "")


def make_parser() -> Markdown:
    """A parser of its own, for one thread."""
    footnotes = FootnoteExtension(
        BACKLINK_TEXT="↩\ufe0e", BACKLINK_TITLE="Back to the text", USE_DEFINITION_ORDER=False
    )
    return Markdown(
        extensions=["abbr", "md_in_html", footnotes, Dialect(footnotes)],
        output_format="html",
    )


class Dialect(Extension):
    """What kramdown and GitHub do otherwise than Python-Markdown."""

    def __init__(self, footnotes: FootnoteExtension) -> None:
        super().__init__()
        self.footnotes = footnotes

    def extendMarkdown(self, md: Markdown) -> None:
        self._blocks(md)
        for name, processor, priority in LINKS:
            pattern = md.inlinePatterns[name].pattern
            md.inlinePatterns.register(processor(pattern, md), name, priority)
        cast(DelimiterProcessor, md.delimiters).add("~", "del", double=True)
        md.ESCAPED_CHARS = list(ESCAPABLE)
        md.preprocessors.register(Fences(md), "fences", 25)
        md.preprocessors.register(Comments(md), "comments", 24)
        md.preprocessors.register(Marks(md), "marks", 15)
        md.block_level_elements = [*md.block_level_elements, *BLOCK_TAGS]
        md.inlinePatterns.register(CodeSpan(CODE, md), "backtick", 190)
        md.inlinePatterns.register(SubstituteTagInlineProcessor(LINE_BREAK, "br"), "backslash_break", 185)
        md.inlinePatterns.register(SpanTags(md.inlinePatterns["html"].pattern, md), "html", 90)
        md.treeprocessors.register(UnusedNotes(md), "unused_notes", 18)
        md.treeprocessors.register(SpanAttributes(md), "attr_list", 8)
        md.treeprocessors.register(Typography(md), "typography", 6)
        md.treeprocessors.register(HeadingIds(md), "heading_ids", 5)
        md.treeprocessors.register(Contents(md), "contents", 4)

    def _blocks(self, md: Markdown) -> None:
        """kramdown's order. The library's "empty" comes first, its "markdown_block" (in HTML) and "abbr" stay."""
        blocks = md.parser.blockprocessors
        blocks.deregister("indent")
        blocks.register(IndentedCode(md.parser), "code", 80)
        blocks.register(Quotation(md.parser), "quote", 79)
        blocks.register(Heading(md.parser), "hashheader", 78)
        blocks.register(Rule(md.parser), "hr", 77)
        blocks.register(List(md.parser, "ul"), "ulist", 76)
        blocks.register(List(md.parser, "ol"), "olist", 76)
        blocks.register(UnderlinedHeading(md.parser), "setextheader", 74)
        blocks.register(Tables(md.parser), "table", 73)
        blocks.register(FootnoteDefinition(self.footnotes), "footnote", 17)
        blocks.register(Definition(md.parser), "reference", 15)
        blocks.register(BlockAttributes(md.parser), "attributes", 14)
        blocks.register(Boundary(md.parser), "boundary", 13)
        blocks.register(DefinitionList(md.parser), "deflist", 12)
        blocks.register(Paragraph(md.parser), "paragraph", 10)
