"""One request at a time to a host, and a pause after each."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

PAUSE_SECONDS = 1.0


class Turns:
    """Who has which host's turn, among the threads of this process."""

    def __init__(self, pause_seconds: float = PAUSE_SECONDS) -> None:
        self.pause_seconds = pause_seconds
        self._changed = Condition()
        self._busy: set[str] = set()
        self._free_at: dict[str, float] = {}

    @contextmanager
    def of(self, host: str) -> Iterator[None]:
        """Wait for the host's turn, and have it."""
        with self._changed:
            self._changed.wait_for(lambda: host not in self._busy)
            self._busy.add(host)
            at = time.monotonic()
            wait = self._free_at.get(host, at) - at
            # What is over says nothing any more, and a worker lives for months.
            self._free_at = {name: until for name, until in self._free_at.items() if until > at}
        try:
            if wait > 0:
                time.sleep(wait)
            yield
        finally:
            with self._changed:
                self._busy.discard(host)
                self._free_at[host] = time.monotonic() + self.pause_seconds
                self._changed.notify_all()
