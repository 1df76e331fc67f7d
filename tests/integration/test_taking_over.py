"""Doubts, leases and journals: what one worker leaves behind, and the next one makes of it."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.errors import Conflict, NotAllowed
from blogapp.delivery.replies import Outcome, Verdict
from blogapp.digest import claims, planning, settling
from blogapp.digest.controls import settle_doubts
from blogapp.digest.journal import RowJournals, open_journals, read_entries
from blogapp.digest.models import Batch, Sending
from tests.relay import Relay
from tests.worker import ME, exceptions, how_far, let_time_pass, many_subscribers, publish_draft, send_all


@pytest.fixture
def relay() -> Iterator[Relay]:
    with Relay() as relay:
        yield relay


@pytest.fixture
def in_doubt() -> str:
    return "resend"


@pytest.fixture
def chosen(relay: Relay, in_doubt: str) -> dict[str, Any]:
    return {"smtp_url": relay.url, "in_doubt": in_doubt}


@pytest.mark.parametrize("taken", [True, False])
def test_a_connection_that_breaks_after_the_final_dot_leaves_a_doubt_that_is_resent_once(
    app: Flask, bob: Member, relay: Relay, taken: bool
) -> None:
    many_subscribers(4)
    relay.hang_up_after_dot = Counter({"r2@reader.test": 1})
    relay.takes_before_hanging_up = taken
    post = publish_draft(bob)
    send_all()
    found = how_far(post)
    assert (found.state, found.accepted, found.in_doubt, found.held_back) == ("sending", 3, 1, 0)
    let_time_pass()
    send_all()
    found = how_far(post)
    assert (found.state, found.accepted, found.in_doubt) == ("sent", 4, 0)
    assert relay.accepted["r2@reader.test"] == 1 + taken
    assert len({message_id for _, message_id in relay.message_ids}) == 4


def test_a_doubt_that_comes_again_waits_for_a_person(app: Flask, bob: Member, relay: Relay) -> None:
    many_subscribers(2)
    relay.hang_up_after_dot = Counter({"r2@reader.test": 2})
    post = publish_draft(bob)
    send_all()
    let_time_pass()
    send_all()
    found = how_far(post)
    assert (found.state, found.in_doubt, found.held_back) == ("sent", 1, 1)
    settle_doubts(found.digest_id, bob.id, resend=True)
    assert how_far(post).state == "sending"
    send_all()
    assert (how_far(post).state, how_far(post).accepted) == ("sent", 2)


@pytest.mark.parametrize("in_doubt", ["hold"])
def test_where_doubts_are_held_a_person_decides(app: Flask, bob: Member, carol: Member, relay: Relay) -> None:
    many_subscribers(3)
    relay.hang_up_after_dot = Counter({"r2@reader.test": 1})
    post = publish_draft(bob)
    send_all()
    let_time_pass()
    send_all()
    found = how_far(post)
    assert (found.state, found.accepted, found.in_doubt, found.held_back) == ("sent", 2, 1, 1)
    with pytest.raises(NotAllowed):
        settle_doubts(found.digest_id, carol.id, resend=False)
    assert settle_doubts(found.digest_id, bob.id, resend=False) == 1
    assert (how_far(post).accepted, how_far(post).in_doubt, relay.accepted.total()) == (3, 0, 2)
    with pytest.raises(Conflict):
        settle_doubts(found.digest_id, bob.id, resend=False)


def test_a_worker_whose_lease_ran_out_writes_nothing(app: Flask, bob: Member, relay: Relay) -> None:
    many_subscribers(3)
    post = publish_draft(bob)
    planning.begin_due(ME)
    planning.plan_some(1)
    slow = claims.claim_batch("elsewhere:1:0:digests")
    assert slow is not None
    assert claims.claim_batch(ME) is None
    with transaction() as session:
        session.execute(update(Batch).values(lease_until=now() - timedelta(seconds=1)))
    send_all()
    tally = settling.Tally(accepted=set(), others={1: ("r1@reader.test", Outcome(Verdict.REFUSED, "550 no"))})
    late = settling.Settled(slow, tally, "done", now())
    assert settling.settle_batches([late], "elsewhere:1:0:digests") == {slow.id}
    assert claims.renew_batches("elsewhere:1:0:digests", now() + timedelta(minutes=1)) == set()
    assert (how_far(post).state, how_far(post).accepted) == ("sent", 3)
    assert exceptions() == {}


def test_a_dead_workers_batch_on_this_machine_is_taken_over_at_once_and_one_elsewhere_is_not(
    app: Flask, bob: Member, relay: Relay
) -> None:
    many_subscribers(3)
    publish_draft(bob)
    planning.begin_due(ME)
    planning.plan_some(1)
    here, _, _ = ME.partition(":")
    dead = f"{here}:999999999:1:digests"
    assert claims.claim_batch("elsewhere:999999999:1:digests") is not None
    assert claims.claim_batch(ME) is None
    with transaction() as session:
        session.execute(update(Batch).values(owner=dead))
    assert claims.claim_batch(ME) is not None


def test_whom_the_journal_of_a_dead_worker_holds_is_not_mailed_again(app: Flask, bob: Member, relay: Relay) -> None:
    many_subscribers(5)
    post = publish_draft(bob)
    planning.begin_due(ME)
    planning.plan_some(1)
    batch = claims.claim_batch(ME)
    assert batch is not None
    message = db.session.execute(select(Sending.message)).scalar_one()
    db.session.rollback()
    with open_journals() as journals:
        assert journals.open(batch.id, message) == set()
        journals.append(batch.id, 2)
        journals.append(batch.id, 4)
        journals.flush()
        assert how_far(post).accepted == 2
    send_all()
    assert set(relay.accepted) == {f"r{n}@reader.test" for n in (1, 3, 5)}
    assert (how_far(post).state, how_far(post).accepted) == ("sent", 5)
    with db.engine.connect() as connection:
        assert read_entries(connection, [batch.id]).get(batch.id, set()) == set()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_rows_of_the_journal_are_written_whatever_became_of_their_connection(app: Flask, bob: Member) -> None:
    many_subscribers(5)
    publish_draft(bob)
    planning.begin_due(ME)
    planning.plan_some(1)
    batch = claims.claim_batch(ME)
    assert batch is not None
    journals = RowJournals()

    def noted() -> set[int]:
        with db.engine.connect() as connection:
            return read_entries(connection, [batch.id]).get(batch.id, set())

    journals.append(batch.id, 1)
    journals.flush()
    journals.end()
    journals.append(batch.id, 2)
    journals.flush()  # over the same connection again, where the statement stands already
    assert noted() == {1, 2}
    journals._connected().exec_driver_sql("DEALLOCATE ALL")
    for number in (2, 3):  # one of them a second time
        journals.append(batch.id, number)
    journals.flush()
    assert noted() == {1, 2, 3}
    number = journals._connected().exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    with db.engine.connect() as connection:
        connection.execute(select(func.pg_terminate_backend(number)))
    journals.append(batch.id, 4)
    with pytest.raises(OperationalError):
        journals.flush()
    journals.flush()  # what was appended is kept for the next try
    journals.end()
    assert noted() == {1, 2, 3, 4}
