"""Rows from an archive into the database, a chunk at a time; the one that cannot be is named by its line."""

from collections.abc import Callable, Iterator
from typing import IO, Any

from sqlalchemy import Connection, Table, insert, text
from sqlalchemy.exc import DBAPIError, OperationalError

from blogapp.core.errors import Invalid
from blogapp.porting.archive.rows import BadRow, Rows
from blogapp.porting.archive.writing import MAX_LINE_BYTES, ROWS_AT_ONCE

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
    rows = Rows(table)
    for chunk in _chunks(rows, name, content):
        _insert(connection, rows, name, chunk)
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


def _insert(connection: Connection, rows: Rows, name: str, chunk: Chunk) -> None:
    statement = insert(rows.table)
    try:
        with connection.begin_nested():
            if connection.dialect.name == "postgresql":
                _copy(connection, rows, chunk)
            else:
                connection.execute(statement, [values for _, values in chunk])
    except OperationalError:
        raise  # The disk is full, the server is gone: no row is to blame, and SQLite may have rolled all back.
    except (DBAPIError, connection.dialect.loaded_dbapi.Error) as refusal:
        for number, values in chunk:
            try:
                with connection.begin_nested():
                    connection.execute(statement, [values])
            except OperationalError:
                raise
            except DBAPIError as error:
                raise _bad(name, number, str(error.orig).strip().splitlines()[0]) from None
        raise _bad(name, chunk[0][0], f"these rows do not go together ({refusal})") from None


def _copy(connection: Connection, rows: Rows, chunk: Chunk) -> None:
    """The rows by PostgreSQL's COPY: a third of INSERT's work for this process and for the server (measured)."""
    raw: Any = connection.connection.driver_connection
    quote = connection.dialect.identifier_preparer.quote
    columns = ", ".join(quote(column) for column in rows.names)
    with raw.cursor() as cursor, cursor.copy(f"COPY {quote(rows.table.name)} ({columns}) FROM STDIN") as copy:
        for _, values in chunk:
            copy.write_row(rows.plain(values))


def _bad(name: str, number: int, why: str) -> Invalid:
    return Invalid(f"{name}, line {number}: {why}. Nothing was changed.")
