"""From Markdown to the HTML that readers see: rendered once, when a post is saved, then kept.

`PIPELINE` rises with every change here or in dialect.py or sanitise.py that changes what comes out; `blogapp post
render` renews what older pipelines made.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from html import escape, unescape
from html.parser import HTMLParser
from urllib.parse import urljoin

from blogapp.core.dialect import NONE, to_html
from blogapp.core.errors import Invalid
from blogapp.core.picturemarks import without_marks
from blogapp.core.sanitise import TAG, TOO_DEEP, sanitise

PIPELINE = 5
MAX_CHARACTERS = 500_000
TOO_LONG = f"The text is too long: {{:,}} characters, and {MAX_CHARACTERS:,} is the most."
# Only within a tag of sanitised HTML.
ATTRIBUTE = re.compile(r'(?P<name>[\w:-]+)="(?P<value>[^"]*)"')
LEADING = re.compile(r"\s*<h(?P<level>[1-6])(?:\s[^>]*)?>(?P<text>.*?)</h(?P=level)>\s*", re.DOTALL)
SUMMARY_LENGTH = 280


@dataclass(frozen=True)
class Rendered:
    """What readers see of a text, and its first lines in plain words.

    resolved: label -> address of the references that the text uses and the site gave (`render(references=…)`).
    """

    html: str
    summary: str
    resolved: Mapping[str, str] = field(default_factory=dict)


def render(text: str, *, title: str = "", format: str = "markdown", references: Mapping[str, str] = NONE) -> Rendered:
    """Render Markdown to sanitised HTML. Thread-safe; about 10 ms for a week's post.

    Args:
        title: a first heading that says the same is left out, because the page shows the title already.
        format: "markdown", or "html" for a text that is HTML already and is only sanitised.
        references: label -> address for `[text][label]` where the text does not define it itself.

    Raises:
        Invalid: the text is too long, or nested too deeply to be read by anybody.
    """
    if len(text) > MAX_CHARACTERS:
        message = TOO_LONG.format(len(text))
        raise Invalid(message, {"body": message})
    used: dict[str, str] = {}
    try:
        html = sanitise(_visible_tags(text) if format == "html" else to_html(text, references, used))
    except RecursionError:
        raise Invalid(TOO_DEEP, {"body": TOO_DEEP}) from None
    return without_title(Rendered(html, summarise(html), used), title)


def _visible_tags(html: str) -> str:
    """`<% … %>` of a template stays as text: to a parser of HTML it would be a broken tag, and gone."""
    return html.replace("<%", "&lt;%")


def without_title(rendered: Rendered, title: str) -> Rendered:
    """Leave out a first heading that only says the title again."""
    heading = LEADING.match(rendered.html)
    if heading and title and _same_words(plain(heading["text"]), title):
        return replace(rendered, html=rendered.html[heading.end() :])
    return rendered


def _same_words(one: str, other: str) -> bool:
    def bare(text: str) -> str:
        return re.sub(r"[\W_]+", " ", text).strip().casefold()

    return bare(one) == bare(other)


def absolute(html: str, base_url: str) -> str:
    """Make every address of sanitised HTML whole, so that it works in a feed or a mail; links within it stay.

    Our own pictures lose the marks that only our pages read.
    """

    def whole(name: str, value: str) -> str:
        if name in ("href", "src", "poster", "cite") and not value.startswith("#"):
            return escape(_joined(base_url, unescape(value)))
        if name == "srcset":
            parts = [candidate.split(maxsplit=1) for candidate in unescape(value).split(",") if candidate.strip()]
            return escape(", ".join(" ".join([_joined(base_url, first), *rest]) for first, *rest in parts))
        return value

    return _map_attributes(without_marks(html), whole)


def _joined(base_url: str, address: str) -> str:
    """The address from any place; as it was where it cannot be taken apart (older pipelines let those through)."""
    if address.startswith(("https://", "http://")):  # Most are: a feed has hundreds.
        return address
    try:
        return urljoin(base_url + "/", address)
    except ValueError:
        return address


def prefix_ids(html: str, prefix: str) -> str:
    """Put `prefix` before every id of sanitised HTML and the links to them, for several posts on one page."""
    ids = {unescape(a["value"]) for tag in TAG.findall(html) for a in ATTRIBUTE.finditer(tag) if a["name"] == "id"}

    def prefixed(name: str, value: str) -> str:
        if name == "id":
            return f"{prefix}{value}"
        if name == "href" and value.startswith("#") and unescape(value[1:]) in ids:
            return f"#{prefix}{value[1:]}"
        if name == "headers":
            return " ".join(f"{prefix}{word}" for word in value.split())
        return value

    return _map_attributes(html, prefixed)


def _map_attributes(html: str, change: Callable[[str, str], str]) -> str:
    def attribute(match: re.Match[str]) -> str:
        return f'{match["name"]}="{change(match["name"], match["value"])}"'

    return TAG.sub(lambda tag: ATTRIBUTE.sub(attribute, tag[0]), html)


def plain(html: str) -> str:
    """The words of a piece of HTML, on one line."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", html))).strip()


def summarise(html: str, length: int = SUMMARY_LENGTH) -> str:
    """The first lines as plain text: no headings, code, tables or footnotes; cut at a word near `length` characters."""
    reader = _FirstLines(length)
    reader.feed(html)
    reader.close()
    text = re.sub(r"\s+", " ", "".join(reader.pieces)).strip()
    if len(text) <= length:
        return text
    cut = text[: length + 1].rsplit(" ", 1)[0] if " " in text[: length + 1] else text[:length]
    return cut.rstrip(" ,;:.–—-(") + "…"


class _FirstLines(HTMLParser):
    """Gathers words until there are enough."""

    SKIPPED = frozenset("h1 h2 h3 h4 h5 h6 pre table figure iframe audio video".split())
    VOID = frozenset("br img hr source wbr col".split())

    def __init__(self, length: int) -> None:
        super().__init__(convert_charrefs=True)
        self.length = length
        self.pieces: list[str] = []
        self.gathered = 0
        self.skipping: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.VOID:
            self.pieces.append(" ")
            return
        classes = (dict(attrs).get("class") or "").split()
        identity = dict(attrs).get("id") or ""
        is_note = "footnote" in classes or (tag == "sup" and identity.startswith("fnref"))
        if self.skipping or tag in self.SKIPPED or is_note:
            self.skipping.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.skipping:
            self.skipping.pop()
        elif tag in ("p", "li", "dd", "dt", "div", "blockquote"):
            self.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        if not self.skipping and self.gathered <= 2 * self.length:
            self.pieces.append(data)
            self.gathered += len(data)
