"""What readers see, fetched with SQLAlchemy Core: only the columns shown, a fixed number of queries a page.

Paging is by keyset (`(published_at, id) < (?, ?)`: 0.1 ms at 100,000 posts where the OR form takes 3.6, measured);
there is no OFFSET and no count. PostgreSQL wants `published_at IS NOT NULL` said, for the partial index.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from flask import g
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Executable,
    Select,
    Table,
    TextClause,
    and_,
    bindparam,
    func,
    select,
    text,
    tuple_,
)  # fmt: skip

from blogapp.audit.models import AuditEntry
from blogapp.auth.models import Member, initials
from blogapp.core.addresses import Redirect
from blogapp.core.db import db
from blogapp.posts.models import Post
from blogapp.posts.weeks import Weeks

posts = cast(Table, Post.__table__)
members = cast(Table, Member.__table__)
PUBLIC: ColumnElement[bool] = and_(posts.c.published_at.is_not(None), posts.c.visibility == "public")
# The same in the words of the indexes over a part of the table, which SQLite takes for nothing else. With the date in
# the condition it takes the index on dates and reads every post of a kind (811 ms of 100,000, measured; 0.01 by week).
SEEN = text("posts.state = 'published' AND posts.visibility = 'public'")
NOTES = text("posts.kind = 'week'")
DATED = text("posts.week_from IS NOT NULL")
ENTRY = (
    posts.c.id, posts.c.slug, posts.c.title, posts.c.kind, posts.c.week_from, posts.c.week_to, posts.c.summary,
    posts.c.published_at, posts.c.updated_at, members.c.name.label("author"), members.c.slug.label("author_slug"),
    posts.c.author_id, members.c.face_sha256,
)  # fmt: skip
WHOLE = (
    *ENTRY, posts.c.html, posts.c.state, posts.c.visibility, posts.c.first_published_at,
    posts.c.deleted_at, posts.c.corrected_at,
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A post in a list: ENTRY as a row. `published_at` is None only in a draft."""

    id: int
    slug: str
    title: str
    kind: str
    week_from: int | None
    week_to: int | None
    summary: str
    published_at: datetime | None
    updated_at: datetime
    author: str
    author_slug: str
    author_id: int
    face_sha256: str | None

    @property
    def face_of(self) -> int:
        return self.author_id

    @property
    def weeks(self) -> Weeks | None:
        return None if self.week_from is None or self.week_to is None else Weeks(self.week_from, self.week_to)

    @property
    def initials(self) -> str:
        return initials(self.author)


@dataclass(frozen=True)
class Whole(Entry):
    """A post to read: WHOLE as a row, in whatever state: see `is_public` before you show it."""

    html: str
    state: str
    visibility: str
    first_published_at: datetime | None
    deleted_at: datetime | None
    corrected_at: datetime | None

    @property
    def is_public(self) -> bool:
        return self.published_at is not None and self.visibility == "public"

    @property
    def changed_at(self) -> datetime:
        """When readers were last told something new here: published, or corrected after that. No mere edit counts."""
        moments = [moment for moment in (self.published_at, self.corrected_at) if moment is not None]
        return max(moments, default=self.updated_at)


def entries(rows: Any) -> list[Entry]:
    """The rows of `listed` as posts in a list."""
    return [Entry(*row) for row in rows]


def listed(condition: ColumnElement[bool] | TextClause = PUBLIC) -> Select[Any]:
    """The posts of a list, with their authors; public ones unless said otherwise."""
    return select(*ENTRY).join_from(posts, members, members.c.id == posts.c.author_id).where(condition)


def asked(statement: Executable, **values: Any) -> CursorResult[*tuple[Any, ...]]:
    """The answer to a statement that is built once: building costs more than running it (measured)."""
    return _connection().execute(statement, values)


def _connection() -> Connection:
    """The session's, remembered for as long as its transaction lasts: to ask it takes as long as a short query."""
    known: Connection | None = g.get("asked_on")
    if known is None or known.closed:
        known = g.asked_on = db.session.connection()
    return known


def newest_first(query: Select[Any]) -> Select[Any]:
    """In the order of the stream."""
    return query.order_by(posts.c.published_at.desc(), posts.c.id.desc())


def _place_of(before: int) -> dict[str, Any] | None:
    """The key of post `before` in the stream (HERE); None if there is no such public post."""
    # One that was withdrawn is answered like a draft, or its number would tell that it was public once.
    stamp = asked(MOMENT, number=before).scalar_one_or_none()
    return None if stamp is None else {"at": stamp, "number": before}


MOMENT = select(posts.c.published_at).where(posts.c.id == bindparam("number"), PUBLIC)
KEY = tuple_(posts.c.published_at, posts.c.id)
HERE = tuple_(bindparam("at", type_=posts.c.published_at.type), bindparam("number", type_=posts.c.id.type))


