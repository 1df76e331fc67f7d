"""What the archive asks: weeks with and without a note, a year and its months, members and their weeks.

Each query is one range of an index of its own (`ix_posts_calendar` and its like). SQLite takes an index over a part of
a table only where the query says that part in the same words, hence the text.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    CompoundSelect,
    Integer,
    Select,
    Table,
    bindparam,
    func,
    literal_column,
    null,
    select,
    text,
    tuple_,
    union_all,
)  # fmt: skip
from sqlalchemy import cast as sql_cast

from blogapp.core.db import UTCDateTime
from blogapp.posts.missed import MissedWeek
from blogapp.posts.weeks import LAST_WEEK, Weeks
from blogapp.reading.queries import DATED, ENTRY, NOTES, PUBLIC, SEEN, Entry, asked, entries, listed, members, posts

UNDATED = text("posts.week_from IS NULL AND posts.kind <> 'page'")
MONTHS = range(1, 13)
# How many posts of a month its year shows.
IN_A_YEAR = 12


class Written(NamedTuple):
    """A note and the weeks that it covers, for the calendar. A tuple, as there may be a thousand of them."""

    week_from: int
    week_to: int
    slug: str

    @property
    def weeks(self) -> Weeks:
        return Weeks(self.week_from, self.week_to)


def weeks_written(weeks: Weeks | None = None, *, by: int | None = None) -> list[Written]:
    """Every public note's weeks in their order: of one member or of all, of some weeks or of all."""
    given: dict[str, Any] = {} if weeks is None else {"first": weeks.first, "last": weeks.last}
    given |= {} if by is None else {"by": by}
    return [Written._make(row) for row in asked(_weeks_written(some=weeks is not None, theirs=by is not None), **given)]


@cache
def _weeks_written(*, some: bool, theirs: bool) -> Select[Any]:
    query = select(posts.c.week_from, posts.c.week_to, posts.c.slug).where(SEEN, NOTES)
    query = query.where(posts.c.week_from <= bindparam("last") if some else posts.c.week_from.is_not(None))
    if some:
        query = query.where(posts.c.week_to >= bindparam("first"))
    if theirs:
        query = query.where(posts.c.author_id == bindparam("by"))
    return query.order_by(posts.c.week_from, posts.c.id)


def weeks_missed(weeks: Weeks | None = None) -> dict[int, str]:
    """Week -> why there is no note, where somebody said."""
    first, last = (0, LAST_WEEK) if weeks is None else (weeks.first, weeks.last)
    return {row.week: row.reason for row in asked(MISSED, first=first, last=last)}


missed = cast(Table, MissedWeek.__table__)
MISSED = select(missed.c.week, missed.c.reason)
MISSED = MISSED.where(missed.c.week >= bindparam("first"), missed.c.week <= bindparam("last"))


@dataclass(frozen=True)
class Bounds:
    """The first and the last week that a note is about, and when the first and the last post was published."""

    first_week: int | None
    last_week: int | None
    first_at: datetime | None
    last_at: datetime | None


def bounds() -> Bounds:
    """Where the archive begins and ends."""
    return Bounds(*asked(_bounds()).one())


@cache
def _bounds() -> Select[Any]:
    notes = select(posts.c.week_from, posts.c.week_to).where(SEEN, NOTES, posts.c.week_from.is_not(None))
    dates = select(posts.c.published_at).where(PUBLIC, posts.c.kind != "page")
    first = notes.with_only_columns(posts.c.week_from).order_by(posts.c.week_from, posts.c.id).limit(1)
    last = notes.with_only_columns(posts.c.week_to).order_by(posts.c.week_from.desc(), posts.c.id.desc()).limit(1)
    ends = [
        dates.order_by(*order).limit(1)
        for order in ([posts.c.published_at, posts.c.id], [posts.c.published_at.desc(), posts.c.id.desc()])
    ]
    return select(*(end.scalar_subquery() for end in (first, last, *ends)))


@dataclass(frozen=True)
class Span:
    """A stretch of the archive: weeks (None where there are none) and the time from `start` to before `end`."""

    weeks: Weeks | None
    start: datetime
    end: datetime

    @property
    def week_ends(self) -> tuple[int, int]:
        return (self.weeks.first, self.weeks.last) if self.weeks else (LAST_WEEK + 1, LAST_WEEK + 1)


@dataclass(frozen=True)
class After:
    """Where in a span to go on: what is about a week behind (week, id), what is about none behind (moment, id)."""

    week: tuple[int, int]
    moment: tuple[datetime, int]


def posts_in(span: Span, limit: int, after: After | None = None) -> list[Entry]:
    """Up to `limit` posts about the weeks and as many that are about none, in no common order."""
    first, last = span.week_ends
    dated, undated = _dated(first, last), _undated(span.start, span.end)
    if after is not None:
        dated = dated.where(tuple_(posts.c.week_from, posts.c.id) > tuple_(*after.week))
        undated = undated.where(tuple_(posts.c.published_at, posts.c.id) > tuple_(*after.moment))
    found: list[Entry] = []
    for query in (dated, undated):
        whole = query.with_only_columns(*ENTRY).join(members, members.c.id == posts.c.author_id).limit(limit)
        found += entries(asked(whole))
    return found


