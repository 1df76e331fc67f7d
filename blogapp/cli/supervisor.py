"""Keeping children running: started again when they crash, ended together."""

import contextlib
import logging
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

log = logging.getLogger("blogapp.serve")

TICK_SECONDS = 0.1
STOP_SECONDS = 8.0  # from SIGTERM to SIGKILL: longer than the children take by themselves
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
STEADY_SECONDS = 60.0  # who ran so long has recovered: the next pause is the first again


@dataclass
class Child:
    """One program and how it has been doing. Times are of time.monotonic()."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    start_at: float = 0.0

    def start(self) -> None:
        # Its own process group: Ctrl-C on the terminal reaches the supervisor alone, which ends the children in order.
        self.process = subprocess.Popen(self.command, process_group=0, stdin=subprocess.DEVNULL)
        self.started = time.monotonic()
        log.info("%s started", self.name, extra={"pid": self.process.pid})

    def look_after(self) -> None:
        """Notice that it has ended; start it when it is time."""
        moment = time.monotonic()
        if self.process is None:
            if moment >= self.start_at:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        self.end_group()
        self.process = None
        if moment - self.started > STEADY_SECONDS:
            self.pause = FIRST_PAUSE_SECONDS
        why = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        log.error("%s ended (%s); starting it again in %.0f s", self.name, why, self.pause)
        self.start_at = moment + self.pause
        self.pause = min(2 * self.pause, LONGEST_PAUSE_SECONDS)

    def end_group(self) -> None:
        """Kill what is left of its process group: the web server has workers of its own."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Supervisor:
    """Runs until somebody calls `stop`; nothing that it started is running after that."""

    def __init__(self, programs: Mapping[str, Sequence[str]]) -> None:
        self.children = [Child(name, command) for name, command in programs.items()]
        self.stopping = False

    def stop(self, *_: object) -> None:
        """End soon. A signal handler: a flag, because an Event that the main thread waits for could lock it up."""
        self.stopping = True

    def run(self) -> None:
        """Look after the children until told to stop."""
        try:
            while not self.stopping:
                for child in self.children:
                    child.look_after()
                time.sleep(TICK_SECONDS)
        finally:
            self.end()

    def end(self) -> None:
        """SIGTERM to all, a few seconds for what they are at, then SIGKILL to what is left."""
        running = [child for child in self.children if child.process is not None]
        log.info("stopping")
        for child in running:
            assert child.process is not None
            child.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in running:
            assert child.process is not None
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
            child.end_group()
            child.process.wait()
        log.info("stopped")