def stream(limit: int, *, before: int | None = None) -> list[Entry] | None:
    """The newest posts (no pages) published before post `before`. None: there is no such place in the stream."""
    if before is None:
        return entries(asked(STREAM, limit=limit))
    place = _place_of(before)
    return None if place is None else entries(asked(STREAM_ON, limit=limit, **place))


STREAM = newest_first(listed().where(posts.c.kind != "page")).limit(bindparam("limit"))
STREAM_ON = STREAM.where(KEY < HERE)
HTML = select(posts.c.html).where(posts.c.id == bindparam("number"))


def html_of(post_id: int) -> str:
    """The rendered text of a post that the caller knows to be public."""
    return str(asked(HTML, number=post_id).scalar_one())


def newest_whole(limit: int, *, by: int | None = None) -> list[Whole]:
    """The newest posts with their text, of one member or of all, for feeds."""
    rows = asked(FED, limit=limit) if by is None else asked(FED_BY, limit=limit, by=by)
    return [Whole(*row) for row in rows]


FED = select(*WHOLE).join_from(posts, members, members.c.id == posts.c.author_id)
FED = newest_first(FED.where(PUBLIC, posts.c.kind != "page")).limit(bindparam("limit"))
FED_BY = FED.where(posts.c.author_id == bindparam("by"))
LAST_ACT = select(func.max(AuditEntry.__table__.c.at))


def last_act() -> datetime | None:
    """When anything was last done here: nothing that readers see changed later, not even by a post going away."""
    found: datetime | None = asked(LAST_ACT).scalar_one()
    return found


def post_at(slug: str) -> Whole | None:
    """The post of that address in whatever state: the caller decides who may see it."""
    row = asked(AT, slug=slug).one_or_none()
    return None if row is None else Whole(*row)


AT = select(*WHOLE).join_from(posts, members, members.c.id == posts.c.author_id)
AT = AT.where(posts.c.slug == bindparam("slug"))


def redirect_of(path: str) -> tuple[bool, str | None]:
    """Whether something used to be at this address, and where it is now (None: gone for good)."""
    found = asked(REDIRECT, path=path).one_or_none()
    return (False, None) if found is None else (True, found.target)


redirects = cast(Table, Redirect.__table__)
REDIRECT = select(redirects.c.target).where(redirects.c.path == bindparam("path"))


def site_pages() -> tuple[Entry, ...]:
    """The pages that the site's navigation names, the oldest first."""
    return tuple(entries(asked(MENU)))


MENU = listed().where(posts.c.kind == "page", posts.c.in_menu).order_by(posts.c.published_at, posts.c.id).limit(12)


@dataclass(frozen=True)
class Person:
    """A member as readers see them."""

    id: int
    name: str
    slug: str
    bio_html: str
    active: bool
    face_sha256: str | None
    has_come: bool

    @property
    def face_of(self) -> int:
        return self.id

    @property
    def initials(self) -> str:
        return initials(self.name)


def member_at(slug: str) -> Person | None:
    """The member of that address, active or not."""
    row = asked(MEMBER, slug=slug).one_or_none()
    return None if row is None else Person(*row)


MEMBER = select(
    members.c.id, members.c.name, members.c.slug, members.c.bio_html, members.c.active, members.c.face_sha256,
    members.c.password_hash.is_not(None).label("has_come"),
).where(members.c.slug == bindparam("slug"))  # fmt: skip


def posts_by(member_id: int, limit: int, *, before: int | None = None) -> list[Entry] | None:
    """A member's posts, the newest first. None: there is no such place in the list."""
    if before is None:
        return entries(asked(THEIRS, limit=limit, by=member_id))
    place = _place_of(before)
    return None if place is None else entries(asked(THEIRS_ON, limit=limit, by=member_id, **place))


THEIRS = STREAM.where(posts.c.author_id == bindparam("by"))
THEIRS_ON = THEIRS.where(KEY < HERE)


def names_like(start: str, end: str, limit: int) -> list[tuple[str, str]]:
    """(slug, title) of public posts, pages and active members whose slug is from `start` to before `end`."""
    given = {"start": start, "end": end, "limit": limit}
    return [(row[0], row[1]) for row in (*asked(TITLES, **given), *asked(NAMES, **given))]


def _between(slug: Column[Any], name: Column[Any]) -> Select[Any]:
    query = select(slug, name).where(slug >= bindparam("start"), slug < bindparam("end"))
    return query.limit(bindparam("limit"))


TITLES = _between(posts.c.slug, posts.c.title).where(PUBLIC)
NAMES = _between(members.c.slug, members.c.name).where(members.c.active, members.c.password_hash.is_not(None))
