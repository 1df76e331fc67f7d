"""Finding posts, their revisions and their files."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from blogapp.auth.models import Member
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.errors import NotFound
from blogapp.core.web import local
from blogapp.posts.circles import LISTED_ONLY, sees
from blogapp.posts.models import Attachment, Post, Revision, post_attachments
from blogapp.posts.weeks import LAST_WEEK, Weeks, week_of


def find_post(session: Session, post_id: int, *, deleted: bool = False, by: int | None = None) -> Post:
    """The post, locked against other writers where the database can.

    Args:
        by: who asks, where there is a member behind it.

    Raises:
        NotFound: there is none, or none that `by` may know of, or it is deleted and the caller did not ask for deleted
            ones.
    """
    post = session.get(Post, post_id, with_for_update={"of": Post}, populate_existing=True)
    if post is None or (post.deleted_at is not None and not deleted) or not _known_to(session, post, by):
        raise NotFound("There is no such post.")
    return post


def _known_to(session: Session, post: Post, by: int | None) -> bool:
    return by is None or post.visibility != "listed" or sees(session, post, session.get(Member, by))


def demand_known(post_id: int, member: Member) -> None:
    """
    Raises:
        NotFound: the post is for a few members, and this one is none of them.
    """
    post = db.session.get(Post, post_id)
    if post is not None and not sees(db.session(), post, member):
        raise NotFound("There is no such post.")


def read_post(post_id: int) -> Post:
    """The post for a page of members, deleted ones too; nothing is locked.

    Raises:
        NotFound: there is none.
    """
    post = db.session.get(Post, post_id)
    if post is None:
        raise NotFound("There is no such post.")
    return post


def read_format(post_id: int) -> str:
    """What the post is written in: `markdown` or `html`; that never changes. Markdown where there is no such post."""
    query = select(Post.format).where(Post.id == post_id)
    return db.session.execute(query).scalar_one_or_none() or "markdown"


def list_revisions(post_id: int) -> list[Revision]:
    """All revisions of a post, newest first."""
    query = select(Revision).where(Revision.post_id == post_id).order_by(Revision.number.desc())
    return list(db.session.execute(query).scalars())


def newest_revision(session: Session, post_id: int) -> Revision | None:
    """What the post says now, with who wrote it and when."""
    query = select(Revision).where(Revision.post_id == post_id, Revision.beside.is_(False))
    return session.execute(query.order_by(Revision.number.desc()).limit(1)).scalar_one_or_none()


def next_number(session: Session, post_id: int) -> int:
    """The number of the revision to come."""
    return (session.execute(select(func.max(Revision.number)).where(Revision.post_id == post_id)).scalar_one() or 0) + 1


def read_revision(session: Session, post_id: int, number: int) -> Revision:
    """
    Raises:
        NotFound: the post has no revision of that number.
    """
    query = select(Revision).where(Revision.post_id == post_id, Revision.number == number)
    revision = session.execute(query).scalar_one_or_none()
    if revision is None:
        raise NotFound(f"There is no revision {number} of this post.")
    return revision


def list_attachments(post_id: int) -> list[tuple[Attachment, bool]]:
    """The post's files in the order they came, each with whether its text shows it; removed ones too."""
    query = (
        select(Attachment, post_attachments.c.shown)
        .join(post_attachments, post_attachments.c.attachment_id == Attachment.id)
        .where(post_attachments.c.post_id == post_id)
        .order_by(Attachment.id)
    )
    return [(attachment, shown) for attachment, shown in db.session.execute(query)]


def next_week(at: datetime) -> int:
    """The week to write about: this one, or the next that no post covers yet; the very last where all are taken."""
    this_week = max(0, week_of(local(at).date(), settings().site_epoch))
    query = (
        select(Post.week_from, Post.week_to)
        .where(Post.kind == "week", Post.week_to >= this_week, Post.deleted_at.is_(None), ~LISTED_ONLY)
        .order_by(Post.week_from)
    )
    week = this_week
    for first, last in db.session.execute(query):
        if first is not None and last is not None and first <= week <= last:
            week = last + 1
    return min(week, LAST_WEEK)


def find_overlap(session: Session, weeks: Weeks, post_id: int | None) -> Post | None:
    """Another week post that covers one of these weeks already. One for a few members takes no week from the others."""
    query = select(Post).where(
        Post.kind == "week",
        Post.deleted_at.is_(None),
        ~LISTED_ONLY,
        Post.week_from <= weeks.last,
        Post.week_to >= weeks.first,
        Post.id != (post_id or 0),
    )
    return session.execute(query.order_by(Post.id).limit(1)).scalar_one_or_none()


def count_posts() -> int:
    """How many posts there are of any kind, deleted ones too."""
    return db.session.execute(select(func.count()).select_from(Post)).scalar_one()
