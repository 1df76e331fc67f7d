"""Claiming batches and exceptions: one statement for both databases, a lease, and whom a dead worker left behind.

`SELECT … FOR UPDATE SKIP LOCKED` in a CTE, `UPDATE … RETURNING` around it; SQLite's compiler leaves FOR UPDATE out
and its one writer needs none (measured on both).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select, tuple_, update
from sqlalchemy.orm import Session

from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.delivery.lease import LENGTH
from blogapp.delivery.owners import gone_among
from blogapp.digest import bitmap
from blogapp.digest.models import Batch, Sending, SendingException

# What a sending does while its mails may leave, and until it is over. Every question about batches names some: the
# batches of all that was ever sent are there still, and are not to be looked at.
RUNNING = ("planning", "sending")
UNFINISHED = (*RUNNING, "paused")
# Deferred recipients that are tried again in one go.
RETRIES = 100


@dataclass(frozen=True)
class ClaimedBatch:
    """A batch that is ours until its lease ends."""

    id: int
    sending_id: int
    lo: int
    hi: int
    planned: tuple[int, ...]
    accepted: tuple[int, ...]
    fresh: bool = False  # nothing was ever written about it


@dataclass(frozen=True)
class ClaimedRetry:
    """A recipient to try again. `state` and `attempts` as they were before this try."""

    sending_id: int
    subscriber_id: int
    batch_id: int
    state: str
    attempts: int


def claim_batches(owner: str, most: int, holding: Collection[int] = ()) -> list[ClaimedBatch]:
    """Claim the oldest batches that nobody holds, at most so many, in one transaction.

    Args:
        holding: those that we are sending already.
    """
    free = and_(_free(Batch, owner), Batch.id.not_in(holding)) if holding else _free(Batch, owner)
    query = select(Batch.id).where(free, _runs(Batch.sending_id)).order_by(Batch.id).limit(most)
    if db.session.connection().execute(query.limit(1)).first() is None:
        return []  # Looked at first, so that an idle worker never takes SQLite's write lock.
    with transaction() as session:
        due = query.with_for_update(of=Batch, skip_locked=True).cte("due")
        claim = (
            update(Batch)
            .where(Batch.id.in_(select(due.c.id)))
            .values(state="claimed", owner=owner, lease_until=now() + LENGTH)
            .returning(Batch.id, Batch.sending_id, Batch.lo, Batch.hi, Batch.planned, Batch.accepted)
        )
        rows = session.connection().execute(claim).all()
    return [_claimed(*row) for row in sorted(rows, key=itemgetter(0))]


def claim_batch(owner: str) -> ClaimedBatch | None:
    """Claim the oldest batch that nobody holds; None when there is none."""
    return next(iter(claim_batches(owner, 1)), None)


def renew_batches(owner: str, until: datetime) -> set[int]:
    """Make the leases longer; the batches that are still ours."""
    with transaction() as session:
        held = and_(Batch.state == "claimed", Batch.owner == owner, _runs(Batch.sending_id, UNFINISHED))
        ours = update(Batch).where(held).values(lease_until=until)
        return set(session.execute(ours.returning(Batch.id), execution_options=PLAIN).scalars())


def is_ours(batch_id: int, owner: str) -> ColumnElement[bool]:
    """The fence: what every write to a claimed batch asks for."""
    return and_(Batch.id == batch_id, Batch.state == "claimed", Batch.owner == owner)


def claim_retries(owner: str) -> list[ClaimedRetry]:
    """Claim the recipients of one sending whose next try is due."""
    due = _due_retries(owner).limit(1)
    if db.session.execute(due).first() is None:
        return []
    with transaction() as session:
        first = session.execute(due).first()
        return _take_retries(session, owner, first.sending_id) if first else []


def renew_retries(owner: str, until: datetime) -> bool:
    """Make the leases longer; False when none is ours any more."""
    with transaction() as session:
        ours = update(SendingException).where(SendingException.owner == owner).values(lease_until=until)
        kept = session.execute(ours.returning(SendingException.subscriber_id), execution_options=PLAIN)
        return bool(kept.all())


def release_retries(owner: str) -> None:
    """Give back what was claimed and not tried."""
    with transaction() as session:
        ours = update(SendingException).where(SendingException.owner == owner)
        session.execute(ours.values(owner=None, lease_until=None), execution_options=PLAIN)


def _claimed(number: int, sending_id: int, lo: int, hi: int, planned: bytes, accepted: bytes | None) -> ClaimedBatch:
    ids = [tuple(bitmap.to_ids(bits, lo)) for bits in (planned, accepted)]
    return ClaimedBatch(number, sending_id, lo, hi, ids[0], ids[1], accepted is None)


# Core updates: no object of ours is in the session.
PLAIN: dict[str, Any] = {"synchronize_session": False}


def _take_retries(session: Session, owner: str, sending_id: int) -> list[ClaimedRetry]:
    key = tuple_(SendingException.sending_id, SendingException.subscriber_id)
    due = (
        _due_retries(owner)
        .where(SendingException.sending_id == sending_id)
        .limit(RETRIES)
        .with_for_update(of=SendingException, skip_locked=True)
        .cte("due")
    )
    claim = (
        update(SendingException)
        .where(key.in_(select(due.c.sending_id, due.c.subscriber_id)))
        .values(owner=owner, lease_until=now() + LENGTH)
        .returning(
            SendingException.sending_id,
            SendingException.subscriber_id,
            SendingException.batch_id,
            SendingException.state,
            SendingException.attempts,
        )
    )
    return sorted((ClaimedRetry(*row) for row in session.execute(claim, execution_options=PLAIN)), key=_number)


def _number(retry: ClaimedRetry) -> int:
    return retry.subscriber_id


def _due_retries(owner: str) -> Select[int, int]:
    due = and_(SendingException.state.in_(("deferred", "in_doubt")), SendingException.due_at <= now())
    lost = _lost(SendingException.owner, and_(due, SendingException.owner.is_not(None)), owner)
    free = or_(SendingException.owner.is_(None), SendingException.lease_until < now(), SendingException.owner.in_(lost))
    return (
        select(SendingException.sending_id, SendingException.subscriber_id)
        .where(due, free, _runs(SendingException.sending_id))
        .order_by(SendingException.due_at)
    )


def _free(table: type[Batch], owner: str) -> ColumnElement[bool]:
    lost = _lost(table.owner, and_(table.state == "claimed", _runs(table.sending_id)), owner)
    over = and_(table.state == "claimed", or_(table.lease_until < now(), table.owner.in_(lost)))
    return or_(table.state == "open", over)


def _lost(column: Any, claimed: ColumnElement[bool], owner: str) -> list[str]:
    """Whose claims need no waiting for: processes that are gone, and our own from before an error."""
    owners = db.session.execute(select(column).where(claimed).distinct()).scalars()
    return [owner, *gone_among(owners)]


def _runs(sending_id: Any, states: tuple[str, ...] = RUNNING) -> ColumnElement[bool]:
    return sending_id.in_(select(Sending.id).where(Sending.state.in_(states)))  # type: ignore[no-any-return]
