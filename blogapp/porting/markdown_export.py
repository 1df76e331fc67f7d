"""Leaving with everything as Markdown with front matter, in the shape that Hugo or Jekyll wants.

What is not public goes only along where it is asked for, and a deleted post never: without `drafts` no text that is not
published, and no file that no published post shows. Addresses stay what they are here.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, Row, func, select

from blogapp.auth.models import Member
from blogapp.core.addresses import Redirect, suggest_slug
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.files import find
from blogapp.porting.own_folder import OwnFolder
from blogapp.porting.services.frontyaml import write_yaml
from blogapp.posts.models import Attachment, Post, post_attachments
from blogapp.posts.sections import exported_text
from blogapp.posts.tags import Tag, post_tags

FLAVOURS = ("hugo", "jekyll")
SLICE = 200
COLUMNS = (
    Post.id, Post.kind, Post.week_from, Post.week_to, Post.slug, Post.title, Post.body, Post.format, Post.frozen,
    Post.state, Post.visibility, Post.created_at, Post.updated_at, Post.published_at, Post.first_published_at,
    Member.name.label("author"), Member.slug.label("author_slug"),
)  # fmt: skip
OWN_FILE = re.compile(r"(?P<host>https?://[^\s/\"'<>()]+)?/files/(?P<id>\d{1,18})/[^\s\"'<>()\]?#\\]+")
# What begins one of Hugo's shortcodes, and how to say that it is none.
SHORTCODE = re.compile(r"\{\{(?:<(?P<one>.{0,2000}?)>|%(?P<other>.{0,2000}?)%)\}\}", re.DOTALL)


@dataclass
class Exported:
    """What was written. `missing`: files that the database knows of and the disk has not."""

    posts: int = 0
    files: int = 0
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _File:
    id: int
    filename: str
    sha256: str
    post_id: int


def export_markdown(
    folder: Path,
    flavour: str = "hugo",
    *,
    drafts: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Exported:
    """Write every published post, and with `drafts` those too that are not, into a folder that is empty or was so made.

    Raises:
        Conflict: there is something in the folder that an export did not write.
        Invalid: it cannot be written.
    """
    done = Exported()
    wanted = _wanted(drafts)
    total = db.session.execute(select(func.count()).select_from(Post).where(*wanted)).scalar_one()
    with OwnFolder(folder) as own:
        for rows in _slices(wanted):
            numbers = [row.id for row in rows]
            files, aliases = _files(numbers, drafts), _aliases([row.slug for row in rows])
            writer = _Writer(own, flavour, done, _tags(numbers))
            for row in rows:
                writer.write(row, files.get(row.id, []), aliases.get(row.slug, []))
                done.posts += 1
                on_progress(done.posts, total)
    return done


def _wanted(drafts: bool) -> list[ColumnElement[bool]]:
    if drafts:
        return [Post.deleted_at.is_(None)]
    return [Post.state == "published", Post.visibility == "public", Post.deleted_at.is_(None)]


def _slices(wanted: list[ColumnElement[bool]]) -> Iterator[Sequence[Any]]:
    last = 0
    query = select(*COLUMNS).join(Member, Member.id == Post.author_id).order_by(Post.id).limit(SLICE)
    while rows := db.session.execute(query.where(*wanted, Post.id > last)).all():
        yield rows
        last = rows[-1].id


def _files(numbers: list[int], drafts: bool) -> dict[int, list[_File]]:
    """The files of these posts: those that the text shows, and with drafts all that were attached."""
    links = post_attachments.c
    query = (
        select(Attachment.id, Attachment.filename, Attachment.sha256, links.post_id)
        .join(post_attachments, links.attachment_id == Attachment.id)
        .where(links.post_id.in_(numbers), Attachment.removed_at.is_(None))
        .order_by(Attachment.id)
    )
    found: dict[int, list[_File]] = {}
    for row in db.session.execute(query if drafts else query.where(links.shown)):
        found.setdefault(row.post_id, []).append(_File(*row))
    return found


def _aliases(slugs: list[str]) -> dict[str, list[str]]:
    query = select(Redirect.path, Redirect.target).where(Redirect.target.in_(slugs)).order_by(Redirect.path)
    found: dict[str, list[str]] = {}
    for path, target in db.session.execute(query):
        found.setdefault(str(target), []).append(f"/{path}")
    return found


def _tags(numbers: list[int]) -> dict[int, list[str]]:
    query = select(post_tags.c.post_id, Tag.name).join(Tag, Tag.id == post_tags.c.tag_id)
    found: dict[int, list[str]] = {}
    for post_id, name in db.session.execute(query.where(post_tags.c.post_id.in_(numbers)).order_by(Tag.slug)):
        found.setdefault(post_id, []).append(name)
    return found


@dataclass(frozen=True)
class _Writer:
    """Writes posts and their files. `tags`: the names of each post's, by its id."""

    own: OwnFolder
    flavour: str
    done: Exported
    tags: dict[int, list[str]]

    def write(self, row: Row[Any], files: list[_File], aliases: list[str]) -> None:
        ending = "html" if row.format == "html" else "md"
        hugo = self.flavour == "hugo"
        if hugo:
            folder = f"content/{row.slug}" if row.kind == "page" else f"content/posts/{row.slug}"
            name = f"{folder}/index.{ending}"
        else:
            folder, name = "", _jekyll_name(row, ending)
        addresses = self._write_files(files, folder)
        body = _with_addresses(exported_text(db.session(), row), addresses)
        front = front_matter(row, aliases, self.flavour)
        if row.id in self.tags:
            front["tags"] = self.tags[row.id]
        if hugo:
            body = SHORTCODE.sub(_said, body)
        elif "{{" in body or "{%" in body:
            front["render_with_liquid"] = False
        self.own.write(name, f"---\n{write_yaml(front)}---\n\n{body}\n".encode())

    def _write_files(self, files: list[_File], folder: str) -> dict[int, str]:
        """Copy a post's files, and say at which addresses they are now."""
        addresses: dict[int, str] = {}
        taken = {"index.md", "index.html", "_index.md", "_index.html"}
        for file in files:
            name = file.filename if file.filename not in taken else f"{file.id}-{file.filename}"
            taken.add(name)
            place = f"{folder}/{name}" if folder else f"assets/files/{file.id}/{file.filename}"
            source = find(file.sha256)
            if source is None:
                self.done.missing.append(f"{file.filename} (file {file.id})")
                continue
            if not self.own.has(place):  # Jekyll's are one for all posts that show them.
                self.own.copy(source, place)
                self.done.files += 1
            addresses[file.id] = quote(name) if folder else f"/{quote(place)}"
        return addresses


