"""Our Markdown: Python-Markdown taught the ways of kramdown and GitHub that a team's posts rely on.

Held against kramdown 2.4 (GFM) over 574 real posts by tests/integration/test_markup_corpus.py.
"""

import html
import re
import threading
from collections.abc import Iterable
from typing import Any, cast
from xml.etree import ElementTree as etree

from markdown import Markdown
from markdown.blockprocessors import BlockQuoteProcessor, HashHeaderProcessor
from markdown.extensions import Extension
from markdown.extensions.codehilite import CodeHiliteExtension
from markdown.extensions.fenced_code import FencedBlockPreprocessor
from markdown.extensions.footnotes import FootnoteExtension
from markdown.extensions.smarty import SmartyExtension
from markdown.extensions.tables import TableExtension
from markdown.extensions.toc import remove_fnrefs, render_inner_html, strip_tags
from markdown.inlinepatterns import (
    DelimiterProcessor,
    ImageReferenceInlineProcessor,
    InlineProcessor,
    ReferenceInlineProcessor,
    ShortImageReferenceInlineProcessor,
    ShortReferenceInlineProcessor,
)
from markdown.treeprocessors import Treeprocessor
from markdown.util import ETX, HTML_PLACEHOLDER_RE, INLINE_PLACEHOLDER_RE, STX, AtomicString

# The plain parts of Python-Markdown's "extra"; the others are set up below.
PLAIN_PARTS = ("fenced_code", "attr_list", "def_list", "abbr", "md_in_html")
# kramdown's, and "~" for our strikethrough.
ESCAPABLE = "\\.*_+`<>()[]{}#!:|\"'$=-~"
HEADING = re.compile("h[1-6]")
_local = threading.local()


def to_html(text: str) -> str:
    """Render Markdown to HTML that nobody has sanitised yet.

    Each thread keeps one parser: making one takes as long as rendering a short post.
    """
    parser = cast("Markdown | None", getattr(_local, "parser", None)) or make_parser()
    _local.parser = None  # After an error half-way its state would be anybody's guess.
    rendered = parser.reset().convert(text)
    _local.parser = parser
    return rendered


def make_parser() -> Markdown:
    """A parser of its own, for one thread."""
    return Markdown(
        extensions=[
            *PLAIN_PARTS,
            FootnoteExtension(BACKLINK_TEXT="↩\ufe0e", BACKLINK_TITLE="Back to the text", USE_DEFINITION_ORDER=False),
            TableExtension(use_align_attribute=True),
            SmartyExtension(smart_angled_quotes=True),
            CodeHiliteExtension(guess_lang=False, css_class="highlight"),
            Dialect(),
        ],
        output_format="html",
    )


class Dialect(Extension):
    """What kramdown and GitHub do otherwise than Python-Markdown."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.parser.blockprocessors.register(StrictHeading(md.parser), "hashheader", 70)
        md.parser.blockprocessors.register(SeparateQuotes(md.parser), "quote", 20)
        for name, processor, priority in REFERENCES:
            pattern = md.inlinePatterns[name].pattern
            md.inlinePatterns.register(processor(pattern, md), name, priority)
        # Below the patterns for tags and links, so that what stands inside them is out of reach.
        md.inlinePatterns.register(BareAddress(BARE_ADDRESS, md), "bare_address", 85)
        cast(DelimiterProcessor, md.delimiters).add("~", "del", double=True)
        md.ESCAPED_CHARS = list(ESCAPABLE)
        md.preprocessors.register(Fences(md, {"lang_prefix": "language-"}), "fenced_code_block", 25)
        # Indented code names no language: there is nothing to highlight, and a first line like `#!ruby` stays.
        md.treeprocessors.deregister("hilite")
        md.treeprocessors.register(HeadingIds(md), "heading_ids", 5)
        md.treeprocessors.register(AlignByClass(md), "align_by_class", 4)


class Fences(FencedBlockPreprocessor):
    """```{.ruby hl_lines="1"}: of all that may stand in the braces only what does no harm is handed on."""

    def handle_attrs(self, attrs: Iterable[tuple[str, str | None]]) -> tuple[str, list[str], dict[str, Any]]:
        identity, classes, options = super().handle_attrs(cast(Any, attrs))
        return identity, classes, {name: value for name, value in options.items() if name == "hl_lines"}


class StrictHeading(HashHeaderProcessor):
    """`#hashtag` is no heading: a blank has to follow, then a word."""

    RE = re.compile(r"(?:^|\n)(?P<level>#{1,6})[ \t]+(?P<header>(?:\\.|[^\\\n])*?[^\s#](?:\\.|[^\\\n])*?)#*(?:\n|$)")


class SeparateQuotes(BlockQuoteProcessor):
    """Two quotations with an empty line between them stay two."""

    def lastChild(self, parent: etree.Element) -> None:
        return None


