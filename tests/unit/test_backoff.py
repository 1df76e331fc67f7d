"""When things are tried again."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from blogapp.delivery.backoff import after_trouble, next_single_try, next_try, resume_at

T0 = datetime(2026, 11, 23, 9, tzinfo=UTC)
rolls = st.floats(0.0, 1.0)


def die(share: float):  # type: ignore[no-untyped-def]
    return lambda low, high: low + (high - low) * share


@given(st.integers(1, 60), rolls)
def test_a_deferred_recipient_waits_at_least_half_an_hour_and_at_most_nine_hours(attempts: int, roll: float) -> None:
    again = next_try(attempts, T0, T0 + timedelta(hours=1), die(roll))
    assert again is not None
    assert timedelta(minutes=30) <= again - T0 - timedelta(hours=1) <= timedelta(hours=9)


def test_waits_grow_and_are_spread() -> None:
    waits = [next_try(n, T0, T0, die(0.0)) for n in (1, 2, 3, 4, 5, 6)]
    assert [(w - T0) / timedelta(minutes=30) for w in waits if w] == [1, 2, 4, 8, 12, 12]
    assert next_try(1, T0, T0, die(1.0)) == T0 + timedelta(minutes=45)


def test_after_five_days_nothing_is_tried_again() -> None:
    assert next_try(20, T0, T0 + timedelta(days=4, hours=23)) is not None
    assert next_try(20, T0, T0 + timedelta(days=5)) is None
    assert next_single_try(20, T0, T0 + timedelta(days=5)) is None


def test_over_five_days_there_are_enough_tries_and_not_too_many() -> None:
    at, tries = T0, 1
    while (again := next_try(tries, T0, at)) is not None:
        at, tries = again, tries + 1
    assert 12 <= tries <= 25


def test_a_single_mail_is_tried_again_within_two_minutes() -> None:
    again = next_single_try(1, T0, T0)
    assert again is not None
    assert timedelta(minutes=1) <= again - T0 <= timedelta(minutes=1.5)


@given(st.integers(1, 1000), rolls)
def test_a_pause_lasts_from_five_seconds_to_seven_and_a_half_minutes(pauses: int, roll: float) -> None:
    wait = resume_at(pauses, T0, die(roll)) - T0
    assert timedelta(seconds=5) <= wait <= timedelta(minutes=7.5)


def test_a_mail_that_never_reached_the_relay_comes_again_sooner_while_it_is_young() -> None:
    waits = [after_trouble(T0, T0 + timedelta(seconds=age), die(0.0)) for age in (0, 60, 86400)]
    ages = [0, 60, 86400]
    assert [(w - T0).total_seconds() - age for w, age in zip(waits, ages, strict=True)] == [5, 30, 300]
