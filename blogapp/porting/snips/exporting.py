"""The way out as snips: what nobody touched comes out byte for byte, what was edited with the smallest difference."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from blogapp.auth.models import Member
from blogapp.core.addresses import Redirect
from blogapp.core.db import db
from blogapp.core.errors import Invalid
from blogapp.porting.folders import Outside, write_file
from blogapp.porting.models import Source
from blogapp.porting.snips.parsing import ORIGIN, Snip, address_of, is_draft, parse_snip, parse_time
from blogapp.porting.snips.writing import OWN_FILE, composed, edited, stamp
from blogapp.posts import files
from blogapp.posts.models import Attachment, Post

FOLDERS = {"week": "weeknotes", "links": "weeklinks", "article": "blog", "page": ""}
IMAGES = "/images/"
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

    Args:
        images: where the files that posts show are written; what lies behind `/images/` in the texts.
        on_progress: called after each with how many are done and how many there are; may raise to stop.

    Raises:
        Invalid: a folder cannot be written.
    """
    done = Exported()
    total = _count()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, (place, content) in enumerate(_documents(done, images), 1):
            try:
                write_file(folder, place, content)
            except Outside as error:
                done.skipped.append((place, str(error)))
            if on_progress:
                on_progress(number, total)
    except OSError as error:
        raise Invalid(f"{error.filename or folder}: {error.strerror or error}.") from None
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


def _documents(done: Exported, images: Path | None) -> Iterator[tuple[str, bytes]]:
    """(place, bytes) of every document, a page of them in memory at a time."""
    for post, source in _each(Post, Source.post_id == Post.id, Post.deleted_at.is_(None)):
        place, content = _post(post, source, done)
        yield place, _with_files(content, done, images)
    for member, source in _each(Member, Source.member_id == Member.id, _has_page()):
        yield _member(member, source, done)
    query = select(Source).where(Source.post_id.is_(None), Source.member_id.is_(None), Source.origin == ORIGIN)
    for source in db.session.execute(query.order_by(Source.id)).scalars():
        done.counts["untouched"] += 1
        yield source.path, source.content or b""


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


def _post(post: Post, source: Source | None, done: Exported) -> tuple[str, bytes]:
    if source is None or source.content is None:
        done.counts["made"] += 1
        ending = "html" if post.format == "html" else "markdown"
        place = f"{FOLDERS[post.kind]}/{post.slug}.snip.{ending}".lstrip("/")
        return place, composed(post.body, _meta(post))
    snip = parse_snip(Path(source.path).name, source.content.decode("utf-8"))
    changes = _changes(post, source, snip)
    place = source.path if post.slug == address_of(source.name) else _renamed(source.path, post.slug)
    if not changes and (post.title, post.body) == (source.title, source.body):
        done.counts["untouched"] += 1
        return place, source.content
    done.counts["edited"] += 1
    return place, edited(source.content, source.body, post.body, {**changes, "updated_at": stamp(post.updated_at)})


def _changes(post: Post, source: Source, snip: Snip) -> dict[str, str | None]:
    """The keys that say something else by now."""
    changes: dict[str, str | None] = {}
    if post.title != source.title:
        changes["page_title"] = post.title
    if is_draft(snip) != (post.state == "draft") and "/_drafts/" not in source.path:
        changes["draft"] = "true" if post.state == "draft" else None
    created_at = parse_time("created_at", snip.get("created_at"))
    if post.published_at is not None and post.published_at != created_at:
        changes["created_at"] = stamp(post.published_at)
    if snip.get("author") and not _is_author(post, snip.get("author").lower()):
        changes["author"] = post.author.slug
    return changes


def _is_author(post: Post, said: str) -> bool:
    if post.author.slug == said:
        return True
    query = select(Redirect.target).where(Redirect.path == said)
    return db.session.execute(query).scalar_one_or_none() == post.author.slug


def _renamed(place: str, slug: str) -> str:
    folder, slash, name = place.rpartition("/")
    return f"{folder}{slash}{slug}.{name.partition('.')[2]}"


def _meta(post: Post) -> dict[str, str]:
    """The keys of a document that was made here, in the order in which the old site wrote them."""
    written = "html" if post.format == "html" else "markdown"
    meta = {
        "name": post.slug,
        "updated_at": stamp(post.updated_at),
        "created_at": stamp(post.published_at or post.created_at),
        "render_as": "Page" if post.kind == "page" else "Blog",
        "kind": {"page": "page", "links": "links"}.get(post.kind, "blog"),
        "draft": "true" if post.state == "draft" else "",
        "is_page": "true",
        "menu": "true" if post.kind == "page" and post.in_menu else "",
        "written_with": written,
        "author": post.author.slug,
        "page_title": post.title,
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


def _with_files(content: bytes, done: Exported, images: Path | None) -> bytes:
    """Write the files that the text shows by the address that they have here, and let it show them behind /images/."""
    if b"/files/" not in content:
        return content
    text = content.decode("utf-8")
    for match in {m[0]: m for m in OWN_FILE.finditer(text)}.values():
        if images is None:
            done.left += 1
            continue
        attachment = db.session.get(Attachment, int(match["id"])) if len(match["id"]) < 10 else None
        path = files.path_of(attachment.sha256) if attachment else None
        if attachment is None or path is None or not path.is_file():
            continue
        place = f"files/{attachment.id}/{attachment.filename}"
        write_file(images, place, path.read_bytes())
        done.pictures += 1
        text = text.replace(match[0], IMAGES + place)
    return text.encode("utf-8")
