"""Rows from an archive into the database, a chunk at a time; the one that cannot be is named by its line."""

from collections.abc import Callable, Iterator
from typing import IO, Any

from sqlalchemy import Connection, Table, insert, text
from sqlalchemy.exc import DBAPIError, OperationalError

from blogapp.core.errors import Invalid
from blogapp.porting.archiving import MAX_LINE_BYTES, ROWS_AT_ONCE
from blogapp.porting.rows import BadRow, Rows

CHUNK_BYTES = 4_000_000

Chunk = list[tuple[int, dict[str, Any]]]


def load_table(
    connection: Connection, table: Table, name: str, content: IO[bytes], on_rows: Callable[[int], None]
) -> int:
    """Insert the lines of a table's file within the caller's transaction. Returns how many.

    Args:
        name: the file's, for messages.
        on_rows: called with the number of rows after each chunk.

    Raises:
        Invalid: a line is no row of the table, or the database will not have it; the message names the line.
    """
    count = 0
    for chunk in _chunks(Rows(table), name, content):
        _insert(connection, table, name, chunk)
        count += len(chunk)
        on_rows(len(chunk))
    return count


def check_references(connection: Connection) -> None:
    """See that each row refers to one that is there: on SQLite, which was not told to watch it as they came.

    Raises:
        Invalid: one does not.
    """
    if connection.dialect.name != "sqlite":
        return
    found = connection.execute(text("PRAGMA foreign_key_check")).first()
    if found is not None:
        table, number, parent = found[:3]
        raise Invalid(f"tables/{table}.jsonl: row {number} refers to {parent} that are not there. Nothing was changed.")


def _chunks(rows: Rows, name: str, content: IO[bytes]) -> Iterator[Chunk]:
    chunk: Chunk = []
    size = number = 0
    while line := content.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise _bad(name, number, f"it is longer than {MAX_LINE_BYTES // 1_000_000} MB")
        try:
            chunk.append((number, rows.values(line)))
        except BadRow as error:
            raise _bad(name, number, str(error)) from None
        size += len(line)
        if len(chunk) == ROWS_AT_ONCE or size > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _insert(connection: Connection, table: Table, name: str, chunk: Chunk) -> None:
    try:
        with connection.begin_nested():
            connection.execute(insert(table), [values for _, values in chunk])
    except OperationalError:
        raise  # The disk is full, the server is gone: no row is to blame.
    except DBAPIError:
        for number, values in chunk:
            try:
                with connection.begin_nested():
                    connection.execute(insert(table), [values])
            except DBAPIError as error:
                raise _bad(name, number, str(error.orig).strip().splitlines()[0]) from None
        raise


def _bad(name: str, number: int, why: str) -> Invalid:
    return Invalid(f"{name}, line {number}: {why}. Nothing was changed.")
