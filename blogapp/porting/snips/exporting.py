"""The way out as snips: what nobody touched comes out byte for byte, what was edited with the smallest difference."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from blogapp.auth.models import Member
from blogapp.core.addresses import Redirect, suggest_slug
from blogapp.core.db import db
from blogapp.core.errors import Invalid
from blogapp.porting.folders import Outside
from blogapp.porting.models import Source
from blogapp.porting.snips.parsing import (
    ORIGIN,
    Snip,
    address_of,
    is_draft,
    parse_snip,
    parse_time,
    tags_of,
    title_of,
    what_it_is,
)
from blogapp.porting.snips.reading import DRAFTS, folder_of
from blogapp.porting.snips.showing import Pictures
from blogapp.porting.snips.target import opened
from blogapp.porting.snips.writing import composed, edited, stamp
from blogapp.posts.models import Post
from blogapp.posts.naming import title_for
from blogapp.posts.sections import exported_text
from blogapp.posts.tags import has_tags
from blogapp.posts.tags import tags_of as tags_by_name
from blogapp.posts.weeks import Weeks

FOLDERS = {"week": "weeknotes", "links": "weeklinks", "article": "blog", "page": ""}
PAGE = 200
Progress = Callable[[int, int], None]


@dataclass
class Exported:
    """How many documents came out: `untouched` byte for byte, `edited` with a difference, `made` here.

    `pictures`: how many files were written; `left`: how many addresses of files stay as they are here, because nobody
    said where files go.
    """

    counts: Counter[str] = field(default_factory=Counter)
    pictures: int = 0
    left: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def export_snips(folder: Path, *, images: Path | None = None, on_progress: Progress | None = None) -> Exported:
    """Write every document into a folder, in the places where they came from. Files of other names stay.

    A file that was edited there and not imported since is left as it is, and named among the skipped.

    Args:
        images: where the files that posts show are written; what lies behind `/images/` in the texts.
        on_progress: called after each with how many are done and how many there are; may raise to stop.

    Raises:
        Invalid: a folder cannot be written.
    """
    done = Exported()
    shown = Pictures(images)
    total = _count()
    try:
        with opened(folder) as target:
            for number, (place, content, source) in enumerate(_documents(done, shown), 1):
                if why := target.write(place, content, source):
                    done.skipped.append((place, why))
                if on_progress:
                    on_progress(number, total)
    except Outside as error:
        raise Invalid(f"{folder}: {error}.") from None
    except OSError as error:
        raise Invalid(f"{error.filename or folder}: {error.strerror or error}.") from None
    done.pictures, done.left = shown.written, shown.left
    done.skipped += shown.skipped
    return done


def _count() -> int:
    posts = select(func.count()).where(Post.deleted_at.is_(None)).scalar_subquery()
    people = select(func.count()).select_from(Member).where(_has_page()).scalar_subquery()
    rest = select(func.count()).where(Source.post_id.is_(None), Source.member_id.is_(None)).scalar_subquery()
    return int(db.session.execute(select(posts + people + rest)).scalar_one())


def _has_page() -> Any:
    # Told apart from the table of the same name that the page joins.
    other = aliased(Source)
    came = select(other.id).where(other.member_id == Member.id, other.origin == ORIGIN).correlate(Member).exists()
    return came | (Member.bio != "")


def _documents(done: Exported, shown: Pictures) -> Iterator[tuple[str, bytes, Source | None]]:
    """(place, bytes, where it came from) of every document, a page of them in memory at a time."""
    for post, source in _each(Post, Source.post_id == Post.id, Post.deleted_at.is_(None)):
        yield *_post(post, source, done, shown), source
    for member, source in _each(Member, Source.member_id == Member.id, _has_page()):
        yield *_member(member, source, done), source
    query = select(Source).where(Source.post_id.is_(None), Source.member_id.is_(None), Source.origin == ORIGIN)
    for source in db.session.execute(query.order_by(Source.id)).scalars():
        done.counts["untouched"] += 1
        yield source.path, source.content or b"", source


def _each(model: Any, joined: Any, wanted: Any) -> Iterator[tuple[Any, Source | None]]:
    after = 0
    while True:
        query = select(model, Source).outerjoin(Source, joined & (Source.origin == ORIGIN)).where(wanted)
        rows = db.session.execute(query.where(model.id > after).order_by(model.id).limit(PAGE)).all()
        db.session.rollback()  # No snapshot is held while files are written.
        yield from ((row[0], row[1]) for row in rows)
        if len(rows) < PAGE:
            return
        after = rows[-1][0].id
        db.session.expunge_all()


def _post(post: Post, source: Source | None, done: Exported, shown: Pictures) -> tuple[str, bytes]:
    if source is None or source.content is None:
        done.counts["made"] += 1
        return _made(post, shown)
    shown.bring_back(source, post.format)
    snip = parse_snip(Path(source.path).name, source.content.decode("utf-8"))
    place = source.path if post.slug == address_of(source.name) else _renamed(source.path, source.name, post.slug)
    changes, body = _changes(post, source, snip), exported_text(db.session(), post)
    if not changes and (post.title, body, place) == (source.title, source.body, source.path):
        done.counts["untouched"] += 1
        return place, source.content
    content = edited(source.content, source.body, body, changes)
    changes = _lost_by(post, place, content)
    if not changes and content == source.content:
        done.counts["untouched"] += 1
        return place, content
    done.counts["edited"] += 1
    return place, shown.show(_with_keys(content, {**changes, "updated_at": stamp(post.updated_at)}))


def _made(post: Post, shown: Pictures) -> tuple[str, bytes]:
    """A post that was made here as a new file."""
    ending = "html" if post.format == "html" else "markdown"
    place = f"{FOLDERS[post.kind]}/{post.slug}.snip.{ending}".lstrip("/")
    content = composed(exported_text(db.session(), post), _meta(post))
    return place, shown.show(_with_keys(content, _lost_by(post, place, content)))


def _with_keys(content: bytes, keys: dict[str, str | None]) -> bytes:
    return edited(content, "", "", keys)


def _changes(post: Post, source: Source, snip: Snip) -> dict[str, str | None]:
    """The keys that say something else by now."""
    changes: dict[str, str | None] = {}
    if post.title != source.title:
        changes["page_title"] = post.title
    among_drafts = DRAFTS in source.path.split("/")
    came_as_draft = is_draft(snip) or (among_drafts and not snip.get("draft"))
    if came_as_draft != (not post.is_public):
        changes["draft"] = "true" if not post.is_public else "false" if among_drafts else None
    # What was public when it came keeps the date that the import made of its file's, or of none.
    if (
        post.published_here
        and post.published_at
        and post.published_at != parse_time("created_at", snip.get("created_at"))
    ):
        changes["created_at"] = stamp(post.published_at)
    if snip.get("author") and not _is_author(post, suggest_slug(snip.get("author"))):
        changes["author"] = post.author.slug
    if not has_tags(post.id, tags_of(snip)):
        changes["tags"] = ", ".join(tags_by_name(post.id)) or None
    in_menu = snip.get("menu").lower() in ("true", "yes")
    if post.kind == "page" and post.in_menu != in_menu:
        changes["menu"] = "true" if post.in_menu else None
    return changes


def _lost_by(post: Post, place: str, content: bytes) -> dict[str, str | None]:
    """The keys without which this file would come back as something else: under another name, kind or title."""
    keys: dict[str, str | None] = {}
    snip = parse_snip(Path(place).name, content.decode("utf-8"))
    if "." in post.slug and address_of(snip.name) != post.slug:
        keys["name"] = post.slug
        snip = replace(snip, name=post.slug)
    try:
        if what_it_is(snip, folder_of(place)) != (post.kind, post.weeks):
            keys |= {"post_kind": post.kind, "weeks": _span(post.weeks)}
        if title_for(title_of(snip, post.weeks), post.weeks) != post.title:
            keys["page_title"] = post.title
    except Invalid:
        pass  # A title that an import refuses; the text comes out all the same.
    return keys


def _span(weeks: Weeks | None) -> str | None:
    """`473` or `473-475`."""
    if weeks is None:
        return None
    return f"{weeks.first}" if len(weeks) == 1 else f"{weeks.first}-{weeks.last}"


def _is_author(post: Post, said: str) -> bool:
    if post.author.slug == said:
        return True
    query = select(Redirect.target).where(Redirect.path == said)
    return db.session.execute(query).scalar_one_or_none() == post.author.slug


def _renamed(place: str, name: str, slug: str) -> str:
    folder, slash, file = place.rpartition("/")
    ending = file.removeprefix(f"{name}.") if file.startswith(f"{name}.") else file.partition(".")[2]
    return f"{folder}{slash}{slug}.{ending}"


def _meta(post: Post) -> dict[str, str]:
    """The keys of a document that was made here, in the order in which the old site wrote them."""
    written = "html" if post.format == "html" else "markdown"
    meta = {
        "name": post.slug,
        "updated_at": stamp(post.updated_at),
        "created_at": stamp(post.published_at or post.created_at),
        "render_as": "Page" if post.kind == "page" else "Blog",
        "kind": {"page": "page", "links": "links"}.get(post.kind, "blog"),
        "draft": "" if post.is_public else "true",  # What is for members is nobody else's there either.
        "is_page": "true",
        "menu": "true" if post.kind == "page" and post.in_menu else "",
        "written_with": written,
        "author": post.author.slug,
        "page_title": post.title,
        "tags": ", ".join(tags_by_name(post.id)),
        "extension": written,
    }
    return {key: value for key, value in meta.items() if value}


def _member(member: Member, source: Source | None, done: Exported) -> tuple[str, bytes]:
    if source is None or source.content is None:
        done.counts["made"] += 1
        meta = {"display_name": member.name, "created_at": stamp(member.created_at)}
        return f"people/{member.slug}.snip.markdown", composed(member.bio, meta)
    if (member.bio, member.name) == (source.body, source.title):
        done.counts["untouched"] += 1
        return source.path, source.content
    done.counts["edited"] += 1
    changes: dict[str, str | None] = {} if member.name == source.title else {"display_name": member.name}
    return source.path, edited(source.content, source.body, member.bio, changes)
