"""Recipients in, outcomes out, over as many connections as there are; here: one.

The engine deals with the relay's moods (it hangs up, it wants less, it is away) so that its caller deals with mails
only. It knows no subscriber, no database and no batch.
"""

import itertools
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator
from contextlib import closing

from blogapp.delivery.envelopes import Envelope
from blogapp.delivery.relay import Relay
from blogapp.delivery.replies import Outcome, Verdict
from blogapp.delivery.smtp import Connection, RelayTrouble, Result
from blogapp.delivery.wire import TICK

log = logging.getLogger(__name__)

# A relay behind a load balancer gets its share anew; some drop a connection that carries too many.
RECYCLE_AFTER = 1000
# Without one mail accepted in between, this many broken connections are no accident …
BREAKS_IN_A_ROW = 3
# … and this many with the same mail on them are that mail's doing.
BREAKS_FOR_ONE_MAIL = 2
SLOWED_IN_A_ROW = 6
SLOWED_FOR_ONE_MAIL = 3
# Seconds between two mails to a relay that wants fewer: doubled each time it says so, and worn off by acceptances.
FIRST_GAP, LONGEST_GAP, WEAR = 0.1, 10.0, 0.95


class Engine:
    """One relay's connection, kept between calls. Belongs to one thread.

    `tick` is called every half second while waiting and before each mail: it says why to stop at once, or "" to go
    on. What was in flight is then IN_DOUBT; what was not has no outcome and is still the caller's.
    """

    def __init__(self, relay: Relay, recycle_after: int = RECYCLE_AFTER) -> None:
        self.relay = relay
        self.recycle_after = recycle_after
        self.tick: Callable[[], str] = lambda: ""
        self._connection: Connection | None = None
        self._breaks = 0
        self._slowed = 0
        self._gap = 0.0

    def open(self) -> Connection:
        """Have a connection.

        Raises:
            RelayTrouble: it cannot be had.
        """
        if self._connection is None or not self._connection.alive:
            self._connection = None
            self._connection = Connection(self.relay, lambda: self.tick())
        return self._connection

    def close(self) -> None:
        """Take leave of the relay; the next `deliver` connects again."""
        if self._connection is not None:
            self._connection.quit()
            self._connection = None

    def deliver(self, envelopes: Iterable[Envelope]) -> Generator[Result]:
        """Send each envelope; give back ACCEPTED, DEFERRED, REFUSED or IN_DOUBT as soon as it is known.

        An envelope that got no outcome is still to be sent. Close the generator when leaving it early.

        Raises:
            RelayTrouble: the relay cannot be used just now.
        """
        round_ = _Round(self, iter(envelopes))
        while (first := round_.next()) is not None and self.wait(self._gap):
            connection = self.open()
            yield from round_.run(connection, first, self.recycle_after - connection.accepted)
            if self.tick():
                return
            if connection.accepted >= self.recycle_after:
                self.close()

    def wait(self, seconds: float) -> bool:
        """Let time go by; False when the worker is to stop at once."""
        until = time.monotonic() + seconds
        while (rest := until - time.monotonic()) > 0:
            if self.tick():
                return False
            time.sleep(min(rest, TICK))
        return True

    @property
    def gap(self) -> float:
        """Seconds to leave between two mails."""
        return self._gap

    def accepted(self) -> None:
        """Note that the relay takes mails."""
        self._breaks = self._slowed = 0
        self._gap = self._gap * WEAR if self._gap > FIRST_GAP else 0.0

    def slowed(self, reply: str) -> None:
        """Note that the relay wants fewer.

        Raises:
            RelayTrouble: it has said so again and again, and takes none.
        """
        self._slowed += 1
        self._gap = min(max(self._gap * 2, FIRST_GAP), LONGEST_GAP)
        if self._slowed >= SLOWED_IN_A_ROW:
            self._slowed = 0
            raise RelayTrouble(f"the relay asks for fewer mails: {reply}")

    def broke(self, reply: str) -> None:
        """Note that a connection broke.

        Raises:
            RelayTrouble: they break again and again, and nothing gets through.
        """
        log.info("the connection to the relay broke", extra={"reason": reply})
        self._breaks += 1
        if self._breaks >= BREAKS_IN_A_ROW:
            self._breaks = 0
            raise RelayTrouble(reply)


class _Round:
    """The envelopes of one `deliver`: those to try again, and those not tried yet."""

    def __init__(self, engine: Engine, fresh: Iterator[Envelope]) -> None:
        self.engine = engine
        self.fresh = fresh
        self.again: deque[Envelope] = deque()  # first of all, on the next connection
        self.later: deque[Envelope] = deque()  # last: the relay wants less, perhaps only for them
        self.broke: Counter[Hashable] = Counter()
        self.slowed: Counter[Hashable] = Counter()

    def next(self) -> Envelope | None:
        return self.again.popleft() if self.again else self._unhurried()

    def _unhurried(self) -> Envelope | None:
        envelope = next(self.fresh, None)
        return self.later.popleft() if envelope is None and self.later else envelope

    def run(self, connection: Connection, first: Envelope, room: int) -> Iterator[Result]:
        """Send over one connection until it ends, is full (`room` mails), or a mail has to be tried again."""
        source = itertools.chain([first], itertools.islice(self._paced(), max(room - 1, 0)))
        slow = broken = ""
        with closing(connection.deliver(source)) as results:
            for envelope, outcome in results:
                final: Outcome | None = outcome
                if outcome.verdict is Verdict.ACCEPTED:
                    self.engine.accepted()
                elif outcome.verdict is Verdict.SLOW_DOWN:
                    slow = outcome.reply
                    final = self._again(self.later, envelope, outcome, self.slowed, SLOWED_FOR_ONE_MAIL)
                    self.engine.slowed(slow)
                elif outcome.verdict is Verdict.TROUBLE and connection.alive:
                    raise RelayTrouble(outcome.reply)
                elif outcome.verdict is Verdict.TROUBLE:
                    # Only the first on a broken connection can have broken it; the other had not begun.
                    most = 0 if slow or broken or self.engine.tick() else BREAKS_FOR_ONE_MAIL
                    broken = broken or outcome.reply
                    final = self._again(self.again, envelope, outcome, self.broke, most)
                elif outcome.verdict is Verdict.IN_DOUBT:
                    broken = outcome.reply
                if final is not None:
                    yield envelope, final
        if broken and not slow and not self.engine.tick():
            self.engine.broke(broken)

    def _again(
        self, back: deque[Envelope], envelope: Envelope, outcome: Outcome, count: Counter[Hashable], most: int
    ) -> Outcome | None:
        """Put a mail back, or defer it when that has happened `most` times (0: never) to it."""
        count[envelope.key] += most > 0
        if most and count[envelope.key] >= most:
            return Outcome(Verdict.DEFERRED, outcome.reply)
        back.append(envelope)
        return None

    def _paced(self) -> Iterator[Envelope]:
        while not self.again and (envelope := self._unhurried()) is not None:
            if not self.engine.wait(self.engine.gap):
                return
            yield envelope