def _dated(first: Any, last: Any) -> Select[Any]:
    query = select(posts.c.id).where(posts.c.week_from >= first, posts.c.week_from <= last, SEEN, DATED)
    return query.order_by(posts.c.week_from, posts.c.id)


def _undated(start: Any, end: Any) -> Select[Any]:
    query = select(posts.c.id).where(posts.c.published_at >= start, posts.c.published_at < end, SEEN, UNDATED)
    return query.order_by(posts.c.published_at, posts.c.id)


@dataclass(frozen=True)
class Stub:
    """A post's place in a month: by its week, or by its moment where it is about none."""

    id: int
    week_from: int | None
    published_at: datetime | None


def stubs_by_month(months: dict[int, Span]) -> dict[int, list[Stub]]:
    """The same for each month of a year (1 to 12), as places only and in one query; one more than a year shows.

    Whole posts would take 1.6 ms instead of 0.2 (measured), and half of them are not shown.
    """
    given: dict[str, Any] = {}
    for number, span in months.items():
        first, last = span.week_ends
        given |= {f"first{number}": first, f"last{number}": last}
        given |= {f"start{number}": span.start, f"end{number}": span.end}
    found: dict[int, list[Stub]] = {}
    for row in asked(_by_month(), **given):
        found.setdefault(row[0], []).append(Stub(*row[1:]))
    return found


@cache
def _by_month() -> CompoundSelect[Any]:
    """Made once: putting 24 queries together takes longer than their answers do."""
    parts = []
    for number in MONTHS:
        dated = _dated(bindparam(f"first{number}"), bindparam(f"last{number}"))
        undated = _undated(bindparam(f"start{number}"), bindparam(f"end{number}"))
        month = literal_column(str(number), Integer).label("month")
        no_date, no_week = (
            sql_cast(null(), UTCDateTime).label("published_at"),
            sql_cast(null(), Integer).label("week_from"),
        )
        dated = dated.with_only_columns(month, posts.c.id, posts.c.week_from, no_date)
        undated = undated.with_only_columns(month, posts.c.id, no_week, posts.c.published_at)
        parts += [select(query.limit(IN_A_YEAR + 1).subquery()) for query in (dated, undated)]
    return union_all(*parts)


def posts_of(ids: Iterable[int]) -> dict[int, Entry]:
    """These public posts, by id."""
    return {post.id: post for post in entries(asked(THESE, ids=list(ids)))}


THESE = listed().where(posts.c.id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True)
class Writer:
    """Somebody who has published, with the first and the last week of their notes, if they have any."""

    name: str
    slug: str
    first_week: int | None
    last_week: int | None
    last_at: datetime

    @property
    def weeks(self) -> Weeks | None:
        return None if self.first_week is None or self.last_week is None else Weeks(self.first_week, self.last_week)


def writers() -> list[Writer]:
    """Everybody who has a public post, by name."""
    found = [Writer(*row) for row in asked(_writers()) if row.last_at is not None]
    return sorted(found, key=lambda writer: (writer.name.casefold(), writer.slug))


@cache
def _writers() -> Select[Any]:
    theirs = posts.c.author_id == members.c.id
    notes = select(posts.c.week_from).where(SEEN, NOTES, posts.c.week_from.is_not(None), theirs).limit(1)
    last = notes.with_only_columns(posts.c.week_to).order_by(posts.c.week_from.desc(), posts.c.id.desc())
    latest = select(posts.c.published_at).where(theirs, PUBLIC).order_by(posts.c.published_at.desc()).limit(1)
    return select(
        members.c.name,
        members.c.slug,
        notes.order_by(posts.c.week_from, posts.c.id).scalar_subquery().label("first_week"),
        last.scalar_subquery().label("last_week"),
        latest.scalar_subquery().label("last_at"),
    )


def place_of(post_id: int) -> tuple[int | None, datetime] | None:
    """(week, moment of publication) of a public post; None where there is none, and so where it is none any more."""
    row = asked(PLACE, number=post_id).one_or_none()
    return None if row is None else (row.week_from, row.published_at)


PLACE = select(posts.c.week_from, posts.c.published_at)
PLACE = PLACE.where(posts.c.id == bindparam("number"), PUBLIC, posts.c.kind != "page")


def latest_of_weeks() -> list[tuple[int, datetime]]:
    """(week, when something about it was last published) of every week that a post is about."""
    query = select(posts.c.week_from, func.max(posts.c.published_at)).where(SEEN, DATED).group_by(posts.c.week_from)
    return [(row[0], row[1]) for row in asked(query)]


def days_undated() -> list[tuple[datetime, datetime]]:
    """(first, last) moment of every day on which a post about no week was published."""
    day = func.date(posts.c.published_at)
    query = select(func.min(posts.c.published_at), func.max(posts.c.published_at)).where(SEEN, UNDATED)
    return [(row[0], row[1]) for row in asked(query.group_by(day))]
