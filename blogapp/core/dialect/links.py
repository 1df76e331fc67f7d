"""Links and images: references by their source text, addresses with blanks, and no more nesting than anybody writes."""

import html
import re
from typing import Any, cast
from xml.etree import ElementTree as etree

from markdown.inlinepatterns import (
    ImageInlineProcessor,
    ImageReferenceInlineProcessor,
    LinkInlineProcessor,
    ReferenceInlineProcessor,
    ShortImageReferenceInlineProcessor,
    ShortReferenceInlineProcessor,
)
from markdown.util import ETX, INLINE_PLACEHOLDER_RE, STX

from blogapp.core.dialect.blocks import reference_id

# Stands before the ids of references that the site gives; no text holds it (posts/naming.py: text_for).
SITE = "\x05"
# Every bracket is looked at once for each bracket that stands open: without a limit 20,000 of them take a minute.
DEEPEST = 32
BRACKET = re.compile(r"[\[\]]")
QUOTED_ADDRESS = re.compile(
    r"\(<(?P<address>[^>\n]*)>\s*(?:(?P<quote>[\"'])(?P<title>.{1,1000}?)(?P=quote)\s*)?\)", re.DOTALL
)
ADDRESS_STOP = re.compile(r"[()]|\s(?=[\"'])")
TITLE = re.compile(r"\s*(?P<quote>[\"'])(?P<title>.{1,1000}?)(?P=quote)\s*\)", re.DOTALL)


class Bracketed(LinkInlineProcessor):
    """`[text](address "title")`"""

    def getText(self, data: str, index: int) -> tuple[str, int, bool]:
        depth = 1
        for bracket in BRACKET.finditer(data, index):
            depth += 1 if bracket[0] == "[" else -1
            if depth == 0:
                return data[index : bracket.start()], bracket.end(), True
            if depth > DEEPEST:
                break
        return "", index, False

    def getLink(self, data: str, index: int) -> tuple[str, str | None, int, bool]:
        if not data.startswith("(", index):
            return "", None, index, False
        if quoted := QUOTED_ADDRESS.match(data, index):
            return self.unescape(quoted["address"]), quoted["title"], quoted.end(), True
        depth = 0
        for stop in ADDRESS_STOP.finditer(data, index):
            address = data[index + 1 : stop.start()]
            if stop[0] not in "()":
                title = TITLE.match(data, stop.start())
                found = (
                    (self.unescape(address).strip(), self.unescape(title["title"]), title.end(), True)
                    if title
                    else None
                )
                return found or ("", None, index, False)
            depth += 1 if stop[0] == "(" else -1
            if depth == 0:
                return self.unescape(address).strip(), None, stop.end(), True
            if depth > DEEPEST:
                break
        return "", None, index, False


class Image(Bracketed, ImageInlineProcessor):
    """`![alt](address "title")`"""


class SourceIds(Bracketed, ReferenceInlineProcessor):
    """References by their source text: in [`code`][] the backticks belong to the id."""

    def evalId(self, data: str, index: int, text: str) -> tuple[str | None, int, bool]:
        found, end, handled = super().evalId(data, index, text)
        source = reference_id(self._source(found or ""))
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
    """[text][id], also of those references that the site gives: `SITE` before their ids keeps them from the others."""

    def evalId(self, data: str, index: int, text: str) -> tuple[str | None, int, bool]:
        source, end, handled = super().evalId(data, index, text)
        known: dict[str, Any] = cast(Any, self.md).references
        given = f"{SITE}{source}"
        if handled and source not in known and given in known and data.startswith("[", index):
            cast(Any, self.md).site_used[source] = known[given][0]
            return given, data.index("]", index) + 1, True
        return source, end, handled


class ShortReference(SourceIds, ShortReferenceInlineProcessor):
    """[id]"""


class ImageReference(SourceIds, ImageReferenceInlineProcessor):
    """![text][id]"""


class ShortImageReference(SourceIds, ShortImageReferenceInlineProcessor):
    """![id]"""


LINKS: tuple[tuple[str, type[Bracketed], int], ...] = (
    ("reference", Reference, 170),
    ("link", Bracketed, 160),
    ("image_link", Image, 150),
    ("image_reference", ImageReference, 140),
    ("short_reference", ShortReference, 130),
    ("short_image_ref", ShortImageReference, 125),
)
