"""Folders of snips: every file read into a document, a member, or something kept for the way out."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from blogapp.core.markup import MAX_CHARACTERS, TOO_LONG
from blogapp.porting.documents import BadDocument, Document, Item, Leftover, Person, Refusal
from blogapp.porting.files import Candidate, decode, find_candidates, read_bytes
from blogapp.porting.snips.parsing import (
    ORIGIN,
    Snip,
    file_stem,
    is_draft,
    parse_snip,
    parse_time,
    read_document,
    title_of,
)
from blogapp.porting.snips.templating import Listed, Translator

# Folders that say what a snip is; a path in the report and on the way out begins with the last of them.
KNOWN = frozenset("weeknotes weeklinks show-and-tell blog projects wiki people templates".split())
DRAFTS = "_drafts"
IMAGES = "images"
FORMATS = {
    "markdown": "markdown",
    "md": "markdown",
    "kramdown": "markdown",
    "snip": "markdown",
    "html": "html",
    "htm": "html",
}
ERB = re.compile(rb"^:erb:[ \t]*(?:true|yes)\s*$", re.IGNORECASE | re.MULTILINE)


@dataclass
class SnipFolder:
    """The files and folders that were named, as a whole: documents speak of each other (`Shelf`).

    to_html: Markdown to harmless HTML, for a Markdown text that stands in an HTML one.
    """

    paths: tuple[Path, ...]
    to_html: Callable[[str], str]
    # Folders in which some document says `erb: true`: there only such documents use helpers.
    _strict: dict[Path, bool] = field(default_factory=dict)
    _listed: dict[str, Listed | None] = field(default_factory=dict)

    def count(self) -> int:
        """How many files there are to look at."""
        return sum(1 for _ in find_candidates(self.paths, without=IMAGES))

    def images(self) -> Path | None:
        """The folder of images that lies among the snips, if one does; a link is not followed."""
        found = (path / IMAGES for path in self.paths)
        return next((path for path in found if path.is_dir() and not path.is_symlink()), None)

    def lies(self, place: str) -> bool:
        """Whether a file is at that place."""
        return any(path.is_file() for path in self._paths_of(place))

    def gone(self, place: str) -> bool:
        """Whether the folder of that place is here, and the file is no longer in it."""
        paths = self._paths_of(place)
        return not self.lies(place) and any(path.parent.is_dir() for path in paths)

    def _paths_of(self, place: str) -> list[Path]:
        """Where a file of that place would be (see `place_of`)."""
        found: list[Path] = []
        for root in self.paths:
            head = "".join(f"{name}/" for name in _telling(root if root.is_dir() else root.parent))
            if not place.startswith(head):
                continue
            if root.is_dir():
                found.append(root / place[len(head) :])
            elif place[len(head) :] == root.name:
                found.append(root)
        return found if place else []

    def read(self) -> Iterator[Item]:
        """What each file is, in the order of their names."""
        for candidate in find_candidates(self.paths, without=IMAGES):
            place = place_of(candidate)
            try:
                if candidate.reason:
                    raise BadDocument(candidate.reason)
                yield self._read_one(candidate.path, place)
            except BadDocument as error:
                yield Refusal(place, str(error))

    def _read_one(self, path: Path, place: str) -> Item:
        format = format_of(path)
        content = read_bytes(path)
        snip = _short_enough(parse_snip(path.name, decode(content)))
        folder = folder_of(place)
        if folder == "templates":
            return Leftover(ORIGIN, snip.name, place, content)
        draft = is_draft_at(snip, place)
        if folder == "people" and "/" in place:
            if draft:
                return Leftover(ORIGIN, snip.name, place, content)
            return self._person(snip, path, place, content)
        said = self._translator(path, content, format, draft=draft).translate(snip.body)
        return read_document(snip, folder, said, path=place, content=content, format=format, draft=draft)

    def _person(self, snip: Snip, path: Path, place: str, content: bytes) -> Person:
        said = self._translator(path, content, "markdown").translate(snip.body)
        name = title_of(Snip(snip.name, "", snip.meta))
        face = _face(snip)
        return Person(origin=ORIGIN, slug=snip.name, name=name, path=place, content=content, bio=said.text, face=face)

    def _translator(self, path: Path, content: bytes, format: str, *, draft: bool = False) -> Translator:
        """Speaks for one document; where tags are not its business, code or all of it is left alone."""
        says_so = ERB.search(content) is not None
        if not says_so and b"<%" in content and self._is_strict(path.parent):
            return Translator(_Nothing(), format, allowed=False)
        return Translator(self, format, spare_code=not says_so, draft=draft, to_html=self.to_html)

    def _is_strict(self, folder: Path) -> bool:
        if folder not in self._strict:
            self._strict[folder] = any(_says_erb(path) for path in folder.iterdir() if not path.is_symlink())
        return self._strict[folder]

    # The shelf that helpers look at. It is made when the first of them asks.

    @cached_property
    def _by_name(self) -> dict[str, Candidate]:
        found: dict[str, Candidate] = {}
        for candidate in find_candidates(self.paths, without=IMAGES):
            if not candidate.reason and folder_of(place_of(candidate)) != "templates":
                found.setdefault(file_stem(candidate.path.name), candidate)
        return found

    def find(self, name: str) -> Listed | None:
        if name not in self._listed:
            candidate = self._by_name.get(name)
            self._listed[name] = None if candidate is None else _listed(candidate)
        return self._listed[name]

    def text_of(self, name: str) -> tuple[str, str] | None:
        candidate = self._by_name.get(name)
        try:
            if candidate is None:
                return None
            snip = _short_enough(parse_snip(candidate.path.name, decode(read_bytes(candidate.path))))
            return snip.body, format_of(candidate.path)
        except BadDocument:
            return None

    def folder(self, name: str) -> list[Listed]:
        inside = [stem for stem, c in self._by_name.items() if folder_of(place_of(c)) == name]
        return [listed for stem in inside if (listed := self.find(stem)) is not None]


class _Nothing:
    """A shelf without documents."""

    def find(self, name: str) -> Listed | None:
        return None

    def text_of(self, name: str) -> tuple[str, str] | None:
        return None

    def folder(self, name: str) -> list[Listed]:
        return []


def read_snips(paths: Iterable[Path], to_html: Callable[[str], str]) -> SnipFolder:
    """The snips of some files and folders."""
    return SnipFolder(tuple(paths), to_html)


def place_of(candidate: Candidate) -> str:
    """Where it lies in what was named: `weeknotes/week-400.snip.markdown`, also where that folder itself was named."""
    path, root = candidate.path, candidate.root
    inside = path.relative_to(root).parts if path != root else (path.name,)
    return "/".join([*_telling(root if path != root else root.parent), *inside])


def _telling(folder: Path) -> list[str]:
    """The names of the folder and of those right above it, as far as they say what lies in it."""
    names: list[str] = []
    folder = folder.absolute()
    while folder.name in KNOWN or folder.name == DRAFTS:
        names.insert(0, folder.name)
        folder = folder.parent
    return names


def is_draft_at(snip: Snip, place: str) -> bool:
    """Whether it is one: it says so, or it lies among the drafts and does not say otherwise."""
    return is_draft(snip) or (DRAFTS in place.split("/") and not snip.get("draft"))


def folder_of(place: str) -> str:
    """The folder that decides: the last known one above the file, else the one it lies in."""
    folders = place.split("/")[:-1]
    return next((name for name in reversed(folders) if name in KNOWN), folders[-1] if folders else "")


def format_of(path: Path) -> str:
    """
    Raises:
        BadDocument: its name ends in something that is no text to read.
    """
    ending = path.name.rpartition(".")[2].lower() if "." in path.name else ""
    if ending and ending not in FORMATS:
        raise BadDocument(f"it is no snip: its name ends in .{ending}")
    return FORMATS.get(ending, "markdown")


def _short_enough(snip: Snip) -> Snip:
    """
    Raises:
        BadDocument: its text is longer than any may be; it is not looked into any further.
    """
    if len(snip.body) > MAX_CHARACTERS:
        raise BadDocument(TOO_LONG.format(len(snip.body)))
    return snip


def _listed(candidate: Candidate) -> Listed | None:
    try:
        snip = parse_snip(candidate.path.name, decode(read_bytes(candidate.path)))
        created_at = parse_time("created_at", snip.get("created_at"))
        draft = is_draft_at(snip, place_of(candidate))
        return Listed(snip.name, title_of(snip), created_at, draft, snip.get("image"))
    except BadDocument:
        return None


def _face(snip: Snip) -> str:
    """The picture's name in the folder of images, from `images/people/ann.jpg` or `/images/people/ann.jpg`."""
    name = (snip.get("image") or "").strip().lstrip("/")
    return name.removeprefix(f"{IMAGES}/")


def _says_erb(path: Path) -> bool:
    try:
        return ERB.search(read_bytes(path)) is not None
    except BadDocument:
        return False


__all__ = ["Document", "SnipFolder", "folder_of", "format_of", "place_of", "read_snips"]
