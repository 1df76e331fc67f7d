"""Recipients in, outcomes out, over as many connections as there are: one loop in one thread.

The engine deals with the relay's moods (it hangs up, it wants less, it is away) so that its caller deals with mails
only. It knows no subscriber, no database and no batch. Why a loop and not threads: docs/decisions/0015.
"""

import contextlib
import logging
import selectors
import time
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
# Of the streams in hand so many have something to send, where there are any; they are asked for when all but one have
# run dry. Fewer would keep connections waiting for the caller, more would be claimed long before they are sent.
STOCK = 4
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
        self._streams: list[Stream] = []
        self._mood = Mood(self.pace)
        self._dry = False  # the caller had nothing more when it was asked last
        self._limit = connections
        self._grow_at = self._ask_at = self._overdue_at = 0.0

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
        """Send streams of envelopes over all connections, in no certain order; give back ACCEPTED, DEFERRED, REFUSED or
        IN_DOUBT as soon as known. What got no outcome is still to be sent.

        Args:
            more: asked for up to so many streams more; the run is over when it has none and nothing is under way.

        Nothing more is written before what is given back has been dealt with: of each connection at most one message
        is in flight.

        Raises:
            RelayTrouble: the relay cannot be used just now. What was in flight has been waited for.
        """
        self._mood.begin()
        self._dry = False
        try:
            while True:
                self._stock(more)
                self._take_turns()
                self._open_more()
                if stop := self.tick():
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
            self._streams.clear()
            self._mood.back = Stream()
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

    def _under_way(self) -> bool:
        return bool(self._streams) or not self._mood.back.finished or any(lane.dialogue.busy for lane in self._lanes)

    def _stock(self, more: More) -> None:
        """Have streams to send from, as far as the caller has any."""
        if self._mood.trouble:
            return
        at = time.monotonic()
        self._streams = [stream for stream in self._streams if not stream.finished]
        ready = sum(stream.due <= at for stream in self._streams)
        wanted = min(STOCK - ready, self.connections - len(self._streams))
        if ready < 2 and wanted > 0 and at >= self._ask_at:
            found = more(wanted)
            self._streams += [Stream(one) for one in found]
            self._dry = len(found) < wanted
            self._ask_at = time.monotonic() + (ASK_AGAIN if self._dry else 0.0)

    def _next(self, at: float) -> Envelope | None:
        """The next envelope that may leave now: first what came back, last what was set aside."""
        back, suspects = self._mood.back, self._mood.suspects
        if back.again and (envelope := back.pop()) is not None:
            return envelope
        for stream in self._streams:
            while (envelope := stream.next(self.pace, at)) is not None:
                if envelope.key not in suspects:
                    return envelope
                back.set_aside(envelope)
        return None if back.finished else back.next(self.pace, at)

    def _open_more(self) -> None:
        """Open connections while all there are have something to do: each time as many again, so that a few mails take
        a few connections and many soon have all.
        """
        if self._mood.trouble or not self._under_way():
            return
        if self._limit < self.connections and time.monotonic() >= self._grow_at:
            self._limit = self.connections
        count = len(self._lanes)
        if count >= self._limit or not all(lane.dialogue.busy for lane in self._lanes):
            return
        try:
            if self._openers is None:
                self._openers = Openers(self.relay)
                self._selector.register(self._openers.socket, selectors.EVENT_READ, None)
            for _ in range(min(self._limit, 2 * count or 1) - count - self._openers.pending):
                self._openers.start()
        except RelayTrouble as error:
            self._cannot_open(error)

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
            else:
                self._cannot_open(one)

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

    def _forget(self, lane: Lane) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(lane.socket)
        self._lanes.remove(lane)

    # Speaking and listening

    def _take_turns(self) -> None:
        at = time.monotonic()
        for lane in self._lanes.copy():
            if self._mood.trouble:
                if not lane.dialogue.in_flight:
                    self._drop(lane, self._mood.trouble)
            elif lane.turn:
                self._speak(lane, at)

    def _speak(self, lane: Lane, at: float) -> None:
        """Say what is to be said next over a connection; a refused envelope makes room for the next one."""
        while True:
            envelope = None
            if lane.given < self.recycle_after and lane.dialogue.takes_more:
                envelope = self._next(at)
            try:
                self._heard(lane, lane.write(envelope))
                break
            except BadEnvelope as error:
                assert envelope is not None
                self._results.append((envelope, Outcome(Verdict.REFUSED, str(error))))
        if lane.unsent and lane.alive:
            self._selector.modify(lane.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, lane)
        if lane.given >= self.recycle_after and not lane.dialogue.busy and lane.turn and lane.alive:
            self._forget(lane)
            take_leave_meanwhile(lane.socket)

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
        if at >= self._overdue_at:
            self._overdue_at = at + TICK
            for lane in self._lanes.copy():
                self._heard(lane, lane.overdue(at))

    def _patience(self) -> float:
        """Seconds until something is to be done without anything being heard."""
        at = time.monotonic()
        until = at + TICK
        if any(lane.turn for lane in self._lanes):
            until = min([until, *(stream.due for stream in (self._mood.back, *self._streams) if not stream.finished)])
        if len(self._streams) < self.connections and not self._mood.trouble:
            until = min(until, max(self._ask_at, at + ASK_AGAIN))
        return max(until - at, 0.0)

    # What it means

    def _heard(self, lane: Lane, results: list[Result]) -> None:
        """Pass on what is final, and forget a connection that is no more."""
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
