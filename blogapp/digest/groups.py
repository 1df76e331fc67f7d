"""Which waiting digests leave as one mail: those that are due within one hold of each other.

Two weeks' notes are sometimes published minutes apart, the later one first; nobody wants two mails for that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.core.config import settings
from blogapp.digest.models import Digest
from blogapp.posts.models import Post


@dataclass(frozen=True)
class Waiting:
    """A digest that waits. `alone`: somebody sent it at once. `order`: its place among others in one mail."""

    digest_id: int
    post_id: int
    due_at: datetime
    alone: bool
    order: tuple[int, int]


@dataclass(frozen=True)
class Group:
    """The digests of one mail, in its order, and their posts."""

    digests: tuple[int, ...]
    posts: tuple[int, ...]
    leaves_at: datetime


def gather(waiting: Sequence[Waiting], hold: timedelta) -> list[Group]:
    """Make groups of what waits, the first to leave first. Pure.

    Each is the first that is due with all that are due less than one hold later; it leaves when the last one is due.
    """
    rest = sorted(waiting, key=lambda one: (one.due_at, one.digest_id))
    found = []
    while rest:
        first = rest[0]
        near = [one for one in rest if not (first.alone or one.alone) and one.due_at < first.due_at + hold]
        together = sorted(near or [first], key=lambda one: one.order)
        rest = [one for one in rest if one not in together]
        ids, posts = zip(*((one.digest_id, one.post_id) for one in together), strict=True)
        found.append(Group(ids, posts, max(one.due_at for one in together)))
    return sorted(found, key=lambda group: group.leaves_at)


def waiting_groups(session: Session) -> list[Group]:
    """What waits at this moment."""
    columns = (Digest.id, Digest.post_id, Digest.due_at, Digest.alone, Post.week_from)
    query = select(*columns).join(Post, Post.id == Digest.post_id)
    public = (Post.state == "published", Post.visibility == "public")
    rows = session.execute(query.where(Digest.state == "waiting", *public)).all()
    # Weeks in their order, then all else as it was published.
    waiting = [Waiting(*row[:4], (1 << 31 if row[4] is None else row[4], row[0])) for row in rows]
    return gather(waiting, timedelta(seconds=settings().digest_hold_seconds))


def group_of(session: Session, digest_id: int) -> Group | None:
    """The group that a digest waits in."""
    return next((group for group in waiting_groups(session) if digest_id in group.digests), None)
