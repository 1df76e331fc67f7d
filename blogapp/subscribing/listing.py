"""Looking subscribers up: pages of them, all of them, how many."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, String, and_, cast, exists, func, select

from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.delivery.models import Suppression
from blogapp.subscribing.models import MONTHLY, Subscriber

SLICE = 5000
COLUMNS = (
    Subscriber.id,
    Subscriber.address,
    Subscriber.name,
    Subscriber.state,
    Subscriber.created_at,
    Subscriber.confirmed_at,
    Subscriber.unsubscribed_at,
    Subscriber.paused_until,
    Subscriber.frequency,
    Subscriber.consent,
)


def _suppressed() -> ColumnElement[bool]:
    return exists().where(Suppression.address == Subscriber.address)


def _paused() -> ColumnElement[bool]:
    # Only who is confirmed can pause, and leaving ends it; so the small index over the paused is all that is read.
    return and_(Subscriber.paused_until.is_not(None), Subscriber.paused_until > now())


def _narrowed(query: str, state: str) -> Select[Any]:
    wanted = select(*COLUMNS, _suppressed().label("suppressed"), _paused().label("paused"))
    if state == "suppressed":
        wanted = wanted.where(_suppressed())
    elif state == "paused":
        wanted = wanted.where(_paused())
    elif state:
        wanted = wanted.where(Subscriber.state == state)
    if query := query.strip().lower():
        wanted = wanted.where(Subscriber.address.contains(query, autoescape=True))
    return wanted


def list_subscribers(*, query: str = "", state: str = "", before: int | None = None, limit: int = 50) -> list[Row[Any]]:
    """A page of subscribers, newest first: rows of COLUMNS, `suppressed` and `paused`.

    Args:
        query: a part of the address.
        state: `pending`, `confirmed`, `unsubscribed`, `paused` or `suppressed`; nothing for all.
        before: the id that the page before ended with.
    """
    wanted = _narrowed(query, state)
    if before is not None:
        wanted = wanted.where(Subscriber.id < before)
    return list(db.session.execute(wanted.order_by(Subscriber.id.desc()).limit(limit)).all())


def each_subscriber(*, query: str = "", state: str = "") -> Iterator[Row[Any]]:
    """All of them, oldest first, a slice at a time: flat memory, and no long transaction. As in `list_subscribers`."""
    after = 0
    while True:
        wanted = _narrowed(query, state).where(Subscriber.id > after)
        rows = db.session.execute(wanted.order_by(Subscriber.id).limit(SLICE)).all()
        db.session.rollback()
        yield from rows
        if len(rows) < SLICE:
            return
        after = rows[-1].id


def list_suppressions(*, after: str = "", limit: int = 50) -> list[Row[str, str, datetime, int]]:
    """A page of the addresses that must not be mailed, in order: address, reason, created_at, subscriber_id or None.

    Args:
        after: the address that the page before ended with.
    """
    columns = (Suppression.address, Suppression.reason, Suppression.created_at, Subscriber.id.label("subscriber_id"))
    wanted = select(*columns).outerjoin(Subscriber, Subscriber.address == Suppression.address)
    wanted = wanted.where(Suppression.address > after).order_by(Suppression.address).limit(limit)
    return list(db.session.execute(wanted).all())


@dataclass(frozen=True)
class Counts:
    """How many subscribers there are. Paused, monthly and suppressed ones are counted under their state too."""

    confirmed: int = 0
    pending: int = 0
    unsubscribed: int = 0
    paused: int = 0
    suppressed: int = 0
    monthly: int = 0


def count_states() -> Counts:
    """How many subscribers are in which state."""
    by_state = db.session.execute(select(Subscriber.state, func.count()).group_by(Subscriber.state))
    paused = select(func.count()).where(_paused())
    # From the side of the suppressions: there are far fewer of them.
    barred = select(func.count()).where(exists().where(Subscriber.address == Suppression.address))
    return Counts(
        **{str(state): number for state, number in by_state},
        paused=db.session.execute(paused).scalar_one(),
        monthly=db.session.execute(select(func.count()).where(MONTHLY, Subscriber.state == "confirmed")).scalar_one(),
        suppressed=db.session.execute(barred.select_from(Suppression)).scalar_one(),
    )


def count_suppressed() -> int:
    """How many addresses must not be mailed, on the list or not."""
    return db.session.execute(select(func.count()).select_from(Suppression)).scalar_one()


@dataclass(frozen=True)
class Month:
    """What a calendar month (UTC) brought: `joined` confirmed in it, `left` unsubscribed."""

    first_day: date
    joined: int
    left: int


def by_month(months: int = 12) -> list[Month]:
    """The last months, oldest first, this one included."""
    firsts = [_months_back(now().date(), back) for back in reversed(range(months))]
    joined = _per_month(Subscriber.confirmed_at, firsts[0])
    left = _per_month(Subscriber.unsubscribed_at, firsts[0])
    return [Month(first, joined.get(f"{first:%Y-%m}", 0), left.get(f"{first:%Y-%m}", 0)) for first in firsts]


def _per_month(column: Any, since: date) -> dict[str, int]:
    # `2026-11-23 …` is how both databases write a moment, so that its first seven characters are the month.
    month = func.substr(cast(column, String), 1, 7)
    start = datetime(since.year, since.month, 1, tzinfo=UTC)
    return dict(db.session.execute(select(month, func.count()).where(column >= start).group_by(month)).all())


def _months_back(day: date, back: int) -> date:
    index = day.year * 12 + day.month - 1 - back
    return date(index // 12, index % 12 + 1, 1)
