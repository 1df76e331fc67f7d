"""Waking the worker's loops the moment there is work: a publication's first mail leaves well within a second.

PostgreSQL: NOTIFY at the writer's commit, LISTEN here (1.6 ms measured). SQLite: `PRAGMA data_version` tells whether
any other connection has committed, for 5-13 µs a look (measured), so a look every 100 ms costs nothing. Both also
wake on `wake()` from a thread of the same process. A wake-up promises nothing: the loops look for themselves.
"""

import contextlib
import logging
import select
import socket
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

from flask import Flask
from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from blogapp.core.db import on_sqlite

if TYPE_CHECKING:
    from blogapp.delivery.listener import Listener

log = logging.getLogger(__name__)

DIGESTS = "blogapp_digests"
OUTBOX = "blogapp_outbox"
# How often SQLite is looked at, and how soon a loop notices that it is to stop. Seconds.
GLANCE = 0.1


def notify(session: Session, channel: str) -> None:
    """Wake the loops that listen to `channel` when the caller's transaction commits. Nothing to do on SQLite."""
    if not on_sqlite(session):
        session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": channel})


class Waker:
    """What one loop sleeps on. Made in any thread; `wait` and `close` belong to the loop's own."""

    def __init__(self, app: Flask, channel: str) -> None:
        self.url = make_url(app.config["SQLALCHEMY_DATABASE_URI"])
        self.channel = channel
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._sqlite: sqlite3.Connection | None = None
        self._listener: Listener | None = None
        self._version: int | None = None
        self._deaf = False

    def wake(self) -> None:
        """Wake the loop from another thread; a loop that is not asleep skips its next sleep."""
        # Full: it will wake anyhow. Closed: nobody sleeps here any more.
        with contextlib.suppress(OSError):
            self._writer.send(b".")

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Sleep until there may be work, `stop` is set, or `seconds` are over.

        What was committed between the last `wait` and this one wakes at once.
        """
        deadline = time.monotonic() + seconds
        while not stop.is_set() and (rest := deadline - time.monotonic()) > 0:
            if self._news(min(rest, GLANCE)):
                return

    def close(self) -> None:
        """Give back its sockets and its connection."""
        for thing in (self._reader, self._writer, self._sqlite, self._listener):
            if thing is not None:
                thing.close()
        self._sqlite = self._listener = None

    def _news(self, seconds: float) -> bool:
        try:
            if self.url.get_backend_name() == "sqlite":
                news = self._called(seconds) or self._sqlite_changed()
            else:
                news = self._postgres_called(seconds)
            self._deaf = False
            return news
        except (sqlite3.Error, OSError) as error:
            if not self._deaf:  # Said once: the loops look every few seconds anyhow.
                log.warning("cannot listen for work", extra={"channel": self.channel, "error": str(error)})
            self._deaf = True
            if self._listener is not None:
                self._listener.close()
                self._listener = None
            return self._called(seconds)

    def _called(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._reader], [], [], seconds)
        return bool(ready) and bool(self._reader.recv(4096))

    def _sqlite_changed(self) -> bool:
        if self._sqlite is None:
            # A connection of its own: data_version does not see what its own connection writes.
            self._sqlite = sqlite3.connect(self.url.database or "", isolation_level=None)
        (version,) = self._sqlite.execute("PRAGMA data_version").fetchone()
        before, self._version = self._version, int(version)
        return before != self._version

    def _postgres_called(self, seconds: float) -> bool:
        if self._listener is None:
            from blogapp.delivery.listener import Listener

            self._listener = Listener(self.url, self.channel)
            return True  # Something may have come before we listened.
        called, heard = self._reader.fileno(), self._listener.fileno()
        ready, _, _ = select.select([called, heard], [], [], seconds)
        told = heard in ready and self._listener.heard()
        return (called in ready and bool(self._reader.recv(4096))) or told
