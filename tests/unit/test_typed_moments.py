"""A day and a time as somebody types them, in a time zone whose clocks go forward and back."""

from datetime import UTC, datetime

import pytest

from blogapp.authoring.moments import moment_typed
from blogapp.core.errors import Invalid


@pytest.mark.parametrize(
    ("day", "clock", "at", "twice"),
    [
        ("2026-11-27", "16:00", datetime(2026, 11, 27, 16, 0, tzinfo=UTC), False),
        ("2026-07-03", "9.05", datetime(2026, 7, 3, 8, 5, tzinfo=UTC), False),
        ("2026-03-29", "02:00", datetime(2026, 3, 29, 1, 0, tzinfo=UTC), False),
        ("2026-10-25", "01:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), True),
        ("2026-10-25", "02:00", datetime(2026, 10, 25, 2, 0, tzinfo=UTC), False),
    ],
)
def test_what_is_typed_is_meant_in_the_site_s_time_zone(day: str, clock: str, at: datetime, twice: bool) -> None:
    typed = moment_typed(day, clock, "Europe/London")
    assert (typed.at, typed.twice) == (at, twice)


@pytest.mark.parametrize(
    ("day", "clock", "field", "says"),
    [
        ("2026-03-29", "01:30", "clock", "There is no 01:30 on that day"),
        ("2026-02-30", "12:00", "day", "Choose a day"),
        ("", "12:00", "day", "Choose a day"),
        ("2026-11-27", "25:00", "clock", "Choose a time"),
        ("2026-11-27", "", "clock", "Choose a time"),
    ],
)
def test_what_is_no_moment_is_refused_with_its_field(day: str, clock: str, field: str, says: str) -> None:
    with pytest.raises(Invalid, match=says) as refused:
        moment_typed(day, clock, "Europe/London")
    assert set(refused.value.fields) == {field}
