"""A digest's way out on both databases: due, begun, planned, sent; and what withdraws, holds or repeats it."""

import itertools
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.delivery.engine import Engine
from blogapp.delivery.models import OutboxMail
from blogapp.delivery.suppressions import suppress
from blogapp.digest import beginning, planning
from blogapp.digest.holding import hold, send_now
from blogapp.digest.models import Batch, Digest, Sending
from blogapp.digest.publishing import publish, withdraw
from blogapp.digest.sending import send_some
from blogapp.posts.models import Post
from blogapp.subscribing.models import Subscriber
from tests.readers import subscriber
from tests.sink import Sink
from tests.worker import ME, how_far, many_subscribers, publish_draft, send_all

CONNECTIONS = 2


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def chosen(sink: Sink) -> dict[str, Any]:
    return {"smtp_url": sink.url, "mail_connections": CONNECTIONS}


def digest_of(post: Post) -> Digest:
    db.session.rollback()
    return db.session.execute(select(Digest).where(Digest.post_id == post.id)).scalar_one()


def test_a_published_week_reaches_everybody_who_asked_for_it_once(app: Flask, bob: Member, sink: Sink) -> None:
    for name in ("ada", "ben", "cyd"):
        subscriber(f"{name}@reader.test")
    subscriber("pending@reader.test", "pending")
    subscriber("gone@reader.test", "unsubscribed")
    subscriber("away@reader.test", paused_until=now() + timedelta(days=3))
    subscriber("back@reader.test", paused_until=now() - timedelta(days=3))
    subscriber("dead@reader.test")
    with transaction() as session:
        suppress(session, "dead@reader.test", "complaint")
    post = publish_draft(bob)
    send_all()
    assert sink.accepted == {f"{name}@reader.test": 1 for name in ("ada", "ben", "cyd", "back")}
    found = how_far(post)
    assert (found.state, found.candidates, found.accepted, found.waiting) == ("sent", 4, 4, 0)
    assert found.sent_at is not None


def test_a_digest_without_readers_is_sent_to_nobody(app: Flask, bob: Member, sink: Sink) -> None:
    post = publish_draft(bob)
    send_all()
    assert (how_far(post).state, how_far(post).candidates, sink.total) == ("sent", 0, 0)


def test_who_leaves_before_their_batch_is_read_gets_nothing_and_is_counted_as_skipped(
    app: Flask, bob: Member, sink: Sink
) -> None:
    names = ("stays", "leaves", "pauses", "dies", "vanishes", "relapses")
    ids = {name: subscriber(f"{name}@reader.test") for name in names}
    post = publish_draft(bob)
    planning.begin_due(ME)
    planning.plan_some(1)
    with transaction() as session:
        session.get_one(Subscriber, ids["leaves"]).state = "unsubscribed"
        session.get_one(Subscriber, ids["pauses"]).paused_until = now() + timedelta(days=1)
        suppress(session, "Dies@reader.test", "complaint")
        session.delete(session.get_one(Subscriber, ids["vanishes"]))
        session.get_one(Subscriber, ids["relapses"]).confirmed_at = now() + timedelta(seconds=1)
    send_all()
    assert sink.accepted == {"stays@reader.test": 1}
    found = how_far(post)
    assert (found.candidates, found.accepted, found.skipped, found.state) == (6, 1, 5, "sent")
    assert dict(found.reasons) == {"unsubscribed": 1, "paused": 1, "suppressed": 1, "erased": 1, "joined later": 1}


def test_who_was_not_there_when_it_was_planned_gets_the_next_one(app: Flask, bob: Member, sink: Sink) -> None:
    subscriber("ada@reader.test")
    away = subscriber("away@reader.test", paused_until=now() + timedelta(days=1))
    post = publish_draft(bob)
    planning.begin_due(ME)
    subscriber("new@reader.test")
    planning.plan_some(1)
    with transaction() as session:
        session.get_one(Subscriber, away).paused_until = None
    send_all()
    assert sink.accepted == {"ada@reader.test": 1}
    assert how_far(post).candidates == 1


