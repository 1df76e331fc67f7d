"""Sending a digest: claim a batch, read its subscribers now, hand them to the engine, journal, settle.

Kill it at any instant: the journal says who was accepted, the rest of the batch is sent again. Nobody is lost; what
was in flight, one mail a connection, may come twice, with the same Message-ID.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.site import link_key
from blogapp.delivery.engine import Engine
from blogapp.delivery.envelopes import Envelope
from blogapp.delivery.headers import ascii_address, parse_mailbox
from blogapp.delivery.lease import Lease
from blogapp.delivery.relay import parse_relay
from blogapp.delivery.replies import Outcome, Verdict
from blogapp.delivery.smtp import RelayTrouble
from blogapp.delivery.template import Template
from blogapp.digest import claims, settling
from blogapp.digest.audience import ERASED, reason
from blogapp.digest.claims import ClaimedBatch
from blogapp.digest.compose import personal_values
from blogapp.digest.journal import Journal, open_journal
from blogapp.digest.models import Sending, SendingException
from blogapp.digest.planning import plan_some
from blogapp.digest.settling import LeaseLost, Tally
from blogapp.subscribing.models import Subscriber

log = logging.getLogger(__name__)

# Planning goes first for so long, then mails leave while the rest is planned: the first one leaves at once.
PLAN_SECONDS = 0.15
# So many refusals with the same code and nobody accepted in between: that is no judgement of the recipients.
REFUSALS_IN_A_ROW = 20


@dataclass(frozen=True)
class Reader:
    """A subscriber as they are at this moment. `reason`: why they get nothing; None: they get it."""

    id: int
    address: str
    name: str
    reason: str | None


@dataclass(frozen=True)
class Frozen:
    """A sending's message, ready to be spliced."""

    id: int
    template: Template
    planned_at: datetime
    kind: str = "digest"
    original_id: int | None = None


def send_some(owner: str, stop: threading.Event, engine: Engine | None = None) -> bool:
    """Do the next piece of work there is: one batch, or some retries. Returns whether there was any.

    Args:
        engine: kept by a loop between calls; None: a connection of its own.
    """
    own = engine or Engine(parse_relay(settings().smtp_url))
    own.tick = lambda: "the worker was told to stop" if stop.is_set() else ""
    try:
        resumed = _resume(own)
        planned = plan_some(PLAN_SECONDS)
        worked = not stop.is_set() and (_retry_some(owner, stop, own) | _send_batch(owner, stop, own))
        return settling.finish_done() > 0 or worked or planned or resumed
    finally:
        db.session.rollback()
        own.tick = lambda: ""
        if engine is None:
            own.close()


def _resume(engine: Engine) -> bool:
    """Let paused sendings go on whose time has come, if the relay answers."""
    due = settling.to_resume()
    for number in due:
        db.session.rollback()  # No transaction stays open while the relay takes its time.
        try:
            engine.open()
        except RelayTrouble as trouble:
            settling.pause(number, str(trouble))
        else:
            settling.resume(number)
    return bool(due)


def _send_batch(owner: str, stop: threading.Event, engine: Engine) -> bool:
    batch = claims.claim_batch(owner)
    if batch is None:
        return False
    lease = Lease(lambda until: claims.renew_batch(batch.id, owner, until), stop)
    engine.tick = lease.tick
    frozen = _frozen(batch.sending_id)
    trouble = ""
    with open_journal(batch.id, frozen.template.message) as (journal, journalled):
        work = _Work(batch, owner, frozen, journal, journalled)
        try:
            trouble = work.send(engine, stop)
            work.settle()
        except LeaseLost:
            log.warning("a batch was taken over", extra={"batch": batch.id, "owner": owner})
    if trouble:
        settling.pause(batch.sending_id, trouble)
    return True


