"""kill -9, again and again, while a digest is on its way: nobody is lost, and few get it twice.

The relay is this process, so it lives on; it counts a mail before it answers. A repeat is a mail that it had taken and
whose answer, or the note of it, was lost with the worker: at most one a connection and kill.
"""

import email
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from blogapp.auth.models import Member
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.digest.models import Batch, Digest, Sending
from tests.kill.launcher import MUTANTS
from tests.sink import Sink
from tests.worker import how_far, many_subscribers, publish_draft

pytestmark = pytest.mark.kill

READERS, FEWER = 2_000, 600
KILLS = 50
# Of the workers killed, so many are started as an operator starts them, and so many die at any odd moment at all:
# while they start, begin the digest or plan its audience.
EXECUTED, EARLY = 4, 6
CONNECTIONS = 1
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Damage:
    """What the kills did."""

    kills: int
    lost: int
    repeats: int
    strangers: int

    def check(self) -> None:
        assert self.lost == 0, self
        assert self.strangers == 0, self
        assert self.repeats <= self.kills * CONNECTIONS, self


@pytest.fixture
def sink() -> Iterator[Sink]:
    """Slow enough that kills land mid-sending: three milliseconds a mail."""
    with Sink(delay=0.003) as sink:
        yield sink


@pytest.fixture
def chosen(sink: Sink) -> dict[str, Any]:
    return {"smtp_url": sink.url}


@pytest.fixture
def environment(app: Flask, tmp_path: Path) -> dict[str, str]:
    """The settings of `app`, for a worker of its own."""
    names = ("database_url", "data_dir", "base_url", "secret_key", "smtp_url", "mail_from")
    given = {f"BLOG_{name.upper()}": str(getattr(settings(), name)) for name in names}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BLOG_")}
    return {**kept, **given, "BLOG_DIGEST_HOLD_SECONDS": "0", "PYTHONPATH": str(ROOT)}


class Workers:
    """Starts workers, one at a time, and kills them."""

    def __init__(self, environment: dict[str, str], log: Path, mutant: str = "") -> None:
        self._environment, self._log = environment, log.open("ab")
        command = [sys.executable, "-m", "tests.kill.launcher", *([mutant] if mutant else [])]
        self._launcher = self._start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._executed: subprocess.Popen[bytes] | None = None
        self.number = 0

    def _start(self, command: list[str], **streams: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, cwd=ROOT, env=self._environment, stderr=self._log, start_new_session=True, **streams
        )

    def fork(self) -> None:
        """A worker that was imported already."""
        assert self._launcher.stdin is not None
        assert self._launcher.stdout is not None
        self._launcher.stdin.write(b"\n")
        self._launcher.stdin.flush()
        self.number = int(self._launcher.stdout.readline())

    def execute(self) -> None:
        """A worker as an operator starts it."""
        self._executed = self._start([sys.executable, "-m", "blogapp", "worker"], stdin=subprocess.DEVNULL)
        self.number = self._executed.pid

    def kill(self, how: int = signal.SIGKILL) -> None:
        """To the whole process group; returns when it is dead."""
        os.killpg(self.number, how)
        if self._executed is not None:
            self._executed.wait(10)
            self._executed = None
            return
        deadline = time.monotonic() + 10
        while os.path.exists(f"/proc/{self.number}"):  # noqa: PTH110  # thousands of times
            assert time.monotonic() < deadline, "it survived"
            time.sleep(0.001)

    def end(self) -> None:
        """Leave nothing running, whatever became of the test."""
        if self.number and os.path.exists(f"/proc/{self.number}"):  # noqa: PTH110
            self.kill()
        assert self._launcher.stdin is not None
        assert self._launcher.stdout is not None
        self._launcher.stdin.close()
        self._launcher.wait(10)
        self._launcher.stdout.close()
        self._log.close()


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[[str], Workers]]:
    """Makes the `Workers`, with a mutant or none, and puts an end to them."""
    made: list[Workers] = []

    def make(mutant: str = "") -> Workers:
        made.append(Workers(environment, tmp_path / "workers.log", mutant))
        return made[-1]

    yield make
    for workers in made:
        workers.end()


