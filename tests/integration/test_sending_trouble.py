"""What a relay can do to a digest: defer, refuse, hang up, be away, want less. Nobody is lost, nobody is given up."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.errors import Conflict, NotAllowed
from blogapp.delivery.suppressions import suppressed
from blogapp.digest.controls import resume_now
from blogapp.digest.models import Sending
from blogapp.digest.sending import new_engine
from blogapp.subscribing.models import Subscriber
from tests import mailbox
from tests.relay import Relay
from tests.worker import exceptions, how_far, let_time_pass, many_subscribers, publish_draft, send_all


@pytest.fixture
def relay() -> Iterator[Relay]:
    with Relay() as relay:
        yield relay


@pytest.fixture
def connections() -> int:
    return 16


@pytest.fixture
def chosen(relay: Relay, connections: int) -> dict[str, Any]:
    return {"smtp_url": relay.url, "mail_connections": connections}


over_one_and_many = pytest.mark.parametrize("connections", [1, 16])


def test_some_are_deferred_some_refused_and_the_others_have_it(app: Flask, bob: Member, relay: Relay) -> None:
    many_subscribers(12)
    relay.at_rcpt = {
        "r2@reader.test": "451 4.2.0 the box is full",
        "r3@reader.test": "550 5.1.1 no such box",
        "r4@reader.test": "550 5.7.1 not wanted here",
    }
    relay.at_dot = {"r5@reader.test": "451 4.3.0 later", "r6@reader.test": "554 5.6.0 we do not like it"}
    post = publish_draft(bob)
    before = now()
    send_all()
    found = how_far(post)
    assert (found.accepted, found.refused, found.waiting, found.state) == (7, 3, 2, "sending")
    assert set(relay.accepted) == {f"r{n}@reader.test" for n in (1, 7, 8, 9, 10, 11, 12)}
    rows = exceptions()
    assert {name: row.state for name, row in rows.items()} == {
        "r2": "deferred", "r3": "refused", "r4": "refused", "r5": "deferred", "r6": "refused",
    }  # fmt: skip
    assert all((rows[name].due_at or before) - before >= timedelta(minutes=30) for name in ("r2", "r5"))
    assert suppressed(db.session(), "r3@reader.test") is not None
    assert suppressed(db.session(), "r4@reader.test") is None

    relay.at_rcpt["r2@reader.test"] = "550 5.1.1 no such box after all"
    relay.at_dot = {}
    let_time_pass()
    send_all()
    found = how_far(post)
    assert (found.accepted, found.refused, found.waiting, found.state) == (8, 4, 0, "sent")
    assert found.reasons[0] == ("550 5.1.1 no such box", 1)
    assert set(relay.accepted.values()) == {1}
    (told,) = mailbox.outbox("bob@blog.test")
    assert told.purpose == "digest-refused"
    assert "Refused for good: 4." in told.text
    assert "550 5.7.1 not wanted here" in told.text


def test_who_unsubscribes_between_two_tries_gets_nothing(app: Flask, bob: Member, relay: Relay) -> None:
    many_subscribers(2)
    relay.at_rcpt = {"r2@reader.test": "451 4.2.0 the box is full"}
    post = publish_draft(bob)
    send_all()
    relay.at_rcpt = {}
    with transaction() as session:
        session.execute(update(Subscriber).where(Subscriber.id == 2).values(state="unsubscribed"))
    let_time_pass()
    send_all()
    found = how_far(post)
    assert (found.accepted, found.skipped, found.state) == (1, 1, "sent")
    assert "r2@reader.test" not in relay.accepted


def test_after_five_days_a_deferred_recipient_is_given_up(app: Flask, bob: Member, relay: Relay) -> None:
    many_subscribers(1)
    relay.at_rcpt = {"r1@reader.test": "451 4.2.0 the box is full"}
    post = publish_draft(bob)
    send_all()
    with transaction() as session:
        session.execute(update(Sending).values(planned_at=now() - timedelta(days=4, hours=23)))
        session.execute(update(Subscriber).values(confirmed_at=now() - timedelta(days=9)))
    let_time_pass()
    send_all()
    assert how_far(post).waiting == 1
    assert exceptions()["r1"].attempts == 2
    with transaction() as session:
        session.execute(update(Sending).values(planned_at=now() - timedelta(days=5)))
    let_time_pass()
    send_all()
    found = how_far(post)
    assert (found.refused, found.state) == (1, "sent")
    assert exceptions()["r1"].reply == "given up after five days: 451 4.2.0 the box is full"


def test_a_relay_that_is_away_pauses_the_sending_which_goes_on_by_itself(app: Flask, bob: Member, relay: Relay) -> None:
    many_subscribers(5)
    post = publish_draft(bob)
    relay.stop()
    send_all()
    found = how_far(post)
    assert (found.state, found.waiting) == ("paused", 5)
    assert "refused" in found.pause_reason
    assert found.resume_at is not None
    assert timedelta(0) < found.resume_at - now() < timedelta(seconds=8)
    for times in range(2, 9):
        assert mailbox.outbox() == []
        let_time_pass()
        send_all()
        assert db.session.execute(select(Sending.pauses)).scalar_one() == times
    (told,) = mailbox.outbox("bob@blog.test")
    assert told.purpose == "digest-held-up"
    assert found.pause_reason in " ".join(told.text.split())
    relay.start()
    let_time_pass()
    send_all()
    found = how_far(post)
    assert (found.state, found.accepted, found.pause_reason) == ("sent", 5, "")
    assert set(relay.accepted.values()) == {1}
    assert db.session.execute(select(Sending.pauses)).scalar_one() == 0


def test_a_person_can_end_a_pause(app: Flask, bob: Member, carol: Member, relay: Relay) -> None:
    many_subscribers(1)
    post = publish_draft(bob)
    relay.stop()
    send_all()
    number = how_far(post).digest_id
    with pytest.raises(NotAllowed):
        resume_now(number, carol.id)
    relay.start()
    resume_now(number, bob.id)
    send_all()
    assert how_far(post).state == "sent"
    with pytest.raises(Conflict):
        resume_now(number, bob.id)


@over_one_and_many
def test_a_relay_that_goes_away_half_way_keeps_what_it_took(
    app: Flask, bob: Member, relay: Relay, connections: int
) -> None:
    many_subscribers(30)
    post = publish_draft(bob)
    relay.refuse_connections_after = 10
    send_all()
    found = how_far(post)
    assert found.state == "paused"
    assert 10 <= found.accepted + found.in_doubt < 10 + connections
    relay.refuse_connections_after = None
    relay.start()
    let_time_pass()
    send_all()
    assert (how_far(post).state, how_far(post).accepted) == ("sent", 30)
    # What was in doubt comes twice: it had taken that, and went before it could say so.
    assert relay.accepted.total() <= 30 + found.in_doubt


@over_one_and_many
def test_a_relay_that_hangs_up_after_every_few_mails_gets_them_all_once(
    app: Flask, bob: Member, relay: Relay, connections: int
) -> None:
    many_subscribers(20)
    relay.say_421_after = 7
    post = publish_draft(bob)
    send_all()
    assert (how_far(post).state, how_far(post).accepted) == ("sent", 20)
    assert set(relay.accepted.values()) == {1}
    assert relay.connections == 3 if connections == 1 else relay.connections > 3


def test_a_connection_that_breaks_before_the_final_dot_costs_nobody_their_mail(
    app: Flask, bob: Member, relay: Relay
) -> None:
    many_subscribers(6)
    relay.hang_up_at_rcpt = Counter({"r3@reader.test": 1})
    post = publish_draft(bob)
    send_all()
    assert (how_far(post).state, how_far(post).accepted) == ("sent", 6)
    assert set(relay.accepted.values()) == {1}


def test_one_mail_that_breaks_every_connection_does_not_hold_up_the_others(
    app: Flask, bob: Member, relay: Relay
) -> None:
    many_subscribers(6)
    relay.hang_up_at_rcpt = Counter({"r3@reader.test": 99})
    post = publish_draft(bob)
    send_all()
    found = how_far(post)
    assert (found.state, found.accepted, found.waiting) == ("sending", 5, 1)
    assert exceptions()["r3"].state == "deferred"


@over_one_and_many
def test_a_relay_that_refuses_everybody_pauses_the_sending_and_nobody_is_given_up(
    app: Flask, bob: Member, relay: Relay, connections: int
) -> None:
    many_subscribers(40)
    relay.at_dot_all = "554 5.7.1 this looks like spam"
    post = publish_draft(bob)
    send_all()
    found = how_far(post)
    assert (found.state, found.refused, found.waiting) == ("paused", 0, 40)
    assert "this looks like spam" in found.pause_reason
    assert 20 <= len(relay.refused) < 20 + connections
    for _ in range(3):
        let_time_pass()
        send_all()
        assert (how_far(post).refused, how_far(post).waiting) == (0, 40)
    relay.at_dot_all = ""
    let_time_pass()
    send_all()
    assert (how_far(post).state, how_far(post).accepted) == ("sent", 40)
    assert set(relay.accepted.values()) == {1}


@over_one_and_many
@pytest.mark.parametrize("answer", ["550 5.7.1 unable to relay", "530 5.7.0 must log in first"])
def test_recipients_whose_mail_is_refused_as_if_it_were_about_us_hold_up_nobody_else(
    app: Flask, bob: Member, relay: Relay, answer: str
) -> None:
    many_subscribers(40)
    odd = {f"r{number}@reader.test" for number in (1, 2, 3, 4, 5, 20, 40)}
    relay.at_rcpt = dict.fromkeys(odd, answer)
    post = publish_draft(bob)
    engine = new_engine()
    for _ in range(8):
        send_all(engine=engine)
        let_time_pass()
    found = how_far(post)
    assert (found.state, found.accepted, found.waiting) == ("sending", 33, 7)
    assert {row.state for row in exceptions().values()} == {"deferred"}
    relay.at_rcpt = {}
    send_all(engine=engine)
    engine.close()
    assert (how_far(post).state, how_far(post).accepted) == ("sent", 40)
    assert set(relay.accepted.values()) == {1}


def test_a_row_of_refusals_that_is_about_its_recipients_holds_up_nobody_else(
    app: Flask, bob: Member, relay: Relay
) -> None:
    many_subscribers(40)
    relay.at_rcpt = {f"r{number}@reader.test": "550 5.7.1 not into this house" for number in range(1, 31)}
    post = publish_draft(bob)
    for _ in range(3):
        send_all()
        let_time_pass()
    found = how_far(post)
    assert (found.state, found.accepted, found.refused) == ("sent", 10, 30)


def test_a_relay_that_wants_less_gets_less_and_then_everything(app: Flask, bob: Member, relay: Relay) -> None:
    many_subscribers(5)
    relay.too_fast = 4
    post = publish_draft(bob)
    send_all()
    assert (how_far(post).state, how_far(post).accepted) == ("sent", 5)
    assert set(relay.accepted.values()) == {1}


def test_a_relay_that_wants_nothing_for_now_pauses_the_sending_and_nobody_is_deferred(
    app: Flask, bob: Member, relay: Relay
) -> None:
    many_subscribers(20)
    relay.too_fast = 99
    post = publish_draft(bob)
    send_all()
    found = how_far(post)
    assert (found.state, found.waiting) == ("paused", 20)
    assert "450 4.7.1 you are sending too fast" in found.pause_reason
    assert exceptions() == {}


def test_one_recipient_whose_server_wants_less_does_not_hold_up_the_others(
    app: Flask, bob: Member, relay: Relay
) -> None:
    many_subscribers(5)
    relay.at_rcpt = {"r1@reader.test": "450 4.7.1 too many for this box"}
    post = publish_draft(bob)
    send_all()
    found = how_far(post)
    assert (found.state, found.accepted, found.waiting) == ("sending", 4, 1)
    assert exceptions()["r1"].state == "deferred"
