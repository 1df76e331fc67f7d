"""Who was accepted since a batch was claimed: written after each 250, read after a crash, gone when it is settled.

On SQLite a file a batch (in `journal/` of the data folder), because an append costs microseconds and a commit holds
up every writer of the site. On PostgreSQL rows, because another host may have to take the batch over.

What a kill must not lose is in the hands of the kernel, or of the server, with the call itself. What a power cut must
not lose takes a sync, and nothing is lost there either: an acceptance that was not synced is made a second time. So
the file is synced twice a second rather than for each mail, and the rows' connection does not wait for the disk;
the settling commit does, and it comes before the journal goes.
"""

import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from blogapp.core.config import settings
from blogapp.core.db import db, on_sqlite
from blogapp.digest.models import JournalEntry

SYNC_EVERY_SECONDS = 0.5
INSERT_ALL = (
    "INSERT INTO journal (batch_id, subscriber_id) SELECT * FROM unnest({}::int[], {}::int[]) ON CONFLICT DO NOTHING"
)
PREPARED = b"blogapp_journal"
FOLDER = "journal"


class Journals(Protocol):
    """The journals of the batches that one worker has claimed."""

    def open(self, batch_id: int, message: bytes) -> set[int]:
        """Begin, or go on with, a batch's journal; whom it has already.

        Args:
            message: the sending's. A file that belongs to another one (an older database in the same folder) is not
                ours.
        """

    def append(self, batch_id: int, subscriber_id: int) -> None:
        """Note an acceptance."""

    def flush(self) -> None:
        """Have what was appended survive us, before anything more is sent. May be tried again.

        Raises:
            DBAPIError: the database does not take it.
            OSError: the disk does not.
        """

    def clear(self, batch_id: int) -> None:
        """Forget what a batch's journal holds: it has been settled."""

    def close(self, batch_id: int) -> None:
        """Leave a batch's journal; what it holds stays."""


@contextmanager
def open_journals() -> Iterator[Journals]:
    """Journals as this database needs them."""
    journals = FileJournals() if db.engine.dialect.name == "sqlite" else RowJournals()
    try:
        yield journals
    finally:
        journals.end()


def read_entries(connection: Connection, batch_ids: Iterable[int]) -> dict[int, set[int]]:
    """Whom the journals of some batches hold at this moment, without opening them."""
    if connection.dialect.name == "sqlite":
        return {number: _parse(_read(_path(number)))[1] for number in batch_ids}
    found: dict[int, set[int]] = {}
    query = select(JournalEntry.batch_id, JournalEntry.subscriber_id).where(JournalEntry.batch_id.in_(list(batch_ids)))
    for batch_id, subscriber_id in connection.execute(query):
        found.setdefault(batch_id, set()).add(subscriber_id)
    return found


def forget_rows(session: Session, batch_id: int) -> None:
    """Delete a batch's rows in the transaction that settles it. Nothing to do on SQLite."""
    if not on_sqlite(session):
        session.execute(delete(JournalEntry).where(JournalEntry.batch_id == batch_id))