def wait_for(what: Callable[[], bool], seconds: float, log: Path) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, log.read_text(encoding="utf-8")[-4000:]
        time.sleep(0.002)


def is_mid_sending(sink: Sink, readers: int) -> bool:
    """As the killed worker left it: a sending that has claimed or open batches, and some but not all are mailed."""
    db.session.rollback()
    digest, state = db.session.execute(select(Digest.state, Sending.state).join(Digest.sending)).one()
    left = select(func.count()).select_from(Batch).where(Batch.state.in_(("open", "claimed")))
    open_batches = db.session.execute(left).scalar_one()
    db.session.rollback()
    return digest == "sending" and state == "sending" and open_batches > 0 and 0 < len(sink.accepted) < readers


def kill_early(workers: Workers, times: int) -> None:
    """Kill workers within their first fraction of a second, wherever they are."""
    dice = random.Random(3)
    for _ in range(times):
        workers.fork()
        time.sleep(dice.uniform(0, 0.4))
        workers.kill()


def kill_while_sending(sink: Sink, workers: Workers, readers: int, kills: int, executed: int, log: Path) -> int:
    """Kill workers after some more mails each until `kills` have landed mid-sending. Returns how many there were."""
    dice = random.Random(1)
    mid_sending = done = 0
    while mid_sending < kills:
        workers.execute() if done < executed else workers.fork()
        share = (readers - len(sink.accepted)) // (kills - mid_sending + 2)
        target = sink.total + dice.randint(1, max(2, share))
        wait_for(lambda target=target: sink.total >= target, 30, log)  # type: ignore[misc]
        time.sleep(dice.uniform(0, 0.004))  # not always just behind an acceptance
        workers.kill()
        done += 1
        mid_sending += is_mid_sending(sink, readers)
        assert done < kills + 20, "kills come at the wrong moments"
    return done


def finish(sink: Sink, workers: Workers, readers: int, kills: int, log: Path) -> Damage:
    """Let a last worker send the rest, and look at what became of everybody."""
    workers.fork()
    wait_for(_is_sent, 60, log)
    workers.kill(signal.SIGTERM)
    wanted = {f"r{number}@reader.test" for number in range(1, readers + 1)}
    return Damage(
        kills,
        lost=len(wanted - sink.accepted.keys()),
        repeats=sink.total - len(sink.accepted),
        strangers=len(sink.accepted.keys() - wanted),
    )


def _is_sent() -> bool:
    db.session.rollback()
    return db.session.execute(select(Digest.state)).scalar_one() == "sent"


def test_no_kill_loses_anybody_or_repeats_more_than_was_in_flight(
    app: Flask, bob: Member, sink: Sink, start: Callable[..., Workers], tmp_path: Path, capsys: Any
) -> None:
    many_subscribers(READERS)
    post = publish_draft(bob)
    workers, log = start(), tmp_path / "workers.log"
    kill_early(workers, EARLY)
    kills = EARLY + kill_while_sending(sink, workers, READERS, KILLS, EXECUTED, log)
    damage = finish(sink, workers, READERS, kills, log)
    assert damage.kills >= KILLS + EARLY
    damage.check()
    found = how_far(post)
    assert (found.state, found.candidates, found.accepted, found.waiting) == ("sent", READERS, READERS, 0)
    same = {(to, str(email.message_from_bytes(message)["Message-ID"])) for to, message in sink.messages}
    assert len(same) == READERS  # a repeat is the same mail
    with capsys.disabled():
        print(f"\n{damage}")


@pytest.mark.parametrize("mutant", list(MUTANTS))
def test_the_kills_find_out_who_marks_at_the_wrong_moment(
    app: Flask, bob: Member, sink: Sink, start: Callable[..., Workers], tmp_path: Path, mutant: str
) -> None:
    many_subscribers(FEWER)
    publish_draft(bob)
    workers, log = start(mutant), tmp_path / "workers.log"
    kills = kill_while_sending(sink, workers, FEWER, 8, 0, log)
    damage = finish(sink, workers, FEWER, kills, log)
    with pytest.raises(AssertionError):
        damage.check()
    assert (damage.lost > 0) == (mutant == "mark before sending")
