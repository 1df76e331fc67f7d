"""The template helpers that snips use: a closed list, read as text and said again in Markdown or HTML, never evaluated.

`<%= by('chris-roos') %>` becomes a link to the member; `include_snip` the text of the other document; a listing the
links that it would list, as of now. Anything else stays as it is, and is reported with its line. Pure.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from html import escape
from typing import Protocol

from blogapp.core.markup import MAX_CHARACTERS
from blogapp.porting.snips.calls import Call, Symbol, Unreadable, Value, parse_call
from blogapp.porting.snips.tags import Lines, find_code, find_tags

# What a collection is called in the old site's code -> the folder that it lies in; others by their own name.
COLLECTIONS = {"Bloggable": "blog", "Blog": "blog", "Weeknote": "weeknotes", "Weeklink": "weeklinks"}
DEEPEST = 5
IMAGES = "/images/"
# What an image may say of itself; everything else that the helper was given is its business.
IMAGE_ATTRIBUTES = ("title", "class", "id", "width", "height")


@dataclass(frozen=True)
class Listed:
    """Another document, as far as helpers speak of it."""

    name: str
    title: str
    created_at: datetime | None
    is_draft: bool = False
    image: str = ""


class Shelf(Protocol):
    """Where the other documents are."""

    def find(self, name: str) -> Listed | None: ...

    def text_of(self, name: str) -> tuple[str, str] | None:
        """(body as it was written, `markdown` or `html`)."""

    def folder(self, name: str) -> list[Listed]:
        """All documents of a folder, in no order."""


@dataclass
class Budget:
    """What one document may bring in of others, however they include each other."""

    characters: int = MAX_CHARACTERS
    times: int = 1_000

    def count(self, characters: int = 0) -> None:
        """
        Raises:
            Unreadable: it was more than there is.
        """
        self.characters -= characters
        if self.characters < 0 or self.times < 0:
            raise Unreadable

    def begin(self) -> None:
        """Once more.

        Raises:
            Unreadable: nothing is left.
        """
        self.times -= 1
        self.count()


@dataclass
class Translation:
    """A text with its helpers said in plain words. `left`: (line from 1, what stays as it was)."""

    text: str
    signers: frozenset[str] = frozenset()
    left: tuple[tuple[int, str], ...] = ()


@dataclass
class Translator:
    """Says the helpers of one document in its format.

    draft: whether it may say what drafts say.
    spare_code: leave code alone, where tags are examples. allowed: whether tags are the document's business at all.
    inside: the documents that it is included in, the outermost first.
    """

    shelf: Shelf
    format: str
    spare_code: bool = True
    allowed: bool = True
    draft: bool = False
    to_html: Callable[[str], str] = staticmethod(lambda text: text)
    inside: tuple[str, ...] = ()
    budget: Budget = field(default_factory=Budget)
    in_html: bool = False
    signers: set[str] = field(default_factory=set)
    left: list[tuple[int, str]] = field(default_factory=list)

    def translate(self, text: str) -> Translation:
        """The whole text."""
        if "<%" not in text or not self.allowed:
            return Translation(text)
        code = find_code(text) if self.spare_code and self.format == "markdown" else ()
        lines = Lines(text)
        done, at = [], 0
        for match in find_tags(text):
            if match.start() in code:
                continue
            lines.go_to(match.start())
            done += [text[at : match.start()], self._say(match, lines)]
            at = match.end()
        return Translation("".join([*done, text[at:]]), frozenset(self.signers), tuple(self.left))

    def _say(self, match: re.Match[str], lines: Lines) -> str:
        self.in_html = self.format == "html" or lines.is_html()
        try:
            if "collection" in match.groupdict():
                return self._listing(match)
            if match["mark"] == "%":
                return match[0].replace("<%%", "<%", 1)
            if match["mark"] == "#":
                return ""
            if match["mark"] != "=":
                raise Unreadable
            call = parse_call(match["inside"].removesuffix("-").strip())
            return self._call(call)
        except (Unreadable, LookupError, TypeError):
            self.left.append((lines.number, " ".join(match[0].split())))
            return match[0]

    def _call(self, call: Call) -> str:
        helpers: dict[str, Callable[[Call], str]] = {
            "by": self._by,
            "l": self._wiki_link,
            "link_to": self._link_to,
            "url_to": lambda call: self._address(call),
            "image_tag": self._image_tag,
            "image_path": lambda call: image_address(call.text(0)),
            "include_snip": self._include,
            "project": self._mention,
            "member": self._mention,
            "list_of": self._list_of,
        }
        return helpers[call.name](call)

    def link(self, words: str, address: str) -> str:
        if self.in_html:
            return html_link(words, address)
        return f"[{_bracketed(words)}]({address})"

    def _by(self, call: Call) -> str:
        names = [call.text(number) for number in range(len(call.arguments))]
        if not names or not all(re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", name) for name in names):
            raise Unreadable
        self.signers.update(names)
        return "— " + ", ".join(self.link(self._name_of(name), f"/{name}") for name in names)

    def _name_of(self, slug: str) -> str:
        found = self.shelf.find(slug)
        return found.title if found and (self.draft or not found.is_draft) else humanise(slug)

    def _wiki_link(self, call: Call) -> str:
        name = call.text(0)
        words = call.text(1) if len(call.arguments) > 1 else self._name_of(name)
        return self.link(words, f"/{name}")

    def _link_to(self, call: Call) -> str:
        target = call.arguments[1]
        return self.link(call.text(0), self._address(target) if isinstance(target, Call) else call.text(1))

    def _address(self, call: Call) -> str:
        if call.name == "image_path":
            return image_address(call.text(0))
        if call.name not in ("url_to", "project_path", "member_path"):
            raise Unreadable
        return "/" + call.text(0).lstrip("/")

    def _image_tag(self, call: Call) -> str:
        address, options = image_address(call.text(0)), dict(call.options)
        if isinstance(options.get("size"), str) and (size := re.fullmatch(r"(\d+)x(\d+)", str(options.pop("size")))):
            options["width"], options["height"] = size[1], size[2]
        alt, title = str(options.get("alt") or ""), options.get("title")
        if not self.in_html and not any(options.get(name) for name in IMAGE_ATTRIBUTES if name != "title"):
            if not re.search(r"[\s()<>\"]", address + str(title or "").replace(" ", "")):
                return f"![{_bracketed(alt)}]({address}" + (f' "{title}")' if title else ")")
        given = "".join(f' {name}="{escape(str(options[name]))}"' for name in IMAGE_ATTRIBUTES if options.get(name))
        return f'<img src="{escape(address)}" alt="{escape(alt)}"{given}>'

    def _include(self, call: Call) -> str:
        name = call.text(0)
        listed = self.shelf.find(name)
        if name in self.inside or len(self.inside) >= DEEPEST:
            raise Unreadable
        if listed is not None and listed.is_draft and not self.draft:
            raise Unreadable  # It would stand in a public text.
        self.budget.begin()
        found = self.shelf.text_of(name)
        if found is None:
            raise Unreadable
        body, written_in = found
        self.budget.count(len(body))
        inner = replace(self, format=written_in, inside=(*self.inside, name), left=[])
        text = inner.translate(body).text.strip()
        if inner.left:
            raise Unreadable  # Its line would be another file's.
        return self.to_html(text).strip() if self.format == "html" and written_in == "markdown" else text

    def _mention(self, call: Call) -> str:
        """A project or a member: a link with its name, and its picture before it where it has one."""
        found = self.shelf.find(call.text(0))
        if found is None or (found.is_draft and not self.draft):
            raise Unreadable
        link = html_link(found.title, f"/{found.name}")
        if not found.image:
            return link
        return f'<img src="{escape(image_address(found.image))}" alt=""> {link}'

    def _list_of(self, call: Call) -> str:
        kind = call.options["kind"]
        if not isinstance(kind, str):
            raise Unreadable
        items = self._items(kind, numbered=False)
        element = str(call.options.get("element") or "ul")
        return f"<{element}>\n{items}\n</{element}>" if element in ("ul", "ol") else items

    def _listing(self, match: re.Match[str]) -> str:
        name = match["collection"]
        kebab = re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
        return self._items(COLLECTIONS.get(name, kebab), numbered=bool(match["numbered"]))

    def _items(self, folder: str, *, numbered: bool) -> str:
        """The folder's documents as list items, the newest first, numbered from the oldest."""
        self.budget.begin()
        found = [listed for listed in self.shelf.folder(folder) if not listed.is_draft]
        if not found:
            raise Unreadable
        found.sort(key=lambda listed: (listed.created_at.timestamp() if listed.created_at else 0.0, listed.name))
        rows = [
            f"<li{f' value={chr(34)}{number}{chr(34)}' if numbered else ''}>"
            f"{html_link(listed.title, f'/{listed.name}')}</li>"
            for number, listed in enumerate(found, 1)
        ]
        self.budget.count(sum(map(len, rows)))
        return "\n".join(reversed(rows))


def html_link(words: str, address: str) -> str:
    """Markdown takes it as it is."""
    return f'<a href="{escape(address)}">{escape(words)}</a>'


def image_address(path: str) -> str:
    """Where the old site kept it: `blog/x.png` -> `/images/blog/x.png`; whole addresses stay."""
    if re.match(r"(?:https?:)?//|/", path):
        return path
    return IMAGES + path.removeprefix("images/")


def humanise(slug: str) -> str:
    """A name for somebody of whom only the slug is known: `chris-roos` -> `Chris Roos`."""
    return " ".join(word.capitalize() for word in slug.split("-") if word)


def _bracketed(words: str) -> str:
    return re.sub(r"([\[\]\\])", r"\\\1", words)


__all__ = ["Call", "Listed", "Shelf", "Symbol", "Translation", "Translator", "Value", "humanise", "image_address"]
