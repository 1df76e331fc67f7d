"""Quiet hours: a stretch of every day, in the site's own time. Pure: the moment and the zone are given."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])\s*[-–]\s*([01][0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True)
class QuietHours:
    """From `begins` to `ends`, over midnight where it ends before it begins."""

    begins: time
    ends: time

    def until(self, at: datetime, zone: tzinfo) -> datetime | None:
        """When the quiet that reigns at that moment is over; None when there is none.

        What counts is the clock on the wall. An end that is skipped in spring comes as much later as the clock jumps;
        one that comes twice in autumn ends the quiet both times.
        """
        here = at.astimezone(zone)
        clock = here.time()
        if self.begins < self.ends:
            quiet, days = self.begins <= clock < self.ends, 0
        else:
            quiet, days = clock >= self.begins or clock < self.ends, int(clock >= self.begins)
        if not quiet:
            return None
        end = datetime.combine(here.date() + timedelta(days=days), self.ends, zone)
        # Compared as instants: within one zone Python would compare what the clocks show.
        return end if end.timestamp() > at.timestamp() else end.replace(fold=1)


def parse_quiet_hours(text: str) -> QuietHours | None:
    """`22:00-07:00`; None for nothing.

    Raises:
        ValueError: it is neither, or begins when it ends.
    """
    if not text.strip():
        return None
    found = HOURS.fullmatch(text.strip())
    if found is None or found.group(1, 2) == found.group(3, 4):
        raise ValueError("should be like 22:00-07:00")
    begins, ends = (time(int(found[n]), int(found[n + 1])) for n in (1, 3))
    return QuietHours(begins, ends)


def day_ends(day: date, zone: tzinfo) -> datetime:
    """The first moment of the next day."""
    return datetime.combine(day + timedelta(days=1), time(), zone)
