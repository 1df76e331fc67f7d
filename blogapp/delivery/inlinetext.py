"""Running text out of HTML: words, emphasis, and links that become numbers."""

import re
from urllib.parse import unquote, urljoin, urlsplit

from blogapp.delivery.tree import Element, Node
from blogapp.delivery.wrapping import HARD

BREAK = "\x0b"
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
# What stands around the words of a tag.
AROUND = {"em": "_", "i": "_", "cite": "_", "strong": "*", "b": "*", "code": "`", "del": "~", "s": "~"}


class Links:
    """The links met so far. An address keeps its number; `take` gives those not listed since the last time."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._numbers: dict[str, int] = {}
        self._waiting: dict[int, str] = {}

    def number(self, url: str) -> int:
        number = self._numbers.setdefault(url, len(self._numbers) + 1)
        self._waiting[number] = url
        return number

    def whole(self, address: str) -> str:
        """The address from any place; as it was where it cannot be taken apart."""
        try:
            return urljoin(self.base_url + "/", address.strip())
        except ValueError:
            return address.strip()

    def take(self) -> list[str]:
        """`[1] https://…`, a line each, in order."""
        lines = [f"[{number}] {url}" for number, url in sorted(self._waiting.items())]
        self._waiting.clear()
        return lines


def inline_text(nodes: list[Node], links: Links) -> str:
    """The words of running text: blanks collapsed, `\\n` where a line break is meant."""
    return _tidy("".join(_read(node, links) for node in nodes))


def _tidy(text: str) -> str:
    text = re.sub(r"[ \t\r\n]+", " ", text.replace("\u00ad", "").replace("\u200b", ""))
    return re.sub(rf" *{BREAK} *", "\n", text).strip(" \n")


def _read(node: Node, links: Links) -> str:
    if isinstance(node, str):
        return node.replace(BREAK, " ")
    if node.tag == "br":
        return BREAK
    if node.tag == "img":
        return image_text(node, links)
    if node.tag == "a":
        return _link(node, links)
    inside = "".join(_read(child, links) for child in node.children)
    if node.tag == "sup":
        return _raised(node, inside)
    if node.tag == "q":
        return f"“{inside}”"
    if node.tag == "rt":
        return f"({inside})"
    if node.tag == "rp":
        return ""
    mark = AROUND.get(node.tag, "")
    return _surround(inside, mark, mark)


def _surround(text: str, before: str, after: str) -> str:
    """Marks close to the words, blanks outside of them; nothing around nothing."""
    words = text.strip(" \t\r\n")
    if not words or not (before or after):
        return text
    start = text.index(words)
    return text[:start] + before + words + after + text[start + len(words) :]


def _raised(node: Element, inside: str) -> str:
    """A power keeps its meaning (10^6), the number of a note is raised, `1st` is just that."""
    if any("footnote-ref" in element.classes for element in node.walk()):
        return inside
    return f"^{inside}" if re.fullmatch(r"[-−+]?\d+|[nxk]", inside.strip()) else inside


def note_mark(text: str) -> str:
    """The number of a footnote: `12` -> `¹²`; anything else in brackets."""
    return text.translate(_RAISED) if text.isascii() and text.isdigit() else f"({text})"


def _link(node: Element, links: Links) -> str:
    href = node.attributes.get("href", "").strip()
    if "footnote-backref" in node.classes:
        return ""
    if "footnote-ref" in node.classes:
        return note_mark(node.text.strip())
    inside = _inside_link(node, href, links)
    words = inside.replace(BREAK, " ").strip()
    if not href or href.startswith("#"):
        return inside
    url = links.whole(href)
    scheme, _, address = url.partition(":")
    if scheme in ("mailto", "tel"):
        plain = unquote(address.partition("?")[0])
        return words if words == plain else _surround(inside or plain, "", f" <{plain}>")
    if not words or _same_address(words, url):
        return url
    return _surround(inside, "", f"{HARD}[{links.number(url)}]")


def _inside_link(node: Element, href: str, links: Links) -> str:
    """What is linked; a picture that leads to itself needs its address once."""
    itself = [
        e for e in node.elements if e.tag == "img" and links.whole(e.attributes.get("src", "")) == links.whole(href)
    ]
    return "".join(f"[{_shown(child)}]" if child in itself else _read(child, links) for child in node.children)


def _same_address(words: str, url: str) -> bool:
    """Whether the words are the address itself, written out. `GOV.UK` is a name, and stays one."""

    def bare(text: str) -> str:
        return re.sub(r"^https?://", "", unquote(text)).rstrip("/").casefold()

    return re.match(r"https?://|www\.", words) is not None and " " not in words and bare(words) == bare(url)


def image_text(node: Element, links: Links) -> str:
    """`[what the picture shows] [3]`, and its address under 3."""
    source = node.attributes.get("src", "").strip()
    return f"[{_shown(node)}]" + (f"{HARD}[{links.number(links.whole(source))}]" if source else "")


def _shown(image: Element) -> str:
    """What a picture shows, in its own words or by the name of its file."""
    name = _file_name(image.attributes.get("src", "").strip())
    return image.attributes.get("alt", "").strip() or f"image: {name}".removesuffix(": ")


def _file_name(address: str) -> str:
    """The last part of the address's path; nothing where the address cannot be taken apart."""
    try:
        return unquote(urlsplit(address).path.rpartition("/")[2])
    except ValueError:
        return ""


def lone_link(nodes: list[Node]) -> Element | None:
    """The link or picture, if that is all there is: its address then needs no number."""
    there = [node for node in nodes if isinstance(node, Element) or node.strip()]
    if len(there) != 1 or not isinstance(there[0], Element):
        return None
    node = there[0]
    address = node.attributes.get({"a": "href", "img": "src"}.get(node.tag, ""), "").strip()
    return node if address and not address.startswith(("#", "mailto:", "tel:")) else None


def link_apart(node: Element, links: Links) -> tuple[str, str]:
    """The words of a link or picture (empty where they only say the address), and its address."""
    if node.tag == "img":
        return f"[{_shown(node)}]", links.whole(node.attributes["src"])
    href = node.attributes["href"]
    words, url = _tidy(_inside_link(node, href, links)), links.whole(href)
    return ("" if _same_address(words, url) else words), url
