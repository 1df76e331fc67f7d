"""Who a digest goes to: the one place that says so."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, exists, func, select
from sqlalchemy.orm import Session

from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.delivery.models import Suppression
from blogapp.subscribing.models import Subscriber

# Why somebody gets nothing, in the words that people read on the digest's page.
UNCONFIRMED, UNSUBSCRIBED, PAUSED, SUPPRESSED = "not confirmed", "unsubscribed", "paused", "suppressed"
LATER, ERASED, MONTHLY, EVERY = "joined later", "erased", "monthly", "no longer monthly"


# A moment, or the place for one in a statement that is built once.
Moment = datetime | ColumnElement[datetime]


@dataclass(frozen=True)
class Audience:
    """How many would get a digest that began now, and how many would not, by reason."""

    count: int
    excluded: dict[str, int]


def eligible(
    planned_at: datetime | None = None, at: datetime | None = None, kind: str = "digest"
) -> ColumnElement[bool]:
    """The condition on `Subscriber` for getting a sending.

    Args:
        planned_at: when the sending was planned: who confirmed later gets the next one. None: it would be now.
        at: the moment of asking, for pauses. None: now.
        kind: the sending's. A digest goes to those who want every one, a catch-up to those who want it monthly, a
            correction to either.
    """
    conditions = [Subscriber.state == "confirmed", ~_is_paused(at), ~_is_suppressed()]
    if kind != "correction":
        conditions.append(~_wants_otherwise(kind))
    if planned_at is not None:
        conditions.append(Subscriber.confirmed_at <= planned_at)
    return and_(*conditions)


def reason(
    planned_at: datetime | None = None, at: Moment | None = None, kind: str = "digest"
) -> ColumnElement[str | None]:
    """Why somebody is not eligible; NULL exactly where `eligible` holds (a test compares them)."""
    reasons: list[tuple[ColumnElement[bool], str]] = [
        (Subscriber.state == "unsubscribed", UNSUBSCRIBED),
        (Subscriber.state == "pending", UNCONFIRMED),
        (_is_suppressed(), SUPPRESSED),
        (_is_paused(at), PAUSED),
    ]
    if kind != "correction":
        reasons.append((_wants_otherwise(kind), MONTHLY if kind == "digest" else EVERY))
    if planned_at is not None:
        reasons.append((Subscriber.confirmed_at > planned_at, LATER))
    return case(*reasons, else_=None)


def audience(session: Session | None = None) -> Audience:
    """Who would get a digest that began now."""
    asked = session or db.session()
    count = asked.execute(select(func.count()).select_from(Subscriber).where(eligible())).scalar_one()
    why = reason()
    rows = asked.execute(select(why, func.count()).select_from(Subscriber).where(why.is_not(None)).group_by(why))
    return Audience(count, {str(name): number for name, number in rows})


def _is_paused(at: Moment | None) -> ColumnElement[bool]:
    return and_(Subscriber.paused_until.is_not(None), Subscriber.paused_until > (now() if at is None else at))


def _wants_otherwise(kind: str) -> ColumnElement[bool]:
    return Subscriber.frequency == "monthly" if kind == "digest" else Subscriber.frequency != "monthly"


def _is_suppressed() -> ColumnElement[bool]:
    return exists().where(Suppression.address == Subscriber.address)
