"""The engine's connections, and the streams of envelopes that they send."""

import ssl
import time
from collections import deque
from collections.abc import Iterable, Iterator

from blogapp.delivery.dialogue import Dialogue, Result
from blogapp.delivery.envelopes import Envelope
from blogapp.delivery.pace import Pace
from blogapp.delivery.replies import Phase
from blogapp.delivery.smtp import TIMEOUTS, Connection
from blogapp.delivery.wire import CHUNK, why

NOT_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
# A stream whose mails must all wait sets aside so many before it waits itself.
MOST_ASIDE = 20


def domain_of(envelope: Envelope) -> str:
    """The domain of an envelope's recipient."""
    return envelope.recipient.rpartition("@")[2]


class Stream:
    """A batch's envelopes: those to try again, those that must wait, and those not tried yet."""

    def __init__(self, fresh: Iterable[Envelope] = ()) -> None:
        self.again: deque[Envelope] = deque()  # first of all
        self.due = 0.0  # the moment (monotonic) before which `next` has nothing
        self._later: deque[tuple[float, Envelope]] = deque()  # last of all, and not before that moment
        self._fresh: Iterator[Envelope] | None = iter(fresh) if fresh != () else None

    @property
    def finished(self) -> bool:
        """Whether `next` will never have anything more."""
        return self._fresh is None and not self.again and not self._later

    def set_aside(self, envelope: Envelope) -> None:
        """To be tried after all others."""
        self._later.append((0.0, envelope))

    def pop(self) -> Envelope | None:
        """The next of those to try again."""
        while self.again:
            if not (envelope := self.again.popleft()).is_void:
                return envelope
        return None

    def next(self, pace: Pace, at: float) -> Envelope | None:
        """The next one that may leave now. None: see `finished` and `due`."""
        if self.again and (envelope := self.pop()) is not None:
            return envelope
        if at < self.due:
            return None
        if pace.is_free and self._fresh is not None and (envelope := next(self._fresh, None)) is not None:
            return envelope
        for _ in range(MOST_ASIDE):
            envelope = next(self._fresh, None) if self._fresh is not None else None
            if envelope is None:
                self._fresh = None
                return self._waited(pace, at)
            if pace.is_free or not (wait := pace.wait(domain_of(envelope))):
                return envelope
            self._later.append((at + wait, envelope))
        self.due = min(due for due, _ in self._later)
        return None

    def _waited(self, pace: Pace, at: float) -> Envelope | None:
        for _ in range(len(self._later)):
            due, envelope = self._later.popleft()
            if envelope.is_void:
                continue
            wait = due - at if due > at else pace.wait(domain_of(envelope))
            if wait <= 0:
                return envelope
            self._later.append((at + wait, envelope))
        self.due = min((due for due, _ in self._later), default=0.0)
        return None


class Lane:
    """A connection that does not block. Who drives it looks at `turn` after each `read` and `write`."""

    def __init__(self, connection: Connection) -> None:
        self.options = connection.options
        self.socket, buffer = connection.hand_over()
        self.socket.setblocking(False)
        self.dialogue = Dialogue(connection.options, buffer)
        self.alive = True
        self.opened_at = time.monotonic()
        self.given = 0
        self.unsent = b""
        self._written = 0
        self._deadline = 0.0

    @property
    def turn(self) -> bool:
        """Whether it is ours to speak: everything has been written and answered."""
        return not self.unsent and self.dialogue.awaited is None

    @property
    def has_had_its_share(self) -> bool:
        """Whether the relay takes leave after some good mails: it wants another connection, not fewer mails."""
        return bool(self.dialogue.over) and self.dialogue.accepted > 0

    def write(self, upcoming: Envelope | None) -> list[Result]:
        """Say what is to be said next, with `upcoming` begun if there is one. Raises BadEnvelope: nothing was said."""
        body, commands = self.dialogue.write(upcoming)
        self.given += upcoming is not None
        self._written = 0
        # Put together only now: while it waits, a message is a few pieces that all of a sending's messages share.
        self.unsent = b"".join((*body, commands))
        return self.write_on() if self.unsent else []

    def write_on(self) -> list[Result]:
        """Write what is still unsent."""
        try:
            count = self.socket.send(self.unsent)
        except NOT_YET:
            return []
        except OSError as error:
            return self._last_words(why(error))
        self._written += count
        self.unsent = self.unsent[count:] if count < len(self.unsent) else b""
        self._deadline = 0.0
        return []

    def read(self) -> list[Result]:
        """Hear what has arrived."""
        results: list[Result] = []
        try:
            while data := self.socket.recv(65536):
                self.dialogue.whole = self._written >= self.dialogue.body_size
                results += self.dialogue.feed(data)
                self._deadline = 0.0
                if self.dialogue.over:
                    return results + self.hang_up(self.dialogue.over)
                if not (isinstance(self.socket, ssl.SSLSocket) and self.socket.pending()):
                    return results
        except NOT_YET:
            return results
        except OSError as error:
            return results + self.hang_up(why(error))
        return results + self.hang_up("the relay hung up")

    def overdue(self, at: float) -> list[Result]:
        """Hang up when the relay has not answered, or taken anything, in time (RFC 5321 §4.5.3.2)."""
        phase = Phase.BODY if self.unsent else self.dialogue.awaited
        if phase is None:
            return []
        # Asked about twice a second: that a wait begins with the first question is exact enough.
        self._deadline = self._deadline or at + TIMEOUTS[phase]
        if at < self._deadline:
            return []
        return self.hang_up(f"the relay {'took nothing more' if self.unsent else 'did not answer in time'}")

    def hang_up(self, reason: str) -> list[Result]:
        """Close at once; what that means for what is under way."""
        self.alive = False
        self.socket.close()
        # TLS tells of what it has sent when all of it has been: of all chunks but the last we cannot know.
        tells_late = self.unsent and isinstance(self.socket, ssl.SSLSocket)
        unsure = (len(self.unsent) - 1) // CHUNK * CHUNK if tells_late else 0
        self.unsent = b""
        return self.dialogue.broken(reason, self._written + unsure)

    def _last_words(self, reason: str) -> list[Result]:
        """It broke while we wrote; the relay may have said why."""
        self.dialogue.whole = self._written >= self.dialogue.body_size
        try:
            results = self.dialogue.feed(self.socket.recv(65536))
        except OSError:
            results = []
        return results + self.hang_up(self.dialogue.over or reason)