class _Work:
    """One claimed batch being sent."""

    def __init__(self, batch: ClaimedBatch, owner: str, frozen: Frozen, journal: Journal, journalled: set[int]) -> None:
        self.batch, self.owner, self.frozen, self.journal = batch, owner, frozen, journal
        self.tally = Tally(accepted=set(batch.accepted) | (journalled & set(batch.planned)))
        self.settled = _exceptions_of(batch.id)
        self.addresses: dict[int, str] = {}
        self.refusals: list[int] = []

    def send(self, engine: Engine, stop: threading.Event) -> str:
        """Send to whoever in the batch is still owed it, at this moment. Why it had to end early, or ""."""
        done = self.tally.accepted | self.settled
        owed = [number for number in self.batch.planned if number not in done]
        readers = read_readers(owed, self.frozen.planned_at, self.frozen.kind)
        for reader in readers:
            self.addresses[reader.id] = reader.address
            if reader.reason is not None:
                self.tally.skipped[reader.id] = reader.reason
        wanted = [reader for reader in readers if reader.reason is None]
        envelopes = _envelopes(wanted, self.frozen, stop, self._set_aside)
        try:
            with closing(engine.deliver(envelopes)) as results:
                for envelope, outcome in results:
                    self._note(int(str(envelope.key)), outcome)
        except RelayTrouble as trouble:
            return str(trouble)
        except OSError as error:
            # Who is accepted from here on could not be noted any more.
            log.exception("the journal cannot be written", extra={"batch": self.batch.id})
            return f"the journal cannot be written: {error.strerror or error}"
        return ""

    def settle(self) -> None:
        """Write the whole batch; what was not tried is given back."""
        left = set(self.batch.planned) - self.tally.tried - self.settled
        self._write("open" if left else "done")

    def _note(self, number: int, outcome: Outcome) -> None:
        if outcome.verdict is Verdict.ACCEPTED:
            self.tally.accepted.add(number)
            self.tally.news += 1
            self.refusals = []
            self.journal.append(number)
            return
        self._set_aside(number, outcome)
        if outcome.verdict is Verdict.IN_DOUBT:
            # A kill must not forget a doubt: the policy for it may be to wait for a person.
            self._write("claimed")
        elif outcome.verdict is Verdict.REFUSED:
            self._count_refusal(number, outcome)

    def _set_aside(self, number: int, outcome: Outcome) -> None:
        self.tally.others[number] = (self.addresses[number], outcome)

    def _count_refusal(self, number: int, outcome: Outcome) -> None:
        """A relay that refuses everybody has something against us, and nobody is given up for that.

        Those refused in this row are deferred, and the next ones wait until the pause is over: so a relay is not
        pestered, and a row that was about its recipients after all holds nobody up.

        Raises:
            RelayTrouble: it does.
        """
        head = outcome.reply.split(" ")[:2]
        if outcome.suppress:
            self.refusals = []
            return
        if self.refusals and self.tally.others[self.refusals[0]][1].reply.split(" ")[:2] != head:
            self.refusals = []
        self.refusals.append(number)
        if len(self.refusals) >= REFUSALS_IN_A_ROW:
            for refused in self.refusals:
                address, judged = self.tally.others[refused]
                self.tally.others[refused] = (address, Outcome(Verdict.DEFERRED, judged.reply))
            raise RelayTrouble(f"the relay refuses everybody: {outcome.reply}")

    def _write(self, state: str) -> None:
        settling.settle_batch(self.batch, self.owner, self.tally, state=state, planned_at=self.frozen.planned_at)
        self.journal.clear()
        self.settled |= self.tally.others.keys() | self.tally.skipped.keys()
        self.tally = Tally(self.tally.accepted)
        self.refusals = []


def _retry_some(owner: str, stop: threading.Event, engine: Engine) -> bool:
    retries = claims.claim_retries(owner)
    if not retries:
        return False
    by_id = {retry.subscriber_id: retry for retry in retries}
    frozen = _frozen(retries[0].sending_id)
    engine.tick = Lease(lambda until: claims.renew_retries(owner, until), stop).tick
    readers = {reader.id: reader for reader in read_readers(list(by_id), frozen.planned_at, frozen.kind)}

    def settle(number: int, outcome: Outcome | str) -> None:
        settling.settle_retry(by_id[number], owner, readers[number].address, outcome, frozen.planned_at)

    for reader in readers.values():
        if reader.reason is not None:
            settle(reader.id, reader.reason)
    wanted = [reader for reader in readers.values() if reader.reason is None]
    try:
        with closing(engine.deliver(_envelopes(wanted, frozen, stop, settle))) as results:
            for envelope, outcome in results:
                settle(int(str(envelope.key)), outcome)
    except RelayTrouble as trouble:
        settling.pause(frozen.id, str(trouble))
    finally:
        claims.release_retries(owner)
    return True


def read_readers(ids: list[int], planned_at: datetime, kind: str = "digest") -> list[Reader]:
    """The subscribers as they are now; whoever is not there any more counts as erased."""
    why = reason(planned_at, kind=kind)
    query = select(Subscriber.id, Subscriber.address, Subscriber.name, why).where(Subscriber.id.in_(ids))
    db.session.rollback()  # A new look at the database: who unsubscribed a second ago gets nothing.
    found = {row[0]: Reader(*row) for row in db.session.execute(query)}
    db.session.rollback()  # And no snapshot stays open while mails leave.
    return [found.get(number) or Reader(number, "", "", ERASED) for number in ids]


def _envelopes(
    readers: Iterable[Reader], frozen: Frozen, stop: threading.Event, set_aside: Callable[[int, Outcome], None]
) -> Iterator[Envelope]:
    """Splice one message at a time, as they are asked for; ends when the worker is to stop."""
    key, sender = link_key(), ascii_address(parse_mailbox(settings().mail_from).address)
    db.session.rollback()
    for reader in readers:
        if stop.is_set():
            return
        values = personal_values(key, frozen.id, reader.id, reader.address, reader.name, frozen.original_id)
        try:
            message = frozen.template.splice(values)
        except ValueError as error:
            # One address that no header can hold must not keep the others from their mail.
            log.warning("a message cannot be made", extra={"subscriber": reader.id, "error": str(error)})
            set_aside(reader.id, Outcome(Verdict.REFUSED, f"no message can be made for this address: {error}"))
            continue
        yield Envelope(reader.id, sender, reader.address, message)


def _frozen(sending_id: int) -> Frozen:
    columns = (Sending.message, Sending.places, Sending.planned_at, Sending.kind, Sending.original_id)
    message, places, *rest = db.session.execute(select(*columns).where(Sending.id == sending_id)).one()
    return Frozen(sending_id, Template.from_json(message, places), *rest)


def _exceptions_of(batch_id: int) -> set[int]:
    query = select(SendingException.subscriber_id).where(SendingException.batch_id == batch_id)
    return set(db.session.execute(query).scalars())
