"""What is written when mails have been tried: batches, exceptions, pauses, and the end of a sending.

Everything about a batch is written in one transaction that asks whether the batch is still ours: a worker whose lease
has run out writes nothing.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, insert, select, update
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import db, transaction
from blogapp.delivery import days
from blogapp.delivery.backoff import next_try, resume_at
from blogapp.delivery.replies import Outcome, Verdict
from blogapp.delivery.suppressions import suppress
from blogapp.digest import bitmap, journal, notices
from blogapp.digest.claims import PLAIN, RUNNING, ClaimedBatch, ClaimedRetry, is_ours
from blogapp.digest.family import digests_of, family_of
from blogapp.digest.models import Batch, Sending, SendingException

log = logging.getLogger(__name__)

# With doubling pauses this is about a quarter of an hour: long enough for the author to be told.
TELL_AFTER_PAUSES = 8


@dataclass
class Tally:
    """What became of a batch's recipients in this claim. `accepted` holds whom the journal held, too.

    `news`: how many were accepted since it was last written.
    """

    accepted: set[int]
    news: int = 0
    skipped: dict[int, str] = field(default_factory=dict)
    others: dict[int, tuple[str, Outcome]] = field(default_factory=dict)  # id -> (address, outcome)

    @property
    def tried(self) -> set[int]:
        return self.accepted | self.skipped.keys() | self.others.keys()


@dataclass(frozen=True)
class Settled:
    """What is known about a batch.

    `state`: `done`; `open` where somebody is still to be tried, to give it back; `claimed` to go on with it.
    """

    batch: ClaimedBatch
    tally: Tally
    state: str
    planned_at: datetime


def settle_batches(found: Sequence[Settled], owner: str) -> set[int]:
    """Write what is known about some batches, in one transaction. Those that are not ours any more, and left alone."""
    with transaction() as session:
        for sending_id in {one.batch.sending_id for one in found if one.tally.news}:
            _goes_well(session, sending_id)
        for one in found:
            if any(_is_verdict(outcome) for _, outcome in one.tally.others.values()):
                _put_off_refusals(session, one)
        lost = {one.batch.id for one in found if not _settle(session, one, owner)}
        _count(session, [one for one in found if one.batch.id not in lost])
        return lost


def _count(session: Session, found: Sequence[Settled]) -> None:
    """Add to what the day's mails came to."""
    verdicts = Counter(outcome.verdict for one in found for _, outcome in one.tally.others.values())
    days.count(
        session,
        accepted=sum(one.tally.news for one in found),
        refused=verdicts[Verdict.REFUSED],
        deferred=verdicts[Verdict.DEFERRED],
    )


def _settle(session: Session, found: Settled, owner: str) -> bool:
    batch, tally = found.batch, found.tally
    ours = update(Batch).where(is_ours(batch.id, owner))
    if found.state != "claimed":
        ours = ours.values(state=found.state, owner=None, lease_until=None)
    ours = ours.values(accepted=bitmap.from_ids(tally.accepted, batch.lo, batch.hi), accepted_count=len(tally.accepted))
    if session.connection().execute(ours.returning(Batch.id)).first() is None:
        return False
    rows = [_exception(batch, number, *what, found.planned_at) for number, what in tally.others.items()]
    rows += [_skipped(batch, number, reason) for number, reason in tally.skipped.items()]
    if rows:
        session.execute(insert(SendingException), rows)
    for address, outcome in tally.others.values():
        _suppress(session, address, outcome, batch.sending_id)
    journal.forget_rows(session, batch.id)
    return True


