"""How fast mail leaves: token buckets for the site and for each domain, quiet hours, a new sender's daily limit.

Nothing of it has to be set. Without limits, and while the relay never says "too fast", a mail costs one look at a flag.
A relay that does say so halves the rate of that recipient's domain, or of the whole site where it means us; every
minute without such a word doubles it again, until it is forgotten. So a sending swings between what the relay takes and
half of it, and asks once a minute whether it may have more.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

from blogapp.core.clock import now
from blogapp.core.quiet import QuietHours, day_ends

# What may leave at once after a lull, in seconds' worth of mails.
BURST_SECONDS = 0.2
# A relay says it to everything that is in flight: what comes within a second is one word.
ONE_WORD_SECONDS = 1.0
DOUBLES_IN_SECONDS = 60.0
# Mails a second. No rate is ever less than the first; a first word never means less than half of the second.
SLOWEST, LEAST_OBSERVED = 0.1, 20.0
# So many domains slowed in a row, and nobody accepted in between: it is us that they mean.
SEVERAL = 3
MOST_DOMAINS = 4096
REFRESH_SECONDS = 30.0
# The rate of the last this-many to twice-this-many acceptances is what "as fast as it goes" means. A power of two.
WINDOW = 64


@dataclass(frozen=True)
class Limits:
    """What the settings say. Rates in mails a second, of all workers together; 0: none."""

    per_second: float = 0.0
    per_domain: float = 0.0
    quiet: QuietHours | None = None
    warms_up: bool = False
    zone: tzinfo = UTC


@dataclass(frozen=True)
class Shares:
    """What the workers share: how many live, and what may leave today of the warm-up's `limit` (None: anything)."""

    workers: int
    day: date
    limit: int | None = None
    left: int = 0


@dataclass(frozen=True)
class Rest:
    """Why nothing of a digest may leave just now, in words for its page, and until when."""

    reason: str
    until: datetime


