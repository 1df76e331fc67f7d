"""Whose turn it is to write the week's note: rules of an order of members, pure and without a clock.

The order goes round. Each week is the turn of the member after the one who had the last, and whoever cannot (away, not
in it yet, inactive) is passed over and has their turn when it comes round again. A skip passes a turn on, and the order
goes on after the one who took it; a swap lets two members change weeks and leaves the order alone.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Place:
    """A member's place in the order; it counts from week `from_week` on."""

    member_id: int
    from_week: int = 0
    active: bool = True


@dataclass(frozen=True)
class Away:
    """A member's absence, both weeks included."""

    member_id: int
    first_week: int
    last_week: int

    def covers(self, week: int) -> bool:
        return self.first_week <= week <= self.last_week


@dataclass(frozen=True)
class Change:
    """Who takes a week instead: after a swap with `other_week`, or (None) because it was passed on to them."""

    member_id: int
    other_week: int | None = None


@dataclass(frozen=True)
class Rota:
    """All that decides.

    `after`: who had the last turn before the first week that is asked for; None: nobody has had one.
    `free`: weeks in which nobody is on turn, because they are told about otherwise; they cost nobody a turn.
    """

    order: Sequence[Place]
    aways: Collection[Away] = ()
    changes: Mapping[int, Change] = field(default_factory=dict)
    free: Collection[int] = frozenset()
    after: int | None = None

    def can(self, member_id: int, week: int) -> bool:
        """Whether the member is in the order that week, and there."""
        place = next((place for place in self.order if place.member_id == member_id), None)
        return place is not None and place.active and place.from_week <= week and not self.is_away(member_id, week)

    def is_away(self, member_id: int, week: int) -> bool:
        return any(away.member_id == member_id and away.covers(week) for away in self.aways)


@dataclass(frozen=True)
class Turn:
    """A week, who is on turn (None: nobody), and why they are.

    `place_id`: whose turn it is by the order, which goes on after them. `passed`: who would have been before them, but
    is away. `change`: what was decided about this week, where it holds.
    """

    week: int
    member_id: int | None = None
    place_id: int | None = None
    passed: tuple[int, ...] = ()
    change: Change | None = None
    free: bool = False


def turns(rota: Rota, first: int, count: int) -> list[Turn]:
    """Who is on turn in `count` weeks from `first` on."""
    found, after = [], rota.after
    for week in range(first, first + count):
        turn = _turn(rota, week, after)
        after = turn.place_id or after
        found.append(turn)
    return found


def next_in_order(rota: Rota, week: int, after: int | None) -> tuple[int | None, tuple[int, ...]]:
    """The first after `after` who can write in that week, and those away who were passed over."""
    passed: list[int] = []
    for place in _round(rota.order, after):
        if rota.can(place.member_id, week):
            return place.member_id, tuple(passed)
        if place.active and place.from_week <= week:
            passed.append(place.member_id)
    return None, tuple(passed)


def _turn(rota: Rota, week: int, after: int | None) -> Turn:
    if week in rota.free:
        return Turn(week, free=True)
    place, passed = next_in_order(rota, week, after)
    change = rota.changes.get(week)
    # Decided for somebody who cannot any more: the order decides again.
    if change is None or not _holds(rota, week, change):
        return Turn(week, place, place, passed)
    if change.other_week is None:
        return Turn(week, change.member_id, change.member_id, passed, change)
    return Turn(week, change.member_id, place, passed, change)


def _holds(rota: Rota, week: int, change: Change) -> bool:
    """Whether what was decided can still be: both halves of a swap, or neither."""
    if not rota.can(change.member_id, week):
        return False
    other = rota.changes.get(change.other_week) if change.other_week is not None else None
    return other is None or rota.can(other.member_id, change.other_week or 0)


def _round(order: Sequence[Place], after: int | None) -> Iterator[Place]:
    """Everybody once, beginning after `after`; from the top where they are not in it."""
    ids = [place.member_id for place in order]
    start = ids.index(after) + 1 if after in ids else 0
    yield from order[start:]
    yield from order[:start]
