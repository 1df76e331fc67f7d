"""Whose turn it is: the order, absences, skips, swaps, new members."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from blogapp.posts.rota import Away, Change, Place, Rota, next_in_order, turns

FOUR = Rota([Place(1), Place(2), Place(3), Place(4)])


def who(rota: Rota, first: int = 10, count: int = 6) -> list[int | None]:
    return [turn.member_id for turn in turns(rota, first, count)]


def test_the_order_goes_round_after_whoever_had_the_last_turn() -> None:
    assert who(FOUR) == [1, 2, 3, 4, 1, 2]
    assert who(replace(FOUR, after=2)) == [3, 4, 1, 2, 3, 4]
    assert who(replace(FOUR, after=99)) == [1, 2, 3, 4, 1, 2], "somebody who is not in it any more"


def test_whoever_is_away_is_passed_over_and_the_order_goes_on_after_who_stood_in() -> None:
    found = turns(replace(FOUR, aways=[Away(2, 11, 12)]), 10, 6)
    assert [turn.member_id for turn in found] == [1, 3, 4, 1, 2, 3]
    assert [turn.passed for turn in found] == [(), (2,), (), (), (), ()]


def test_nobody_is_on_turn_where_everybody_is_away_and_the_order_waits() -> None:
    rota = Rota([Place(1), Place(2)], [Away(1, 11, 11), Away(2, 11, 11)])
    assert who(rota, count=4) == [1, None, 2, 1]
    assert who(Rota([])) == [None] * 6


def test_a_skip_passes_the_turn_on_and_the_order_goes_on_after_who_took_it() -> None:
    assert who(replace(FOUR, changes={11: Change(3)})) == [1, 3, 4, 1, 2, 3]


def test_a_swap_exchanges_two_weeks_and_leaves_the_order_alone() -> None:
    assert who(replace(FOUR, changes={11: Change(4, 13), 13: Change(2, 11)})) == [1, 4, 3, 2, 1, 2]
    assert who(replace(FOUR, changes={13: Change(2, 11)}, after=3), 12) == [4, 2, 2, 3, 4, 1], "of one long begun"


def test_what_was_decided_for_somebody_who_cannot_any_more_is_undone_on_both_sides() -> None:
    swapped = replace(FOUR, changes={11: Change(4, 13), 13: Change(2, 11)})
    assert who(replace(swapped, aways=[Away(2, 13, 13)])) == [1, 2, 3, 4, 1, 2]
    assert who(replace(FOUR, changes={11: Change(3)}, aways=[Away(3, 11, 11)])) == [1, 2, 3, 4, 1, 2]


def test_a_new_member_enters_from_their_week_on_and_an_inactive_one_drops_out() -> None:
    assert who(Rota([Place(1), Place(2, from_week=13), Place(3)])) == [1, 3, 1, 2, 3, 1]
    assert who(Rota([Place(1), Place(2, active=False), Place(3)])) == [1, 3, 1, 3, 1, 3]


def test_a_week_that_is_told_about_otherwise_costs_nobody_a_turn() -> None:
    assert who(replace(FOUR, free={11, 12})) == [1, None, None, 2, 3, 4]


members = st.lists(st.integers(1, 6), min_size=1, max_size=6, unique=True)
spans = st.tuples(st.integers(1, 6), st.integers(0, 30), st.integers(0, 4))
aways = st.lists(spans.map(lambda span: Away(span[0], span[1], span[1] + span[2])), max_size=6)


@given(members, aways, st.integers(0, 20), st.integers(0, 12), st.integers(0, 12))
def test_who_is_on_turn_does_not_depend_on_the_week_that_one_asks_from(
    ids: list[int], absent: list[Away], first: int, before: int, count: int
) -> None:
    rota = Rota([Place(number) for number in ids], absent)
    whole = turns(rota, first, before + count)
    last = next((turn.place_id for turn in reversed(whole[:before]) if turn.place_id), None)
    assert turns(replace(rota, after=last), first + before, count) == whole[before:]


@given(members, aways, st.integers(0, 20))
def test_nobody_is_on_turn_while_away_and_somebody_is_where_anybody_can(
    ids: list[int], absent: list[Away], first: int
) -> None:
    rota = Rota([Place(number) for number in ids], absent)
    for turn in turns(rota, first, 12):
        able = [number for number in ids if rota.can(number, turn.week)]
        assert turn.member_id in able if able else turn.member_id is None
        assert all(rota.is_away(number, turn.week) for number in turn.passed)


@given(members, st.integers(0, 20), st.integers(1, 6))
def test_in_as_many_weeks_as_there_are_members_each_has_one_turn(ids: list[int], first: int, after: int) -> None:
    assert sorted(str(one) for one in who(Rota([Place(n) for n in ids], after=after), first, len(ids))) == sorted(
        map(str, ids)
    )


@given(members, st.integers(0, 9), st.integers(0, 9))
def test_a_swap_keeps_how_many_turns_each_has_and_every_other_week(ids: list[int], one: int, other: int) -> None:
    rota = Rota([Place(number) for number in ids])
    plain = who(rota, 0, 10)
    assert plain[one] is not None
    assert plain[other] is not None
    changes = {one: Change(plain[other] or 0, other), other: Change(plain[one] or 0, one)}
    swapped = who(replace(rota, changes=changes), 0, 10)
    assert (swapped[one], swapped[other]) == (plain[other], plain[one])
    assert [w for n, w in enumerate(swapped) if n not in (one, other)] == [
        w for n, w in enumerate(plain) if n not in (one, other)
    ]


def test_next_in_order_says_whom_it_passed() -> None:
    rota = replace(FOUR, aways=[Away(2, 5, 5), Away(3, 5, 5)])
    assert next_in_order(rota, 5, 1) == (4, (2, 3))
