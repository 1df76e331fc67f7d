"""How fast mail leaves, by given clocks."""

import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from blogapp.core.quiet import parse_quiet_hours
from blogapp.delivery.pace import MOST_DOMAINS, Limits, Pace, Shares
from blogapp.delivery.warmup import FIRST_DAY, LASTS, limit_of, warm_up_plan

LONDON = ZoneInfo("Europe/London")
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
TODAY = NOON.date()


class World:
    """A pace in a world whose clock moves when it is told to."""

    def __init__(self, shares: Shares | None = None, **limits: object) -> None:
        self.at, self.moment = 1000.0, NOON
        self.shares = shares
        self.asked = 0
        self.pace = Pace(Limits(**limits), self._share, lambda: self.at, lambda: self.moment)  # type: ignore[arg-type]

    def _share(self) -> Shares | None:
        self.asked += 1
        return self.shares

    def send(self, seconds: float, *domains: str) -> Counter[str]:
        """Send as much as may leave in so many seconds, to these domains in turn."""
        sent: Counter[str] = Counter()
        until = self.at + seconds
        while self.at < until:
            waits = []
            for domain in domains:
                wait = self.pace.wait(domain)
                if wait:
                    waits.append(wait)
                else:
                    sent[domain] += 1
                    self.pace.accepted()
            self.at += min(waits) if len(waits) == len(domains) else 0.0001
        return sent


def near(count: float, wanted: float, share: float = 0.1) -> bool:
    return abs(count - wanted) <= max(share * wanted, 1.0)


def test_without_limits_nothing_waits_and_nothing_is_asked() -> None:
    world = World()
    assert all(world.pace.wait(f"{n}.test") == 0.0 for n in range(10_000))
    assert (world.asked, world.pace.rest()) == (0, None)


def test_the_common_case_costs_less_than_a_microsecond() -> None:
    pace, wait, accepted = Pace(Limits()), Pace.wait, Pace.accepted
    best = 1.0
    for _ in range(5):
        began = time.process_time()
        for _ in range(10_000):
            wait(pace, "a.test")
            accepted(pace)
        best = min(best, (time.process_time() - began) / 10_000)
    assert best < 1e-6


@pytest.mark.parametrize("rate", [0.5, 3.0, 100.0, 2000.0])
def test_a_limit_is_kept_and_used(rate: float) -> None:
    assert near(World(per_second=rate).send(5, "a.test", "b.test").total(), 5 * rate)


def test_a_lull_saves_up_a_fifth_of_a_second_and_no_more() -> None:
    world = World(per_second=100.0)
    world.send(1, "a.test")
    world.at += 3600
    assert sum(world.pace.wait("a.test") == 0.0 for _ in range(1000)) == 20


def test_a_domain_that_had_its_share_does_not_hold_up_the_others() -> None:
    sent = World(per_domain=2.0).send(10, "large.test", "small.test", "other.test")
    assert all(near(count, 20) for count in sent.values())
    world = World()
    world.send(1, "large.test", "small.test")
    world.pace.slowed("large.test", "421 4.7.28 too fast")
    sent = world.send(1, "large.test", "small.test")
    assert sent["large.test"] <= 12
    assert sent["small.test"] > 1000


def test_the_workers_alive_share_the_rate_and_are_counted_again_every_half_minute() -> None:
    world = World(Shares(2, TODAY), per_second=10.0)
    assert near(world.send(30, "a.test").total(), 150)
    world.shares = Shares(1, TODAY)
    world.send(1, "a.test")
    assert near(world.send(20, "a.test").total(), 200)
    world.shares = None  # the database is away: as it was
    world.at += 60
    world.pace.wait("a.test")
    assert near(world.send(20, "a.test").total(), 200)


def test_a_relay_that_wants_less_gets_half_and_after_quiet_minutes_all_again() -> None:
    world = World()
    before = world.send(1, "a.test").total()
    world.pace.slowed("", "421 4.3.2 too busy")
    assert near(world.send(1, "a.test").total(), before / 2)
    for _ in range(30):
        world.pace.slowed("", "421")  # what was in flight hears the same word
    assert world.send(1, "a.test").total() > before / 5
    world.at += 120
    assert world.pace.wait("a.test") == 0.0
    world.at += 60
    world.pace.wait("a.test")
    assert near(world.send(1, "a.test").total(), before)


