"""The list of all posts on the desk: filtered, sorted, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select, tuple_

from blogapp.auth.models import Member, initials
from blogapp.authoring.wording import DigestFacts, PostFacts, State, since, state_of
from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.digest.models import Digest, Schedule, Sending
from blogapp.digest.progress import reached_by_sending
from blogapp.posts.circles import circle_in_words, seen_by, viewers_of
from blogapp.posts.models import KINDS, Post
from blogapp.posts.notes import count_open
from blogapp.posts.weeks import Weeks

ON_A_PAGE = 60
STATES = ("draft", "published", "withdrawn", "deleted")
_is_draft = case((Post.state == "draft", 1), else_=0)
_moment = func.coalesce(Post.published_at, Post.updated_at)
# name -> what is sorted by, and whether the greatest comes first. The id makes every order total.
SORTS: dict[str, tuple[tuple[ColumnElement[Any], ...], bool]] = {
    "recent": ((_is_draft, _moment), True),
    "changed": ((Post.updated_at.expression,), True),
    "title": ((func.lower(Post.title),), False),
    "author": ((func.lower(Member.name),), False),
    "week": ((func.coalesce(Post.week_to, -1),), True),
}


@dataclass(frozen=True)
class Asked:
    """What somebody wants to see; "" or None: everything."""

    state: str = ""
    kind: str = ""
    author: int | None = None
    words: str = ""
    sort: str = "recent"
    after: int | None = None

    @property
    def filtered(self) -> bool:
        return bool(self.state or self.kind or self.author or self.words)


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    id: int
    title: str
    slug: str
    kind: str
    weeks: Weeks | None
    author: str
    initials: str
    changed: str
    state: State
    takes_sections: bool
    notes: int


def list_posts(asked: Asked, member: Member) -> tuple[list[Row], int | None]:
    """A page of the posts that a member may know of, and the id to go on after, if there are more."""
    rows = db.session.execute(_query(asked, member).limit(ON_A_PAGE + 1)).all()
    shown = rows[:ON_A_PAGE]
    digests = _digests([row.id for row in shown])
    at = now()
    listed = viewers_of([row.id for row in shown if row.visibility == "listed"])
    notes = count_open([row.id for row in shown if _is_draft_of(row, member)])
    page = [_row(row, digests.get(row.id), listed.get(row.id, []), notes.get(row.id, 0), at) for row in shown]
    return page, shown[-1].id if len(rows) > ON_A_PAGE else None


def _query(asked: Asked, member: Member) -> Select[*tuple[Any, ...]]:
    columns = (
        Post.id, Post.title, Post.slug, Post.kind, Post.week_from, Post.week_to, Post.updated_at, Post.state,
        Post.created_at, Post.published_at, Post.first_published_at, Post.deleted_at, Post.format, Member.name,
        Post.visibility, Post.author_id, Schedule.publish_at, Schedule.stopped_at,
    )  # fmt: skip
    query = select(*columns).join(Member, Member.id == Post.author_id)
    query = query.outerjoin(Schedule, Schedule.post_id == Post.id).where(_in_state(asked.state), seen_by(member))
    if asked.kind in KINDS:
        query = query.where(Post.kind == asked.kind)
    if asked.author is not None:
        query = query.where(Post.author_id == asked.author)
    for word in asked.words.split()[:8]:
        query = query.where(func.lower(Post.title).contains(word.lower(), autoescape=True))
    keys, falling = SORTS.get(asked.sort, SORTS["recent"])
    place = (*keys, Post.id)
    if asked.after is not None:
        there = select(*place).join(Member, Member.id == Post.author_id).where(Post.id == asked.after, seen_by(member))
        last = there.scalar_subquery()
        query = query.where(tuple_(*place) < last if falling else tuple_(*place) > last)
    return query.order_by(*(key.desc() if falling else key.asc() for key in place))


def _in_state(state: str) -> ColumnElement[bool]:
    conditions: dict[str, ColumnElement[bool]] = {
        "draft": (Post.state == "draft") & Post.deleted_at.is_(None) & Post.first_published_at.is_(None),
        "withdrawn": (Post.state == "draft") & Post.deleted_at.is_(None) & Post.first_published_at.is_not(None),
        "published": Post.state == "published",
        "deleted": Post.deleted_at.is_not(None),
    }
    return conditions.get(state, Post.deleted_at.is_(None))


def _digests(post_ids: Sequence[int]) -> dict[int, DigestFacts]:
    """The digests of these posts, in four queries however many they are."""
    query = (
        select(Digest.post_id, Digest.state, Digest.due_at, Digest.sending_id, Sending.state)
        .outerjoin(Sending, Sending.id == Digest.sending_id)
        .where(Digest.post_id.in_(post_ids))
    )
    rows = db.session.execute(query).all()
    reached = reached_by_sending(db.session(), {row[3] for row in rows if row[3] is not None})
    return {
        post_id: DigestFacts(state, due_at, *reached.get(sending_id or 0, (0, 0)), sending == "paused")
        for post_id, state, due_at, sending_id, sending in rows
    }


def _row(row: Any, digest: DigestFacts | None, listed: list[str], notes: int, at: datetime) -> Row:
    circle = circle_in_words(row.visibility, row.name, listed)
    moments = (row.created_at, row.published_at, row.first_published_at, row.deleted_at)
    facts = PostFacts(row.state, *moments, circle, row.publish_at, stopped=row.stopped_at is not None)
    weeks = None if row.week_from is None else Weeks(row.week_from, row.week_to)
    return Row(
        row.id, row.title, row.slug, row.kind, weeks, row.name, initials(row.name), since(row.updated_at, at),
        state_of(facts, digest, at), _takes_sections(row), notes,
    )  # fmt: skip


def _is_draft_of(row: Any, member: Member) -> bool:
    """Whether it is a draft of their own: of notes on it they hear here, for nobody mails them."""
    return bool(row.author_id == member.id and row.state == "draft" and row.deleted_at is None)


def _takes_sections(row: Any) -> bool:
    """Whether what several write together is being written: a week's draft, or one of links."""
    open_ = row.state == "draft" and row.deleted_at is None and row.format == "markdown"
    return open_ and row.kind in ("week", "links")