class Pace:
    """One worker's pace. Belongs to one thread.

    Args:
        shares: asked every half minute where something is shared; None: not to be known just now.
        clock: seconds that only go forward.
        wall: the moment.
    """

    def __init__(
        self,
        limits: Limits,
        shares: Callable[[], Shares | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = now,
    ) -> None:
        self.limits = limits
        self._shares, self._clock, self._wall = shares, clock, wall
        self._limited = bool(limits.per_second or limits.per_domain or limits.warms_up)
        # Nothing slows the site as a whole: only the domains in `_domains` ever wait.
        self._loose = not self._limited
        self._workers = 1
        self._day = _Day()
        self._site = _Bucket(0.0)
        self._domains: OrderedDict[str, _Bucket] = OrderedDict()
        self._in_a_row: set[str] = set()
        self._count = 0
        self._marked = self._before = 0.0
        self._refresh_at = -math.inf

    @property
    def is_free(self) -> bool:
        """Whether `wait` would have nobody wait, whatever the domain."""
        return self._loose and not self._domains

    def wait(self, domain: str) -> float:
        """0.0: a mail to that domain may leave now, and is counted; else in how many seconds to ask again."""
        if self._loose and domain not in self._domains:
            return 0.0
        return self._take(domain)

    def accepted(self) -> None:
        """Note that the relay took a mail: whosever it was, for what was slowed heals by the clock."""
        if self._count % WINDOW == 0:
            self._before, self._marked = self._marked, self._clock()
        self._count += 1
        if self._in_a_row:
            self._in_a_row.clear()

    def slowed(self, domain: str, reply: str = "") -> None:  # what it says is judged in replies.py
        """Note that the relay wants fewer: for that recipient's domain; `""`: before any recipient was named."""
        at, observed = self._clock(), self._observed()
        if domain:
            self._in_a_row.add(domain)
            if len(self._in_a_row) >= SEVERAL:
                domain = ""
        if domain:
            bucket = self._domain(domain, at)
            # How much of what was sent was for this domain nobody knows: begin low, it doubles soon.
            bucket.cut(at, self._ceiling(self.limits.per_domain), LEAST_OBSERVED, 2 * observed)
        else:
            self._in_a_row.clear()
            self._site.cut(at, self._ceiling(self.limits.per_second), observed, 2 * observed)
            self._loose = False

    def rest(self) -> Rest | None:
        """Whether digests are to rest: in quiet hours, and when the day's share of a warm-up is used up.

        Cheap enough to be asked at every tick. Single mails do not ask.
        """
        quiet, zone = self.limits.quiet, self.limits.zone
        if quiet is not None and (until := quiet.until(self._wall(), zone)) is not None:
            return Rest(f"Quiet hours: goes on at {until.astimezone(zone):%H:%M}", until)
        if not self.limits.warms_up:
            return None
        if self._day.date != self._wall().astimezone(zone).date():
            self._refresh_at = -math.inf  # A new day has begun, and what is known is of the one before.
        self._refresh(self._clock())
        if self._day.room is None or self._day.room > 0:
            return None
        if (until := day_ends(self._day.date, zone)) <= self._wall():
            return None  # The database is away, and says nothing of the new day.
        reason = f"Warm-up of a new sender: {self._day.limit:,} mails today, and they have left. Goes on tomorrow"
        return Rest(reason, until)

    def _take(self, domain: str) -> float:
        at = self._clock()
        self._refresh(at)
        room = self._day.room
        if room is not None and room <= 0:
            return max(self._refresh_at - at, 1.0)
        seconds = self._site.fill(at, self._ceiling(self.limits.per_second))
        if self.limits.per_domain or domain in self._domains:
            bucket = self._domain(domain, at)
            seconds = max(seconds, bucket.fill(at, self._ceiling(self.limits.per_domain)))
            bucket.tokens -= seconds <= 0.0
        if seconds <= 0.0:
            self._site.tokens -= 1.0
            self._day.grant()
        return seconds

    def _refresh(self, at: float) -> None:
        if at < self._refresh_at:
            return
        self._refresh_at = at + REFRESH_SECONDS
        if self._limited and (shares := self._shares()) is not None:
            self._workers = max(shares.workers, 1)
            self._day.share(shares, self._workers)
        if not self.limits.per_domain:
            for name in [name for name, bucket in self._domains.items() if bucket.is_well(at)]:
                del self._domains[name]
        self._loose = not self._limited and self._site.is_well(at)

    def _ceiling(self, limit: float) -> float:
        return limit / self._workers if limit else math.inf

    def _domain(self, name: str, at: float) -> "_Bucket":
        bucket = self._domains.get(name)
        if bucket is None:
            bucket = self._domains[name] = _Bucket(at)
            if len(self._domains) > MOST_DOMAINS:
                self._domains.popitem(last=False)
        else:
            self._domains.move_to_end(name)
        return bucket

    def _observed(self) -> float:
        """Mails a second that the relay took lately; after a lull, when that says nothing, LEAST_OBSERVED."""
        since, count = (self._before, WINDOW) if self._count > WINDOW else (self._marked, 0)
        count += (self._count - 1) % WINDOW if self._count else 0
        seconds = self._clock() - since
        return max(count / seconds if seconds > 0 else 0.0, LEAST_OBSERVED)


class _Bucket:
    """Tokens, and the rate that they come at: a limit's, or less after a relay's word."""

    __slots__ = ("at", "cut_at", "rate", "tokens", "well")

    def __init__(self, at: float) -> None:
        self.at = at
        self.tokens = 1.0
        self.rate = self.well = math.inf  # nobody slowed it; `well`: the rate at which that is so again
        self.cut_at = -math.inf

    def fill(self, at: float, ceiling: float) -> float:
        """Let the time since the last look count. Seconds until there is a token."""
        passed, self.at = max(at - self.at, 0.0), at
        if self.rate != math.inf:
            self._heal(passed)
        rate = min(self.rate, ceiling)
        if rate == math.inf:
            self.tokens = 1.0
        else:
            self.tokens = min(self.tokens + passed * rate, max(1.0, rate * BURST_SECONDS))
        # A hair less than one is one: sums of many small numbers come out so.
        return 0.0 if self.tokens > 1.0 - 1e-9 else (1.0 - self.tokens) / rate

    def cut(self, at: float, ceiling: float, observed: float, well: float) -> None:
        """Halve the rate, which is the one observed where nobody has slowed it yet."""
        if at - self.cut_at < ONE_WORD_SECONDS:
            return
        self.fill(at, ceiling)
        rate = min(self.rate, ceiling)
        self.rate = max((observed if rate == math.inf else rate) / 2, SLOWEST)
        self.well = max(well, 2 * self.rate) if self.well == math.inf else self.well
        self.cut_at, self.tokens = at, 0.0

    def is_well(self, at: float) -> bool:
        """Whether nothing slows it any more."""
        return self.rate * _growth(at - self.at) >= self.well or self.rate == math.inf

    def _heal(self, seconds: float) -> None:
        self.rate *= _growth(seconds)
        if self.rate >= self.well:
            self.rate = self.well = math.inf


def _growth(seconds: float) -> float:
    return float(2.0 ** min(max(seconds, 0.0) / DOUBLES_IN_SECONDS, 64.0))


class _Day:
    """What this worker may send today, of what all may. Soft where several share it: each knows only its own."""

    def __init__(self) -> None:
        self.date = date.min
        self.limit = 0
        self.room: int | None = None
        self._base = self._granted = 0

    def share(self, shares: Shares, workers: int) -> None:
        """Take note of how the day goes."""
        if shares.limit is None:
            self.date, self.room = shares.day, None
            return
        if shares.day != self.date:
            self.date, self._base, self._granted = shares.day, shares.left, 0
        self.limit = shares.limit
        self.room = min(self._base // workers - self._granted, shares.left)

    def grant(self) -> None:
        """One mail leaves."""
        if self.room is not None:
            self._granted += 1
            self.room -= 1
