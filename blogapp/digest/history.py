"""Which digests somebody was sent, and what the mail server answered: from the batches' bitmaps and the exceptions.

What happens to a mail afterwards is not known: no pixel is in it, and its links lead where they say.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select

from blogapp.core.clock import iso
from blogapp.core.db import db
from blogapp.digest import bitmap
from blogapp.digest.models import WIDEST, Batch, Digest, Sending, SendingException
from blogapp.digest.returned import Bounce, bounces_of
from blogapp.posts.models import Post

# Sendings looked at in one query.
SLICE = 200


@dataclass(frozen=True)
class Event:
    """One digest and one subscriber.

    `what`: taken (by the mail server), refused, skipped, in_doubt, deferred (until `again_at`), waiting (not tried
    yet) or bounced. `words`: the server's, or why they were skipped. `post_id`: None where the post is gone for good.
    """

    sending_id: int
    at: datetime
    title: str
    post_id: int | None
    what: str
    words: str = ""
    again_at: datetime | None = None


def history(subscriber_id: int, *, before: int | None = None, limit: int | None = None) -> list[Event]:
    """What was to go to a subscriber, the newest first.

    Args:
        before: the sending that the page before ended with.
        limit: how many; None for all.
    """
    found: list[Event] = []
    while limit is None or len(found) < limit:
        newest = _newest(subscriber_id, before)
        # By sending: one that carries several posts is one mail.
        rows = _rows(subscriber_id, newest)
        held = [row for row in rows if bitmap.holds(row.planned, row.lo, subscriber_id)]
        mine, posts = {row.id: row for row in held}, Counter(row.id for row in held)
        returned = bounces_of(db.session(), subscriber_id, list(mine))
        for number, row in mine.items():
            title = row.title if row.title and posts[number] == 1 else row.subject
            found.append(_event(row, title, subscriber_id, returned.get(number)))
        if len(newest) < SLICE:
            break
        before = newest[-1]
    return found if limit is None else found[:limit]


def held(subscriber_id: int) -> list[dict[str, Any]]:
    """The same for `data_held`: ready for JSON, moments in RFC 3339."""
    return [
        {
            "at": iso(event.at),
            "title": event.title,
            "what": event.what.replace("_", " "),
            **({"words": event.words} if event.words else {}),
        }
        for event in history(subscriber_id)
    ]


def _newest(subscriber_id: int, before: int | None) -> list[int]:
    """The next sendings that a subscriber may be in, the newest first."""
    query = select(Sending.id).where(Sending.last_subscriber_id >= subscriber_id)
    if before is not None:
        query = query.where(Sending.id < before)
    return list(db.session.execute(query.order_by(Sending.id.desc()).limit(SLICE)).scalars())


def _rows(subscriber_id: int, sending_ids: Sequence[int]) -> Sequence[Any]:
    """Their batches that may hold the subscriber. Several: who missed something is planned apart from the others."""
    near = (Batch.lo > subscriber_id - WIDEST, Batch.lo <= subscriber_id, Batch.hi >= subscriber_id)
    exception = and_(SendingException.sending_id == Sending.id, SendingException.subscriber_id == subscriber_id)
    query = (
        select(
            Sending.id,
            Sending.subject,
            Sending.planned_at,
            Post.id.label("post_id"),
            Post.title,
            Batch.lo,
            Batch.planned,
            Batch.accepted,
            SendingException.state,
            SendingException.reply,
            SendingException.due_at,
        )
        .select_from(Sending)
        .join(Batch, Batch.sending_id == Sending.id)
        .outerjoin(SendingException, exception)
        .outerjoin(Digest, Digest.sending_id == Sending.id)
        .outerjoin(Post, Post.id == Digest.post_id)
        .where(Sending.id.in_(sending_ids), *near)
        .order_by(Sending.id.desc())
    )
    return db.session.execute(query).all()


def _event(row: Any, title: str, subscriber_id: int, bounce: Bounce | None) -> Event:
    about = (row.id, row.planned_at, title, row.post_id)
    if bounce is not None:
        return Event(*about, "bounced", bounce.words)
    if row.state is None:
        taken = bitmap.holds(row.accepted, row.lo, subscriber_id)
        return Event(*about, "taken" if taken else "waiting")
    what = "taken" if row.state == "accepted" else row.state
    return Event(*about, what, "" if what == "taken" else row.reply, row.due_at if what == "deferred" else None)
