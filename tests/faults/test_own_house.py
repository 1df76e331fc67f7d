"""What goes wrong on our side: no sockets, no space, a database that is locked or gone, a clock that jumps."""

import contextlib
import errno
import os
import resource
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import time_machine
from flask import Flask
from sqlalchemy import event

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.digest import sending
from tests.faults.sending import (
    CONNECTIONS,
    READERS,
    check_everybody,
    goes_on_by_itself,
    let_go,
    readers,
    wait_for,
    working,
)
from tests.rogue import Rogue
from tests.worker import how_far, publish_draft

# Seconds a mail over one connection: a fault of some moments comes in the middle of a sending.
DELAY = 0.005


def under_way(rogue: Rogue, mails: int = 40) -> None:
    wait_for(lambda: rogue.total >= mails)


@contextmanager
def few_descriptors(room: int) -> Iterator[None]:
    """This process can open so many more files and sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208
    fillers = [os.dup(0)]
    while fillers[-1] <= highest:  # no gaps
        fillers.append(os.dup(0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (fillers[-1] + 1 + room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for number in fillers:
            os.close(number)


@pytest.mark.parametrize("room", [0, 2, 5])
def test_out_of_sockets_for_a_while(
    app: Flask, bob: Member, rogue: Rogue, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    everybody = readers()
    rogue.change(delay=DELAY)
    with working(app, monkeypatch):
        post = publish_draft(bob)
        under_way(rogue)
        with few_descriptors(room):
            rogue.hang_up()
            time.sleep(0.7)
        goes_on_by_itself(post)
    found = how_far(post)
    assert (found.accepted, found.refused) == (READERS, 0)
    check_everybody(rogue, everybody, twice=CONNECTIONS)


@contextmanager
def no_space_for_the_journal(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The disk, or the database's, is full for what the journal appends. Gives back whom it did not take."""
    tried: list[str] = []
    if url.startswith("sqlite"):
        write = os.write

        def full(number: int, data: Any) -> int:
            if "/journal/" in os.readlink(f"/proc/self/fd/{number}"):  # noqa: PTH115
                tried.append(bytes(data).decode())
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(number, data)

        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full)
            yield tried
        return
    table = "journal"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION full_up() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE 'No space left on device' USING ERRCODE = '53100'; END $$"
        )
        connection.execute(f"CREATE TRIGGER full_up BEFORE INSERT ON {table} EXECUTE FUNCTION full_up()".encode())
        yield tried
        connection.execute(f"DROP TRIGGER full_up ON {table}".encode())


def test_a_full_disk_under_the_journal_stops_the_mails_rather_than_repeating_them(
    app: Flask, bob: Member, rogue: Rogue, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = readers()
    rogue.change(delay=DELAY)
    monkeypatch.setattr(sending, "NOTING", 0.2)
    with working(app, monkeypatch):
        post = publish_draft(bob)
        under_way(rogue)
        with no_space_for_the_journal(database_url, monkeypatch):
            time.sleep(0.3)
            before = rogue.total
            time.sleep(1.2)
            assert rogue.total <= before + CONNECTIONS  # not one try after the other
            found = how_far(post)
            assert (found.state, "space" in found.pause_reason) == ("paused", True), found
        goes_on_by_itself(post)
    found = how_far(post)
    assert (found.accepted, found.refused) == (READERS, 0)
    check_everybody(rogue, everybody, twice=CONNECTIONS)


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Somebody else writes, and takes their time."""
    if url.startswith("sqlite"):
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=10)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
        other.close()
        return
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE batches, exceptions, sendings IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def gone(url: str) -> Iterator[None]:
    """The database is away, with all connections to it. A file cannot be: it is locked for good."""
    if url.startswith("sqlite"):
        with locked(url):
            yield
        return
    server, _, name = url.partition("?")[0].rpartition("/")
    with psycopg.connect(url.replace(f"/{name}", "/postgres", 1), autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        connection.execute(end, (name,))
        yield
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
    assert server


@pytest.fixture
def impatient(app: Flask) -> None:
    """SQLite waits five seconds for a lock: here a moment, so that it does not outlast the fault."""
    if db.engine.dialect.name == "sqlite":
        db.engine.dispose()

        @event.listens_for(db.engine, "connect")
        def hurry(connection: Any, _: Any) -> None:
            connection.execute("PRAGMA busy_timeout = 100")


@pytest.mark.parametrize("fault", [locked, gone])
def test_a_database_that_is_locked_or_gone_for_a_while_loses_nobody(
    app: Flask,
    bob: Member,
    rogue: Rogue,
    database_url: str,
    impatient: None,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[str], Any],
) -> None:
    everybody = readers()
    rogue.change(delay=DELAY)
    with working(app, monkeypatch):
        post = publish_draft(bob)
        for mails in (30, 120):
            under_way(rogue, mails)
            let_go()
            with fault(database_url):
                time.sleep(0.8)
        let_go()
        goes_on_by_itself(post)
    found = how_far(post)
    assert (found.accepted, found.refused) == (READERS, 0)
    check_everybody(rogue, everybody, twice=2 * CONNECTIONS)


@pytest.mark.parametrize("jump", [timedelta(hours=2), timedelta(hours=-2), timedelta(days=1)])
def test_a_clock_that_jumps_loses_nobody(
    app: Flask, bob: Member, rogue: Rogue, monkeypatch: pytest.MonkeyPatch, jump: timedelta
) -> None:
    everybody = readers()
    rogue.change(delay=DELAY)
    with contextlib.ExitStack() as clocks, working(app, monkeypatch):
        post = publish_draft(bob)
        for mails in (30, 120):
            under_way(rogue, mails)
            clocks.enter_context(time_machine.travel(now() + jump, tick=True))
        goes_on_by_itself(post)
    found = how_far(post)
    assert (found.accepted, found.refused) == (READERS, 0)
    check_everybody(rogue, everybody, twice=2 * CONNECTIONS)


def test_a_journal_that_cannot_even_be_opened_sends_nothing_and_waits(
    app: Flask, bob: Member, rogue: Rogue, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not database_url.startswith("sqlite"):
        pytest.skip("rows, there")
    everybody = readers(60)
    folder = tmp_path / "data" / "journal"
    folder.mkdir(parents=True, exist_ok=True)
    folder.rmdir()
    folder.write_text("no folder")
    with working(app, monkeypatch):
        post = publish_draft(bob)
        time.sleep(0.8)
        assert rogue.total == 0
        folder.unlink()
        goes_on_by_itself(post)
    check_everybody(rogue, everybody)
    assert threading.active_count() < 20
