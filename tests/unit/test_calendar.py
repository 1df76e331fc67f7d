"""The calendar of weeks, and the dates of weeks in words."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogapp.posts.weeks import LAST_WEEK, Weeks
from blogapp.reading.calendar import (
    Gap,
    Year,
    calendar,
    dates,
    folded,
    plain_dates,
    weeks_of,
    weeks_of_month,
    year_of,
)
from blogapp.reading.weekly import Written

EPOCH = date(2009, 1, 12)


@pytest.mark.parametrize(
    ("weeks", "words"),
    [
        (Weeks(473, 473), "5 to 9 February 2018"),
        (Weeks(472, 472), "29 January to 2 February 2018"),
        (Weeks(50, 50), "28 December 2009 to 1 January 2010"),
        (Weeks(520, 524), "31 December 2018 to 1 February 2019"),
    ],
)
def test_the_dates_of_weeks_are_said_as_people_say_them(weeks: Weeks, words: str) -> None:
    assert plain_dates(weeks, EPOCH) == words


def test_a_year_that_was_said_already_is_left_out_unless_two_are_meant() -> None:
    assert plain_dates(Weeks(473, 473), EPOCH, 2018) == "5 to 9 February"
    assert plain_dates(Weeks(50, 50), EPOCH, 2009) == "28 December 2009 to 1 January 2010"


def test_the_machines_form_stands_beside_the_words() -> None:
    assert dates(Weeks(473, 473), EPOCH) == (
        '<time datetime="2018-02-05">5</time> to <time datetime="2018-02-09">9 February 2018</time>'
    )


def test_a_row_shows_what_was_written_joined_and_left_out() -> None:
    rows = calendar([Written(468, 468, "week-468"), Written(470, 471, "week-470-and-471")], EPOCH, date(2018, 2, 6))
    assert [row.number for row in rows] == [2018]
    cells = rows[0].cells
    assert len(cells) == 52
    assert [cell.slug if cell else "" for cell in cells[:7]] == [
        "week-468", None, "week-470-and-471", "week-470-and-471", None, None, "",
    ]  # fmt: skip
    assert [cell.joins for cell in cells[:6] if cell] == [False, False, True, False, False, False]
    assert cells[1] is not None
    assert cells[1].name == "Week 469, 8 to 12 January 2018: no note"
    assert cells[6] is None, "a week to come has no cell"


def test_a_note_over_new_year_is_joined_within_each_row_only_where_both_weeks_are() -> None:
    rows = calendar([Written(467, 468, "week-467-and-468")], EPOCH, date(2018, 1, 20))
    assert [row.number for row in rows] == [2018, 2017]
    last, first = rows[1].cells[-1], rows[0].cells[0]
    assert last is not None
    assert first is not None
    assert (last.number, first.number, last.joins, first.joins) == (467, 468, True, False)


def test_a_week_number_mistyped_makes_one_row_and_not_two_hundred() -> None:
    rows = calendar([Written(473, 473, "week-473"), Written(9999, 9999, "week-9999")], EPOCH, date(2018, 2, 12))
    assert [row.number for row in rows] == [2200, 2018]
    assert [cell.slug for cell in rows[0].cells if cell] == ["week-9999"]
    assert [cell.slug for cell in rows[1].cells if cell] == ["week-473", None]


def test_a_long_year_has_53_weeks() -> None:
    rows = calendar([Written(570, 570, "week-570")], EPOCH, date(2021, 1, 2))
    assert [(row.number, len(row.cells)) for row in rows] == [(2020, 53), (2019, 52)]


def test_several_years_without_a_note_are_one_line_unless_somebody_said_why() -> None:
    notes = [Written(470, 470, "week-470"), Written(700, 700, "week-700")]
    rows = folded(calendar(notes, EPOCH, date(2026, 11, 26)))
    assert [row if isinstance(row, Gap) else row.number for row in rows] == [
        Gap(2023, 2026),
        2022,
        Gap(2019, 2021),
        2018,
    ]
    said = folded(calendar(notes, EPOCH, date(2026, 11, 26), {620: "We were away."}))
    assert 2020 in [row.number for row in said if isinstance(row, Year)]
    assert not any(isinstance(row, Gap) and row.first <= 2021 < 2022 <= row.last for row in said)


def test_nothing_written_makes_no_calendar() -> None:
    assert calendar([], EPOCH, date(2018, 2, 6)) == []


@given(st.integers(0, 3000))
def test_every_week_belongs_to_exactly_one_year(number: int) -> None:
    year = year_of(number, EPOCH)
    weeks = weeks_of(year, EPOCH)
    assert weeks is not None
    assert weeks.first <= number <= weeks.last
    thursday = EPOCH + timedelta(weeks=number, days=3)
    assert thursday.year == year


def test_a_year_before_the_first_week_has_none() -> None:
    assert weeks_of(2008, EPOCH) is None
    assert weeks_of(2009, EPOCH) == Weeks(0, 50)


def test_no_year_or_month_has_weeks_behind_the_last_one_that_can_be_written_about() -> None:
    last = year_of(LAST_WEEK, EPOCH)
    found = weeks_of(last, EPOCH)
    assert found is not None
    assert found.last == LAST_WEEK
    assert [weeks_of(year, EPOCH) for year in (last + 1, 2300, 9998)] == [None, None, None]
    assert [weeks_of_month(year, 12, EPOCH) for year in (last, 9998)] == [None, None]
