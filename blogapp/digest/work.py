"""What a worker has in hand: a claimed batch, or some recipients to try again, each sent over one connection."""

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from sqlalchemy import Select, bindparam, select

from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import UTCDateTime, db
from blogapp.core.site import link_key
from blogapp.delivery import verp
from blogapp.delivery.dkim import SignedTemplate, signer
from blogapp.delivery.envelopes import DOT, BadEnvelope, Envelope
from blogapp.delivery.headers import ascii_address, parse_mailbox
from blogapp.delivery.replies import Outcome, Verdict
from blogapp.delivery.template import Template
from blogapp.digest import settling
from blogapp.digest.audience import ERASED, reason
from blogapp.digest.claims import ClaimedBatch, ClaimedRetry
from blogapp.digest.compose import values_for
from blogapp.digest.models import Sending, SendingException
from blogapp.digest.settling import Settled, Tally
from blogapp.subscribing.models import Subscriber

log = logging.getLogger(__name__)

# id, address, name, and why they get nothing (None: they get it), as they are at this moment.
Reader = tuple[int, str, str, str | None]
# Where fewer of the ids in a row are asked for than one in so many, they are asked for one by one.
SPARSE = 4
# So many messages are made at once, in pieces: some 2 kB each.
AHEAD = 25


class Frozen:
    """A sending's message, ready to be spliced; what is the same for all its recipients is looked up once."""

    def __init__(self, sending_id: int) -> None:
        columns = (Sending.message, Sending.places, Sending.planned_at, Sending.kind, Sending.original_id)
        row = db.session.execute(select(*columns).where(Sending.id == sending_id)).one()
        self.id = sending_id
        template, sign = Template.from_json(row.message, row.places), signer(settings())
        self.template = SignedTemplate(sign, template) if sign else template
        self.planned_at: datetime = row.planned_at
        self._readers = _asks_for_readers(row.planned_at, row.kind)
        key, sender = link_key(), ascii_address(parse_mailbox(settings().mail_from).address)
        self._values = values_for(key, sending_id, row.original_id)
        # The envelope sender of one recipient's mail.
        self.sender = verp.senders_for(key, sending_id) if verp.enabled() else lambda _: sender

    def read_readers(self, ids: Sequence[int]) -> list[Reader]:
        """Subscribers (ascending ids) as they are now; whoever is not there any more counts as erased."""
        if not ids:
            return []
        query, given = self._readers, {"at": now(), "lo": ids[0], "hi": ids[-1]}
        if ids[-1] - ids[0] >= len(ids) * SPARSE:
            query = query.where(Subscriber.id.in_(ids))
        db.session.rollback()  # A new look at the database: who unsubscribed a second ago gets nothing.
        found: dict[int, Reader] = {row[0]: row for row in db.session.connection().execute(query, given).all()}
        db.session.rollback()  # And no snapshot stays open while mails leave.
        return [found.get(number) or (number, "", "", ERASED) for number in ids]

    def wire(self, reader_id: int, address: str, name: str) -> list[bytes]:
        """The message for one recipient and its final dot, in pieces. Raises ValueError: no header can hold their
        address.

        Frozen messages have no line that begins with a dot, and no bare line ends: there is nothing to stuff.
        """
        pieces = self.template.pieces(self._values(reader_id, address, name))
        pieces.append(DOT)
        return pieces

    def make(self, readers: Sequence[Reader]) -> list[list[bytes] | None]:
        """Some messages in one go, which costs a fifth less than each between two system calls (measured)."""
        made: list[list[bytes] | None] = []
        for number, address, name, _ in readers:
            try:
                made.append(self.wire(number, address, name))
            except ValueError:
                made.append(None)  # What is wrong with it is said when its turn comes.
        return made


@dataclass(slots=True)
class DigestMail(Envelope):
    """One recipient's digest. `made`: in pieces; None: it is made when it is sent."""

    work: "Work | None" = None
    name: str = ""
    number: int = 0
    made: list[bytes] | None = None

    @property
    def is_void(self) -> bool:
        return self.work is not None and (self.work.lost or self.work.ending.is_set())

    def wire(self) -> list[bytes]:
        if self.made is not None:
            return self.made
        assert self.work is not None
        try:
            return self.work.frozen.wire(self.number, self.recipient, self.name)
        except ValueError as error:
            # One address that no header can hold must not keep the others from their mail.
            log.warning("a message cannot be made", extra={"subscriber": self.key, "error": str(error)})
            raise BadEnvelope(f"no message can be made for this address: {error}") from None


