"""How fast mails may leave."""

import time

# Seconds between two mails to a relay that wants fewer: doubled each time it says so, and worn off by acceptances.
FIRST_GAP, LONGEST_GAP, WEAR = 0.1, 10.0, 0.95


class Unhurried:
    """As fast as the relay takes them; slower for a while when it says so."""

    def __init__(self) -> None:
        self._gap = 0.0
        self._next_at = 0.0

    def wait(self, domain: str) -> float:
        if not self._gap:
            return 0.0
        at = time.monotonic()
        if at < self._next_at:
            return self._next_at - at
        self._next_at = at + self._gap
        return 0.0

    def accepted(self, domain: str) -> None:
        if self._gap:
            self._gap = self._gap * WEAR if self._gap > FIRST_GAP else 0.0

    def slowed(self, domain: str, reply: str) -> None:
        self._gap = min(max(self._gap * 2, FIRST_GAP), LONGEST_GAP)
        self._next_at = time.monotonic() + self._gap
