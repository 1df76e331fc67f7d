"""When to try again. Pure: the moment and the die are given."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

Random = Callable[[float, float], float]

# RFC 5321 §4.5.4.1: at least 30 minutes between tries, for 4-5 days at least.
FIRST_RETRY = timedelta(minutes=30)
LONGEST_RETRY = timedelta(hours=6)
GIVE_UP_AFTER = timedelta(days=5)
# A single mail to our own relay is waited for by a person: a relay's hiccup should not cost them half an hour.
FIRST_SINGLE_RETRY = timedelta(minutes=1)
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=5)


def next_try(attempts: int, began_at: datetime, at: datetime, roll: Random = random.uniform) -> datetime | None:
    """When to try a deferred recipient of a digest again; None: five days are over, give up.

    Args:
        attempts: how often it was tried, 1 or more.
        began_at: when the first try could have been made.
    """
    if at - began_at >= GIVE_UP_AFTER:
        return None
    return at + _spread(FIRST_RETRY, LONGEST_RETRY, attempts, roll)


def next_single_try(attempts: int, began_at: datetime, at: datetime, roll: Random = random.uniform) -> datetime | None:
    """The same for a single mail: begins at a minute, so that a log-in link comes while somebody waits."""
    if at - began_at >= GIVE_UP_AFTER:
        return None
    return at + _spread(FIRST_SINGLE_RETRY, LONGEST_RETRY, attempts, roll)


def resume_at(pauses: int, at: datetime, roll: Random = random.uniform) -> datetime:
    """When to try the relay again after `pauses` (1 or more) failures in a row."""
    return at + _spread(FIRST_PAUSE, LONGEST_PAUSE, pauses, roll)


def after_trouble(created_at: datetime, at: datetime, roll: Random = random.uniform) -> datetime:
    """When to try a single mail again that never reached the relay: after half its age, from 5 s to 5 minutes."""
    return at + min(max((at - created_at) / 2, FIRST_PAUSE), LONGEST_PAUSE) * roll(1.0, 1.5)


def _spread(first: timedelta, longest: timedelta, times: int, roll: Random) -> timedelta:
    """Doubling, with up to half as much again on top, so that what failed together does not come back together."""
    plain = min(first * (1 << min(max(times, 1) - 1, 16)), longest)
    return plain * roll(1.0, 1.5)