def _said(match: re.Match[str]) -> str:
    """A shortcode that Hugo shows instead of running it."""
    return f"{{{{</*{match['one']}*/>}}}}" if match["one"] is not None else f"{{{{%/*{match['other']}*/%}}}}"


def _jekyll_name(row: Row[Any], ending: str) -> str:
    published = row.state == "published" and row.visibility == "public"
    if row.kind == "page" and published:
        return f"{row.slug}.{ending}"
    if not published:
        return f"_drafts/{row.slug}.{ending}"
    return f"_posts/{row.published_at:%Y-%m-%d}-{row.slug}.{ending}"


def front_matter(row: Row[Any], aliases: list[str], flavour: str) -> dict[str, Any]:
    """The keys of a post, in the order in which people read them."""
    published = row.state == "published" and row.visibility == "public"
    front: dict[str, Any] = {
        "title": row.title,
        "date": row.published_at or row.first_published_at or row.created_at,
        "lastmod" if flavour == "hugo" else "last_modified_at": row.updated_at,
        "slug": row.slug,
        "url" if flavour == "hugo" else "permalink": f"/{row.slug}/",
        "author": row.author,
    }
    if suggest_slug(row.author) != row.author_slug:
        front["author_slug"] = row.author_slug
    front |= {"draft": not published, "kind": row.kind}
    if flavour == "jekyll":
        front["layout"] = "page" if row.kind == "page" else "post"
        if not published:
            front["published"] = False
    if row.week_from is not None:
        front["weeks"] = [row.week_from, row.week_to] if row.week_to != row.week_from else [row.week_from]
    if aliases:
        front["aliases" if flavour == "hugo" else "redirect_from"] = aliases
    return front


def _with_addresses(body: str, addresses: dict[int, str]) -> str:
    """The text with the addresses that its files have in the export; those of files that did not go along stay."""
    own = settings().base_url

    def change(match: re.Match[str]) -> str:
        number = int(match["id"])
        return match[0] if number not in addresses or match["host"] not in (None, own) else addresses[number]

    return OWN_FILE.sub(change, body) if addresses else body
