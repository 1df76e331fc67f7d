"""Running the real demo, as a person who types `./run demo` does."""

import json
import os
import queue
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
UP_SECONDS = 120
LAST_LINE = "Ctrl-C ends it"


def free_pair() -> int:
    """A port that nobody listens on, nor on the next. Below those that the system gives out by itself."""
    for _ in range(200):
        port = random.randrange(20000, 32000, 2)
        try:
            for number in (port, port + 1):
                socket.create_server(("127.0.0.1", number)).close()
        except OSError:
            continue
        return port
    raise RuntimeError("no two free ports in a row")


def running() -> dict[int, int]:
    """Every process of this machine that is alive, with its parent's id."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return {int(pid): int(parent) for pid, parent, state in rows if not state.startswith("Z")}


def family_of(pid: int) -> set[int]:
    """A process with its children and theirs."""
    parents = running()
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family


class RunningDemo:
    """A demo in a process of its own. Leave the `with` block and nothing of it is left running."""

    def __init__(self, data: Path, *options: str, port: int | None = None) -> None:
        self.data = data
        self.port = port or free_pair()
        self.site = f"http://127.0.0.1:{self.port}"
        self.inbox = f"http://127.0.0.1:{self.port + 1}"
        command = [
            sys.executable,
            "-m",
            "demo",
            "--no-browser",
            "--data",
            str(data),
            "--port",
            str(self.port),
            *options,
        ]
        environment = {**os.environ, "PYTHONWARNINGS": "default"}
        self.process = subprocess.Popen(
            command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self._news: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.family: set[int] = set()

    def __enter__(self) -> "RunningDemo":
        deadline = time.monotonic() + UP_SECONDS
        try:
            while LAST_LINE not in (line := self._news.get(timeout=max(0.1, deadline - time.monotonic())) or "\0"):
                if line == "\0":
                    raise AssertionError(f"the demo ended: {self.output}\n{self.log}")
            self.family = family_of(self.process.pid)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def output(self) -> str:
        return "".join(self.lines)

    @property
    def log(self) -> str:
        """What the site itself said."""
        file = self.data / "site.log"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def mails(self) -> int:
        """How many mails the inbox holds."""
        with urllib.request.urlopen(f"{self.inbox}/news?stamp=-1", timeout=10) as answer:
            return int(json.load(answer)["total"])

    def end(self, by: signal.Signals, within: float = 20) -> set[int]:
        """Send the demo a signal; returns what is still running of it after that time."""
        deadline = time.monotonic() + within
        self.process.send_signal(by)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(within)
        while (left := self.family & set(running())) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            self._news.put(line)
        self._news.put(None)

    def _end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for number in self.family & set(running()):
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()