def test_the_audience_is_planned_in_slices_and_nobody_falls_between(
    app: Flask, bob: Member, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "SLICE", 10)
    monkeypatch.setattr(planning, "BATCH", 4)
    addresses = many_subscribers(57)
    with transaction() as session:
        gone = ("r3@reader.test", "r10@reader.test", "r11@reader.test", "r57@reader.test")
        session.execute(update(Subscriber).where(Subscriber.address.in_(gone)).values(state="unsubscribed"))
    post = publish_draft(bob)
    planning.begin_due(ME)
    assert planning.plan(digest_of(post).sending_id or 0, 0) is False
    assert 0 < how_far(post).candidates < 53
    assert planning.plan(digest_of(post).sending_id or 0) is True
    batches = db.session.execute(select(Batch).order_by(Batch.lo)).scalars().all()
    assert sum(batch.candidates for batch in batches) == how_far(post).candidates == 53
    assert all(before.hi < after.lo for before, after in itertools.pairwise(batches))
    send_all()
    assert set(sink.accepted) == set(addresses) - set(gone)
    assert sink.accepted.total() == 53


def test_progress_moves_while_a_batch_is_being_sent(app: Flask, bob: Member, sink: Sink) -> None:
    many_subscribers(30)
    post = publish_draft(bob)
    seen: list[int] = []
    one_by_one = threading.Lock()

    def look(_: str) -> None:
        with one_by_one, app.app_context():
            seen.append(how_far(post).accepted)

    sink.on_accept = look
    send_all()
    assert seen == sorted(seen)
    assert len(set(seen)) > 10
    assert how_far(post).accepted == 30


def test_a_worker_that_is_told_to_stop_settles_and_the_next_one_sends_the_rest(
    app: Flask, bob: Member, sink: Sink
) -> None:
    many_subscribers(40)
    post = publish_draft(bob)
    stop = threading.Event()
    sink.on_accept = lambda _: stop.set() if sink.total >= 15 else None
    planning.begin_due(ME)
    send_some(ME, stop)
    found = how_far(post)
    assert 15 <= found.accepted < 40
    assert found.waiting == 40 - found.accepted
    assert db.session.execute(select(Batch.state)).scalars().all() == ["open"]
    send_all("another")
    assert set(sink.accepted.values()) == {1}
    assert (sink.total, how_far(post).state) == (40, "sent")


def test_two_workers_share_the_batches_and_send_nothing_twice(
    app: Flask, bob: Member, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "BATCH", 20)
    many_subscribers(400)
    post = publish_draft(bob)
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            with app.app_context():
                send_all(name)
                db.session.remove()
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=work, args=(f"elsewhere:{n}:0:digests",)) for n in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert errors == []
    assert set(sink.accepted.values()) == {1}
    assert (sink.total, how_far(post).state) == (400, "sent")
    assert sink.connections >= 2


def test_a_passing_trouble_with_the_database_does_not_put_a_digest_off(
    app: Flask, bob: Member, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang_up(*_: Any, **__: Any) -> None:
        raise OperationalError("SELECT 1", {}, Exception("server closed the connection unexpectedly"))

    subscriber("ada@reader.test")
    post = publish_draft(bob)
    due_at = digest_of(post).due_at
    with monkeypatch.context() as patched:
        patched.setattr(beginning, "compose_posts", hang_up)
        with pytest.raises(OperationalError):
            planning.begin_due(ME)
    assert (digest_of(post).state, digest_of(post).due_at) == ("waiting", due_at)
    assert db.session.execute(select(OutboxMail.id)).first() is None
    send_all()
    assert sink.accepted == {"ada@reader.test": 1}


def test_a_post_published_again_without_its_digest_can_still_send_it(app: Flask, bob: Member, sink: Sink) -> None:
    subscriber("ada@reader.test")
    post = publish_draft(bob)
    hold(digest_of(post).id, bob.id)
    post = withdraw(post.id, db.session.get_one(Post, post.id).version, bob.id)
    assert digest_of(post).state == "withdrawn"
    publish(post.id, db.session.get_one(Post, post.id).version, bob.id, with_digest=False)
    assert digest_of(post).state == "cancelled"
    send_all()
    assert sink.total == 0
    send_now(digest_of(post).id, bob.id)
    send_all()
    assert sink.accepted == {"ada@reader.test": 1}


def test_no_transaction_is_open_while_a_paused_digest_tries_the_relay(
    app: Flask, bob: Member, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_draft(bob)
    planning.begin_due(ME)
    with transaction() as session:
        session.execute(update(Sending).values(state="paused", resume_at=now()))
    seen: list[bool] = []
    monkeypatch.setattr(Engine, "open", lambda _: seen.append(db.session().in_transaction()))
    send_some(ME, threading.Event())
    assert seen[:1] == [False]
