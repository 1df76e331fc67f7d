"""How digests fared, in numbers that need no spying: taken by the mail server, refused, bounced, unsubscribed after."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.digest.models import Digest, Sending, SendingException
from blogapp.digest.progress import accepted_by_sending
from blogapp.digest.returned import bounced
from blogapp.posts.models import Post
from blogapp.subscribing.models import Subscriber

# Who unsubscribes within this time after a digest, and before the next, is counted as having done so after it.
AFTERWARDS = timedelta(days=7)


@dataclass(frozen=True)
class Figures:
    """One digest. `state`: planning, sending, paused or sent. `left`: unsubscribed within a week after it began, before
    the next one; `week_over`: that number is final."""

    post_id: int
    title: str
    at: datetime
    state: str
    candidates: int
    taken: int
    refused: int
    skipped: int
    bounced: int
    left: int
    week_over: bool

    @property
    def back(self) -> int:
        """Whom it did not reach, as far as is known."""
        return self.refused + self.bounced


def recent(limit: int = 12) -> list[Figures]:
    """The last digests that have begun to leave, the newest first."""
    session = db.session()
    rows = session.execute(_query().order_by(Sending.id.desc()).limit(limit)).all()
    ends = [None, *(row.planned_at for row in rows)]
    return _figures(session, rows, ends)


def figures_of(digest_id: int) -> Figures | None:
    """The figures of one digest; None before it begins."""
    session = db.session()
    rows = session.execute(_query().where(Digest.id == digest_id)).all()
    if not rows:
        return None
    following = select(func.min(Sending.planned_at)).where(Sending.id > rows[0].id)
    return _figures(session, rows, [session.execute(following).scalar()])[0]


def _query() -> Select[*tuple[Any, ...]]:
    columns = (Sending.id, Sending.state, Sending.planned_at, Sending.candidates, Post.id.label("post_id"), Post.title)
    return select(*columns).join(Digest, Digest.sending_id == Sending.id).join(Post, Post.id == Digest.post_id)


def _figures(session: Session, rows: Sequence[Any], ends: Sequence[datetime | None]) -> list[Figures]:
    numbers = [row.id for row in rows]
    others = _exceptions(session, numbers)
    under_way = accepted_by_sending(session, [row.id for row in rows if row.state != "sent"])
    back = bounced(session, numbers)
    found = []
    for row, following in zip(rows, ends, strict=False):
        mine = others.get(row.id, {})
        # Of one that is over, whoever is no exception was taken: no need to add thousands of batches up.
        rest = row.candidates - sum(number for state, number in mine.items() if state != "accepted")
        week = row.planned_at + AFTERWARDS
        end = min(week, following) if following else week
        found.append(
            Figures(
                row.post_id,
                row.title,
                row.planned_at,
                row.state,
                row.candidates,
                under_way.get(row.id, rest),
                mine.get("refused", 0),
                mine.get("skipped", 0),
                back.get(row.id, 0),
                _left(session, row.planned_at, end),
                end <= now(),
            )
        )
    return found


def _exceptions(session: Session, sending_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    columns = (SendingException.sending_id, SendingException.state)
    query = select(*columns, func.count()).where(SendingException.sending_id.in_(sending_ids)).group_by(*columns)
    found: dict[int, dict[str, int]] = {}
    for number, state, count in session.execute(query):
        found.setdefault(number, {})[state] = count
    return found


def _left(session: Session, begin: datetime, end: datetime) -> int:
    at = Subscriber.unsubscribed_at
    query = select(func.count()).where(at.is_not(None), at > begin, at <= end)
    return session.execute(query).scalar_one()
