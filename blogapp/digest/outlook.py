"""Who a digest would go to, what has changed since before, and asking once more where that is a lot.

Not everybody is looked at: the states are counted from an index, and of the confirmed only those who may be left out.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from blogapp.audit import record
from blogapp.core.clock import now, seconds
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.errors import Conflict
from blogapp.delivery.models import Suppression
from blogapp.digest import notices
from blogapp.digest.audience import MONTHLY, PAUSED, SUPPRESSED, UNCONFIRMED, UNSUBSCRIBED, Audience
from blogapp.digest.models import Digest, Sending
from blogapp.subscribing.models import Subscriber

# A change by so few is never asked about, however short the list.
FEW = 20
# From so many subscribers on counting takes more than 50 ms; pages then show what is at most so old.
MANY, KEPT_SECONDS = 100_000, 30.0
# Who was told of a number so lately is not asked again when the digest begins.
FRESH = timedelta(minutes=1)
EXTENSION = "blogapp.outlook"


@dataclass(frozen=True)
class Before:
    """What an audience is held against: so many were to get the last digest when it began, at that moment; or, `told`,
    so many are what this digest's author was told of."""

    count: int
    at: datetime
    told: bool = False


@dataclass(frozen=True)
class Outlook:
    """Who would get a digest that began now, and what has changed since `before` (None: there was no digest yet)."""

    audience: Audience
    before: Before | None = None
    joined: int = 0
    unsubscribed: int = 0
    suppressed: int = 0

    @property
    def count(self) -> int:
        """How many would get it."""
        return self.audience.count

    @property
    def changes(self) -> list[str]:
        """What changed: `+12 joined`, `−3 unsubscribed`, `−1 suppressed`, `−2 paused or erased`."""
        if self.before is None:
            return []
        known = self.joined - self.unsubscribed - self.suppressed
        rest = self.count - self.before.count - known
        moves = {
            "joined": self.joined,
            "unsubscribed": -self.unsubscribed,
            "suppressed": -self.suppressed,
            "back on the list" if rest > 0 else "paused or erased": rest,
        }
        return [f"{'+' if number > 0 else '−'}{abs(number):,} {words}" for words, number in moves.items() if number]

    @property
    def asks(self) -> bool:
        """Whether it changed so much that a person should say yes once more."""
        return self.before is not None and changed_much(self.before.count, self.count)

    @property
    def warning(self) -> str:
        """`Last time 1,204 people got the digest; now 310 would: −880 unsubscribed, −14 suppressed.`"""
        if self.before is None:
            return ""
        then = people(self.before.count)
        start = f"When it was published, {then} would have got it" if self.before.told else f"Last time {then} got it"
        end = f": {', '.join(self.changes)}." if self.changes else "."
        return f"{start}; now {'nobody' if not self.count else f'{self.count:,}'} would{end}"


class AudienceChanged(Conflict):
    """So many more or fewer would get it that a person should say yes once more. Nothing was changed.

    `outlook.count` is what they would say yes to.
    """

    title = "The audience has changed"

    def __init__(self, outlook: Outlook) -> None:
        super().__init__(outlook.warning)
        self.outlook = outlook


def look() -> Outlook:
    """Who would get a digest that began now, and what has changed since the last. For pages: with a hundred thousand
    subscribers it may be half a minute old.
    """
    session = db.session()
    before = _last(session)
    return _kept().get(before, lambda: _outlook(session, before))


def look_for(which: ColumnElement[bool]) -> Outlook:
    """The same, of this moment, held against what the author of that digest was told of, if they were.

    Outside of transactions that write: with a million and a half subscribers it takes a quarter of a second.

    Args:
        which: the condition on `Digest`.
    """
    session = db.session()
    query = select(Digest.audience_seen, Digest.audience_seen_at).where(which, Digest.audience_seen_at.is_not(None))
    told: Any = session.execute(query).one_or_none()
    return _outlook(session, Before(told[0], told[1], told=True) if told else _last(session))


def agree(digest: Digest, outlook: Outlook, agreed: int | None) -> None:
    """Note on a digest that is armed what its author was told of.

    Args:
        agreed: the number that they said yes to when they were asked once more.

    Raises:
        AudienceChanged: they have to be asked, or it has changed since they were.
    """
    if outlook.asks and not _near(agreed, outlook.count):
        raise AudienceChanged(outlook)
    digest.audience_seen, digest.audience_seen_at, digest.held_reason = outlook.count, now(), ""


def to_hold(digest_id: int) -> Outlook | None:
    """The audience of a digest that is due, where it is not at all what its author was told of; else None.

    Who was told less than a minute ago is not counted again: then the first mail leaves at once.
    """
    told = db.session.execute(select(Digest.audience_seen_at).where(Digest.id == digest_id)).scalar()
    if (told is not None and now() - told < FRESH) or not settings().audience_change_percent:
        return None
    outlook = look_for(Digest.id == digest_id)
    return outlook if outlook.asks else None


