"""The folder of a Jekyll or Hugo site: which it is, which files are documents, and what it sets for them."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from blogapp.core.errors import Invalid
from blogapp.porting.documents import Refusal
from blogapp.porting.files import BAD_NAME, TOO_DEEP, decode, find_candidates, read_bytes
from blogapp.porting.services.cascade import Cascades
from blogapp.porting.services.frontyaml import read_yaml

MARKDOWN = (".md", ".markdown", ".mkd", ".mkdn", ".mkdown", ".mdown")
HTML = (".html", ".htm")
FOREIGN = {".adoc": "AsciiDoc", ".asciidoc": "AsciiDoc", ".org": "Org", ".rst": "reStructuredText",
           ".textile": "Textile", ".pandoc": "Pandoc's Markdown", ".mdx": "MDX"}  # fmt: skip
# Parts of a path that a site given by one of its folders begins with.
INSIDE = ("content", "_posts", "_drafts")
JEKYLL_CONFIG = ("_config.yml", "_config.yaml", "_config.toml")
HUGO_CONFIG = ("hugo.toml", "hugo.yaml", "hugo.yml", "config.toml", "config.yaml", "config.yml")
# What neither of them publishes as documents, at the top of a site.
NOT_DOCUMENTS = frozenset("node_modules vendor public resources themes layouts archetypes _site".split())


@dataclass
class Site:
    """`flavour`: `jekyll`, `hugo` or `plain` (a folder of Markdown). `root` is what names of documents begin at."""

    root: Path
    flavour: str
    config: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def cascades(self) -> Cascades:
        """What Hugo's sections say for all that is in them."""
        return Cascades(self.root)

    @property
    def collections(self) -> dict[str, bool]:
        """Jekyll's, by name, and whether they are published: https://jekyllrb.com/docs/collections/"""
        said = self.config.get("collections") or {}
        if isinstance(said, list):
            said = dict.fromkeys(map(str, said))
        if not isinstance(said, dict):
            return {}
        return {str(name): bool(isinstance(how, dict) and how.get("output")) for name, how in said.items()}

    @property
    def permalink(self) -> str:
        """The pattern of Jekyll's addresses for posts."""
        return str(self.config.get("permalink") or "date")

    def defaults_for(self, path: PurePosixPath, kind: str) -> dict[str, Any]:
        """What `_config.yml` sets for a document: https://jekyllrb.com/docs/configuration/front-matter-defaults/"""
        if self.flavour == "hugo":
            return self.cascades.over(path)
        found: dict[str, Any] = {}
        entries = self.config.get("defaults")
        for entry in entries if isinstance(entries, list) else []:
            scope, values = (entry.get("scope"), entry.get("values")) if isinstance(entry, dict) else (None, None)
            if isinstance(scope, dict) and isinstance(values, dict) and _is_in(scope, path, kind):
                found |= {str(key).lower(): value for key, value in values.items()}
        return found


def _is_in(scope: dict[str, Any], path: PurePosixPath, kind: str) -> bool:
    wanted = str(scope.get("path") or "").strip("/")
    below = not wanted or path == PurePosixPath(wanted) or PurePosixPath(wanted) in path.parents
    return below and scope.get("type", kind) == kind


def find_site(path: Path) -> Site:
    """What a folder (or one file of it) is.

    Raises:
        BadDocument: its settings cannot be read.
    """
    root = path.parent if path.is_file() or path.name in INSIDE else path
    names = {entry.name for entry in root.iterdir()} if path.is_dir() else set()
    if path.name in INSIDE:
        names.add(path.name)
    if names & {*JEKYLL_CONFIG, "_posts", "_drafts"}:
        return Site(root, "jekyll", _read_config(root, JEKYLL_CONFIG))
    if "content" in names or names & set(HUGO_CONFIG):
        return Site(root, "hugo", _read_config(root, HUGO_CONFIG))
    return Site(root, "plain")


def _read_config(root: Path, names: tuple[str, ...]) -> dict[str, Any]:
    for name in names:
        path = root / name
        if path.is_file() and not path.is_symlink():
            try:
                text = decode(read_bytes(path))
                return tomllib.loads(text) if name.endswith(".toml") else read_yaml(text)[0]
            except (Invalid, tomllib.TOMLDecodeError, RecursionError):
                return {}  # Nothing of it is needed: what it would have set is said in the documents, or not at all.
    return {}


def find_documents(site: Site, path: Path) -> Iterator[Path | Refusal]:
    """The files of a site that hold documents, by name; and those that nobody here can read.

    What lies beside an `index.md` belongs to that page: https://gohugo.io/content-management/page-bundles/
    """
    start = path
    if site.flavour == "hugo" and path == site.root:
        start = site.root / str(site.config.get("contentDir") or site.config.get("contentdir") or "content")
        if not start.is_dir() or not start.resolve().is_relative_to(site.root.resolve()):
            start = path
    pages: dict[Path, bool] = {}
    for candidate in find_candidates([start]):
        relative = candidate.path.relative_to(site.root)
        ending = candidate.path.suffix.lower()
        is_folder = bool(candidate.reason) and (not ending or candidate.reason in (BAD_NAME, TOO_DEEP))
        is_one = ending in (*MARKDOWN, *HTML, *FOREIGN) or is_folder
        if _is_left_alone(site, relative) or not is_one:
            continue
        if site.flavour == "hugo" and _belongs_to_page(candidate.path, start, pages):
            continue
        if candidate.reason:
            yield Refusal(relative.as_posix(), candidate.reason)
        elif ending in FOREIGN:
            yield Refusal(relative.as_posix(), f"it is written in {FOREIGN[ending]}, which is not read here")
        else:
            yield candidate.path


def _belongs_to_page(path: Path, start: Path, pages: dict[Path, bool]) -> bool:
    """Whether a file lies in the folder of a page and is not that page. `pages` remembers which folders are pages'."""
    folder = path.parent.parent if path.name.partition(".")[0] == "index" else path.parent
    while folder != start and folder.is_relative_to(start):
        if folder not in pages:
            pages[folder] = any((folder / f"index{ending}").is_file() for ending in (*MARKDOWN, *HTML))
        if pages[folder]:
            return True
        folder = folder.parent
    return False


def _is_left_alone(site: Site, relative: Path) -> bool:
    """Layouts, data and built pages, and files that neither program takes for a document."""
    folders = relative.parts[:-1]
    if NOT_DOCUMENTS.intersection(folders[:1]) or "node_modules" in folders:
        return True
    if site.flavour == "jekyll":
        allowed = {"_posts", "_drafts", *(f"_{name}" for name in site.collections)}
        return any(part.startswith("_") and part not in allowed for part in folders) or relative.name.startswith("_")
    return site.flavour == "plain" and relative.suffix.lower() in HTML
