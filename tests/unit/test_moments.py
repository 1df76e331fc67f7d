"""Dates as lists of subscribers write them."""

from datetime import UTC, datetime

import pytest

from blogapp.porting.lists.moments import read_moment, tells_day_first

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MARCH = datetime(2019, 3, 4, 10, 11, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2019-03-04 10:11:12",
        "2019-03-04T10:11:12Z",
        "2019-03-04T10:11:12.000Z",
        "2019-03-04T11:11:12+01:00",
        "2019-03-04 10:11:12 +0000 UTC",
        "2019-03-04 11:11:12 +0100 CET",
        "2019-03-04 10:11:12 +0000 +0000",
        "1551694272",
        "1551694272000",
        "3/4/2019 10:11:12",
        "3/4/2019, 10:11:12 AM",
        " 03/04/2019 10:11:12 ",
    ],
)
def test_the_same_moment_is_read_however_it_is_written(text: str) -> None:
    assert read_moment(text, NOW) == MARCH


@pytest.mark.parametrize("text", ["2019-03-04", "3/4/2019", "Mar 4, 2019", "March 4, 2019", "4 March 2019"])
def test_a_day_begins_at_midnight_utc(text: str) -> None:
    assert read_moment(text, NOW) == datetime(2019, 3, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["yesterday", "0000-00-00 00:00:00", "31/31/2019", "1066-10-14", "2031-01-01", "9" * 13, "2019-03-04 25:00"]
)
def test_what_is_no_date_of_a_reader_is_none(text: str) -> None:
    assert read_moment(text, NOW) is None


def test_the_afternoon_has_twelve_hours_more() -> None:
    assert read_moment("3/4/2019 1:05 PM", NOW) == datetime(2019, 3, 4, 13, 5, tzinfo=UTC)
    assert read_moment("3/4/2019 12:05 AM", NOW) == datetime(2019, 3, 4, 0, 5, tzinfo=UTC)


def test_a_date_that_needs_it_tells_that_days_come_first() -> None:
    assert tells_day_first("13/4/2019")
    assert tells_day_first("4.3.2019 10:11")
    assert not tells_day_first("4/13/2019")
    assert not tells_day_first("2019-03-04")
    assert read_moment("4/3/2019", NOW, day_first=True) == datetime(2019, 3, 4, tzinfo=UTC)


def test_a_clock_that_is_a_little_ahead_is_taken_for_now() -> None:
    assert read_moment("2026-11-23T18:00:00Z", NOW) == NOW
