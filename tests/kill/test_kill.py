"""kill -9, again and again, while a digest is on its way: nobody is lost, and few get it twice.

The relay is a process of its own, so it lives on; it counts a mail before it answers. A repeat is a mail that it had
taken and whose answer, or the note of it, was lost with the worker: at most one a connection and kill.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from blogapp.auth.models import Member
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.digest.models import Batch
from blogapp.posts.models import Post
from tests.kill.launcher import MUTANTS
from tests.kill.workers import CONNECTIONS, ROOT, Damage, Worker, Workers, damage, is_mid_sending, is_sent, owners
from tests.kill.workers import wait_for as wait
from tests.rogue import Rogue
from tests.worker import how_far, many_subscribers, publish_draft

pytestmark = pytest.mark.kill

READERS, FEWER = 2_000, 600
# Kills that land mid-sending: of the only worker, and of one of two.
KILLS, KILLS_OF_TWO, KILLS_OF_MUTANTS = 88, 88, 8
# Of the workers killed, so many are started as an operator starts them, and so many die at any odd moment at all:
# while they start, begin the digest or plan its audience.
EXECUTED, EARLY = 4, 6


@pytest.fixture
def rogue() -> Iterator[Rogue]:
    """Slow enough that kills land mid-sending on a busy machine, too: ten milliseconds a mail and connection."""
    with Rogue(delay=0.01) as rogue:
        yield rogue
        assert rogue.state["blamed"] == {}


@pytest.fixture
def chosen(rogue: Rogue) -> dict[str, Any]:
    return {"smtp_url": rogue.url, "mail_connections": CONNECTIONS}


@pytest.fixture
def environment(app: Flask) -> dict[str, str]:
    """The settings of `app`, for a worker of its own."""
    names = ("database_url", "data_dir", "base_url", "secret_key", "smtp_url", "mail_from", "mail_connections")
    given = {f"BLOG_{name.upper()}": str(getattr(settings(), name)) for name in names}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BLOG_")}
    return {**kept, **given, "BLOG_DIGEST_HOLD_SECONDS": "0", "PYTHONPATH": str(ROOT)}


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Workers]]:
    """Makes the `Workers`, with a mutant or none, and puts an end to them."""
    made: list[Workers] = []

    def make(mutant: str = "") -> Workers:
        made.append(Workers(environment, tmp_path / "workers.log", mutant))
        return made[-1]

    yield make
    for workers in made:
        workers.end()


@pytest.fixture
def only_postgres(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite has one worker")


def kill_early(workers: Workers, times: int) -> None:
    """Kill workers within their first fraction of a second, wherever they are."""
    dice = random.Random(3)
    for _ in range(times):
        worker = workers.fork()
        time.sleep(dice.uniform(0, 0.4))
        worker.kill()


def kill_while_sending(
    rogue: Rogue, workers: Workers, readers: int, kills: int, *, executed: int = 0, at_once: int = 1
) -> int:
    """Kill one of the workers after some more mails each until `kills` have landed mid-sending, and start another in
    its place. Returns how many there were.

    However slow this machine is, the workers get no further than that the kills to come have something left to land
    in: the relay holds its answers back.
    """
    dice = random.Random(1)
    mid_sending = done = 0
    running: list[Worker] = []
    while mid_sending < kills:
        while len(running) < at_once:
            running.append(workers.execute() if EARLY <= done < EARLY + executed else workers.fork())
        state = rogue.state
        share = max(2, (readers - state["different"]) // (kills - mid_sending + 2) - at_once * CONNECTIONS)
        target = state["total"] + dice.randint(1, share)
        rogue.change(hold_from=state["total"] + share)
        wait(lambda target=target: rogue.total >= target, 30, workers.log)  # type: ignore[misc]
        time.sleep(dice.uniform(0, 0.004))  # not always just behind an acceptance
        running.pop(dice.randrange(at_once)).kill()
        done += 1
        mid_sending += is_mid_sending(rogue, readers)
        assert done < kills + 20, "kills come at the wrong moments"
    for worker in running:
        worker.kill()
    rogue.change(hold_from=0)
    return done + len(running)


def finish(rogue: Rogue, workers: Workers, readers: int, kills: int) -> Damage:
    """Let a last worker send the rest, and look at what became of everybody."""
    worker = workers.fork()
    wait(is_sent, 60, workers.log)
    worker.kill(signal.SIGTERM)
    return damage(rogue, readers, kills)


def check_the_books(post: Post) -> None:
    found = how_far(post)
    assert (found.state, found.candidates, found.accepted, found.waiting) == ("sent", READERS, READERS, 0)
    batches = db.session.execute(select(func.count()).select_from(Batch)).scalar_one()
    assert batches > 2 * CONNECTIONS  # else they would not have had something to do all the time


def test_no_kill_loses_anybody_or_repeats_more_than_was_in_flight(
    app: Flask, bob: Member, rogue: Rogue, start: Callable[..., Workers], capsys: Any
) -> None:
    many_subscribers(READERS)
    post, workers = publish_draft(bob), start()
    kill_early(workers, EARLY)
    kills = EARLY + kill_while_sending(rogue, workers, READERS, KILLS, executed=EXECUTED)
    found = finish(rogue, workers, READERS, kills)
    with capsys.disabled():
        print(f"\n{found}")
    assert found.kills >= KILLS + EARLY
    found.check()
    check_the_books(post)


@pytest.mark.usefixtures("only_postgres")
def test_of_two_workers_one_after_the_other_is_killed_and_the_other_goes_on(
    app: Flask, bob: Member, rogue: Rogue, start: Callable[..., Workers], capsys: Any
) -> None:
    many_subscribers(READERS)
    post, workers = publish_draft(bob), start()
    kills = kill_while_sending(rogue, workers, READERS, KILLS_OF_TWO, at_once=2)
    found = finish(rogue, workers, READERS, kills)
    with capsys.disabled():
        print(f"\n{found}")
    found.check()
    check_the_books(post)


@pytest.mark.usefixtures("only_postgres")
def test_workers_come_and_go_and_share_one_sending_without_sharing_a_recipient(
    app: Flask, bob: Member, rogue: Rogue, start: Callable[..., Workers]
) -> None:
    many_subscribers(READERS)
    post, workers = publish_draft(bob), start()
    running, seen = [workers.fork()], 0
    for share, more in ((0.1, 1), (0.25, 2)):
        wait(lambda share=share: rogue.total > share * READERS, 30, workers.log)  # type: ignore[misc]
        running += [workers.fork() for _ in range(more)]
    wait(lambda: len(owners()) == 4, 10, workers.log)
    for _ in range(2):
        running.pop(0).kill(signal.SIGTERM)  # settles what is in flight: nobody gets it twice
        seen = max(seen, len(owners()))
    wait(is_sent, 60, workers.log)
    for worker in running:
        worker.kill(signal.SIGTERM)
    found = damage(rogue, READERS, kills=0)
    found.check()
    check_the_books(post)
    assert seen >= 2


@pytest.mark.parametrize("mutant", list(MUTANTS))
def test_the_kills_find_out_who_marks_at_the_wrong_moment(
    app: Flask, bob: Member, rogue: Rogue, start: Callable[..., Workers], mutant: str
) -> None:
    many_subscribers(FEWER)
    publish_draft(bob)
    workers = start(mutant)
    kills = kill_while_sending(rogue, workers, FEWER, KILLS_OF_MUTANTS)
    found = finish(rogue, workers, FEWER, kills)
    with pytest.raises(AssertionError):
        found.check()
    assert (found.lost > 0) == (mutant == "mark before sending")
