"""Who was accepted since a batch was claimed: written after each 250, read after a crash, gone when it is settled.

On SQLite a file a batch (in `journal/` of the data folder), because an append costs microseconds and a commit holds
up every writer of the site. On PostgreSQL rows, because another host may have to take the batch over.

What a kill must not lose is in the hands of the kernel, or of the server, with the call itself. What a power cut must
not lose takes a sync, and nothing is lost there either: an acceptance that was not synced is made a second time. So
the file is synced twice a second rather than for each mail, and the rows' connection does not wait for the disk;
the settling commit does, and it comes before the journal goes.
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from blogapp.core.config import settings
from blogapp.core.db import db, on_sqlite
from blogapp.digest.models import JournalEntry

SYNC_EVERY_SECONDS = 0.5
FOLDER = "journal"


class Journal(Protocol):
    """The open journal of one claimed batch."""

    def append(self, subscriber_id: int) -> None:
        """Note an acceptance. Raises OSError or DBAPIError when that cannot be done: then nothing more may be sent."""

    def clear(self) -> None:
        """Forget all: what it held has been settled."""


@contextmanager
def open_journal(batch_id: int, message: bytes) -> Iterator[tuple[Journal, set[int]]]:
    """The journal of a batch that we hold, and whom it has already.

    Args:
        message: the sending's. A file that belongs to another one (an older database in the same folder) is not ours.
    """
    if db.engine.dialect.name == "sqlite":
        file = FileJournal(_path(batch_id), message)
        try:
            yield file, file.entries
        finally:
            file.close()
        return
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET synchronous_commit = off")
        try:
            yield RowJournal(connection, batch_id), read_entries(connection, [batch_id]).get(batch_id, set())
        finally:
            # A connection that is broken has nothing to reset.
            with contextlib.suppress(DBAPIError):
                connection.exec_driver_sql("RESET synchronous_commit")


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


class RowJournal:
    """Rows, over a connection that commits by itself."""

    def __init__(self, connection: Connection, batch_id: int) -> None:
        self._connection = connection
        self._batch_id = batch_id

    def append(self, subscriber_id: int) -> None:
        row = {"batch_id": self._batch_id, "subscriber_id": subscriber_id}
        self._connection.execute(insert(JournalEntry).values(row).on_conflict_do_nothing())

    def clear(self) -> None:
        pass  # `forget_rows` did, in the settling transaction.


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
        if fresh:
            os.write(self._file, head)
            _sync_folder(path.parent)
        else:
            # A line that a full disk or a power cut left unfinished must not become part of the next one.
            os.ftruncate(self._file, data.rfind(b"\n") + 1)
        self._synced_at = time.monotonic()

    def append(self, subscriber_id: int) -> None:
        line = b"%d\n" % subscriber_id
        if os.write(self._file, line) != len(line):
            raise OSError(f"the journal {self._path} took half a line")
        if time.monotonic() - self._synced_at > SYNC_EVERY_SECONDS:
            os.fdatasync(self._file)
            self._synced_at = time.monotonic()

    def clear(self) -> None:
        os.ftruncate(self._file, len(self._head))

    def close(self) -> None:
        """Close the file; it stays where it is if it holds anybody."""
        with contextlib.suppress(OSError):
            os.fdatasync(self._file)
            if os.fstat(self._file).st_size == len(self._head):
                self._path.unlink()
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
