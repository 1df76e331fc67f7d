"""How digests fared, in numbers that need no spying: taken by the mail server, refused, bounced, unsubscribed after."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session

from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.digest.models import Digest, Sending, SendingException
from blogapp.digest.progress import reached_by_sending
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
    following = select(func.min(Sending.planned_at)).where(Sending.id > rows[0].id, _is_main())
    return _figures(session, rows, [session.execute(following).scalar()])[0]


def _is_main() -> ColumnElement[bool]:
    """The condition that a sending is a digest's way out, and no edition, catch-up or correction."""
    return exists().where(Digest.sending_id == Sending.id)


def _query() -> Select[*tuple[Any, ...]]:
    columns = (Sending.id, Sending.planned_at, Sending.candidates, Post.id.label("post_id"), Post.title)
    return select(*columns).join(Digest, Digest.sending_id == Sending.id).join(Post, Post.id == Digest.post_id)


def _figures(session: Session, rows: Sequence[Any], ends: Sequence[datetime | None]) -> list[Figures]:
    mains = _families(session, [row.id for row in rows])
    states = _states(session, mains)
    others = _exceptions(session, mains)
    reached = reached_by_sending(session, [row.id for row in rows])
    back: Counter[int] = Counter()
    for number, count in bounced(session, list(mains)).items():
        back[mains[number]] += count
    found = []
    for row, following in zip(rows, ends, strict=False):
        mine = others.get(row.id, Counter[str]())
        taken, candidates = reached.get(row.id, (0, 0))
        week = row.planned_at + AFTERWARDS
        end = min(week, following) if following else week
        found.append(
            Figures(
                row.post_id,
                row.title,
                row.planned_at,
                next((state for state in ("paused", "planning", "sending") if state in states[row.id]), "sent"),
                candidates,
                taken,
                mine.get("refused", 0),
                mine.get("skipped", 0),
                back[row.id],
                _left(session, row.planned_at, end),
                end <= now(),
            )
        )
    return found


def _families(session: Session, main_ids: Sequence[int]) -> dict[int, int]:
    """Each of these sendings and each of their editions -> the main one."""
    ours = or_(Sending.id.in_(main_ids), Sending.main_id.in_(main_ids))
    return {number: main or number for number, main in session.execute(select(Sending.id, Sending.main_id).where(ours))}


def _states(session: Session, mains: dict[int, int]) -> dict[int, set[str]]:
    """Main sending -> the states of it and its editions: it is over when all are."""
    found: dict[int, set[str]] = {}
    for number, state in session.execute(select(Sending.id, Sending.state).where(Sending.id.in_(mains))):
        found.setdefault(mains[number], set()).add(state)
    return found


def _exceptions(session: Session, mains: dict[int, int]) -> dict[int, Counter[str]]:
    columns = (SendingException.sending_id, SendingException.state)
    query = select(*columns, func.count()).where(SendingException.sending_id.in_(mains)).group_by(*columns)
    found: dict[int, Counter[str]] = {}
    for number, state, count in session.execute(query):
        found.setdefault(mains[number], Counter())[state] += count
    return found


def _left(session: Session, begin: datetime, end: datetime) -> int:
    at = Subscriber.unsubscribed_at
    query = select(func.count()).where(at.is_not(None), at > begin, at <= end)
    return session.execute(query).scalar_one()
