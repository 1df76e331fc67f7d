"""Single mails: queued with what asks for them, claimed, sent, settled, tried again, given up."""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select, update

from blogapp.audit import AuditEntry
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.delivery import outbox
from blogapp.delivery.engine import Engine
from blogapp.delivery.envelopes import Envelope
from blogapp.delivery.models import OutboxMail
from blogapp.delivery.outbox import deliver_outbox, forget_old_mail, queue_mail, queue_message
from blogapp.delivery.owners import owner_name
from blogapp.delivery.replies import Outcome
from blogapp.delivery.suppressions import lift, suppress, suppressed
from tests import mailbox
from tests.relay import Relay

ME = owner_name("test")
MESSAGE = b"Subject: hello\r\nMessage-ID: <1@blog.test>\r\n\r\nHello.\r\n"


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


def queue(to: str = "ada@reader.test", purpose: str = "confirmation", **more: Any) -> int:
    with transaction() as session:
        mail = queue_message(session, purpose, to, "hello", MESSAGE, **more)
        session.flush()
        return mail.id


def found(number: int) -> OutboxMail:
    db.session.rollback()
    return db.session.get_one(OutboxMail, number)


def let_time_pass() -> None:
    with transaction() as session:
        session.execute(update(OutboxMail).values(due_at=now()))


def test_a_queued_mail_is_sent_once_as_it_was_written(app: Flask, relay: Relay) -> None:
    number = queue()
    assert deliver_outbox(ME) == 1
    assert deliver_outbox(ME) == 0
    assert relay.accepted == {"ada@reader.test": 1}
    assert relay.bodies["ada@reader.test"] == MESSAGE
    mail = found(number)
    assert (mail.state, mail.attempts, mail.owner, mail.reply) == ("sent", 1, None, "250 2.0.0 taken")
    assert mail.sent_at is not None


def test_a_mail_is_made_of_its_purposes_templates(app: Flask) -> None:
    with transaction() as session:
        context = {"member": {"name": "Zoë", "email": "zoe@blog.test"}}
        queue_mail(session, "password-changed", "zoe@blog.test", context=context, to_name="Zoë")
    (mail,) = mailbox.outbox()
    assert "the password for zoe@blog.test was just changed" in mail.text.replace("\n", " ")
    assert "The Notebook" in mail.html
    assert str(mail.message["From"]) == "The Notebook <notes@blog.test>"
    assert str(mail.message["To"]) == "Zoë <zoe@blog.test>"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert mail.message["Message-ID"].endswith("@blog.test>")
    assert mail.subject


def test_a_mail_is_not_queued_when_its_transaction_fails(app: Flask, relay: Relay) -> None:
    with pytest.raises(RuntimeError), transaction() as session:
        queue_message(session, "confirmation", "ada@reader.test", "hello", MESSAGE)
        raise RuntimeError
    assert deliver_outbox(ME) == 0
    assert relay.accepted.total() == 0


def test_a_deferred_mail_is_tried_again_soon_with_the_same_bytes(app: Flask, relay: Relay) -> None:
    relay.at_rcpt = {"ada@reader.test": "450 4.2.1 busy"}
    number = queue()
    deliver_outbox(ME)
    mail = found(number)
    assert (mail.state, mail.attempts, mail.reply) == ("waiting", 1, "450 4.2.1 busy")
    assert timedelta(seconds=50) < mail.due_at - now() < timedelta(seconds=95)
    relay.at_rcpt = {}
    deliver_outbox(ME)
    assert relay.accepted.total() == 0
    let_time_pass()
    deliver_outbox(ME)
    assert (found(number).state, relay.bodies) == ("sent", {"ada@reader.test": MESSAGE})


def test_a_refused_mail_has_failed_on_record_and_a_dead_mailbox_is_suppressed(app: Flask, relay: Relay) -> None:
    relay.at_rcpt = {"ada@reader.test": "550 5.1.1 no such box", "ben@reader.test": "550 5.7.1 no"}
    first, second = queue(), queue("ben@reader.test")
    assert deliver_outbox(ME) == 2
    assert {found(first).state, found(second).state} == {"failed"}
    assert suppressed(db.session(), "Ada@Reader.test") is not None
    assert suppressed(db.session(), "ben@reader.test") is None
    entries = db.session.execute(select(AuditEntry).where(AuditEntry.act == "mail.fail")).scalars().all()
    assert {entry.detail["reply"] for entry in entries} == {"550 5.1.1 no such box", "550 5.7.1 no"}
    assert "ada@reader.test" not in str([entry.detail for entry in entries])


def test_suppressed_addresses_get_only_what_guards_their_account(app: Flask, relay: Relay) -> None:
    with transaction() as session:
        suppress(session, "ada@reader.test", "complaint")
    first, second = queue(), queue(purpose="password-reset")
    deliver_outbox(ME)
    assert (found(first).state, found(first).reply) == ("failed", "suppressed: complaint")
    assert found(second).state == "sent"
    with transaction() as session:
        assert lift(session, "ADA@reader.test") is True
        assert lift(session, "ada@reader.test") is False
    third = queue()
    deliver_outbox(ME)
    assert found(third).state == "sent"


def test_a_mail_of_no_use_any_more_is_not_sent(app: Flask, relay: Relay) -> None:
    number = queue(purpose="password-reset", expires_at=now() - timedelta(seconds=1))
    deliver_outbox(ME)
    assert (found(number).state, relay.accepted.total()) == ("failed", 0)


