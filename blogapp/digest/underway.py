"""The digests that have not all left, and why: for the page that says whether mail leaves."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from blogapp.core.db import db
from blogapp.digest.models import Digest, Sending
from blogapp.digest.progress import Progress, progress
from blogapp.posts.models import Post

MOST = 20


@dataclass(frozen=True)
class UnderWay:
    """A digest that has begun to leave."""

    post_id: int
    title: str
    progress: Progress


@dataclass(frozen=True)
class Resting:
    """A digest that has not begun: `waiting` until `due_at`, or `held`, for `reason` if nobody did it."""

    post_id: int
    title: str
    state: str
    due_at: datetime
    reason: str


def under_way() -> list[UnderWay]:
    """Those that leave now or are paused, the oldest first."""
    query = (
        select(Digest.id, Digest.post_id, Post.title)
        .join(Post, Post.id == Digest.post_id)
        .join(Sending, Sending.id == Digest.sending_id)
        .where(Sending.state != "sent")
        .order_by(Sending.id)
    )
    rows = db.session.execute(query.limit(MOST)).all()
    return [UnderWay(row.post_id, row.title, progress(row.id)) for row in rows]


def resting() -> list[Resting]:
    """Those that wait or are held, the next first."""
    columns = (Digest.post_id, Post.title, Digest.state, Digest.due_at, Digest.held_reason)
    query = select(*columns).join(Post, Post.id == Digest.post_id).where(Digest.state.in_(("waiting", "held")))
    query = query.where(Post.state == "published").order_by(Digest.state.desc(), Digest.due_at)
    return [Resting(*row) for row in db.session.execute(query.limit(MOST))]
