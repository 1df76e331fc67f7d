"""Week numbers: whole weeks since the Monday of the team's founding week (the epoch).

A number never comes from a publication date: of a real team's notes less than half are dated inside their own week.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta

LAST_WEEK = 9999
NAME = re.compile(r"weeks?-(\d{1,4})(?:-(?P<word>and|to)-(\d{1,4}))?")


@dataclass(frozen=True, order=True)
class Weeks:
    """A range of weeks, both ends included."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last <= LAST_WEEK:
            raise ValueError(f"weeks {self.first} to {self.last}")

    def __len__(self) -> int:
        return self.last - self.first + 1

    def first_day(self, epoch: date) -> date:
        """The Monday of the first week."""
        return epoch + timedelta(weeks=self.first)

    def last_day(self, epoch: date) -> date:
        """The Friday of the last week: what a team's week is called by."""
        return epoch + timedelta(weeks=self.last, days=4)

    @property
    def slug(self) -> str:
        """`week-473`, `week-853-and-854`, `weeks-520-to-524`."""
        if self.first == self.last:
            return f"week-{self.first}"
        return f"week-{self.first}-and-{self.last}" if len(self) == 2 else f"weeks-{self.first}-to-{self.last}"

    @property
    def title(self) -> str:
        """`Week 473`, `Weeks 853 and 854`, `Weeks 520 to 524`."""
        if self.first == self.last:
            return f"Week {self.first}"
        return f"Weeks {self.first} {'and' if len(self) == 2 else 'to'} {self.last}"

    @property
    def figure(self) -> str:
        """The number as the graphic element: `473`, `853–854`."""
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"


def week_of(day: date, epoch: date) -> int:
    """The number of the week that `day` is in (negative before the epoch)."""
    return (day - epoch).days // 7


def parse_week_slug(slug: str) -> Weeks | None:
    """The weeks that a name like `week-473` or `weeks-520-to-524` speaks of; None for any other name."""
    match = NAME.fullmatch(slug)
    if not match:
        return None
    first = int(match[1])
    last = int(match[3]) if match[3] else first
    return Weeks(first, last) if first <= last else None


def parse_weeks(text: str) -> Weeks:
    """What a person types: `473`, `853-854`, `853 and 854`, `520 to 524`.

    Raises:
        ValueError: it is neither a number nor a range.
    """
    match = re.fullmatch(r"\s*(\d{1,4})\s*(?:(?:-|–|to|and)\s*(\d{1,4}))?\s*", text)
    if not match:
        raise ValueError(text)
    return Weeks(int(match[1]), int(match[2] or match[1]))