def test_a_word_after_a_week_without_mail_does_not_mean_next_to_nothing() -> None:
    world = World()
    world.send(1, "a.test")
    world.at += 7 * 86400
    world.pace.accepted()
    world.pace.slowed("", "421")
    assert near(world.send(1, "a.test").total(), 10, 0.2)


def test_a_relay_that_takes_fifty_a_second_is_found_out_and_not_pestered() -> None:
    world, words, sent = World(), 0, 0
    taken: list[float] = []
    world.send(0.5, "a.test")
    until = world.at + 600
    while world.at < until:
        if wait := world.pace.wait("a.test"):
            world.at += wait
            continue
        taken = [at for at in taken if at > world.at - 1]
        if len(taken) >= 50:
            words += 1
            world.pace.slowed("", "421")
            world.at += 0.1
            continue
        taken.append(world.at)
        sent += 1
        world.pace.accepted()
        world.at += 0.0005
    assert sent > 0.6 * 50 * 600
    assert words < sent / 200


def test_several_domains_slowed_in_a_row_mean_us() -> None:
    world = World()
    before = world.send(1, "z.test").total()
    for domain in ("a.test", "a.test", "b.test"):
        world.pace.slowed(domain, "451 4.7.0")
    assert near(world.send(1, "z.test").total(), before), "two are two"
    for domain in ("a.test", "b.test", "c.test"):
        world.pace.slowed(domain, "451 4.7.0")
    assert near(world.send(1, "z.test").total(), before / 2)


def test_it_is_never_slower_than_one_mail_in_ten_seconds() -> None:
    world = World()
    for _ in range(50):
        world.pace.slowed("a.test", "421")
        world.at += 1.1
    assert 0 < world.pace.wait("a.test") <= 10.0


def test_the_memory_for_domains_is_bounded_and_a_word_is_forgotten_in_time() -> None:
    world = World(per_domain=1.0)
    for number in range(3 * MOST_DOMAINS):
        assert world.pace.wait(f"{number}.test") == 0.0
    assert len(world.pace._domains) == MOST_DOMAINS
    world = World()
    world.pace.slowed("a.test", "421")
    assert world.pace.wait("a.test") > 0
    world.at += 3600
    world.pace.wait("a.test")
    assert (world.pace._loose, len(world.pace._domains)) == (True, 0)


# -- quiet hours


@pytest.mark.parametrize(
    ("hours", "at", "until"),
    [
        ("22:00-07:00", "2026-11-26T21:59:59+00:00", None),
        ("22:00-07:00", "2026-11-26T22:00:00+00:00", "2026-11-27T07:00:00+00:00"),
        ("22:00-07:00", "2026-11-27T00:00:00+00:00", "2026-11-27T07:00:00+00:00"),
        ("22:00-07:00", "2026-11-27T07:00:00+00:00", None),
        ("12:00-13:30", "2026-07-01T11:30:00+00:00", "2026-07-01T12:30:00+00:00"),  # summer: an hour ahead of UTC
        # The night of the 29th of March is an hour short, that of the 25th of October an hour long.
        ("22:00-07:00", "2026-03-28T23:00:00+00:00", "2026-03-29T06:00:00+00:00"),
        ("22:00-07:00", "2026-10-24T22:00:00+00:00", "2026-10-25T07:00:00+00:00"),
        ("00:00-01:30", "2026-03-29T00:30:00+00:00", "2026-03-29T01:30:00+00:00"),  # 01:30 is skipped
        ("00:00-01:30", "2026-10-25T00:10:00+00:00", "2026-10-25T00:30:00+00:00"),  # 01:10 and 01:30, summer time
        ("00:00-01:30", "2026-10-25T00:45:00+00:00", None),
        ("00:00-01:30", "2026-10-25T01:10:00+00:00", "2026-10-25T01:30:00+00:00"),  # 01:10 again
    ],
)
def test_quiet_hours_go_by_the_clock_on_the_wall(hours: str, at: str, until: str | None) -> None:
    found = parse_quiet_hours(hours)
    assert found is not None
    end = found.until(datetime.fromisoformat(at), LONDON)
    assert (end and end.astimezone(UTC)) == (until and datetime.fromisoformat(until))


