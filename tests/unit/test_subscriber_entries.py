"""What becomes of somebody on another list, by how they stand here."""

from datetime import UTC, datetime
from typing import Any

import pytest

from blogapp.subscribing.entries import Entry, Outcome, Standing, judge, make_plan, stand

THEN, LATER = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)
NOBODY = Standing()


def entry(state: str = "confirmed", **more: Any) -> Entry:
    return Entry("ann@example.org", state, **more)


@pytest.mark.parametrize("state", ["confirmed", "pending", "unsubscribed"])
def test_a_stranger_comes_in_as_they_are(state: str) -> None:
    outcome, after = judge(entry(state), NOBODY)
    assert (outcome, after.state, after.barred) == (state, state, False)


@pytest.mark.parametrize("state", ["confirmed", "pending"])
def test_who_left_or_is_suppressed_here_is_not_revived(state: str) -> None:
    left, barred = Standing("unsubscribed", THEN), Standing(barred=True)
    assert judge(entry(state), left) == (Outcome.STAYS_UNSUBSCRIBED, left)
    assert judge(entry(state), barred) == (Outcome.STAYS_SUPPRESSED, barred)


@pytest.mark.parametrize("here", [NOBODY, Standing("confirmed", THEN), Standing("unsubscribed", THEN)])
def test_an_address_that_bounced_there_is_suppressed_whatever_it_is_here(here: Standing) -> None:
    outcome, after = judge(entry("", barred="cleaned"), here)
    assert (outcome, after.state, after.barred) == (Outcome.SUPPRESSED, here.state, True)
    assert judge(entry("", barred="cleaned"), after) == (Outcome.KNOWN, after)


def test_a_departure_counts_if_it_came_after_the_consent() -> None:
    here = Standing("confirmed", THEN)
    outcome, after = judge(entry("unsubscribed", unsubscribed_at=LATER), here)
    assert (outcome, after.state) == (Outcome.LEFT, "unsubscribed")
    again = Standing("confirmed", LATER)
    assert judge(entry("unsubscribed", unsubscribed_at=THEN), again) == (Outcome.STAYS_CONFIRMED, again)


def test_an_undated_departure_counts_against_a_consent_from_the_same_list_only() -> None:
    gone = entry("unsubscribed", service="ghost")
    assert judge(gone, Standing("confirmed", THEN, "ghost"))[0] is Outcome.LEFT
    assert judge(gone, Standing("confirmed", THEN, "substack"))[0] is Outcome.STAYS_CONFIRMED
    assert judge(gone, Standing("confirmed", THEN, ""))[0] is Outcome.STAYS_CONFIRMED


def test_who_came_back_here_agreed_then() -> None:
    consent = {"source": "import", "service": "ghost", "at": THEN.isoformat(), "returned_at": LATER.isoformat()}
    assert stand("confirmed", consent, THEN, False) == Standing("confirmed", LATER, "")


def test_an_imported_consent_is_as_old_as_the_file_said() -> None:
    consent = {"source": "import", "service": "ghost"}
    assert stand("confirmed", consent, LATER, False).since is None
    assert stand("confirmed", {**consent, "at": "2020-01-01T00:00:00Z"}, LATER, False).since == THEN


def test_one_address_in_two_rows_ends_as_the_rows_would_one_by_one() -> None:
    rows = [entry(confirmed_at=THEN), entry("unsubscribed", unsubscribed_at=LATER), entry()]
    here: dict[str, Standing] = {}
    plan = make_plan(rows, here)
    (fresh,) = plan.fresh.values()
    assert (fresh.state, fresh.unsubscribed_at) == ("unsubscribed", LATER)
    assert plan.leaving == {}
    assert plan.outcomes == {Outcome.CONFIRMED: 1, Outcome.LEFT: 1, Outcome.STAYS_UNSUBSCRIBED: 1}
    assert here["ann@example.org"].state == "unsubscribed"


def test_what_is_known_is_not_written_again() -> None:
    here = {"ann@example.org": Standing("confirmed", THEN, "ghost")}
    plan = make_plan([entry(service="ghost")], here)
    assert (plan.fresh, plan.leaving, plan.barred) == ({}, {}, {})
    assert plan.outcomes == {Outcome.KNOWN: 1}
