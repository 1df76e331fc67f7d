"""The stamp under a cached page: it changes with every write that readers can see, and at the site's midnight.

Asked of the database at each request, on a connection of its own, before the page's own transaction begins: so what was
read for a page is at least as new as its stamp, and a page whose stamp is the present one shows the present state.
"""

import logging
import os
import sqlite3
from collections import deque
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakSet
from zoneinfo import ZoneInfo

from sqlalchemy import URL, make_url

from blogapp.core.clock import seconds
from blogapp.core.walindex import WalIndexHead

log = logging.getLogger(__name__)

# The nonce is new with each version: a counter that a restored copy took back never makes an old stamp again.
ASK = "SELECT version, nonce FROM site"

# (version, nonce, the site's present day as an ordinal)
Stamp = tuple[int, int, int]


class Source(Protocol):
    """A kind of database to ask."""

    @property
    def error(self) -> type[Exception]:
        """What its driver raises when the database does not answer."""

    def open(self) -> Any: ...

    def ask(self, connection: Any) -> tuple[int, int]: ...


class Stamps:
    """Reads the present stamp. Safe in many threads: who asks takes an idle connection and puts it back.

    So there are never more connections than threads that asked at the same instant.
    """

    def __init__(self, database_url: str, timezone: str) -> None:
        url = make_url(database_url)
        self._source: Source = Sqlite(url) if url.get_backend_name() == "sqlite" else _postgres(url)
        self._day = Day(ZoneInfo(timezone))
        self._idle: deque[Any] = deque()
        _ALL.add(self)
        self._silent = False
        self._head: WalIndexHead | None = None
        # What was asked, and the head of the wal-index before that. Replaced as a whole: threads see one or the other.
        self._known: tuple[bytes, tuple[int, int]] = (b"", (0, 0))

    def forked(self) -> None:
        """The connections are the parent's."""
        self._idle, self._head = deque(), None

    def watch(self) -> None:
        """Ask only after a commit, where the database is one of SQLite. For a process that ends with its connections.

        The connection that is opened here stays: while anybody has the database open, its wal-index is the same file.
        """
        if isinstance(self._source, Sqlite) and self._head is None:
            try:
                self._idle.append(connection := self._source.open())
                self._source.ask(connection)
                self._head = WalIndexHead(self._source.file)
            except (sqlite3.Error, OSError) as error:
                log.warning("the page cache asks the database at each request", extra={"error": str(error)})

    def now(self) -> Stamp | None:
        """The present stamp; None where the database does not answer."""
        today = self._day.today()  # First, as a page's own look at the calendar comes later.
        try:
            version, nonce = self._ask() if self._head is None else self._glance(self._head)
        except self._source.error as error:
            if not self._silent:
                log.warning("the page cache cannot ask the database", extra={"error": str(error).strip()})
            self._silent = True
            return None
        self._silent = False
        return version, nonce, today

    def _glance(self, head: WalIndexHead) -> tuple[int, int]:
        """What is known, while nothing was committed since."""
        present = head.read()  # First: what is committed while we ask is seen as a change the next time.
        known, found = self._known
        if known != present:
            found = self._ask()
            self._known = (present, found)
        return found

    def _ask(self) -> tuple[int, int]:
        while True:
            try:
                connection, fresh = self._idle.pop(), False
            except IndexError:
                connection, fresh = self._source.open(), True
            try:
                found = self._source.ask(connection)
            except self._source.error:
                connection.close()
                if fresh:
                    raise
                continue  # It was idle when the server restarted. So were the others: the next may be none of these.
            self._idle.append(connection)
            return found

    def close(self) -> None:
        """Give the idle connections back; what follows asks each time."""
        self._head = None
        while self._idle:
            self._idle.pop().close()


_ALL: WeakSet[Stamps] = WeakSet()


def _forked() -> None:
    for stamps in list(_ALL):
        stamps.forked()


os.register_at_fork(after_in_child=_forked)


class Sqlite:
    """5 µs a question (measured): no more than a look at the file's shared memory."""

    error = sqlite3.Error

    def __init__(self, url: URL) -> None:
        self.file = Path(url.database or "")

    def open(self) -> sqlite3.Connection:
        # "rw" because it makes no file, as asking for one that is not there otherwise would.
        address = f"{self.file.absolute().as_uri()}?mode=rw"
        return sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False, timeout=1)

    def ask(self, connection: sqlite3.Connection) -> tuple[int, int]:
        row: tuple[int, int] | None = connection.execute(ASK).fetchone()
        if row is None:
            raise sqlite3.DatabaseError("the site's row is missing")
        return row


def _postgres(url: URL) -> Source:
    from blogapp.core.postgres import Postgres  # psycopg is an extra

    return Postgres(url, ASK)


class Day:
    """The site's present day, for 0.3 µs: the time zone is asked only at midnight."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        # From, to (seconds since 1970), ordinal. Replaced as a whole: threads see one or the other.
        self._known = (0.0, 0.0, 0)

    def today(self) -> int:
        moment = seconds()
        begin, end, ordinal = self._known
        if not begin <= moment < end:  # Also where somebody has put the clock back.
            on = datetime.fromtimestamp(moment, self._zone).date()
            begin, end, ordinal = self._midnight(on), self._midnight(on + timedelta(days=1)), on.toordinal()
            self._known = (begin, end, ordinal)
        return ordinal

    def _midnight(self, on: date) -> float:
        return datetime.combine(on, time(), self._zone).timestamp()
