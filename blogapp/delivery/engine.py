"""Recipients in, outcomes out, over as many connections as there are: one loop in one thread.

The engine deals with the relay's moods (it hangs up, it wants less, it is away) so that its caller deals with mails
only. It knows no subscriber, no database and no batch. Why a loop and not threads: docs/decisions/0015.
"""

import contextlib
import logging
import selectors
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator

from blogapp.delivery.dialogue import Result
from blogapp.delivery.envelopes import BadEnvelope, Envelope
from blogapp.delivery.lanes import Lane, Stream
from blogapp.delivery.moods import Mood
from blogapp.delivery.opening import Openers, take_leave, take_leave_meanwhile
from blogapp.delivery.pace import Limits, Pace
from blogapp.delivery.relay import Relay
from blogapp.delivery.replies import Outcome, Verdict
from blogapp.delivery.smtp import Connection, RelayTrouble
from blogapp.delivery.wire import TICK

log = logging.getLogger(__name__)

# A relay behind a load balancer gets its share anew; some drop a connection that carries too many.
RECYCLE_AFTER = 1000
# Where the caller had nothing more for an idle connection it is asked again so much later. Seconds.
ASK_AGAIN = 0.05
# So long it is left idle so that several may be given something at once, which costs the caller less.
GATHER = 0.04
# When a relay wants no more connections at once, so long we do not ask for more. Seconds.
GROW_AFTER = 60.0

More = Callable[[int], list[Iterator[Envelope]]]