def settle_retry(retry: ClaimedRetry, owner: str, address: str, outcome: Outcome | str, planned_at: datetime) -> None:
    """Write what became of one recipient who was tried again; a plain string is why they were not."""
    attempts = retry.attempts + isinstance(outcome, Outcome)
    with transaction() as session:
        if isinstance(outcome, Outcome):
            if _is_verdict(outcome) and _is_troubled(session, retry.sending_id):
                outcome = Outcome(Verdict.DEFERRED, outcome.reply)
            state, due_at, reply = _what_now(outcome, attempts, planned_at, doubted=retry.state == "in_doubt")
        else:
            state, due_at, reply = "skipped", None, outcome
        ours = update(SendingException).where(
            SendingException.sending_id == retry.sending_id,
            SendingException.subscriber_id == retry.subscriber_id,
            SendingException.owner == owner,
        )
        ours = ours.values(state=state, due_at=due_at, reply=reply, attempts=attempts, owner=None, lease_until=None)
        if session.execute(ours.returning(SendingException.subscriber_id), execution_options=PLAIN).first() is None:
            return
        if isinstance(outcome, Outcome):
            _suppress(session, address, outcome, retry.sending_id)
        if state == "accepted":
            _goes_well(session, retry.sending_id)
        if isinstance(outcome, Outcome):
            days.count(session, **{state: 1} if state in ("accepted", "refused", "deferred") else {})


def pause(sending_id: int, why: str) -> None:
    """Let a sending rest, because the relay cannot be used; it goes on by itself."""
    with transaction() as session:
        at = now()
        sending = session.get(Sending, sending_id, with_for_update=True, populate_existing=True)
        if sending is None or sending.state not in (*RUNNING, "paused"):
            return
        if sending.state == "paused" and (sending.resume_at is None or sending.resume_at > at):
            return  # Another worker was faster.
        sending.state, sending.pause_reason = "paused", why
        sending.pauses += 1
        sending.paused_at = sending.paused_at or at
        sending.resume_at = resume_at(sending.pauses, at)
        if sending.pauses == 1:
            record(session, "digest.pause", f"sending:{sending_id}", by=None, why=why)
        if sending.pauses == TELL_AFTER_PAUSES and not _told(session, sending):
            notices.held_up(session, sending)
    log.warning("a sending is paused", extra={"sending": sending_id, "reason": why, "times": sending.pauses})


def _told(session: Session, sending: Sending) -> bool:
    """Whether the author has been told of this trouble already, by another one of the editions."""
    family = family_of(session, sending.main_id or sending.id)
    others = (Sending.id.in_(family), Sending.id != sending.id, Sending.pauses >= TELL_AFTER_PAUSES)
    return session.execute(select(Sending.id).where(*others).limit(1)).first() is not None


def rest(reason: str, until: datetime) -> bool:
    """Let all sendings rest until then: it is the settings' wish, and no trouble. Whether there were any."""
    running = select(Sending.id).where(Sending.state.in_(RUNNING))
    if db.session.execute(running.limit(1)).first() is None:
        return False
    with transaction() as session:
        resting = update(Sending).where(Sending.state.in_(RUNNING))
        resting = resting.values(state="paused", pause_reason=reason, paused_at=now(), resume_at=until)
        session.execute(resting, execution_options=PLAIN)
    log.info("digests rest", extra={"reason": reason, "until": until.isoformat()})
    return True


def to_resume() -> list[int]:
    """The paused sendings that may try the relay again."""
    query = select(Sending.id).where(Sending.state == "paused", Sending.resume_at <= now()).order_by(Sending.id)
    return list(db.session.execute(query).scalars())


def resume(sending_id: int) -> None:
    """The relay answers again: go on."""
    with transaction() as session:
        sending = session.get(Sending, sending_id, with_for_update=True, populate_existing=True)
        if sending is None or sending.state != "paused":
            return
        sending.state = "sending" if sending.is_planned else "planning"
        sending.resume_at = None
    log.info("a sending goes on", extra={"sending": sending_id})


def finish_done() -> int:
    """Make every sending in which nothing is left open `sent`, and tell of refusals. Returns how many."""
    done = db.session.execute(select(Sending.id).where(_is_done())).scalars().all()
    return sum(_finish(number) for number in done)


def _finish(sending_id: int) -> bool:
    with transaction() as session:
        main_id = session.execute(select(Sending.main_id).where(Sending.id == sending_id)).scalar()
        # The main sending first: of two that end at the same moment the second one sees the first.
        for number in (main_id, sending_id) if main_id else (sending_id,):
            sending = session.get(Sending, number, with_for_update=True, populate_existing=True)
        done = select(Sending.id).where(Sending.id == sending_id, _is_done())
        if sending is None or session.execute(done).first() is None:
            return False
        sending.state, sending.sent_at = "sent", sending.sent_at or now()
        session.flush()
        family = family_of(session, main_id or sending_id)
        left = select(Sending.id).where(Sending.id.in_(family), Sending.state != "sent").limit(1)
        if session.execute(left).first() is None:
            _end_digests(session, sending, family)
        journal.sweep(session, session.execute(select(Batch.id).where(Batch.sending_id == sending_id)).scalars().all())
    log.info("a sending has left", extra={"sending": sending_id, "candidates": sending.candidates})
    return True


