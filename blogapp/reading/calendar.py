"""The archive's shape: a row a year, a cell a week; and the dates of weeks in words. Pure functions.

A week belongs to the year of its Thursday (ISO 8601), so that every row has 52 or 53 cells and the columns line up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache
from itertools import groupby

from markupsafe import Markup

from blogapp.posts.weeks import LAST_WEEK, Weeks, week_of
from blogapp.reading.weekly import Written


@dataclass(frozen=True)
class Cell:
    """One week. `slug` is its note's address, None where there is none; `joins`: the next cell is the same note's.

    `reason`: why there is no note, where somebody has said.
    """

    number: int
    name: str
    slug: str | None
    joins: bool
    reason: str = ""


@dataclass(frozen=True)
class Year:
    """A row, by what it is made of: two that are equal look alike.

    notes: about its weeks, in their order. shown: the weeks that have a cell even without a note. missed: (week, why it
    has no note).
    """

    number: int
    epoch: date
    notes: tuple[Written, ...] = ()
    shown: range = range(0)
    missed: tuple[tuple[int, str], ...] = ()

    @cached_property
    def cells(self) -> list[Cell | None]:
        """52 or 53 places, None where the week is before the first or after the present one."""
        notes: dict[int, Written] = {}
        for note in self.notes:
            for number in range(note.week_from, note.week_to + 1):
                notes.setdefault(number, note)
        weeks = range(_start(self.number, self.epoch), _start(self.number + 1, self.epoch))
        return _cells(weeks, self.epoch, notes, self.shown, dict(self.missed))


@dataclass(frozen=True)
class Gap:
    """Years in a row of which there is nothing to tell: no note, and nobody said why."""

    first: int
    last: int


def year_of(week: int, epoch: date) -> int:
    """The ISO year that a week belongs to."""
    return (epoch + timedelta(weeks=week)).isocalendar().year


def weeks_of(year: int, epoch: date) -> Weeks | None:
    """The numbers of the weeks of an ISO year; None where none of them has a number."""
    first = week_of(date.fromisocalendar(year, 1, 1), epoch)
    last = week_of(date.fromisocalendar(year + 1, 1, 1), epoch) - 1
    return _numbered(first, last)


def weeks_of_month(year: int, month: int, epoch: date) -> Weeks | None:
    """The numbers of the weeks whose Thursday is in a month; None where none of them has a number."""
    start, end = date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)
    # Of the week that a day is in the Thursday is past once it is Friday.
    first, last = week_of(start + timedelta(days=3), epoch), week_of(end + timedelta(days=3), epoch) - 1
    return _numbered(first, last)


def _numbered(first: int, last: int) -> Weeks | None:
    """Those from the epoch to the last week that can be written about."""
    first, last = max(first, 0), min(last, LAST_WEEK)
    return Weeks(first, last) if first <= last else None


def thursday(week: int, epoch: date) -> date:
    """The day that says which month and year a week belongs to."""
    return epoch + timedelta(weeks=week, days=3)


def calendar(
    written: Iterable[Written], epoch: date, today: date, missed: Mapping[int, str] | None = None
) -> list[Year]:
    """The rows, the newest first. Empty weeks have a cell from the first note's to the present one.

    A note of a week to come has its cell, but the weeks up to it have none: a number mistyped makes no rows.

    Args:
        missed: week -> why it has no note.
    """
    notes = _by_year(written, epoch)
    if not notes:
        return []
    first = min(note.week_from for note in notes[min(notes)])
    shown = range(first, week_of(today, epoch) + 1)
    years = notes.keys() | set(range(min(notes), year_of(shown.stop - 1, epoch) + 1))
    return [row_of(year, notes.get(year, ()), epoch, shown, missed or {}) for year in sorted(years, reverse=True)]


def row_of(year: int, written: Iterable[Written], epoch: date, shown: range, missed: Mapping[int, str]) -> Year:
    """One row of it.

    Args:
        written: the notes about its weeks.
        shown: the weeks that have a cell even without a note.
    """
    start, end = _start(year, epoch), _start(year + 1, epoch)
    # No more than is its own: what another year is like makes no other row of it.
    own = range(max(start, shown.start), min(end, shown.stop))
    reasons = ((week, missed[week]) for week in range(start, end) if week in missed) if missed else ()
    return Year(year, epoch, tuple(written), own if own else range(0), tuple(reasons))


def folded(rows: Iterable[Year]) -> list[Year | Gap]:
    """The rows with a gap instead of several years of empty boxes: an old site that was brought here has many."""
    found: list[Year | Gap] = []
    for silent, group in groupby(rows, key=lambda row: not (row.notes or row.missed)):
        years = list(group)
        found += [Gap(years[-1].number, years[0].number)] if silent and len(years) > 1 else years
    return found


@lru_cache(maxsize=1024)
def _start(year: int, epoch: date) -> int:
    """The number of an ISO year's first week."""
    return week_of(date.fromisocalendar(year, 1, 1), epoch)


def _by_year(written: Iterable[Written], epoch: date) -> dict[int, list[Written]]:
    """Notes in the order of their weeks, by each year that they are about."""
    found: dict[int, list[Written]] = {}
    year, end = 0, -1
    for note in written:
        if note.week_from >= end:
            year = year_of(note.week_from, epoch)
            end = _start(year + 1, epoch)
        found.setdefault(year, []).append(note)
        if note.week_to >= end:
            for later in range(year + 1, year_of(note.week_to, epoch) + 1):
                found.setdefault(later, []).append(note)
    return found


def _cells(
    weeks: range, epoch: date, notes: Mapping[int, Written], shown: range, missed: Mapping[int, str]
) -> list[Cell | None]:
    cells: list[Cell | None] = []
    for number in weeks:
        if number not in shown and number not in notes:
            cells.append(None)
            continue
        note = notes.get(number)
        name = f"Week {number}, {plain_dates(Weeks(number, number), epoch)}"
        if note is None:
            reason = missed.get(number, "")
            cells.append(Cell(number, f"{name}: no note{f' ({reason})' if reason else ''}", None, False, reason))
        else:
            # Whoever hears the name only hears so that the next cell leads to the same note.
            name += f": in {note.weeks.title.lower()}" if len(note.weeks) > 1 else ""
            cells.append(Cell(number, name, note.slug, notes.get(number + 1) == note))
    return cells


def _parts(weeks: Weeks, epoch: date) -> tuple[tuple[date, str], tuple[date, str]]:
    start, end = weeks.first_day(epoch), weeks.last_day(epoch)
    if (start.year, start.month) == (end.year, end.month):
        opening = f"{start.day}"
    else:
        opening = f"{start.day} {start:%B}" if start.year == end.year else f"{start.day} {start:%B %Y}"
    return (start, opening), (end, f"{end.day} {end:%B %Y}")


@lru_cache(maxsize=4096)
def plain_dates(weeks: Weeks, epoch: date, year: int | None = None) -> str:
    """`5 to 9 February 2018`, `29 January to 2 February 2018`; without the year where it is all in `year`."""
    (start, opening), (end, closing) = _parts(weeks, epoch)
    if start.year == end.year == year:
        closing = f"{end.day} {end:%B}"
    return f"{opening} to {closing}"


def dates(weeks: Weeks, epoch: date) -> Markup:
    """The same with the machine's form of both days."""
    (start, opening), (end, closing) = _parts(weeks, epoch)
    return Markup('<time datetime="{}">{}</time> to <time datetime="{}">{}</time>').format(
        start.isoformat(), opening, end.isoformat(), closing
    )