class SourceIds(ReferenceInlineProcessor):
    """References by their source text: in [`code`][] the backticks belong to the id."""

    def evalId(self, data: str, index: int, text: str) -> tuple[str | None, int, bool]:
        found, end, handled = super().evalId(data, index, text)
        source = self._source(found or "")
        if source not in cast(Any, self.md).references:
            end = index - len(text) - 1  # Go on behind the first bracket: there may be a link inside.
        return source, end, handled

    def _source(self, text: str) -> str:
        nodes: dict[str, Any] = cast(Any, self.md).treeprocessors["inline"].stashed_nodes

        def restore(match: re.Match[str]) -> str:
            node = nodes.get(match[1])
            if isinstance(node, etree.Element) and node.tag == "code":
                return f"`{html.unescape(node.text or '')}`".lower()
            return match[0]

        text = INLINE_PLACEHOLDER_RE.sub(restore, text)
        return re.sub(f"{STX}([0-9]+){ETX}", lambda match: chr(int(match[1])), text)


class Reference(SourceIds):
    """[text][id]"""


class ShortReference(SourceIds, ShortReferenceInlineProcessor):
    """[id]"""


class ImageReference(SourceIds, ImageReferenceInlineProcessor):
    """![text][id]"""


class ShortImageReference(SourceIds, ShortImageReferenceInlineProcessor):
    """![id]"""


REFERENCES: tuple[tuple[str, type[SourceIds], int], ...] = (
    ("reference", Reference, 170),
    ("image_reference", ImageReference, 140),
    ("short_reference", ShortReference, 130),
    ("short_image_ref", ShortImageReference, 125),
)

# https://github.github.com/gfm/#autolinks-extension-
BARE_ADDRESS = (
    r"(?<![^\s*_~(])(?:"
    r"(?P<url>(?:https?://|www\.)[\w.-]+[^\s<\x02\x03]*)"
    r"|(?P<mail>[A-Za-z0-9.+_-]+@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.[A-Za-z0-9_-]*[A-Za-z0-9])(?![\w-])"
    r")"
)


class BareAddress(InlineProcessor):
    """An address in running text becomes a link, without the punctuation of the sentence around it."""

    ANCESTOR_EXCLUDES = ("a",)

    def handleMatch(  # type: ignore[override]  # as in every processor of the library's own
        self, m: re.Match[str], data: str
    ) -> tuple[etree.Element | None, int | None, int | None]:
        text = trim_address(m[0]) if m["url"] else m[0]
        if self._inside_link(data[: m.start()]) or (m["url"] and not re.match(r"(?:https?://|www\.)\w", text)):
            return None, None, None
        link = etree.Element("a")
        link.set("href", text if "://" in text else f"http://{text}" if m["url"] else f"mailto:{text}")
        link.text = AtomicString(text)
        return link, m.start(), m.start() + len(text)

    def _inside_link(self, before: str) -> bool:
        """Whether a raw `<a …>` stands open: raw tags are in the stash by now."""
        parser = cast(Any, self.md)
        if not any(str(raw).lower().startswith("<a") for raw in parser.htmlStash.rawHtmlBlocks):
            return False
        nodes = parser.treeprocessors["inline"].stashed_nodes
        is_open = False
        for placeholder in INLINE_PLACEHOLDER_RE.finditer(before):
            stashed = HTML_PLACEHOLDER_RE.match(str(nodes.get(placeholder[1], "")))
            raw = str(parser.htmlStash.rawHtmlBlocks[int(stashed[1])]).lower() if stashed else ""
            if re.match(r"</?a[\s>]", raw):
                is_open = raw.startswith("<a")
        return is_open


def trim_address(text: str) -> str:
    """Leave out the sentence's own punctuation, and a bracket that closes none of the address's own."""
    while True:
        if text.endswith(")") and text.count(")") > text.count("("):
            text = text[:-1]
        elif entity := re.search(r"&[A-Za-z0-9]+;$", text):
            text = text[: entity.start()]
        elif re.search(r"[?!.,:;*_~'\"]$", text):
            text = text[:-1]
        else:
            return text


class HeadingIds(Treeprocessor):
    """`## GDS & CoTech` -> `gds--cotech`, as kramdown's GFM parser does it; duplicates end in -1, -2 …"""

    def run(self, root: etree.Element) -> None:
        taken = {element.attrib["id"] for element in root.iter() if "id" in element.attrib}
        for heading in root.iter():
            if isinstance(heading.tag, str) and HEADING.fullmatch(heading.tag) and "id" not in heading.attrib:
                words = html.unescape(strip_tags(render_inner_html(remove_fnrefs(heading), self.md)))
                heading.set("id", unique_id(heading_id(words), taken))


def heading_id(words: str) -> str:
    """Lower-case, nothing but word characters and hyphens, each blank a hyphen."""
    return re.sub(r"[ \t]", "-", re.sub(r"[^\w\- \t]", "", words.lower())) or "section"


def unique_id(wanted: str, taken: set[str]) -> str:
    """`wanted`, or `wanted-1` … where it is taken; the answer counts as taken from now on."""
    unique, count = wanted, 0
    while unique in taken:
        count += 1
        unique = f"{wanted}-{count}"
    taken.add(unique)
    return unique


class AlignByClass(Treeprocessor):
    """Tables say their alignment by class: the page's policy allows no inline style."""

    def run(self, root: etree.Element) -> None:
        for cell in root.iter():
            if cell.tag in ("td", "th") and (align := cell.attrib.pop("align", None)):
                cell.set("class", f"{cell.get('class', '')} align-{align}".strip())
