"""HTML within a line."""

import re

from markdown.inlinepatterns import HtmlInlineProcessor

# kramdown's HTML_BLOCK_ELEMENTS.
BLOCK_TAG = re.compile(
    r"</?(?:address|article|aside|applet|body|blockquote|caption|col|colgroup|dd|div|dl|dt|fieldset|figcaption|footer|"
    r"form|h[1-6]|header|hgroup|hr|html|head|iframe|legend|menu|li|main|map|nav|ol|optgroup|p|pre|section|summary|table|"
    r"tbody|td|th|thead|tfoot|tr|ul)\b",
    re.IGNORECASE,
)


class SpanTags(HtmlInlineProcessor):
    """In the middle of a line `<head>` is a word about HTML, not a tag."""

    def handleMatch(  # type: ignore[override]  # as in every processor of the library's own
        self, m: re.Match[str], data: str
    ) -> tuple[str | None, int | None, int | None]:
        if BLOCK_TAG.match(m[0]):
            return None, None, None
        return super().handleMatch(m, data)
