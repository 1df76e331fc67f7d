"""The worker's loops, as threads: they wake at once, do not wait for each other, and end when they are told to."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.delivery.outbox import queue_message
from blogapp.delivery.wake import DIGESTS, OUTBOX, Waker, notify
from blogapp.digest.holding import send_now
from blogapp.digest.models import Batch, Digest
from blogapp.digest.publishing import publish
from blogapp.digest.worker import run_digests, run_outbox
from tests.sink import Sink
from tests.worker import draft, how_far, many_subscribers, publish_draft

# Seconds. Usually it takes a twentieth; a loop that nothing wakes sleeps for five, and a busy machine is slow.
AT_ONCE = 2.0
CONNECTIONS = 2


@pytest.fixture
def delay() -> float:
    return 0.0


@pytest.fixture
def sink(delay: float) -> Iterator[Sink]:
    with Sink(delay=delay) as sink:
        yield sink


@pytest.fixture
def chosen(sink: Sink) -> dict[str, Any]:
    return {"smtp_url": sink.url, "mail_connections": CONNECTIONS}


@contextmanager
def working(app: Flask) -> Iterator[tuple[threading.Event, list[threading.Thread]]]:
    """Both loops, running and asleep."""
    stop = threading.Event()
    wakers = Waker(app, DIGESTS), Waker(app, OUTBOX)
    threads = [
        threading.Thread(target=loop, args=(app, stop, waker))
        for loop, waker in zip((run_digests, run_outbox), wakers, strict=True)
    ]
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    try:
        yield stop, threads
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)


def wait_for(what: Callable[[], object], seconds: float = 10.0) -> float:
    """How long it took, in seconds."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds, "it never came"
        time.sleep(0.005)
    return time.monotonic() - began


def test_the_first_mail_leaves_well_within_a_second_of_the_publication(app: Flask, bob: Member, sink: Sink) -> None:
    many_subscribers(3)
    post = draft(bob)
    with working(app):
        publish(post.id, post.version, bob.id)
        assert wait_for(lambda: sink.total >= 1) < AT_ONCE
        wait_for(lambda: sink.total == 3)
        wait_for(lambda: how_far(post).state == "sent")


def test_a_single_mail_leaves_at_once(app: Flask, sink: Sink) -> None:
    with working(app):
        with transaction() as session:
            queue_message(session, "confirmation", "ada@reader.test", "hello", b"Subject: hello\r\n\r\nHello.\r\n")
        assert wait_for(lambda: sink.total == 1) < AT_ONCE


def test_a_digest_leaves_when_it_is_due_and_when_somebody_says_now(app: Flask, bob: Member, sink: Sink) -> None:
    many_subscribers(1)
    first, second = publish_draft(bob, 7), publish_draft(bob, 8)
    with transaction() as session:
        soon, late = now() + timedelta(seconds=2), now() + timedelta(hours=1)
        session.execute(update(Digest).where(Digest.post_id == first.id).values(due_at=soon))
        session.execute(update(Digest).where(Digest.post_id == second.id).values(due_at=late))
    with working(app):
        assert sink.total == 0
        wait_for(lambda: sink.total == 1)
        assert 0 <= (now() - soon).total_seconds() < AT_ONCE
        send_now(how_far(second).digest_id, bob.id)
        assert wait_for(lambda: sink.total == 2) < AT_ONCE


@pytest.mark.parametrize("delay", [0.05])
def test_a_password_reset_does_not_wait_behind_a_digest(app: Flask, bob: Member, sink: Sink) -> None:
    many_subscribers(200)
    publish_draft(bob)
    with working(app):
        wait_for(lambda: sink.total >= 1)
        with transaction() as session:
            queue_message(session, "password-reset", "ada@reader.test", "hello", b"Subject: hello\r\n\r\nHello.\r\n")
        assert wait_for(lambda: sink.accepted["ada@reader.test"]) < AT_ONCE
        assert sink.total < 100


@pytest.mark.parametrize("delay", [60.0])
def test_a_worker_whose_relay_is_silent_ends_within_five_seconds_and_forgets_nothing(
    app: Flask, bob: Member, sink: Sink
) -> None:
    many_subscribers(5)
    post = publish_draft(bob)
    with working(app) as (stop, threads):
        wait_for(lambda: sink.connections)
        time.sleep(0.3)
        stop.set()
        began = time.monotonic()
        for thread in threads:
            thread.join(10)
        assert time.monotonic() - began < 5
    found = how_far(post)
    assert (found.in_doubt + found.waiting, found.accepted) == (5, 0)
    assert 1 <= found.in_doubt <= CONNECTIONS
    assert db.session.execute(select(Batch.state)).scalar_one() == "open"


def test_a_loop_that_stumbles_goes_on(app: Flask, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blogapp.digest.worker.AFTER_ERROR", 0.2)
    failures = iter([RuntimeError("a bug"), RuntimeError("another")])
    from blogapp.delivery import outbox

    dispatch = outbox.dispatch

    def stumbling(*args: Any) -> int:
        if (failure := next(failures, None)) is not None:
            raise failure
        return dispatch(*args)

    monkeypatch.setattr(outbox, "dispatch", stumbling)
    with working(app):
        with transaction() as session:
            queue_message(session, "confirmation", "ada@reader.test", "hello", b"Subject: hello\r\n\r\nHello.\r\n")
        wait_for(lambda: sink.total == 1)


def test_a_waker_wakes_for_what_others_commit_and_sleeps_through_what_they_take_back(app: Flask) -> None:
    waker, stop = Waker(app, DIGESTS), threading.Event()

    def write(commit: bool) -> None:
        with app.app_context(), contextlib.suppress(RuntimeError), transaction() as session:
            notify(session, DIGESTS)
            session.execute(text("UPDATE site SET version = version + 1"))
            if not commit:
                raise RuntimeError

    def sleep(*what: Callable[[], None]) -> float:
        """How long a sleep of two seconds is when that happens a little after it begins."""
        timers = [threading.Timer(0.2, act) for act in what]
        for timer in timers:
            timer.start()
        began = time.monotonic()
        waker.wait(2.0, stop)
        slept = time.monotonic() - began
        for timer in timers:
            timer.join()
        return slept

    assert sleep() < 1.0  # the first look: nobody knows what happened before it
    assert sleep() >= 2.0
    assert sleep(lambda: write(False)) >= 2.0
    assert sleep(lambda: write(True)) < 1.8
    sleep(lambda: write(True), waker.wake)
    write(True)  # while nobody sleeps
    assert sleep() < 1.0
    assert sleep(waker.wake) < 1.8
    assert sleep(stop.set) < 1.8
    waker.close()
    waker.wake()  # somebody may still hold it
