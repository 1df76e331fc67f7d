"""A claim that lasts a minute and is renewed while its holder is alive (its database's clock is not consulted)."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.exc import DBAPIError

from blogapp.core.clock import now

log = logging.getLogger(__name__)

LENGTH = timedelta(seconds=60)
RENEW_AFTER = 20.0
# How long what is in flight may take to finish once the worker is told to stop. Seconds.
GRACE = 3.0


class Lease:
    """The lease on what one thread has claimed; its `tick` goes to the engine.

    Args:
        renew: writes the new end into the database; False when the claim is somebody else's by now.
        stop: set when the worker is to end.
    """

    def __init__(self, renew: Callable[[datetime], bool], stop: threading.Event) -> None:
        self._renew = renew
        self._stop = stop
        self._stopping_since: float | None = None
        self._lost = False
        self._note(now())

    def tick(self) -> str:
        """Why to stop at once, or "". Renews when a third of the lease is over."""
        if self._stop.is_set():
            self._stopping_since = self._stopping_since or time.monotonic()
            if time.monotonic() - self._stopping_since > GRACE:
                return "the worker was told to stop"
        if not self._lost and time.monotonic() - self._began > RENEW_AFTER:
            self._try_to_renew()
        return "the claim has run out" if self._lost or self._is_over() else ""

    def _is_over(self) -> bool:
        # Both clocks: the monotonic one stands still while a machine sleeps, the other one can be set back.
        return time.monotonic() - self._began > LENGTH.total_seconds() or now() >= self._until

    def _try_to_renew(self) -> None:
        at = now()
        try:
            self._lost = not self._renew(at + LENGTH)
            self._note(at)
        except DBAPIError as error:
            # Until it is over the claim is ours, whether or not the database answers: try again at the next tick.
            log.warning("a lease could not be renewed", extra={"error": str(error.orig)})

    def _note(self, at: datetime) -> None:
        self._began = time.monotonic()
        self._until = at + LENGTH