class Work(Protocol):
    """Something in hand."""

    frozen: Frozen
    lost: bool  # it is somebody else's by now
    ending: threading.Event  # nothing more is to be begun

    @property
    def finished(self) -> bool:
        """Whether everybody has been tried."""

    def envelopes(self) -> Iterator[Envelope]:
        """Those to send, as they are asked for, until `ending`."""

    def note(self, number: int, outcome: Outcome) -> None:
        """What became of one of them."""


class BatchWork:
    """A claimed batch being sent."""

    def __init__(
        self, batch: ClaimedBatch, frozen: Frozen, ending: threading.Event, journalled: set[int], settled: set[int]
    ) -> None:
        self.batch, self.frozen, self.ending = batch, frozen, ending
        self.lost = False
        self.tally = Tally(accepted=set(batch.accepted) | (journalled & set(batch.planned)))
        self.settled = settled
        self._wanted: list[Reader] = []
        self._under_way = 0
        self._drained = False

    def see(self, readers: Sequence[Reader]) -> None:
        """Take in who is still owed it, as they are at this moment."""
        self._wanted = [reader for reader in readers if reader[3] is None]
        self.tally.skipped.update((number, why) for number, _, _, why in readers if why is not None)

    @cached_property
    def _addresses(self) -> dict[int, str]:
        return {number: address for number, address, _, _ in self._wanted}

    @property
    def owed(self) -> list[int]:
        """Whom nothing is known of yet."""
        done = self.tally.tried | self.settled
        return [number for number in self.batch.planned if number not in done]

    @property
    def finished(self) -> bool:
        return self._drained and not self._under_way

    def envelopes(self) -> Iterator[Envelope]:
        for at in range(0, len(self._wanted), AHEAD):
            some = self._wanted[at : at + AHEAD]
            for (number, address, name, _), made in zip(some, self.frozen.make(some), strict=True):
                if self.lost or self.ending.is_set():
                    break
                self._under_way += 1
                sender = self.frozen.sender(number)
                yield DigestMail(number, sender, address, b"", True, self, name, number, made)
        self._drained = True

    def note(self, number: int, outcome: Outcome) -> None:
        self._under_way -= 1
        if outcome.verdict is Verdict.ACCEPTED:
            self.tally.accepted.add(number)
            self.tally.news += 1
        else:
            self.tally.others[number] = (self._addresses[number], outcome)

    def to_settle(self, *, going_on: bool = False) -> Settled:
        """What is known, to be written; whoever was not tried is given back unless it goes on."""
        state = "claimed" if going_on else "open" if self.owed else "done"
        return Settled(self.batch, self.tally, state, self.frozen.planned_at)

    def is_settled(self) -> None:
        """What was known is written."""
        self.settled |= self.tally.others.keys() | self.tally.skipped.keys()
        self.tally = Tally(self.tally.accepted)


class RetryWork:
    """Recipients of one sending whose next try is due. Each is settled by itself."""

    def __init__(self, retries: Sequence[ClaimedRetry], frozen: Frozen, ending: threading.Event, owner: str) -> None:
        self.frozen, self.ending, self.owner = frozen, ending, owner
        self.lost = False
        self._retries = {retry.subscriber_id: retry for retry in retries}
        self._readers = frozen.read_readers(list(self._retries))
        self._left = {reader[0] for reader in self._readers}
        self._drained = False

    @property
    def finished(self) -> bool:
        return self._drained and (self.lost or not self._left)

    def envelopes(self) -> Iterator[Envelope]:
        for number, address, name, why in self._readers:
            if self.lost or self.ending.is_set():
                break
            if why is not None:
                self._settle(number, why)
            else:
                yield DigestMail(number, self.frozen.sender(number), address, b"", True, self, name, number)
        self._drained = True

    def note(self, number: int, outcome: Outcome) -> None:
        self._settle(number, outcome)

    def _settle(self, number: int, outcome: Outcome | str) -> None:
        self._left.discard(number)
        address = next(reader[1] for reader in self._readers if reader[0] == number)
        settling.settle_retry(self._retries[number], self.owner, address, outcome, self.frozen.planned_at)


def exceptions_of(batch_id: int) -> set[int]:
    """Those of a batch of whom something else is written already than that they were accepted."""
    query = select(SendingException.subscriber_id).where(SendingException.batch_id == batch_id)
    return set(db.session.connection().execute(query).scalars())


def _asks_for_readers(planned_at: datetime, kind: str) -> Select[*tuple[Any, ...]]:
    """The statement that reads some subscribers as they are, with why somebody is not eligible; built once."""
    why = reason(planned_at, bindparam("at", type_=UTCDateTime), kind)
    columns = select(Subscriber.id, Subscriber.address, Subscriber.name, why)
    return columns.where(Subscriber.id.between(bindparam("lo"), bindparam("hi")))
