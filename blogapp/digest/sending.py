"""Sending digests: claim batches, read their subscribers now, hand them to the engine, journal, settle.

Kill it at any instant: the journal says who was accepted, the rest of a batch is sent again. Nobody is lost; what was
in flight, one mail a connection, may come twice, with the same Message-ID.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.delivery import days
from blogapp.delivery.dialogue import Result
from blogapp.delivery.engine import Engine
from blogapp.delivery.envelopes import Envelope
from blogapp.delivery.lease import Lease
from blogapp.delivery.pace import Pace
from blogapp.delivery.relay import parse_relay
from blogapp.delivery.replies import Verdict
from blogapp.delivery.smtp import RelayTrouble
from blogapp.digest import claims, planning, settling
from blogapp.digest.instance import may_send
from blogapp.digest.journal import open_journals
from blogapp.digest.refusals import Refusals
from blogapp.digest.work import BatchWork, DigestMail, Frozen, RetryWork, exceptions_of

log = logging.getLogger(__name__)
T = TypeVar("T")

# While mails leave, what else there is to do is looked at so often, in seconds …
CHORES, AFTER_ERROR = 0.5, 5.0
# … and planning goes on for so long each time: the first mails leave at once, and soon all are counted.
PLAN_SECONDS = 0.1
# How long to wait before a database that is away is asked again, how long in all, and how long where all that is to be
# done is to note who was accepted, while the relay waits for us. Seconds.
AWAY, PATIENCE, NOTING = 0.5, 50.0, 20.0


def new_engine() -> Engine:
    """Connections to the relay, as many and as fast as the settings allow."""
    pace = Pace(days.limits(), days.shares)
    return Engine(parse_relay(settings().smtp_url), settings().mail_connections, pace=pace)


def send_some(owner: str, stop: threading.Event, engine: Engine | None = None) -> bool:
    """Send what is claimable until nothing is left, the relay cannot be used, or `stop`. Whether there was anything.

    Args:
        engine: kept by a loop between calls; None: connections of its own.
    """
    own = engine or new_engine()
    own.tick = lambda: "the worker was told to stop" if stop.is_set() else ""
    try:
        resumed = _resume(own)
        worked = not stop.is_set() and Shift(owner, stop, own).run()
        return settling.finish_done() > 0 or worked or resumed
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


class Shift:
    """A worker at work: what it has in hand, from the first claim until nothing is left to claim."""

    def __init__(self, owner: str, stop: threading.Event, engine: Engine) -> None:
        self.owner, self.stop, self.engine = owner, stop, engine
        self.lease = Lease(self._renew, stop)
        self.batches: dict[int, BatchWork] = {}
        self.retries: RetryWork | None = None
        self.ending = threading.Event()  # nothing more is to be begun
        self.worked = False
        self._in_trouble: set[int] = set()
        self._refusals = Refusals()
        self._frozen: dict[int, Frozen] = {}
        self._chores_at = self._retry_at = 0.0

    def run(self) -> bool:
        """Send; whether there was anything to do."""
        trouble = ""
        if not may_send():
            return False
        self._do_chores()  # What has just become due leaves at once.
        self.engine.tick = self._tick
        with open_journals() as self.journals:
            try:
                with closing(self.engine.run(self._more)) as rounds:
                    for results in rounds:
                        self._note(results)
            except RelayTrouble as error:
                trouble = str(error)
            finally:
                self.ending.set()
                sendings = {work.frozen.id for work in self.batches.values()} | self._in_trouble
                if self.retries is not None:
                    sendings.add(self.retries.frozen.id)
                    claims.release_retries(self.owner)
            self._settle(list(self.batches.values()))
        if trouble:
            for number in sorted(sendings):
                settling.pause(number, trouble)
        return self.worked

    # What the engine asks for

    def _tick(self) -> str:
        if self.stop.is_set():
            self.ending.set()
        elif time.monotonic() >= self._chores_at:
            self._do_chores()
        return self.lease.tick()

    def _do_chores(self) -> None:
        """What else there is to do while mails leave. Mails are under way: what fails keeps neither them nor the other
        chores from being done.
        """
        self._chores_at = time.monotonic() + CHORES
        for chore in (self._begin_due, self._keep_pace, self._plan, self._finish):
            try:
                self.worked = chore() or self.worked
            except Exception:
                log.exception("what is due cannot be looked at")
                self._chores_at = time.monotonic() + AFTER_ERROR
            db.session.rollback()

    def _begin_due(self) -> bool:
        return planning.begin_due(self.owner) > 0

    def _keep_pace(self) -> bool:
        if (rest := self.engine.pace.rest()) is not None:
            self.ending.set()
            settling.rest(rest.reason, rest.until)
        return False

    def _plan(self) -> bool:
        return planning.plan_some(PLAN_SECONDS)

    def _finish(self) -> bool:
        return bool(self.batches) and settling.finish_done() > 0

    def _more(self, count: int) -> list[Iterator[Envelope]]:
        """Claim up to so many batches more; what is finished is settled first, all in one transaction."""
        self._settle([work for work in self.batches.values() if work.finished and not self._refusals.holds(work)])
        if self.ending.is_set() or self.stop.is_set():
            return []
        retries = self._retry()
        wanted = count - len(retries)
        claimed = self._lasting(lambda: claims.claim_batches(self.owner, wanted, list(self.batches))) if wanted else []
        streams = retries + [work.envelopes() for batch in claimed if (work := self._begin(batch))]
        self.worked = self.worked or bool(streams)
        db.session.rollback()
        return streams

    def _retry(self) -> list[Iterator[Envelope]]:
        """Those whose next try is due, one sending's at a time."""
        if self.retries is not None and self.retries.finished:
            self.retries = None
        if self.retries is not None or time.monotonic() < self._retry_at:
            return []
        retries = self._lasting(lambda: claims.claim_retries(self.owner))
        if not retries:
            self._retry_at = time.monotonic() + CHORES
            return []
        self.retries = RetryWork(retries, self._freeze(retries[0].sending_id), self.ending, self.owner)
        return [self.retries.envelopes()]

    def _begin(self, batch: claims.ClaimedBatch) -> BatchWork | None:
        frozen = self._freeze(batch.sending_id)
        try:
            journalled = self.journals.open(batch.id, frozen.template.message)
        except OSError as error:
            self._cannot_note(error)
            self._in_trouble.add(batch.sending_id)
            return None
        work = BatchWork(batch, frozen, self.ending, journalled, set() if batch.fresh else exceptions_of(batch.id))
        work.see(frozen.read_readers(work.owed))
        self.batches[batch.id] = work
        return work

    def _freeze(self, sending_id: int) -> Frozen:
        if sending_id not in self._frozen:
            self._frozen = {sending_id: Frozen(sending_id)} if len(self._frozen) > 8 else self._frozen
            self._frozen[sending_id] = Frozen(sending_id)
            if not may_send():  # Asked here, so that this host's file tells of a sending before its first mail leaves.
                self.ending.set()
        return self._frozen[sending_id]

    # What became of it

    def _note(self, results: list[Result]) -> None:
        """Note what became of some; the engine writes nothing more before this is done."""
        doubts: dict[int, BatchWork] = {}
        for envelope, outcome in results:
            assert isinstance(envelope, DigestMail)
            work, number = envelope.work, envelope.number
            if not isinstance(work, BatchWork):
                assert work is not None
                work.note(number, outcome)
                continue
            work.note(number, outcome)
            if outcome.verdict is Verdict.ACCEPTED:
                self._refusals.over()
                self.journals.append(work.batch.id, number)
            elif outcome.verdict is Verdict.IN_DOUBT:
                doubts[work.batch.id] = work
            elif outcome.verdict is Verdict.REFUSED and self._refusals.count(work, number, outcome):
                self._end(f"the relay refuses everybody: {outcome.reply}")
        self._flush()
        if doubts:
            # A kill must not forget a doubt: the policy for it may be to wait for a person.
            self._settle(list(doubts.values()), going_on=True)

    def _flush(self) -> None:
        try:
            self._lasting(self.journals.flush, NOTING)
        except DBAPIError as error:
            self._cannot_note(error.orig or error)
        except OSError as error:
            self._cannot_note(error)

    def _cannot_note(self, error: BaseException) -> None:
        """Who is accepted from here on could not be noted any more: nothing more is to leave."""
        if not self.ending.is_set():
            log.exception("the journal cannot be written", exc_info=error)
        reason = getattr(error, "strerror", None) or str(error).strip().split("\n")[0]
        self._end(f"the journal cannot be written: {reason}")

    def _end(self, trouble: str) -> None:
        self.ending.set()
        self.engine.end(trouble)

    def _settle(self, works: list[BatchWork], *, going_on: bool = False) -> None:
        if not works:
            return
        found = [work.to_settle(going_on=going_on) for work in works]
        lost = self._lasting(lambda: settling.settle_batches(found, self.owner))
        for work in works:
            if work.batch.id in lost:
                log.warning("a batch was taken over", extra={"batch": work.batch.id, "owner": self.owner})
                work.lost = True
            else:
                self.journals.clear(work.batch.id)
                work.is_settled()
            if not going_on:
                self.journals.close(work.batch.id)
                self.batches.pop(work.batch.id, None)
        self._refusals.forget(works)

    # What keeps it ours

    def _renew(self, until: datetime) -> bool:
        ours = claims.renew_batches(self.owner, until)
        for number, work in self.batches.items():
            work.lost = work.lost or number not in ours
        if self.retries is not None:
            self.retries.lost = not claims.renew_retries(self.owner, until)
        return True

    def _lasting(self, what: Callable[[], T], seconds: float = PATIENCE) -> T:
        """Do something with a database that may be locked or away for a while: while our claims last, at most so long.

        Raises:
            DBAPIError: it still does not answer.
        """
        until = time.monotonic() + seconds
        while True:
            try:
                return what()
            except (OperationalError, InterfaceError) as error:
                db.session.rollback()
                log.warning("the database does not answer", extra={"error": str(error.orig)})
                if self.lease.tick() or time.monotonic() > until:
                    raise
                time.sleep(AWAY)