def test_quiet_hours_always_end_later_than_now_in_every_night_of_the_year() -> None:
    hours = parse_quiet_hours("23:30-01:30")
    assert hours is not None
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(365 * 48):
        end = hours.until(at, LONDON)
        assert end is None or timedelta(0) < end - at <= timedelta(hours=3)
        at += timedelta(minutes=30)


@pytest.mark.parametrize("text", ["22-7", "22:00", "07:00-07:00", "24:00-07:00", "late"])
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="22:00-07:00"):
        parse_quiet_hours(text)


def test_in_quiet_hours_digests_rest_and_their_page_can_say_until_when() -> None:
    world = World(quiet=parse_quiet_hours("22:00-07:00"), zone=LONDON)
    assert world.pace.rest() is None
    world.moment = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)  # 23:30 in London
    rest = world.pace.rest()
    assert rest is not None
    assert rest.reason == "Quiet hours: goes on at 07:00"
    assert rest.until == datetime(2026, 7, 2, 6, tzinfo=UTC)


# -- a new sender


def test_a_warm_up_doubles_by_what_was_sent_and_ends() -> None:
    begins = date(2026, 12, 1)
    assert limit_of(None, begins, 0) is None
    assert limit_of(begins, begins - timedelta(days=1), 0) is None
    assert limit_of(begins, begins, 0) == FIRST_DAY
    assert limit_of(begins, begins + timedelta(days=7), 0) == FIRST_DAY, "a week without mail earns nothing"
    assert limit_of(begins, begins + timedelta(days=7), 500) == 1000
    assert limit_of(begins, begins + LASTS, 500) is None


def test_a_plan_says_on_which_days_a_sending_leaves() -> None:
    begins = date(2026, 12, 1)
    days = warm_up_plan(begins, begins, 4000)
    assert [(day.day, count) for day, count in days] == [(1, 500), (2, 1000), (3, 2000), (4, 500)]
    assert warm_up_plan(None, begins, 4000) == [(begins, 4000)]
    assert warm_up_plan(begins, begins, 0) == []
    assert [count for _, count in warm_up_plan(begins, begins, 800, used=500)] == [800]
    assert len(warm_up_plan(begins, begins, 1_500_000)) == 12
    late = begins + LASTS - timedelta(days=1)
    assert [count for _, count in warm_up_plan(begins, late, 9000)] == [500, 8500]


def test_the_days_share_is_kept_to_the_mail_and_goes_on_after_midnight() -> None:
    world = World(Shares(1, TODAY, 500, 200), warms_up=True)
    assert sum(world.pace.wait("a.test") == 0.0 for _ in range(1000)) == 200
    rest = world.pace.rest()
    assert rest is not None
    assert rest.until == datetime(2026, 11, 27, tzinfo=UTC)
    assert rest.reason == "Warm-up of a new sender: 500 mails today, and they have left. Goes on tomorrow"
    world.at += 31
    world.shares = Shares(1, TODAY, 500, 150)  # only fifty of them are settled yet
    assert world.pace.wait("a.test") > 0
    world.at += 31
    world.shares = Shares(1, TODAY + timedelta(days=1), 1000, 1000)
    assert world.pace.rest() is None
    assert world.pace.wait("a.test") == 0.0


def test_the_new_day_is_asked_about_at_its_first_moment() -> None:
    world = World(Shares(1, TODAY, 500, 0), warms_up=True)
    assert world.pace.rest() is not None
    tomorrow = TODAY + timedelta(days=1)
    world.at, world.moment = world.at + 1, datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=UTC)
    world.shares = None
    assert world.pace.rest() is None, "no rest until a moment that has passed, though the database is away"
    world.shares = Shares(1, tomorrow, 1000, 1000)
    assert world.pace.rest() is None
    assert world.pace.wait("a.test") == 0.0


def test_when_the_warm_up_is_over_nothing_more_is_asked_all_the_time() -> None:
    world = World(Shares(1, TODAY, None, 0), warms_up=True)
    assert [world.pace.rest() for _ in range(9)] == [None] * 9
    assert world.asked == 1


def test_two_workers_do_not_send_the_days_share_twice() -> None:
    first, second = (World(Shares(2, TODAY, 500, 500), warms_up=True) for _ in range(2))
    sent = sum(world.pace.wait("a.test") == 0.0 for world in (first, second) for _ in range(1000))
    assert sent == 500