class RowJournals:
    """Rows, over one connection that commits by itself: one statement for all that came in together."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._prepared = False
        self._batches: list[int] = []
        self._subscribers: list[int] = []

    def open(self, batch_id: int, message: bytes) -> set[int]:
        return read_entries(self._connected(), [batch_id]).get(batch_id, set())

    def append(self, batch_id: int, subscriber_id: int) -> None:
        self._batches.append(batch_id)
        self._subscribers.append(subscriber_id)

    def flush(self) -> None:
        if not self._batches:
            return
        try:
            connection = self._connected()
            if not self._insert_quickly(connection):
                connection.exec_driver_sql(INSERT_ALL.format("%s", "%s"), (self._batches, self._subscribers))
        except DBAPIError:
            self.end()  # A connection that broke: the next try has a new one.
            raise
        self._batches, self._subscribers = [], []

    def _insert_quickly(self, connection: Connection) -> bool:
        """The same by libpq itself, a quarter of the time. Whether it worked: why not is for the usual way to say."""
        from blogapp.core import postgres  # psycopg is an extra

        server: Any = connection.connection.driver_connection
        try:
            if not self._prepared:
                postgres.prepare(server, PREPARED, INSERT_ALL.format("$1", "$2"))
                self._prepared = True
            return postgres.run(server, PREPARED, self._batches, self._subscribers)
        except postgres.Postgres.error:
            return False

    def clear(self, batch_id: int) -> None:
        pass  # `forget_rows` did, in the settling transaction.

    def close(self, batch_id: int) -> None:
        pass

    def end(self) -> None:
        """Give the connection back."""
        connection, self._connection, self._prepared = self._connection, None, False
        if connection is not None:
            # One that is broken has nothing to reset, and SQLAlchemy says so in ways of its own.
            with contextlib.suppress(SQLAlchemyError):
                connection.exec_driver_sql("RESET synchronous_commit")
            connection.close()

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._connection.exec_driver_sql("SET synchronous_commit = off")
        return self._connection


class FileJournals:
    """A file a batch; what came in together is one write for each."""

    def __init__(self) -> None:
        self._open: dict[int, FileJournal] = {}
        self._news: dict[int, list[int]] = {}

    def open(self, batch_id: int, message: bytes) -> set[int]:
        self._open[batch_id] = file = FileJournal(_path(batch_id), message)
        return file.entries

    def append(self, batch_id: int, subscriber_id: int) -> None:
        if batch_id in self._news:
            self._news[batch_id].append(subscriber_id)
        else:
            self._news[batch_id] = [subscriber_id]

    def flush(self) -> None:
        while self._news:
            batch_id, ids = next(iter(self._news.items()))
            self._open[batch_id].append(ids)
            del self._news[batch_id]

    def clear(self, batch_id: int) -> None:
        self._news.pop(batch_id, None)
        self._open[batch_id].clear()

    def close(self, batch_id: int) -> None:
        self._news.pop(batch_id, None)
        if (file := self._open.pop(batch_id, None)) is not None:
            file.close()

    def end(self) -> None:
        """Close all that are open."""
        for batch_id in list(self._open):
            self.close(batch_id)


class FileJournal:
    """A file: one line that says whose it is, then one id a line."""

    def __init__(self, path: Path, message: bytes) -> None:
        self._path = path
        self._head = head = f"blogapp journal {hashlib.sha256(message).hexdigest()}\n".encode("ascii")
        path.parent.mkdir(mode=0o700, exist_ok=True)
        data = _read(path)
        found, self.entries = _parse(data)
        fresh = found != head
        if fresh:
            self.entries = set()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if fresh else 0)
        self._file = os.open(path, flags, 0o600)
        self._known = not fresh  # whether its name would survive a power cut
        if fresh:
            self._size = os.write(self._file, head)
        else:
            # A line that a full disk or a power cut left unfinished must not become part of the next one.
            self._size = data.rfind(b"\n") + 1
            os.ftruncate(self._file, self._size)
        self._synced_at = time.monotonic()

    def append(self, subscriber_ids: Sequence[int]) -> None:
        """Note some acceptances. Raises OSError: none of them is noted."""
        lines = b"".join([b"%d\n" % number for number in subscriber_ids])
        if os.write(self._file, lines) != len(lines):
            # Half a line would become part of the next one, and somebody else's number.
            os.ftruncate(self._file, self._size)
            raise OSError(errno.ENOSPC, f"the journal {self._path.name} took half of it: no space left on the disk")
        self._size += len(lines)
        if time.monotonic() - self._synced_at > SYNC_EVERY_SECONDS:
            self._sync()

    def _sync(self) -> None:
        os.fdatasync(self._file)
        if not self._known:
            _sync_folder(self._path.parent)
        self._known = True
        self._synced_at = time.monotonic()

    def clear(self) -> None:
        self._size = len(self._head)
        os.ftruncate(self._file, self._size)

    def close(self) -> None:
        """Close the file; it stays where it is if it holds anybody."""
        with contextlib.suppress(OSError):
            if os.fstat(self._file).st_size == len(self._head):
                self._path.unlink()
            else:
                self._sync()
        os.close(self._file)


def sweep(session: Session, batch_ids: Sequence[int]) -> None:
    """Remove what a crash or a late worker left of the journals of settled batches."""
    if on_sqlite(session):
        for number in batch_ids:
            _path(number).unlink(missing_ok=True)
    else:
        session.execute(delete(JournalEntry).where(JournalEntry.batch_id.in_(batch_ids)))


def _path(batch_id: int) -> Path:
    return settings().data_dir / FOLDER / f"batch-{batch_id}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _parse(data: bytes) -> tuple[bytes, set[int]]:
    """The first line, and the ids of all further whole lines; anything else (a power cut leaves zeros) is no id."""
    lines = data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
    return (lines[0] if lines else b""), {int(line) for line in lines[1:] if line.strip().isdigit()}


def _sync_folder(folder: Path) -> None:
    """Have a new file's name survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
