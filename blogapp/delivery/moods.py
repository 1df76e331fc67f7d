"""What a relay's answers say about the relay, and what becomes of a mail in view of that."""

import logging
import time
from collections import Counter
from collections.abc import Hashable

from blogapp.delivery.dialogue import Result
from blogapp.delivery.envelopes import Envelope
from blogapp.delivery.lanes import Lane, Stream, domain_of
from blogapp.delivery.pace import Pace
from blogapp.delivery.replies import Outcome, Verdict

log = logging.getLogger(__name__)

# Without one mail accepted in between, this many broken connections are no accident …
BREAKS_IN_A_ROW = 3
# … and this many with the same mail on them are that mail's doing.
BREAKS_FOR_ONE_MAIL = 2
SLOWED_IN_A_ROW = 6
SLOWED_FOR_ONE_MAIL = 3


class Mood:
    """How the relay takes us. `trouble`: why it cannot be used just now, or ""."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.trouble = ""
        self.back = Stream()  # what came back: to be sent first of all, or when it may
        self._breaks = self._slowed = 0
        self._broke_at = 0.0
        self._broke_with: Counter[Hashable] = Counter()
        self._slowed_with: Counter[Hashable] = Counter()

    def judge(self, lane: Lane, results: list[Result]) -> list[Result]:
        """The outcomes that are final; the other mails are put back."""
        found: list[Result] = []
        broken = slow = ""
        for envelope, outcome in results:
            final: Outcome | None = outcome
            if outcome.verdict is Verdict.ACCEPTED:
                self._breaks = self._slowed = 0
                self.pace.accepted()
            elif outcome.verdict is Verdict.SLOW_DOWN and lane.has_had_its_share:
                self.back.again.append(envelope)
                final = None
            elif outcome.verdict is Verdict.SLOW_DOWN:
                slow = outcome.reply
                self.pace.slowed(domain_of(envelope), slow)
                final = self._later(envelope, outcome)
            elif outcome.verdict is Verdict.TROUBLE and lane.alive:
                self.trouble = self.trouble or outcome.reply
                final = None
            elif outcome.verdict is Verdict.TROUBLE:
                # Only the first on a broken connection can have broken it; the other had not begun.
                final = self._again(envelope, outcome, blamed=not (broken or slow))
                broken = broken or outcome.reply
            elif outcome.verdict is Verdict.IN_DOUBT:
                broken = outcome.reply
            if final is not None:
                found.append((envelope, final))
        if slow:
            self._note_slowed(slow)
        elif broken and not lane.alive:
            self._note_broken(lane, broken)
        return found

    def _note_slowed(self, reply: str) -> None:
        self._slowed += 1
        if self._slowed >= SLOWED_IN_A_ROW:
            self._slowed = 0
            self.trouble = self.trouble or f"the relay asks for fewer mails: {reply}"

    def _note_broken(self, lane: Lane, reply: str) -> None:
        """Many that break at once, as when a relay is started anew, are one break."""
        log.info("the connection to the relay broke", extra={"reason": reply})
        if lane.opened_at > self._broke_at:
            self._breaks += 1
            self._broke_at = time.monotonic()
        if self._breaks >= BREAKS_IN_A_ROW:
            self._breaks = 0
            self.trouble = self.trouble or reply

    def _later(self, envelope: Envelope, outcome: Outcome) -> Outcome | None:
        """Put a mail back for which the relay is too busy; defer it when that has happened too often."""
        self._slowed_with[envelope.key] += 1
        if self._slowed_with[envelope.key] >= SLOWED_FOR_ONE_MAIL:
            return Outcome(Verdict.DEFERRED, outcome.reply)
        self.back.set_aside(envelope)
        return None

    def _again(self, envelope: Envelope, outcome: Outcome, *, blamed: bool) -> Outcome | None:
        """Put a mail back whose connection broke before it had left; defer it when it breaks every connection."""
        self._broke_with[envelope.key] += blamed
        if self._broke_with[envelope.key] >= BREAKS_FOR_ONE_MAIL and blamed:
            return Outcome(Verdict.DEFERRED, outcome.reply)
        self.back.again.append(envelope)
        return None
