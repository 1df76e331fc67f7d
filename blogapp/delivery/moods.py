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
# So many mails in a row to which it says something about us, nobody accepted in between: it does mean us.
TROUBLES_IN_A_ROW = 3
MOST_SUSPECTS = 1000


class Mood:
    """How the relay takes us. `trouble`: why it cannot be used just now, or ""."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.trouble = ""
        self.back = Stream()  # what came back: to be sent first of all, or last
        # Mails to which it said something about us, and how many it had accepted before that run.
        self.suspects: dict[Hashable, int] = {}
        self._accepted = self._accepted_before = 0
        self._breaks = self._slowed = self._troubles = 0
        self._broke_at = 0.0
        self._broke_with: Counter[Hashable] = Counter()
        self._slowed_with: Counter[Hashable] = Counter()

    def begin(self) -> None:
        """A new run begins. What is known of single mails is kept."""
        self.trouble = ""
        self._accepted_before, self._troubles = self._accepted, 0

    def judge(self, lane: Lane, results: list[Result]) -> list[Result]:
        """The outcomes that are final; the other mails are put back."""
        found: list[Result] = []
        broken = slow = ""
        for envelope, outcome in results:
            final: Outcome | None = outcome
            if outcome.verdict is Verdict.ACCEPTED:
                self._taken(envelope)
            elif outcome.verdict is Verdict.SLOW_DOWN and lane.has_had_its_share:
                self.back.again.append(envelope)
                final = None
            elif outcome.verdict is Verdict.SLOW_DOWN:
                slow = outcome.reply
                self.pace.slowed(domain_of(envelope), slow)
                final = self._later(envelope, outcome)
            elif outcome.verdict is Verdict.TROUBLE and lane.alive:
                final = self._about_us(envelope, outcome)
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

    def _taken(self, envelope: Envelope) -> None:
        self._accepted += 1
        self._breaks = self._slowed = self._troubles = 0
        self.pace.accepted()
        for known in (self.suspects, self._broke_with, self._slowed_with):
            if known:
                known.pop(envelope.key, None)

    def _about_us(self, envelope: Envelope, outcome: Outcome) -> Outcome | None:
        """What becomes of a mail at which the relay says something about us ("relaying denied").

        Where it takes other mails it is this one alone that it says it to, and that is deferred; it must not hold up
        all others for ever. Else it cannot be used just now, and this mail goes last the next time.
        """
        self._troubles += 1
        known = envelope.key in self.suspects
        before = self.suspects.setdefault(envelope.key, self._accepted_before)
        if len(self.suspects) > MOST_SUSPECTS:
            del self.suspects[next(iter(self.suspects))]
        if self._accepted > before and (known or self._troubles < TROUBLES_IN_A_ROW):
            return Outcome(Verdict.DEFERRED, outcome.reply)
        self.trouble = self.trouble or outcome.reply
        return None

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
