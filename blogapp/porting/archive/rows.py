"""A table's rows as lines of JSON, and back: the same bytes whichever database they come from."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    Select,
    String,
    Table,
    collate,
    select,
)

ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
# For the rare line that holds half of a surrogate pair, which JSON can write down and UTF-8 cannot.
PLAIN_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False)
INT64 = range(-(2**63), 2**63)


class BadRow(Exception):
    """A line that is no row of the table; the message says why."""


class Rows:
    """How one table's rows are written down: an object a line, columns by name, the key first.

    Moments are RFC 3339 in UTC with microseconds, dates ISO 8601, bytes base64 (RFC 4648), JSON is JSON.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        columns = [column for column in table.columns if column.computed is None]
        # Not in the order of the table: that one differs between databases that came by different ways.
        self.columns = sorted(columns, key=lambda column: (not column.primary_key, column.name))
        self.names = [column.name for column in self.columns]
        codecs = [_codec(column) for column in self.columns]
        self._writers = [(index, write) for index, (write, _) in enumerate(codecs) if write is not None]
        self._readers = {name: read for name, (_, read) in zip(self.names, codecs, strict=True)}
        self._required = {c.name for c in self.columns if not c.nullable and not isinstance(c.type, JSON)}

    def query(self, connection: Connection) -> Select[Any]:
        """All rows, in the order of the key, which is that of its bytes: no language has a say."""
        keys: list[ColumnElement[Any]] = list(self.table.primary_key.columns)
        if connection.dialect.name == "postgresql":
            keys = [collate(key, "C") if isinstance(key.type, String) else key for key in keys]
        return select(*self.columns).order_by(*keys)

    def line(self, row: Sequence[Any]) -> bytes:
        """The line for a row of `query`."""
        values = list(row)
        for index, write in self._writers:
            if values[index] is not None:
                values[index] = write(values[index])
        record = dict(zip(self.names, values, strict=True))
        try:
            return ENCODER.encode(record).encode() + b"\n"
        except UnicodeEncodeError:
            return PLAIN_ENCODER.encode(record).encode() + b"\n"

    def values(self, line: bytes) -> dict[str, Any]:
        """The values to insert for a line.

        Raises:
            BadRow: it is not JSON, has not the table's columns, or a value is not of its column's type.
        """
        record = _parse(line)
        if record.keys() != self._readers.keys():
            raise BadRow(_difference(record, self._readers))
        for name, read in self._readers.items():
            value = record[name]
            if value is None:
                if name in self._required:
                    raise BadRow(f"{name} is empty")
                continue
            try:
                record[name] = read(value)
            except (TypeError, ValueError, OverflowError):
                raise BadRow(f"{name} cannot be {_shown(value)}") from None
        return record

    def plain(self, values: dict[str, Any]) -> list[Any]:
        """The values of `values`, in the order of `names`, as a driver takes them by itself."""
        return [
            values[column.name]
            if not isinstance(column.type, JSON) or (values[column.name] is None and column.nullable)
            else json.dumps(values[column.name])
            for column in self.columns
        ]


def _parse(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise BadRow("it is not JSON") from None
    if not isinstance(record, dict):
        raise BadRow("it is not an object")
    return record


def _no_number(name: str) -> None:
    raise ValueError(name)


def _difference(record: dict[str, Any], columns: dict[str, Any]) -> str:
    for name in record:
        if name not in columns:
            return f"there is no column {_shown(name)}"
    return f"{next(name for name in columns if name not in record)} is missing"


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _codec(column: Column[Any]) -> tuple[Callable[[Any], Any] | None, Callable[[Any], Any]]:
    """How a column's values are written (None: as they are) and read.

    Raises:
        TypeError: no archive can hold such a column yet.
    """
    for kind, write, read in CODECS:
        if isinstance(column.type, kind):
            return write, read
    raise TypeError(f"an archive cannot hold {column.table.name}.{column.name}: {column.type!r}")


def _moment(value: datetime) -> str:
    # SQLite gives them back without their zone, which is UTC.
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return f"{aware.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _read_moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(value)
    return moment.astimezone(UTC)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _read_base64(value: Any) -> bytes:
    try:
        return base64.b64decode(_text(value), validate=True)
    except binascii.Error as error:
        raise ValueError(value) from error


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value not in INT64:
        raise TypeError(value)
    return value


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(value)
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise TypeError(value)
    if not value.isascii():
        value.encode()  # half of a surrogate pair is no text
    return value


def _anything(value: Any) -> Any:
    return value


CODECS: list[tuple[type[Any], Callable[[Any], Any] | None, Callable[[Any], Any]]] = [
    (Boolean, None, _truth),
    (Integer, None, _whole),
    (JSON, None, _anything),
    (LargeBinary, _base64, _read_base64),
    (DateTime, _moment, _read_moment),
    (Date, date.isoformat, date.fromisoformat),
    (Float, None, _number),
    (String, None, _text),
]
