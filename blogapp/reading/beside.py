"""What stands beside a post: before and after it, about the same weeks; and which note covers a week."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import CompoundSelect, Executable, Integer, Select, bindparam, literal_column, select, union_all

from blogapp.posts.weeks import Weeks
from blogapp.reading.queries import (
    DATED,
    ENTRY,
    HERE,
    KEY,
    NOTES,
    SEEN,
    Entry,
    asked,
    entries,
    listed,
    newest_first,
    posts,
)


@dataclass(frozen=True)
class Around:
    """What stands beside a post: before and after it, and what else was published about the same weeks."""

    before: Entry | None = None
    after: Entry | None = None
    companions: tuple[Entry, ...] = ()


def around(post: Entry) -> Around:
    """By week for notes, by date among its own kind for others; pages have nothing around them."""
    if post.kind == "page" or post.published_at is None:
        before = after = None
    elif post.kind == "week" and post.week_from is not None:
        before, after = _two(BY_WEEK, first=post.week_from, last=post.week_to)
    else:
        before, after = _two(BY_DATE, kind=post.kind, at=post.published_at, number=post.id)
    return Around(before, after, tuple(_companions(post)))


def _two(statement: Executable, **values: Any) -> tuple[Entry | None, Entry | None]:
    """The posts that are found under 0 and under 1."""
    found = {row[0]: Entry(*row[1:]) for row in asked(statement, **values)}
    return found.get(0), found.get(1)


WEEKS = listed(SEEN).where(NOTES).limit(1)
EARLIER = WEEKS.where(posts.c.week_from < bindparam("first"), posts.c.week_to < bindparam("first"))
EARLIER = EARLIER.order_by(posts.c.week_from.desc(), posts.c.id.desc())
LATER = WEEKS.where(posts.c.week_from > bindparam("last")).order_by(posts.c.week_from, posts.c.id)
ALIKE = listed().where(posts.c.kind == bindparam("kind")).limit(1)
OLDER = newest_first(ALIKE.where(KEY < HERE))
NEWER = ALIKE.where(KEY > HERE).order_by(posts.c.published_at, posts.c.id)


def _both(before: Select[Any], after: Select[Any]) -> CompoundSelect[Any]:
    parts = [query.with_only_columns(literal_column(str(n), Integer).label("place"), *ENTRY)
             for n, query in enumerate((before, after))]  # fmt: skip
    return union_all(*(select(part.subquery()) for part in parts))


BY_WEEK, BY_DATE = _both(EARLIER, LATER), _both(OLDER, NEWER)


def _companions(post: Entry) -> list[Entry]:
    """What else was published about the same weeks: the links beside the note."""
    if post.week_from is None:
        return []
    found = entries(asked(BESIDE, week=post.week_from, number=post.id))
    # Put in order here: asked to, SQLite walks all posts by date instead.
    return sorted(found, key=lambda entry: (entry.published_at, entry.id))[:10]


BESIDE = listed(SEEN).where(DATED, posts.c.kind != "page")
BESIDE = BESIDE.where(posts.c.week_from == bindparam("week"), posts.c.id != bindparam("number"))


def covering(weeks: Weeks) -> str | None:
    """The address of the note that covers these weeks."""
    found: str | None = asked(COVERING, first=weeks.first, last=weeks.last).scalar_one_or_none()
    return found


COVERING = select(posts.c.slug).where(SEEN, NOTES, posts.c.week_from <= bindparam("first"))
COVERING = COVERING.where(posts.c.week_to >= bindparam("last")).order_by(posts.c.week_from.desc(), posts.c.id).limit(1)
