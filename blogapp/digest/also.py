"""What else is new: posts that were first published here lately and have no digest of their own."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from blogapp.auth.models import Member
from blogapp.core.web import local, whole_url
from blogapp.digest.models import Digest
from blogapp.posts.models import Post

WINDOW = timedelta(days=14)
MOST = 12
# A digest that left, or will when nobody stops it.
LEAVES = ("waiting", "held", "sending", "sent")


@dataclass(frozen=True)
class Other:
    """One of them, in the words of the mail."""

    title: str
    author: str
    day: str
    summary: str
    url: str


def also_new(session: Session, post_ids: Collection[int], date: datetime) -> tuple[list[Other], int]:
    """The newest of them but `post_ids`, newest first, and how many more there are. Pages stand for themselves."""
    own = exists().where(Digest.post_id == Post.id, Digest.state.in_(LEAVES))
    conditions = (
        Post.id.not_in(post_ids),
        Post.kind != "page",
        Post.state == "published",
        Post.visibility == "public",
        Post.published_here,
        Post.first_published_at > date - WINDOW,
        Post.first_published_at <= date,
        ~own,
    )
    columns = (Post.title, Post.slug, Post.summary, Post.first_published_at, Member.name)
    query = select(*columns).join(Member, Member.id == Post.author_id).where(*conditions)
    rows = session.execute(query.order_by(Post.first_published_at.desc(), Post.id.desc()).limit(MOST)).all()
    more = 0
    if len(rows) == MOST:
        more = session.execute(select(func.count()).select_from(Post).where(*conditions)).scalar_one() - MOST
    others = []
    for title, slug, summary, at, author in rows:
        assert at is not None
        day = local(at)
        others.append(Other(title, author, f"{day.day} {day:%B}", summary, whole_url(f"/{slug}")))
    return others, more
