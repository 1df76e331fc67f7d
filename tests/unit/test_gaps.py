"""Who gets which edition: nothing twice, nobody lost, as sets of bits."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogapp.digest import gaps
from blogapp.digest.groups import Waiting, gather

bits = st.integers(min_value=0, max_value=(1 << 40) - 1)
DIGESTS = range(1, 7)
sets = st.frozensets(st.sampled_from(DIGESTS))


@given(bits, st.dictionaries(st.sampled_from(DIGESTS), bits))
def test_every_reader_is_in_exactly_one_gap_and_that_is_what_they_miss(readers: int, missing: dict[int, int]) -> None:
    groups = gaps.split(readers, missing)
    assert sum(some.bit_count() for some in groups.values()) == readers.bit_count()
    for number in range(40):
        found = [gap for gap, some in groups.items() if some >> number & 1]
        owed = frozenset(digest for digest, without in missing.items() if without >> number & 1)
        assert found == ([owed] if readers >> number & 1 else [])


@given(sets, st.dictionaries(st.integers(1, 30), sets, max_size=13))
def test_nobody_gets_what_is_not_owed_and_everybody_the_most_there_is(
    owed: gaps.Gap, carried: dict[int, gaps.Gap]
) -> None:
    number = gaps.largest_within(owed, carried.items())
    fitting = [what for what in carried.values() if what and what <= owed]
    if number is None:
        assert not fitting
    else:
        assert carried[number] <= owed
        assert len(carried[number]) == max(map(len, fitting))


@given(sets)
def test_a_gap_is_written_down_and_read_again(gap: gaps.Gap) -> None:
    assert gaps.heard(gaps.said(gap)) == gap


@given(st.sets(st.integers(100, 400)), st.integers(0, 100))
def test_ids_become_bits_and_come_back(ids: set[int], lo: int) -> None:
    assert gaps.to_ids(gaps.to_bits(sorted(ids), lo), lo) == sorted(ids)


def test_the_gaps_of_most_readers_get_editions() -> None:
    counts = {frozenset({n}): n for n in range(1, 20)} | {gaps.NOTHING: 1000}
    assert gaps.choose(counts, 3) == [frozenset({19}), frozenset({18}), frozenset({17})]


NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes", "alone", "groups"),
    [
        ([0], (), [([0], 0)]),
        ([0, 5], (), [([0, 1], 5)]),
        ([0, 15], (), [([0], 0), ([1], 15)]),
        ([0, 14, 20], (), [([0, 1], 14), ([2], 20)]),
        ([0, 5], (0,), [([0], 0), ([1], 5)]),
        ([0, 5, 6], (1,), [([1], 5), ([0, 2], 6)]),
    ],
)
def test_what_is_due_within_one_hold_leaves_together(
    minutes: list[int], alone: tuple[int, ...], groups: list[tuple[list[int], int]]
) -> None:
    waiting = [Waiting(n, n, NINE + timedelta(minutes=due), n in alone, (n, n)) for n, due in enumerate(minutes)]
    found = gather(waiting, timedelta(minutes=15))
    assert [(list(g.digests), (g.leaves_at - NINE) // timedelta(minutes=1)) for g in found] == groups
    assert all(len(group.digests) == 1 for group in gather(waiting, timedelta()))
