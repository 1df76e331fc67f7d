"""An archive's lines: what each kind of column becomes, and what is no row."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Computed,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)
from sqlalchemy.types import UserDefinedType

from blogapp.porting.archive.rows import BadRow, Rows

TABLE = Table(
    "things",
    MetaData(),
    Column("name", String, nullable=False),
    Column("seen_at", DateTime(timezone=True)),
    Column("day", Date),
    Column("blob", LargeBinary),
    Column("facts", JSON),
    Column("ok", Boolean),
    Column("size", Float),
    Column("id", Integer, primary_key=True),
    Column("length", Integer, Computed("length(name)")),
)
ROWS = Rows(TABLE)
FULL = {
    "id": 7, "blob": b"\x00\xff", "day": date(2026, 11, 23), "facts": {"b": [1, 2.5, None], "a": "ü"},
    "name": "Ü \u2028 \"x\"", "ok": True, "seen_at": datetime(2026, 11, 23, 9, 14, 3, 211, tzinfo=UTC), "size": 0.1,
}  # fmt: skip


def test_a_row_is_one_line_with_its_key_first_and_comes_back_as_it_was() -> None:
    line = ROWS.line(list(FULL.values()))
    assert line.decode() == (
        '{"id":7,"blob":"AP8=","day":"2026-11-23","facts":{"b":[1,2.5,null],"a":"ü"},"name":"Ü \u2028 \\"x\\"",'
        '"ok":true,"seen_at":"2026-11-23T09:14:03.000211Z","size":0.1}\n'
    )
    assert ROWS.values(line) == FULL


def test_what_the_database_computes_by_itself_does_not_travel() -> None:
    assert "length" not in ROWS.names


def test_a_moment_is_written_in_utc_whether_the_database_says_its_zone_or_not() -> None:
    for moment in (
        datetime(2026, 11, 23, 9),
        datetime(2026, 11, 23, 9, tzinfo=UTC),
        datetime(2026, 11, 23, 11, tzinfo=timezone(timedelta(hours=2))),
    ):
        assert b'"2026-11-23T09:00:00.000000Z"' in ROWS.line(list((FULL | {"seen_at": moment}).values()))


def test_half_a_surrogate_pair_inside_json_survives() -> None:
    row = FULL | {"facts": {"note": "\ud83e"}}
    assert ROWS.values(ROWS.line(list(row.values()))) == row


def test_what_is_empty_stays_empty() -> None:
    row = dict.fromkeys(FULL) | {"id": 1, "name": ""}
    assert ROWS.values(ROWS.line(list(row.values()))) == row


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", "7"), ("id", 7.0), ("id", True), ("id", None), ("id", 2**63), ("name", None), ("name", 1),
        ("name", "a\0b"), ("blob", "no base64"), ("blob", "AP8"), ("blob", "ü"), ("blob", 1), ("day", "2026-13-01"),
        ("day", 5), ("seen_at", "2026-11-23T09:14:03"), ("seen_at", 0), ("seen_at", "0001-01-01T00:00:00+12:00"),
        ("ok", 1), ("ok", "true"), ("size", "0.1"), ("size", True), ("name", ["x"]), ("name", {"x": 1}),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused_by_its_columns_name(column: str, value: Any) -> None:
    record = json.loads(ROWS.line(list(FULL.values()))) | {column: value}
    line = json.dumps(record).encode()
    with pytest.raises(BadRow, match=f"^{column} "):
        ROWS.values(line)


@pytest.mark.parametrize("line", [b"", b"\n", b"null", b"[]", b'"x"', b"{", b"\xff", b"{}{}", b"[" * 100_000])
def test_what_is_no_object_is_no_row(line: bytes) -> None:
    with pytest.raises(BadRow, match=r"^it is not "):
        ROWS.values(line)


def test_what_the_message_shows_of_a_name_is_short_and_harmless() -> None:
    with pytest.raises(BadRow) as caught:
        ROWS.values(json.dumps({"\x1b[31m\u202e" + "x" * 500: 1}).encode())
    assert len(str(caught.value)) < 100
    assert str(caught.value).isprintable()


def test_a_column_that_no_archive_can_hold_is_named() -> None:
    class Odd(UserDefinedType[Any]):
        pass

    with pytest.raises(TypeError, match=r"cannot hold odd\.thing"):
        Rows(Table("odd", MetaData(), Column("thing", Odd())))
