"""A day and a time that somebody typed, in the site's time zone, as a moment."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from blogapp.core.errors import Invalid

CLOCK = re.compile(r"(?P<hour>[01]?\d|2[0-3])[:.](?P<minute>[0-5]\d)(?::00)?")


@dataclass(frozen=True)
class Typed:
    """A moment, in UTC. `twice`: the clocks go back in that hour, so that it comes twice; this is the first one."""

    at: datetime
    twice: bool = False


def moment_typed(day: str, clock: str, zone: str) -> Typed:
    """The moment that somebody means by a day (`2026-11-27`) and a time (`16:00`).

    Raises:
        Invalid: it is no day, no time, or one that the clocks leave out. The fields are `day` and `clock`.
    """
    try:
        on = date.fromisoformat(day.strip())
    except ValueError:
        raise _wrong("day", "Choose a day, such as 2026-11-27.") from None
    found = CLOCK.fullmatch(clock.strip())
    if found is None:
        raise _wrong("clock", "Choose a time, such as 16:00.")
    here = datetime.combine(on, time(int(found["hour"]), int(found["minute"])), ZoneInfo(zone))
    at = here.astimezone(UTC)
    if at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != here.replace(tzinfo=None):
        message = f"There is no {here:%H:%M} on that day: the clocks go forward. Choose another time."
        raise _wrong("clock", message)
    return Typed(at, twice=here.utcoffset() != here.replace(fold=1).utcoffset())


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(message, {field: message})