def test_a_relay_that_is_away_costs_no_try(app: Flask, relay: Relay) -> None:
    relay.stop()
    numbers = [queue(f"r{n}@reader.test") for n in range(3)]
    assert deliver_outbox(ME) == 0
    for number in numbers:
        mail = found(number)
        assert (mail.state, mail.attempts, mail.owner) == ("waiting", 0, None)
        assert "refused" in mail.reply
        assert mail.due_at > now() + timedelta(seconds=3)
    relay.start()
    let_time_pass()
    assert deliver_outbox(ME) == 3
    assert set(relay.accepted.values()) == {1}


def test_a_doubt_is_resent_once_and_then_has_failed(app: Flask, relay: Relay) -> None:
    relay.hang_up_after_dot = Counter({"ada@reader.test": 1, "ben@reader.test": 2})
    first, second = queue(), queue("ben@reader.test")
    deliver_outbox(ME)
    assert (found(first).state, found(second).state) == ("waiting", "waiting")
    let_time_pass()
    deliver_outbox(ME)
    assert found(first).state == "sent"
    assert found(second).state == "failed"
    assert found(second).reply.startswith("in doubt: ")


@pytest.mark.parametrize("in_doubt", ["hold"])
def test_where_doubts_are_held_a_single_mail_is_not_sent_twice(app: Flask, relay: Relay) -> None:
    relay.hang_up_after_dot = Counter({"ada@reader.test": 1})
    relay.takes_before_hanging_up = True
    number = queue()
    deliver_outbox(ME)
    let_time_pass()
    deliver_outbox(ME)
    assert found(number).state == "failed"
    assert relay.accepted == {"ada@reader.test": 1}


def test_after_five_days_a_single_mail_has_failed(app: Flask, relay: Relay) -> None:
    relay.at_rcpt = {"ada@reader.test": "450 4.2.1 busy"}
    number = queue()
    with transaction() as session:
        session.execute(update(OutboxMail).values(created_at=now() - timedelta(days=5)))
    deliver_outbox(ME)
    assert (found(number).state, found(number).reply) == ("failed", "450 4.2.1 busy")


def test_the_mails_of_a_dead_worker_are_taken_over_and_those_of_a_living_one_are_not(app: Flask, relay: Relay) -> None:
    place = ME.partition(":")[0]
    claimed = {"state": "claimed", "lease_until": now() + timedelta(seconds=50)}
    dead, elsewhere = queue(), queue("ben@reader.test")
    with transaction() as session:
        own = f"{place}:999999999:1:outbox"
        session.execute(update(OutboxMail).where(OutboxMail.id == dead).values(owner=own, **claimed))
        session.execute(update(OutboxMail).where(OutboxMail.id == elsewhere).values(owner="far:9:1:outbox", **claimed))
    assert deliver_outbox(ME) == 1
    assert relay.accepted == {"ada@reader.test": 1}
    with transaction() as session:
        session.execute(update(OutboxMail).values(lease_until=now() - timedelta(seconds=1)))
    assert deliver_outbox(ME) == 1
    assert relay.accepted == {"ada@reader.test": 1, "ben@reader.test": 1}


def test_two_workers_send_each_mail_once(app: Flask, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "CLAIM", 3)
    for n in range(40):
        queue(f"r{n}@reader.test")
    settled: list[int] = []

    def work(name: str) -> None:
        with app.app_context():
            settled.append(deliver_outbox(name))
            db.session.remove()

    workers = [threading.Thread(target=work, args=(f"elsewhere:{n}:0:outbox",)) for n in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(settled) == 40
    assert set(relay.accepted.values()) == {1}
    assert len(relay.accepted) == 40


def test_settled_mails_are_forgotten_in_time(app: Flask, relay: Relay) -> None:
    old, new, waiting = queue(), queue("ben@reader.test"), queue("cyd@reader.test")
    with transaction() as session:
        ago = now() - timedelta(days=8)
        session.execute(update(OutboxMail).where(OutboxMail.id == old).values(state="sent", sent_at=ago))
        session.execute(update(OutboxMail).where(OutboxMail.id == new).values(state="sent", sent_at=now()))
        session.execute(update(OutboxMail).where(OutboxMail.id == waiting).values(created_at=ago))
    assert forget_old_mail() == 1
    db.session.rollback()
    assert set(db.session.execute(select(OutboxMail.id)).scalars()) == {new, waiting}


def test_no_transaction_is_open_while_the_relay_is_spoken_to(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def deliver(self: Engine, envelopes: Iterator[Envelope]) -> Iterator[tuple[Envelope, Outcome]]:
        seen.append(db.session().in_transaction())
        yield from original(self, envelopes)

    original = Engine.deliver
    monkeypatch.setattr(Engine, "deliver", deliver)
    number = queue()
    deliver_outbox(ME)
    assert seen == [False]
    assert found(number).state == "sent"


def test_old_mail_is_forgotten_in_slices(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "SLICE", 2)
    for _ in range(5):
        queue()
    with transaction() as session:
        session.execute(update(OutboxMail).values(state="sent", sent_at=now() - timedelta(days=8)))
    young = queue()
    deletes: list[int] = []

    def count(_: Any, cursor: Any, statement: str, *__: Any) -> None:
        if statement.startswith("DELETE FROM outbox"):
            deletes.append(1)

    event.listen(db.engine, "before_cursor_execute", count)
    assert forget_old_mail() == 5
    assert len(deletes) == 3
    assert db.session.execute(select(OutboxMail.id)).scalars().all() == [young]