def hold(session: Session, digest: Digest, outlook: Outlook) -> None:
    """Keep a digest, whose audience is not what its author was told of, until somebody says yes; tell the author."""
    digest.state, digest.held_reason = "held", outlook.warning
    record(session, "digest.hold", f"digest:{digest.id}", by=None, post=digest.post_id, why=outlook.warning)
    notices.audience_changed(session, digest)


def changed_much(before: int, count: int) -> bool:
    """Whether that is a change to ask about."""
    percent, change = settings().audience_change_percent, abs(count - before)
    return percent > 0 and change > FEW and change * 100 > percent * before


def people(number: int) -> str:
    """`nobody`, `1 person`, `812 people`."""
    return "nobody" if number == 0 else "1 person" if number == 1 else f"{number:,} people"


def count_audience(session: Session) -> Audience:
    """What `audience` says (a test compares them), from the small sides: 0.2 s, not 1.7, for a million and a half."""
    counted = dict(session.execute(select(Subscriber.state, func.count()).group_by(Subscriber.state)).all())
    barred = session.execute(
        select(func.count()).select_from(Suppression).where(_reached_but_for_suppression())
    ).scalar_one()
    # Not `state = 'confirmed'`, or SQLite would look at all of them rather than at the few who pause.
    paused = (
        Subscriber.paused_until.is_not(None),
        Subscriber.paused_until > now(),
        Subscriber.state.not_in(("pending", "unsubscribed")),
        ~select(Suppression.address).where(Suppression.address == Subscriber.address).exists(),
    )
    excluded = {
        UNCONFIRMED: counted.get("pending", 0),
        UNSUBSCRIBED: counted.get("unsubscribed", 0),
        SUPPRESSED: barred,
        PAUSED: session.execute(select(func.count()).where(*paused)).scalar_one(),
        MONTHLY: session.execute(select(func.count()).where(*_monthly())).scalar_one(),
    }
    count = sum(counted.values()) - sum(excluded.values())
    return Audience(count, {why: number for why, number in excluded.items() if number})


def _monthly() -> list[ColumnElement[bool]]:
    """The conditions on `Subscriber` for being left out only because they want one mail a month."""
    awake = Subscriber.paused_until.is_(None) | (Subscriber.paused_until <= now())
    barred = select(Suppression.address).where(Suppression.address == Subscriber.address).exists()
    return [Subscriber.frequency == "monthly", Subscriber.state.not_in(("pending", "unsubscribed")), awake, ~barred]


def _reached_but_for_suppression(*also: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition on `Suppression` that its address is a confirmed subscriber's."""
    known = select(Subscriber.id).where(
        Subscriber.address == Suppression.address, Subscriber.state == "confirmed", *also
    )
    return known.exists()


def _near(agreed: int | None, count: int) -> bool:
    """Whether who said yes to the one number would say yes to the other: somebody joins every minute."""
    return agreed is not None and abs(agreed - count) <= max(FEW, count // 50)


def _last(session: Session) -> Before | None:
    """The last digest whose audience is known."""
    edition = aliased(Sending)
    more = select(func.coalesce(func.sum(edition.candidates), 0)).where(edition.main_id == Sending.id)
    query = (
        select(Sending.candidates + more.scalar_subquery(), Sending.planned_at)
        .where(
            Sending.planned_to >= Sending.last_subscriber_id,
            select(Digest.id).where(Digest.sending_id == Sending.id).exists(),
        )
        .order_by(Sending.id.desc())
    )
    row = session.execute(query.limit(1)).one_or_none()
    return Before(*row) if row else None


def _outlook(session: Session, before: Before | None) -> Outlook:
    reached = count_audience(session)
    if before is None:
        return Outlook(reached)
    # In the words of the partial indexes, so that only those who moved are read.
    joined = (Subscriber.confirmed_at.is_not(None), Subscriber.confirmed_at > before.at)
    left = (Subscriber.unsubscribed_at.is_not(None), Subscriber.unsubscribed_at > before.at)
    awake = Subscriber.paused_until.is_(None) | (Subscriber.paused_until <= now())
    barred = (Suppression.created_at > before.at, _reached_but_for_suppression(awake))
    return Outlook(
        reached,
        before,
        *(session.execute(select(func.count()).where(*those)).scalar_one() for those in (joined, left, barred)),
    )


class _Kept:
    """The last result, where it takes long to make."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before: Before | None = None
        self._outlook: Outlook | None = None
        self._until = 0.0

    def get(self, before: Before | None, make: Callable[[], Outlook]) -> Outlook:
        with self._lock:
            if self._outlook is not None and self._before == before and seconds() < self._until:
                return self._outlook
        made = make()
        if made.count + sum(made.audience.excluded.values()) >= MANY:
            with self._lock:
                self._before, self._outlook, self._until = before, made, seconds() + KEPT_SECONDS
        return made


def _kept() -> _Kept:
    kept: _Kept = current_app.extensions.setdefault(EXTENSION, _Kept())
    return kept
