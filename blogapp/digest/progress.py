"""How far a digest is: what its page shows, and `candidates = accepted + refused + skipped + waiting + in doubt`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from blogapp.core.db import db
from blogapp.core.errors import NotFound
from blogapp.digest import bitmap
from blogapp.digest.journal import read_entries
from blogapp.digest.models import Batch, Digest, Sending, SendingException

MOST_REASONS = 20
COLUMNS = (
    Sending.state,
    Sending.candidates,
    Sending.pause_reason,
    Sending.paused_at,
    Sending.resume_at,
    Sending.sent_at,
)


@dataclass(frozen=True)
class Progress:
    """One digest's way out, in numbers of subscribers.

    `state`: the digest's (waiting, held, cancelled, withdrawn, sending, sent), or `paused` while the relay cannot be
    used; then `pause_reason` says why. While the audience is being planned (seconds) `candidates` still grows.
    `reasons`: why somebody was skipped or refused, and how many; the most frequent first. `held_back`: those in doubt
    that wait for a person.
    """

    digest_id: int
    state: str
    due_at: datetime
    candidates: int = 0
    accepted: int = 0
    refused: int = 0
    skipped: int = 0
    waiting: int = 0
    in_doubt: int = 0
    held_back: int = 0
    held_reason: str = ""
    pause_reason: str = ""
    paused_at: datetime | None = None
    resume_at: datetime | None = None
    sent_at: datetime | None = None
    reasons: list[tuple[str, int]] = field(default_factory=list)


def progress(digest_id: int) -> Progress:
    """How far a digest is, live: acceptances show the moment they happen, before anything is settled.

    Reads on a connection of its own, so that the numbers are of this moment whatever the caller has read before.

    Raises:
        NotFound: there is no such digest.
    """
    with db.engine.connect() as connection:
        return _progress(connection, digest_id)


def progress_of_post(post_id: int) -> Progress | None:
    """The same for a post; None when it has no digest."""
    with db.engine.connect() as connection:
        number = connection.execute(select(Digest.id).where(Digest.post_id == post_id)).scalar_one_or_none()
        return None if number is None else _progress(connection, number)


def _progress(connection: Connection, digest_id: int) -> Progress:
    query = select(Digest.sending_id, Digest.state, Digest.due_at, Digest.held_reason).where(Digest.id == digest_id)
    digest = connection.execute(query).one_or_none()
    if digest is None:
        raise NotFound("There is no such digest.")
    if digest.sending_id is None:
        return Progress(digest_id, digest.state, digest.due_at, held_reason=digest.held_reason)
    accepted = _accepted_at_once(connection, digest.sending_id)
    exceptions = _exceptions(connection, digest.sending_id)
    # The candidates last: they only grow, so what is left of them is never less than nothing.
    sending = connection.execute(select(*COLUMNS).where(Sending.id == digest.sending_id)).one()
    counts = {
        "accepted": accepted + exceptions.get("accepted", 0),
        **{state: exceptions.get(state, 0) for state in ("refused", "skipped", "in_doubt")},
    }
    paused = sending.state == "paused"
    return Progress(
        digest_id,
        "paused" if paused else "sent" if sending.state == "sent" else digest.state,
        digest.due_at,
        candidates=sending.candidates,
        waiting=sending.candidates - sum(counts.values()),
        held_reason="",
        held_back=_held_back(connection, digest.sending_id),
        pause_reason=sending.pause_reason if paused else "",
        paused_at=sending.paused_at if paused else None,
        resume_at=sending.resume_at if paused else None,
        sent_at=sending.sent_at,
        reasons=_reasons(connection, digest.sending_id),
        **counts,
    )


def _accepted_at_once(connection: Connection, sending_id: int) -> int:
    """Accepted at the first try: settled, or journalled in a batch that is being sent."""
    columns = (Batch.id, Batch.lo, Batch.accepted)
    claimed = select(*columns).where(Batch.sending_id == sending_id, Batch.state == "claimed").order_by(Batch.id)
    settled = select(func.sum(Batch.accepted_count)).where(Batch.sending_id == sending_id, Batch.state != "claimed")
    total = 0
    for _ in range(5):
        connection.rollback()  # A new look at the database: the journals are not part of its snapshot.
        batches = connection.execute(claimed).all()
        entries = read_entries(connection, [batch.id for batch in batches])
        total = sum(len(entries.get(b.id, set()).union(bitmap.to_ids(b.accepted, b.lo))) for b in batches)
        total += connection.execute(settled).scalar_one() or 0
        connection.rollback()
        if batches == connection.execute(claimed).all():
            break  # Nothing was settled, and no journal cleared, while we read.
    return int(total)


def _exceptions(connection: Connection, sending_id: int) -> dict[str, int]:
    query = (
        select(SendingException.state, func.count())
        .where(SendingException.sending_id == sending_id)
        .group_by(SendingException.state)
    )
    return dict(connection.execute(query).all())


def _held_back(connection: Connection, sending_id: int) -> int:
    query = select(func.count()).where(
        SendingException.sending_id == sending_id,
        SendingException.state == "in_doubt",
        SendingException.due_at.is_(None),
    )
    return connection.execute(query).scalar_one()


def _reasons(connection: Connection, sending_id: int) -> list[tuple[str, int]]:
    query = (
        select(SendingException.reply, func.count())
        .where(SendingException.sending_id == sending_id, SendingException.state.in_(("skipped", "refused")))
        .group_by(SendingException.reply)
        .order_by(func.count().desc(), SendingException.reply)
        .limit(MOST_REASONS)
    )
    return list(connection.execute(query).all())


def accepted_by_sending(session: Session, sending_ids: Sequence[int]) -> dict[int, int]:
    """How many mails of each sending the relay has taken and we have settled: for lists, in two queries."""
    totals: dict[int, int] = dict.fromkeys(sending_ids, 0)
    if not totals:
        return totals
    at_once = (
        select(Batch.sending_id, func.sum(Batch.accepted_count))
        .where(Batch.sending_id.in_(totals))
        .group_by(Batch.sending_id)
    )
    later = (
        select(SendingException.sending_id, func.count())
        .where(SendingException.sending_id.in_(totals), SendingException.state == "accepted")
        .group_by(SendingException.sending_id)
    )
    for query in (at_once, later):
        for number, count in session.execute(query):
            totals[number] += int(count or 0)
    return totals
