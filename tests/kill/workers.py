"""Real workers for the kill tests: started, killed, and what the kills did."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from blogapp.core.db import db
from blogapp.digest.models import Batch, Digest, Sending
from tests.rogue import Rogue

CONNECTIONS = 4
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Damage:
    """What the kills did."""

    kills: int
    lost: int
    repeats: int
    strangers: int
    other_mails: int

    def check(self) -> None:
        assert self.lost == 0, self
        assert self.strangers == 0, self
        assert self.repeats <= self.kills * CONNECTIONS, self
        assert self.other_mails == 0, self  # a repeat is the same mail


class Worker:
    """One that runs, with a process group of its own."""

    def __init__(self, number: int, executed: subprocess.Popen[bytes] | None = None) -> None:
        self.number, self._executed = number, executed

    def kill(self, how: int = signal.SIGKILL) -> None:
        """The whole process group; returns when it is dead."""
        os.killpg(self.number, how)
        if self._executed is not None:
            self._executed.wait(20)
            return
        wait_for(lambda: not self.runs, 20, "it survived")

    @property
    def runs(self) -> bool:
        return os.path.exists(f"/proc/{self.number}")  # noqa: PTH110  # thousands of times


class Workers:
    """Starts workers."""

    def __init__(self, environment: dict[str, str], log: Path, mutant: str = "") -> None:
        self._environment, self.log = environment, log
        self._stream = log.open("ab")
        command = [sys.executable, "-m", "tests.kill.launcher", *([mutant] if mutant else [])]
        self._launcher = self._start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._started: list[Worker] = []

    def _start(self, command: list[str], **streams: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, cwd=ROOT, env=self._environment, stderr=self._stream, start_new_session=True, **streams
        )

    def fork(self) -> Worker:
        """A worker that was imported already."""
        assert self._launcher.stdin is not None
        assert self._launcher.stdout is not None
        self._launcher.stdin.write(b"\n")
        self._launcher.stdin.flush()
        self._started.append(Worker(int(self._launcher.stdout.readline())))
        return self._started[-1]

    def execute(self) -> Worker:
        """A worker as an operator starts it."""
        process = self._start([sys.executable, "-m", "blogapp", "worker"], stdin=subprocess.DEVNULL)
        self._started.append(Worker(process.pid, process))
        return self._started[-1]

    def end(self) -> None:
        """Leave nothing running, whatever became of the test."""
        for worker in self._started:
            if worker.runs:
                worker.kill()
        assert self._launcher.stdin is not None
        assert self._launcher.stdout is not None
        self._launcher.stdin.close()
        self._launcher.wait(10)
        self._launcher.stdout.close()
        self._stream.close()


def wait_for(what: Callable[[], bool], seconds: float, log: Path | str) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            raise TimeoutError(log if isinstance(log, str) else log.read_text(encoding="utf-8")[-4000:])
        time.sleep(0.002)


def is_mid_sending(rogue: Rogue, readers: int) -> bool:
    """As the killed worker left it: a sending that has claimed or open batches, and some but not all are mailed."""
    db.session.rollback()
    digest, state = db.session.execute(select(Digest.state, Sending.state).join(Digest.sending)).one()
    left = select(func.count()).select_from(Batch).where(Batch.state.in_(("open", "claimed")))
    open_batches = db.session.execute(left).scalar_one()
    db.session.rollback()
    return digest == "sending" and state == "sending" and open_batches > 0 and 0 < rogue.state["different"] < readers


def owners() -> set[str]:
    """Who holds a batch at this moment."""
    db.session.rollback()
    found = db.session.execute(select(Batch.owner).where(Batch.state == "claimed")).scalars()
    return {owner for owner in found if owner}


def is_sent() -> bool:
    db.session.rollback()
    return db.session.execute(select(Digest.state)).scalar_one() == "sent"


def damage(rogue: Rogue, readers: int, kills: int) -> Damage:
    """What became of everybody."""
    mails = rogue.mails()
    wanted = {f"r{number}@reader.test" for number in range(1, readers + 1)}
    reached = {mail.recipient for mail in mails}
    return Damage(
        kills,
        lost=len(wanted - reached),
        repeats=len(mails) - len(reached),
        strangers=len(reached - wanted),
        other_mails=len({mail[:2] for mail in mails}) - len(reached),
    )
