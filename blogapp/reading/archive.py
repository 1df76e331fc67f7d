"""The archive: all weeks as a calendar, a year, a month."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.web import local
from blogapp.posts.weeks import Weeks, week_of
from blogapp.reading import finding, weekly
from blogapp.reading.blueprint import bp
from blogapp.reading.calendar import Cell, Year, calendar, folded, row_of, thursday, weeks_of, weeks_of_month, year_of
from blogapp.reading.queries import Entry
from blogapp.reading.responses import public
from blogapp.reading.weekly import IN_A_YEAR, After, Bounds, Span, Stub

ON_A_PAGE = 60
# Nothing that anybody published is older, and every time zone has midnights by then.
EARLIEST = 1000


def today() -> date:
    """The day it is in the site's time zone."""
    return local(now()).date()


def years(found: Bounds) -> list[int]:
    """The years from the first that anything can be read about to the present one, the newest first.

    And that of the last note, where its week lies ahead.
    """
    epoch = settings().site_epoch
    known = {year_of(week, epoch) for week in (found.first_week, found.last_week) if week is not None}
    known |= {local(moment).year for moment in (found.first_at, found.last_at) if moment is not None}
    if known:
        known |= set(range(min(known), today().year + 1))
    return sorted(known, reverse=True)


@bp.get("/archive")
def archive() -> ResponseReturnValue:
    """A row a year, a cell a week."""
    epoch = settings().site_epoch
    written = weekly.weeks_written()
    rows = folded(calendar(written, epoch, today(), weekly.weeks_missed()))
    return public(
        render_template(
            "reading/archive.html",
            rows=rows,
            written=written,
            years=years(weekly.bounds()),
            unwritten=_before(written[0].week_from) if written else None,
            writers=weekly.writers(),
            topics=finding.topics(),
            page_class="wide",
        )
    )


def _before(week: int) -> Weeks | None:
    """The weeks from the epoch to the first note, which would be rows of empty cells."""
    return Weeks(0, week - 1) if week > 0 else None


@dataclass(frozen=True)
class Month:
    """A part of a year's list: posts, whether there are more of them, and the weeks without a note, all in order."""

    number: int
    name: str
    posts: list[Entry]
    more: bool
    missing: list[Cell]


@bp.get("/archive/<int(fixed_digits=4):year>")
def year(year: int) -> ResponseReturnValue:
    """Everything about one year, month by month, and the row that it has in the calendar."""
    if not EARLIEST <= year < date.max.year:
        abort(404)
    bounds = weekly.bounds()
    known = years(bounds)
    months = {number: span_of(year, number) for number in weekly.MONTHS}
    found = weekly.stubs_by_month(months)
    if year not in known and not found:
        abort(404)
    row = _row(year, bounds)
    return public(
        render_template(
            "reading/year.html",
            year=year,
            rows=[row] if any(row.cells) else [],
            months=list(_months(year, found, row)),
            later=min((other for other in known if other > year), default=None),
            earlier=max((other for other in known if other < year), default=None),
            page_class="wide",
        )
    )


def _row(year: int, bounds: Bounds) -> Year:
    epoch = settings().site_epoch
    weeks = weeks_of(year, epoch)
    if weeks is None or bounds.first_week is None:
        return Year(year, epoch)
    shown = range(bounds.first_week, week_of(today(), epoch) + 1)
    return row_of(year, weekly.weeks_written(weeks), epoch, shown, weekly.weeks_missed(weeks))


def _months(year: int, found: dict[int, list[Stub]], row: Year) -> Iterable[Month]:
    """By the month of a week's Thursday, or of publication for what is about no week."""
    epoch = settings().site_epoch
    gaps = [cell for cell in row.cells if cell and cell.slug is None]
    shown = {number: sorted(stubs, key=_place)[:IN_A_YEAR] for number, stubs in found.items()}
    whole = weekly.posts_of(stub.id for stubs in shown.values() for stub in stubs)
    for number in weekly.MONTHS:
        posts = [whole[stub.id] for stub in shown.get(number, [])]
        missing = [cell for cell in gaps if thursday(cell.number, epoch).month == number]
        if posts or missing:
            yield Month(number, f"{date(year, number, 1):%B}", posts, len(found.get(number, [])) > IN_A_YEAR, missing)


@bp.get("/archive/<int(fixed_digits=4):year>/<int(fixed_digits=2):month>")
def month(year: int, month: int) -> ResponseReturnValue:
    """Everything about one month; `?after=<id of a post>` goes on."""
    if month not in weekly.MONTHS or not EARLIEST <= year < date.max.year:
        abort(404)
    span = span_of(year, month)
    given = request.args.get("after")
    found = weekly.posts_in(span, ON_A_PAGE + 1, None if given is None else _after(given))
    if not found:
        abort(404)
    ordered = sorted(found, key=_place)
    return public(
        render_template(
            "reading/month.html",
            year=year,
            month=month,
            name=f"{date(year, month, 1):%B %Y}",
            posts=ordered[:ON_A_PAGE],
            more=ordered[ON_A_PAGE - 1].id if len(ordered) > ON_A_PAGE else None,
            after=given,
        )
    )


def _after(given: str) -> After:
    """Where to go on: behind that post, in the common order of what is about a week and what is about none."""
    place = weekly.place_of(int(given)) if given.isascii() and given.isdigit() and len(given) < 10 else None
    if place is None:
        abort(404)
    number, epoch = int(given), settings().site_epoch
    week, published_at = place
    if week is not None:
        return After((week, number), (_midnight(thursday(week, epoch)), number))
    day = local(published_at).date()
    # The week whose Thursday is this day or the last one before; what shares its moment is in the order of ids.
    behind = week_of(day - timedelta(days=3), epoch)
    exact = _midnight(thursday(behind, epoch)) == published_at
    return After((behind, number if exact else 2**31 - 1), (published_at, number))


def span_of(year: int, month: int) -> Span:
    """A month: the weeks whose Thursday is in it, and its days in the site's time zone."""
    weeks = weeks_of_month(year, month, settings().site_epoch)
    return Span(weeks, _midnight(date(year, month, 1)), _midnight(date(year + month // 12, month % 12 + 1, 1)))


def _midnight(day: date) -> datetime:
    return _midnight_in(day, settings().site_timezone)


@lru_cache(maxsize=4096)
def _midnight_in(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def _place(entry: Entry | Stub) -> tuple[datetime, int]:
    """Where in a month it stands: on its week's Thursday, else when it was published."""
    if entry.week_from is not None:
        return _midnight(thursday(entry.week_from, settings().site_epoch)), entry.id
    assert entry.published_at is not None
    return entry.published_at, entry.id
