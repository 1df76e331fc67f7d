"""The archive: all weeks as a calendar, and a year as a list."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import groupby
from zoneinfo import ZoneInfo

from flask import abort, render_template
from flask.typing import ResponseReturnValue

from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.web import local
from blogapp.posts.weeks import Weeks, week_of
from blogapp.reading import queries
from blogapp.reading.blueprint import bp
from blogapp.reading.calendar import calendar, weeks_of, year_of
from blogapp.reading.queries import Entry, Written
from blogapp.reading.responses import public


def today() -> date:
    """The day it is in the site's time zone."""
    return local(now()).date()


def years(written: Iterable[Written]) -> list[int]:
    """The years from the first that anything can be read about to the present one, the newest first."""
    epoch = settings().site_epoch
    found = {year_of(number, epoch) for note in written for number in (note.week_from, note.week_to)}
    if span := queries.span():
        found |= {local(moment).year for moment in span}
    if found:
        found |= set(range(min(found), today().year + 1))
    return sorted(found, reverse=True)


@bp.get("/archive")
def archive() -> ResponseReturnValue:
    """A row a year, a cell a week."""
    written = queries.weeks_written()
    rows = calendar(written, settings().site_epoch, today())
    return public(render_template("reading/archive.html", rows=rows, years=years(written), page_class="wide"))


@dataclass(frozen=True)
class Month:
    """A part of a year's list: posts, and the weeks without a note in between, in order."""

    name: str
    posts: list[Entry]
    missing: list[int]


@bp.get("/archive/<int(fixed_digits=4):year>")
def year(year: int) -> ResponseReturnValue:
    """Everything about one year, month by month."""
    written = queries.weeks_written()
    known = years(written)
    if year not in known:
        abort(404)
    epoch = settings().site_epoch
    weeks = weeks_of(year, epoch)
    zone = ZoneInfo(settings().site_timezone)
    start, end = (datetime.combine(date(y, 1, 1), time(), zone) for y in (year, year + 1))
    about = weeks or Weeks(9999, 9999)
    found = queries.posts_about(about.first, about.last, start, end)
    missing = _missing(written, weeks, epoch)
    at = known.index(year)
    return public(
        render_template(
            "reading/year.html",
            year=year,
            months=_months(found, missing, epoch, year),
            later=known[at - 1] if at else None,
            earlier=known[at + 1] if at + 1 < len(known) else None,
        )
    )


def _missing(written: list[Written], weeks: Weeks | None, epoch: date) -> list[int]:
    """The weeks of a year without a note, between the first note and the present week."""
    if weeks is None or not written:
        return []
    covered = {number for note in written for number in range(note.week_from, note.week_to + 1)}
    first, last = max(weeks.first, min(covered)), min(weeks.last, week_of(today(), epoch))
    return [number for number in range(first, last + 1) if number not in covered]


def _months(found: Iterable[Entry], missing: Iterable[int], epoch: date, year: int) -> list[Month]:
    """By the month of a week's Thursday, or of publication for what is about no week."""

    def month(on: date) -> int:
        return on.month if on.year == year else (1 if on.year < year else 12)

    def thursday(week: int) -> date:
        return date.fromordinal(Weeks(week, week).first_day(epoch).toordinal() + 3)

    def placed(entry: Entry) -> date:
        if entry.week_from is not None:
            return thursday(entry.week_from)
        assert entry.published_at is not None
        return local(entry.published_at).date()

    ordered = sorted(found, key=lambda entry: (placed(entry), entry.published_at, entry.id))
    by_month = {number: list(group) for number, group in groupby(ordered, key=lambda entry: month(placed(entry)))}
    gaps = {number: list(weeks) for number, weeks in groupby(missing, key=lambda week: month(thursday(week)))}
    return [
        Month(f"{date(year, number, 1):%B}", by_month.get(number, []), gaps.get(number, []))
        for number in range(1, 13)
        if number in by_month or number in gaps
    ]
