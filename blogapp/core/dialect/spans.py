"""What stands within a line: code, breaks, and tags."""

import re
from xml.etree import ElementTree as etree

from markdown.inlinepatterns import HtmlInlineProcessor, InlineProcessor
from markdown.util import AtomicString, code_escape

CODE = r"(?<!\\)(?:\\\\)*(?P<ticks>`+)"
LINE_BREAK = r"\\\\?\n"
# kramdown's HTML_BLOCK_ELEMENTS.
BLOCK_TAG = re.compile(
    r"</?(?:address|article|aside|applet|body|blockquote|caption|col|colgroup|dd|div|dl|dt|fieldset|figcaption|footer|"
    r"form|h[1-6]|header|hgroup|hr|html|head|iframe|legend|menu|li|main|map|nav|ol|optgroup|p|pre|section|summary|table|"
    r"tbody|td|th|thead|tfoot|tr|ul)\b",
    re.IGNORECASE,
)
Found = tuple[etree.Element | str | None, int | None, int | None]


class CodeSpan(InlineProcessor):
    """Ends at the next backticks of the same number; a single one among blanks is a backtick."""

    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]  # as the library's own
        ticks, start, after = m["ticks"], m.start("ticks"), m.end()
        end = data.find(ticks, after)
        is_alone = len(ticks) == 1 and data[start - 1 : start].strip() == "" and data[after : after + 1].isspace()
        if end < 0 or is_alone:
            return None, start, after
        text = data[after:end]
        if len(ticks) > 1:
            text = text.removeprefix(" ").removesuffix(" ")
        code = etree.Element("code")
        code.text = AtomicString(code_escape(text))
        return code, start, end + len(ticks)


class SpanTags(HtmlInlineProcessor):
    """In the middle of a line `<head>` is a word about HTML, not a tag."""

    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]  # as the library's own
        if BLOCK_TAG.match(m[0]):
            return None, None, None
        return super().handleMatch(m, data)