def _end_digests(session: Session, sending: Sending, family: list[int]) -> None:
    """All that a publication sends has left."""
    count = session.execute(select(func.sum(Sending.candidates)).where(Sending.id.in_(family))).scalar_one()
    for digest in digests_of(session, sending):
        digest.state = "sent"
        record(session, "digest.sent", f"digest:{digest.id}", by=None, candidates=count)
    notices.refused(session, sending, family)


def _is_done() -> ColumnElement[bool]:
    open_batch = exists().where(Batch.sending_id == Sending.id, Batch.state.in_(("open", "claimed")))
    open_exception = exists().where(
        SendingException.sending_id == Sending.id,
        SendingException.state.in_(("deferred", "in_doubt")),
        SendingException.due_at.is_not(None),
    )
    return and_(Sending.state == "sending", ~open_batch, ~open_exception)


def _goes_well(session: Session, sending_id: int) -> None:
    """Something was accepted: the pauses before it are over. Touches the row only where there were any."""
    troubled = update(Sending).where(Sending.id == sending_id, Sending.pauses > 0, Sending.state.in_(RUNNING))
    session.execute(troubled.values(pauses=0, paused_at=None, pause_reason=""), execution_options=PLAIN)


def _is_verdict(outcome: Outcome) -> bool:
    """Whether a recipient is refused, and not because their mailbox is gone: that may be about us as well."""
    return outcome.verdict is Verdict.REFUSED and not outcome.suppress


def _is_troubled(session: Session, sending_id: int) -> bool:
    """Whether nobody was accepted since the last trouble: what is refused now may be the same trouble still."""
    pauses = session.execute(select(Sending.pauses).where(Sending.id == sending_id)).scalar_one_or_none()
    return bool(pauses)


def _put_off_refusals(session: Session, found: Settled) -> None:
    if not _is_troubled(session, found.batch.sending_id):
        return
    for number, (address, outcome) in found.tally.others.items():
        if _is_verdict(outcome):
            found.tally.others[number] = (address, Outcome(Verdict.DEFERRED, outcome.reply))


def _exception(batch: ClaimedBatch, number: int, _: str, outcome: Outcome, planned_at: datetime) -> dict[str, object]:
    state, due_at, reply = _what_now(outcome, 1, planned_at, doubted=False)
    return {**_row(batch, number), "state": state, "attempts": 1, "due_at": due_at, "reply": reply}


def _skipped(batch: ClaimedBatch, number: int, reason: str) -> dict[str, object]:
    return {**_row(batch, number), "state": "skipped", "attempts": 0, "due_at": None, "reply": reason}


def _row(batch: ClaimedBatch, number: int) -> dict[str, object]:
    return {"sending_id": batch.sending_id, "subscriber_id": number, "batch_id": batch.id}


def _what_now(
    outcome: Outcome, attempts: int, planned_at: datetime, *, doubted: bool
) -> tuple[str, datetime | None, str]:
    """The state, the next try and the reply of a recipient with that outcome.

    Args:
        doubted: it was in doubt before: it is sent again once, and then a person decides.
    """
    again = next_try(attempts, planned_at, now())
    match outcome.verdict:
        case Verdict.ACCEPTED:
            return "accepted", None, outcome.reply
        case Verdict.REFUSED:
            return "refused", None, outcome.reply
        case Verdict.IN_DOUBT:
            hold = doubted or settings().in_doubt == "hold"
            return "in_doubt", None if hold else again, outcome.reply
    if again is None:
        return "refused", None, f"given up after five days: {outcome.reply}"
    return "deferred", again, outcome.reply


def _suppress(session: Session, address: str, outcome: Outcome, sending_id: int) -> None:
    if outcome.suppress:
        suppress(session, address, "no such mailbox", {"reply": outcome.reply, "sending": sending_id})
