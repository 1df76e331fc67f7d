"""Reading a folder of Jekyll's or Hugo's, or of Markdown with front matter: what each file is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path, PurePosixPath
from typing import Any

from blogapp.core.addresses import suggest_slug
from blogapp.core.clock import now
from blogapp.core.errors import Invalid
from blogapp.porting.documents import BadDocument, Document, Item, Leftover, Person, Refusal
from blogapp.porting.files import decode, read_bytes
from blogapp.porting.services.front import Front, split
from blogapp.porting.services.frontyaml import read_yaml
from blogapp.porting.services.permalinks import hugo_address, jekyll_address
from blogapp.porting.services.sitefiles import with_site_files
from blogapp.porting.services.sites import HTML, Site, find_documents, find_site
from blogapp.porting.services.templates import Warnings, translate_hugo, translate_liquid
from blogapp.porting.services.terms import check_length, kind_and_weeks, not_in_future, old_paths, slug_from, title_from
from blogapp.posts.models import KINDS
from blogapp.posts.weeks import Weeks, parse_weeks

ORIGIN = "markdown"
DATED = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)[-_ ](.+)")
ABOUT_THE_FOLDER = frozenset(("readme", "license", "changelog", "contributing", "code_of_conduct"))
# A page that lists others is made of such tags.
LISTING = re.compile(r"\{%-?\s*for\s|\{\{-?\s*content\s*-?\}\}|\{%-?\s*paginate")
PAGE_SECTIONS = frozenset(("page", "pages"))


@dataclass(frozen=True)
class Place:
    """What a file's path says. `type`: Jekyll's (`posts`, `drafts`, `pages`, a collection's name) or Hugo's section."""

    type: str
    stem: str
    at: datetime | None
    categories: tuple[str, ...]
    depth: int
    is_index: bool


def read(path: Path) -> Iterator[Item]:
    """Every document of a site, or of one file or folder of it; who wrote them comes first. Never raises.

    `name` is the path within the site, so that it does not matter whether the site or its `content` is given. Images
    that lie in the site are addressed from its folder: `image_roots` is `/`, and stands for it.
    """
    site = find_site(path)
    known: set[str] = set()
    for person in _listed_authors(site):
        known.add(person.slug)
        yield person
    for found in find_documents(site, path):
        if isinstance(found, Refusal):
            yield found
            continue
        relative = PurePosixPath(found.relative_to(site.root).as_posix())
        try:
            content = read_bytes(found)
            front = split(decode(content))
            item = _item(site, relative, content, front)
            people = _people(front) if isinstance(item, Document) else []
        except Invalid as error:
            yield Refusal(str(relative), str(error))
            continue
        for person in people:
            if person.slug not in known:
                known.add(person.slug)
                yield person
        if item is not None:
            yield item


def _item(site: Site, path: PurePosixPath, content: bytes, front: Front) -> Item | None:
    place = _place(site, path)
    if not front.is_there and site.flavour != "hugo":
        if path.stem.lower() in ABOUT_THE_FOLDER:
            return None
        if site.flavour == "jekyll" or not front.body.strip():
            raise BadDocument("it has no front matter")
    if _lists_others(site, path, place, front):
        return Leftover(ORIGIN, str(path), str(path), content)
    return _document(site, path, content, front, place)


def _document(site: Site, path: PurePosixPath, content: bytes, given: Front, place: Place) -> Document:
    front = given.over(site.defaults_for(path, "posts" if place.type == "drafts" else place.type))
    format = "html" if path.suffix.lower() in HTML else "markdown"
    body, warnings = _translated(site, front)
    body = with_site_files(site, path, body).strip("\n").rstrip()
    slug = slug_from(front.text("slug"), _last_part(front.text("permalink", "url")), place.stem)
    title = title_from(front.text("title"), body, format, slug)
    date = front.time("date", "created_at") or place.at
    published = front.time("publishdate", "pubdate", "published_at")
    draft, reasons = _is_draft(site, front, place, [at for at in (date, published) if at])
    kind, weeks = _kind(front, slug, title, _is_page(site, place, front, date))
    people = [person.slug for person in _people(front)]
    return Document(
        origin=ORIGIN,
        name=str(path),
        path=str(path),
        content=content,
        kind=kind,
        title=title,
        body=body,
        format=format,
        weeks=weeks,
        author=people[0] if people else "",
        signers=frozenset(people[1:]),
        draft=draft,
        created_at=not_in_future(date or published),
        published_at=not_in_future(published or date),
        updated_at=not_in_future(front.time("lastmod", "last_modified_at", "modified", "updated", "updated_at")),
        slug=slug,
        tags=_tags(site, front, place),
        old_paths=_old_paths(site, path, front, place, date, slug),
        image_roots=("/",),
        meta=tuple(given.written.items()),
        warnings=(*((0, reason) for reason in reasons), *warnings),
    )


def _place(site: Site, path: PurePosixPath) -> Place:
    folders = list(path.parent.parts)
    stem, type = path.stem, "pages"
    categories: tuple[str, ...] = ()
    if site.flavour == "jekyll":
        marker = next((part for part in folders if part.startswith("_")), "")
        if marker:
            categories = tuple(folders[: folders.index(marker)]) if marker in ("_posts", "_drafts") else ()
            type = marker.removeprefix("_")
    elif folders[:1] == ["content"]:
        folders = folders[1:]
        type = folders[0] if folders else ""
    is_index = stem.partition(".")[0] in ("index", "_index")
    if is_index and folders:
        stem = folders.pop()
    match = DATED.fullmatch(stem)
    at = None
    if match:
        try:
            at = datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=UTC)
            stem = match[4]
        except ValueError:
            at = None
    return Place(type, stem, at, categories, len(folders), is_index)


def _lists_others(site: Site, path: PurePosixPath, place: Place, front: Front) -> bool:
    """Whether it is a home page, a list or an error page: nothing that anybody wrote to be read by itself."""
    if front.text("kind") in KINDS:
        return False
    home = place.is_index and place.stem in ("index", "_index")
    if site.flavour == "jekyll":
        return place.type == "pages" and (home or path.stem == "404" or bool(LISTING.search(front.body)))
    return home or (path.stem.startswith("_index") and not front.body.strip())


def _translated(site: Site, front: Front) -> tuple[str, Warnings]:
    check_length(front.body)
    if site.flavour == "hugo":
        return translate_hugo(front.body, front.line)
    if site.flavour == "jekyll" and front.yes("render_with_liquid", True):
        return translate_liquid(front.body, front.line)
    return front.body, ()


def _is_draft(site: Site, front: Front, place: Place, times: list[datetime]) -> tuple[bool, list[str]]:
    """Whether it is one, and why where its author did not simply say so."""
    reasons = []
    if any(at > now() for at in times):
        reasons.append("its date is in the future: it comes in as a draft")
    expiry = front.time("expirydate")
    if expiry is not None and expiry <= now():
        reasons.append("it has expired: it comes in as a draft")
    build = front.values.get("build", front.values.get("_build"))
    rendered = str(build.get("render", "")).lower() if isinstance(build, dict) else ""
    if front.yes("headless") or rendered in ("never", "false"):
        reasons.append("it had no page of its own: it comes in as a draft")
    if front.yes("private") or front.yes("protected") or front.text("password"):
        reasons.append("it was not for everybody: it comes in as a draft")
    if site.flavour == "jekyll" and not site.collections.get(place.type, True):
        reasons.append("its collection was not published: it comes in as a draft")
    status = front.text("status", "visibility").lower()
    said = front.yes("draft") or not front.yes("published", True) or place.type == "drafts"
    return said or bool(reasons) or status in ("draft", "private", "pending", "unpublished"), reasons


def _is_page(site: Site, place: Place, front: Front, date: datetime | None) -> bool:
    if front.text("type", "layout").lower() in PAGE_SECTIONS:
        return place.type not in ("posts", "drafts")
    if site.flavour == "jekyll":
        return place.type == "pages" or (place.type not in ("posts", "drafts") and date is None)
    return date is None or (site.flavour == "hugo" and place.depth == 0) or place.type in PAGE_SECTIONS - {"pages"}


def _kind(front: Front, slug: str, title: str, page: bool) -> tuple[str, Weeks | None]:
    """As the file says in this program's own words (our own export does), else by slug and title."""
    kind, weeks = kind_and_weeks(slug, title, page=page)
    weeks = _said_weeks(front) or weeks
    said = front.text("kind")
    if said in KINDS and (said != "week" or weeks):
        return said, weeks if said in ("week", "links") else None
    return kind, weeks if kind in ("week", "links") else None


def _said_weeks(front: Front) -> Weeks | None:
    said = front.values.get("weeks")
    try:
        if isinstance(said, list) and said:
            return Weeks(int(said[0]), int(said[-1]))
        return parse_weeks(str(said)) if said not in (None, "") else None
    except (ValueError, TypeError):
        return None


def _tags(site: Site, front: Front, place: Place) -> tuple[str, ...]:
    names = [*place.categories]
    for key in ("categories", "category", "tags", "tag", "keywords", "series"):
        said = front.values.get(key)
        # Jekyll takes a line of words for as many names: https://jekyllrb.com/docs/posts/#categories
        split_words = site.flavour == "jekyll" and isinstance(said, str) and "," not in said and key[-1] == "s"
        names += str(said).split() if split_words else front.names(key)
    return tuple(dict.fromkeys(names))


def _old_paths(
    site: Site, path: PurePosixPath, front: Front, place: Place, date: datetime | None, slug: str
) -> tuple[str, ...]:
    own = front.text("permalink", "url")
    if site.flavour == "jekyll":
        if place.type in ("posts", "drafts"):
            categories = [*place.categories, *front.names("categories", "category")]
            own = jekyll_address(own or site.permalink, date, slug_from(front.text("slug"), place.stem), categories)
        else:
            own = own or str(path.with_suffix("" if place.is_index else ".html")).lstrip("_").removesuffix("/index")
    elif site.flavour == "hugo" and not own:
        own = hugo_address(PurePosixPath(*path.parts[path.parts[0] == "content" :]), slug)
    return old_paths([own, *front.names("aliases", "redirect_from", "alias")], slug)


def _last_part(address: str) -> str:
    part = address.rstrip("/").rpartition("/")[2]
    return "" if ":" in part else re.sub(r"\.html?$", "", part)


def _people(front: Front) -> list[Person]:
    """Who wrote it, the first of them first."""
    found: list[Any] = []
    for key in ("author", "authors"):
        value = front.values.get(key)
        found += value if isinstance(value, list) else [value]
    people = [_person(entry) for entry in found if entry]
    chosen = front.text("author_slug")
    if people and chosen:
        first = people[0]
        people[0] = Person(origin=ORIGIN, slug=slug_from(chosen), name=first.name, path="", content=first.content)
    return list({person.slug: person for person in people if person.slug}.values())


def _person(entry: object, slug: str = "", path: str = "") -> Person:
    if isinstance(entry, dict):
        name, email = str(entry.get("name") or entry.get("display_name") or slug), str(entry.get("email") or "")
        bio = str(entry.get("bio") or entry.get("description") or "")
    else:
        name, email = parseaddr(str(entry)) if "<" in str(entry) else (str(entry), "")
        bio = ""
    content = "\n".join((name, email, bio)).encode()
    slug = slug_from(slug) or suggest_slug(name)
    return Person(origin=ORIGIN, slug=slug, name=name.strip(), path=path, content=content, email=email, bio=bio)


def _listed_authors(site: Site) -> list[Person]:
    """Those of Jekyll's `_data/authors.yml` and Hugo's `data/authors.yaml`; documents name them by their keys."""
    for name in ("_data/authors.yml", "_data/authors.yaml", "data/authors.yml", "data/authors.yaml"):
        path = site.root / name
        if path.is_file() and not path.is_symlink():
            try:
                values, _ = read_yaml(decode(read_bytes(path)))
            except Invalid:
                return []
            return [_person(entry, key, name) for key, entry in values.items() if isinstance(entry, dict)]
    return []
