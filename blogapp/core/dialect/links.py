"""References by their source text, as kramdown looks them up."""

import html
import re
from typing import Any, cast
from xml.etree import ElementTree as etree

from markdown.inlinepatterns import (
    ImageReferenceInlineProcessor,
    ReferenceInlineProcessor,
    ShortImageReferenceInlineProcessor,
    ShortReferenceInlineProcessor,
)
from markdown.util import ETX, INLINE_PLACEHOLDER_RE, STX

from blogapp.core.dialect.blocks import reference_id


class SourceIds(ReferenceInlineProcessor):
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
