"""The timetable and the worker that keeps it."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import text

from blogapp import scheduler
from blogapp.auth.logins import begin_login, forget_ended_logins, list_logins
from blogapp.auth.models import Login, Member
from blogapp.core import heartbeat
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.delivery.wake import DIGESTS, OUTBOX, Waker
from blogapp.scheduler import Job, Worker, start_clock, timetable


def test_every_job_of_the_timetable_runs(app: Flask, alice: Member) -> None:
    wakers = {"digests": Waker(app, DIGESTS), "outbox": Waker(app, OUTBOX)}
    jobs = timetable(**wakers)
    assert len({job.name for job in jobs}) == len(jobs) >= 8
    for job in jobs:
        job.call()
        assert job.every_seconds > 0
    assert heartbeat.alive("worker:")
    for waker in wakers.values():
        began = time.monotonic()
        waker.wait(5, threading.Event())  # woken already
        assert time.monotonic() - began < 2
        waker.close()


def test_jobs_run_in_an_application_context_and_come_again(app: Flask) -> None:
    seen: list[str] = []
    enough = threading.Event()

    def look() -> None:
        seen.append(current_app.name)
        if len(seen) >= 2:
            enough.set()

    clock = start_clock(app, [Job("look", 1, look)])
    try:
        assert enough.wait(20)
    finally:
        clock.shutdown()
    assert set(seen) == {"blogapp"}


def test_a_job_that_fails_says_so_and_comes_again(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    tries: list[int] = []
    enough = threading.Event()

    def stumble() -> None:
        tries.append(1)
        if len(tries) >= 2:
            enough.set()
        raise ZeroDivisionError("a stone")

    clock = start_clock(app, [Job("stumble", 1, stumble)])
    try:
        assert enough.wait(20)
    finally:
        clock.shutdown()
    assert "a stone" in caplog.text
    assert "stumble" in caplog.text


def test_a_job_is_never_run_beside_itself_and_catches_up_once(app: Flask) -> None:
    clock = start_clock(app, [Job("slow", 1, lambda: None)])
    try:
        (job,) = clock.get_jobs()
        assert (job.max_instances, job.coalesce, job.misfire_grace_time) == (1, True, None)
    finally:
        clock.shutdown()


def test_ended_log_ins_are_forgotten_and_living_ones_kept(app: Flask, bob: Member) -> None:
    begin_login(bob.id)
    begin_login(bob.id)
    with transaction() as session:
        first = session.execute(db.select(Login).order_by(Login.id)).scalars().first()
        assert first is not None
        first.expires_at = now() - timedelta(seconds=1)
    assert forget_ended_logins() == 1
    assert len(list_logins(bob.id)) == 1


def test_a_worker_works_and_ends_when_it_is_told(app: Flask) -> None:
    worker = Worker(app)
    worker.start()
    assert not worker.broken.wait(0.5)
    assert {thread.name for thread in threading.enumerate()} >= {"digests", "outbox", "jobs"}
    assert worker.end(20)
    assert not worker.broken.is_set()
    assert not {thread.name for thread in threading.enumerate()} & {"digests", "outbox", "jobs"}


@pytest.mark.parametrize("loop", ["run_digests", "run_outbox", "run_jobs"])
def test_a_worker_whose_loop_breaks_says_so_and_wants_to_be_ended(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, loop: str
) -> None:
    def breaks(app: Flask, stop: threading.Event, wake: Waker) -> None:
        wake.close()
        raise ZeroDivisionError("a stone")

    monkeypatch.setattr(scheduler, loop, breaks)
    worker = Worker(app)
    worker.start()
    assert worker.broken.wait(20)
    assert worker.end(20)
    assert "a loop of the worker broke" in caplog.text
    assert "a stone" in caplog.text


def test_a_worker_that_hangs_is_not_waited_for_for_ever(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()

    def hangs(app: Flask, stop: threading.Event, wake: Waker) -> None:
        free.wait(60)
        wake.close()

    monkeypatch.setattr(scheduler, "run_digests", hangs)
    worker = Worker(app)
    worker.start()
    began = time.monotonic()
    assert not worker.end(0.2)
    assert time.monotonic() - began < 20
    free.set()
    for thread in worker.threads:
        thread.join(20)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_a_worker_commits_on_sqlite_survives_a_power_cut(app: Flask) -> None:
    levels: list[Any] = []

    def look() -> None:
        with app.app_context():
            levels.append(db.session.execute(text("PRAGMA synchronous")).scalar())

    look()
    scheduler.sync_fully(db.engine)
    db.session.remove()
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert levels == [1, 2]  # NORMAL, then FULL


def test_a_worker_without_a_clock_does_not_live_on(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(scheduler, "start_clock", refuse)
    worker = Worker(app)
    with pytest.raises(RuntimeError, match="new thread"):
        worker.start()
    for thread in worker.threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in worker.threads)
