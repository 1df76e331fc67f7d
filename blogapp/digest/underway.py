"""The mails that have not all left, and why: for the page that says whether mail leaves."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from blogapp.core.db import db
from blogapp.digest.models import Digest, Sending
from blogapp.digest.progress import Progress, progress_of_sending
from blogapp.posts.models import Post

MOST = 20


@dataclass(frozen=True)
class UnderWay:
    """Mails that leave now or are paused. `post_id`: None for a month's catch-up or a correction (`kind`)."""

    sending_id: int
    kind: str
    title: str
    post_id: int | None
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
    # With its editions: some of them may be on their way when the main sending has left.
    unfinished = select(func.coalesce(Sending.main_id, Sending.id)).where(Sending.state != "sent")
    query = (
        select(Sending.id, Sending.kind, func.coalesce(func.min(Post.title), Sending.subject), func.min(Post.id))
        .outerjoin(Digest, Digest.sending_id == Sending.id)
        .outerjoin(Post, Post.id == Digest.post_id)
        .where(Sending.id.in_(unfinished))
        .group_by(Sending.id)
        .order_by(Sending.id)
    )
    rows = db.session.execute(query.limit(MOST)).all()
    return [UnderWay(*row, progress_of_sending(row.id)) for row in rows]


def resting() -> list[Resting]:
    """Those that wait or are held, the next first."""
    columns = (Digest.post_id, Post.title, Digest.state, Digest.due_at, Digest.held_reason)
    query = select(*columns).join(Post, Post.id == Digest.post_id).where(Digest.state.in_(("waiting", "held")))
    query = query.where(Post.state == "published", Post.visibility == "public").order_by(
        Digest.state.desc(), Digest.due_at
    )
    return [Resting(*row) for row in db.session.execute(query.limit(MOST))]