class Engine:
    """One relay's connections, kept between calls. Belongs to one thread.

    `tick` is called at least every half second and before anything is written: it says why to stop at once, or "" to
    go on. What was in flight is then IN_DOUBT; what was not has no outcome and is still the caller's.
    """

    def __init__(
        self, relay: Relay, connections: int = 1, recycle_after: int = RECYCLE_AFTER, pace: Pace | None = None
    ) -> None:
        self.relay, self.connections, self.recycle_after = relay, connections, recycle_after
        self.pace = pace or Pace(Limits())
        self.tick: Callable[[], str] = lambda: ""
        self._lanes: list[Lane] = []
        self._openers: Openers | None = None
        self._selector = selectors.DefaultSelector()
        self._results: list[Result] = []
        self._waiting: deque[Stream] = deque()  # for a connection
        self._mood = Mood(self.pace)
        self._dry = False  # the caller had nothing more when it was asked last
        self._limit = connections
        self._grow_at = self._ask_at = 0.0

    def open(self) -> None:
        """Have a connection.

        Raises:
            RelayTrouble: it cannot be had.
        """
        if not self._lanes:
            self._take_in(Connection(self.relay, lambda: self.tick()))

    def close(self) -> None:
        """Take leave of the relay; the next `deliver` connects again."""
        lanes = self._lanes.copy()
        for lane in lanes:
            self._forget(lane)
        take_leave([lane.socket for lane in lanes if lane.alive])
        self._give_up_opening()

    def deliver(self, envelopes: Iterable[Envelope]) -> Generator[Result]:
        """`run` for one stream, one outcome at a time. Close the generator when leaving it early."""
        streams = [iter(envelopes)]
        for results in self.run(lambda count: [streams.pop()] if streams else []):
            yield from results

    def run(self, more: More) -> Generator[list[Result]]:
        """Send streams of envelopes, each over one connection at a time, as many at once as there are connections; give
        back ACCEPTED, DEFERRED, REFUSED or IN_DOUBT as soon as known. What got no outcome is still to be sent.

        Args:
            more: asked for up to so many streams more; the run is over when it has none and nothing is under way.

        Nothing more is written before what is given back has been dealt with: of each connection at most one message
        is in flight.

        Raises:
            RelayTrouble: the relay cannot be used just now. What was in flight has been waited for.
        """
        self._mood.trouble, self._dry = "", False
        try:
            while True:
                self._assign(more)
                self._take_turns()
                stop = self.tick()
                if stop:
                    self._drop_all(stop)
                if (found := self._found()) or stop:
                    yield found
                if stop:
                    return
                if self._mood.trouble and not any(lane.dialogue.in_flight for lane in self._lanes):
                    raise RelayTrouble(self._mood.trouble)
                if not self._under_way():
                    if self._dry:
                        return
                    self._ask_at = 0.0
                    continue
                self._listen()
                if found := self._found():
                    yield found
        finally:
            # An open DATA cannot be taken back, and a dot would send an empty mail.
            for lane in [lane for lane in self._lanes if lane.dialogue.busy]:
                self._drop(lane, "nobody listens any more")
            for lane in self._lanes:
                lane.stream = None
            self._waiting.clear()
            self._found()
            if self._mood.trouble:
                self._give_up_opening()

    def end(self, trouble: str) -> None:
        """Write nothing more; when what is in flight has been answered, `run` raises RelayTrouble with this reason."""
        self._mood.trouble = self._mood.trouble or trouble

    def _found(self) -> list[Result]:
        results, self._results = self._results, []
        return results

    # Streams and connections

    @property
    def _active(self) -> int:
        return sum(lane.stream is not None for lane in self._lanes) + len(self._waiting)

    def _under_way(self) -> bool:
        return self._active > 0 or any(lane.dialogue.busy for lane in self._lanes)

    def _assign(self, more: More) -> None:
        """Give each idle connection a stream, and open connections for streams that have none."""
        if self._mood.trouble:
            return
        at = time.monotonic()
        if self._limit < self.connections and at >= self._grow_at:
            self._limit = self.connections
        wanted = self._limit - self._active
        if wanted > 0 and at >= self._ask_at and (wanted * 2 >= self._limit or at >= self._ask_at + GATHER):
            found = more(wanted)
            self._waiting.extend(Stream(iter(one)) for one in found)
            self._dry = len(found) < wanted
            self._ask_at = time.monotonic() + (ASK_AGAIN if self._dry else 0.0)
        if not self._waiting:
            return
        for lane in self._lanes:
            if lane.stream is None and not lane.dialogue.busy and self._waiting:
                lane.stream = self._waiting.popleft()
        try:
            if self._openers is None:
                self._openers = Openers(self.relay)
                self._selector.register(self._openers.socket, selectors.EVENT_READ, None)
            while self._missing() > 0:
                self._openers.start()
        except RelayTrouble as error:
            self._cannot_open(error)

    def _missing(self) -> int:
        """How many connections are still to be opened for the streams that wait."""
        pending = self._openers.pending if self._openers is not None else 0
        return min(len(self._waiting), self._limit - len(self._lanes)) - pending

    def _give_up_opening(self) -> None:
        if self._openers is not None:
            self._selector.unregister(self._openers.socket)
            self._openers.close()
            self._openers = None

    def _opened(self) -> None:
        """Take in the connections that have been opened meanwhile."""
        assert self._openers is not None
        for one in self._openers.done():
            if isinstance(one, Connection):
                self._take_in(one)
            elif isinstance(one, RelayTrouble):
                self._cannot_open(one)
            else:
                raise one

    def _cannot_open(self, why: RelayTrouble) -> None:
        if not self._lanes and not (self._openers and self._openers.pending):
            self.end(str(why))
            return
        # It is there, but does not want so many of us at once; or this machine has no more to give.
        log.info("there can be no more connections", extra={"reason": str(why), "open": len(self._lanes)})
        self._limit, self._grow_at = max(len(self._lanes), 1), time.monotonic() + GROW_AFTER

    def _take_in(self, connection: Connection) -> None:
        lane = Lane(connection)
        self._lanes.append(lane)
        self._limit = max(self._limit, len(self._lanes))
        self._selector.register(lane.socket, selectors.EVENT_READ, lane)
        if self._waiting:
            lane.stream = self._waiting.popleft()

    def _forget(self, lane: Lane) -> None:
        """A connection that is no more: its stream waits for another one."""
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(lane.socket)
        self._lanes.remove(lane)
        if lane.stream is not None and not lane.stream.finished:
            self._waiting.appendleft(lane.stream)
        lane.stream = None

    # Speaking and listening

    def _take_turns(self) -> None:
        at = time.monotonic()
        for lane in self._lanes.copy():
            if self._mood.trouble:
                if not lane.dialogue.in_flight:
                    self._drop(lane, self._mood.trouble)
            elif lane.turn and (lane.stream is not None or lane.dialogue.busy):
                self._speak(lane, at)

    def _speak(self, lane: Lane, at: float) -> None:
        """Say what is to be said next over a connection; a refused envelope makes room for the next one."""
        while True:
            envelope = None
            if lane.stream is not None and lane.given < self.recycle_after and lane.dialogue.takes_more:
                envelope = lane.stream.next(self.pace, at)
            try:
                self._heard(lane, lane.write(envelope))
                break
            except BadEnvelope as error:
                assert envelope is not None
                self._results.append((envelope, Outcome(Verdict.REFUSED, str(error))))
        if lane.unsent and lane.alive:
            self._selector.modify(lane.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, lane)
        if not lane.dialogue.busy and lane.turn and lane.alive:
            if lane.given >= self.recycle_after:
                self._forget(lane)
                take_leave_meanwhile(lane.socket)
            elif lane.stream is not None and lane.stream.finished:
                lane.stream = None

    def _listen(self) -> None:
        """Wait for what the relay says, at most until something else is to be done."""
        for key, events in self._selector.select(self._patience()):
            lane = key.data
            if lane is None:
                self._opened()
            elif lane.alive:
                if events & selectors.EVENT_WRITE:
                    self._heard(lane, lane.write_on())
                    if lane.alive and not lane.unsent:
                        self._selector.modify(lane.socket, selectors.EVENT_READ, lane)
                if events & selectors.EVENT_READ and lane.alive:
                    self._heard(lane, lane.read())
        at = time.monotonic()
        for lane in self._lanes.copy():
            self._heard(lane, lane.overdue(at))

    def _patience(self) -> float:
        """Seconds until something is to be done without anything being heard."""
        at = time.monotonic()
        until = at if self._missing() > 0 and not self._mood.trouble else at + TICK
        for lane in self._lanes:
            if lane.stream is not None and lane.turn:
                until = min(until, lane.stream.due)
        if self._active < self._limit and not self._mood.trouble:
            until = min(until, max(self._ask_at, at + ASK_AGAIN))
        return max(until - at, 0.0)

    # What it means

    def _heard(self, lane: Lane, results: list[Result]) -> None:
        """Pass on what is final; a connection that is no more gives its stream back."""
        if results:
            self._results += self._mood.judge(lane, results)
        if not lane.alive and lane in self._lanes:
            self._forget(lane)

    def _drop(self, lane: Lane, reason: str) -> None:
        """Hang up over whatever is under way: it is still the caller's."""
        lane.hang_up(reason)
        self._forget(lane)

    def _drop_all(self, reason: str) -> None:
        """Hang up everywhere, and say what is in doubt for that."""
        for lane in self._lanes.copy():
            self._results += [found for found in lane.hang_up(reason) if found[1].verdict is Verdict.IN_DOUBT]
            self._forget(lane)
