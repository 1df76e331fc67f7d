"""Running `blogapp` commands in a test: in this process for what they do, as processes for how they live."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from blogapp.cli import cli

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = {
    "BLOG_BASE_URL": "http://blog.test",
    "BLOG_SECRET_KEY": "a test's secret key, long enough for anything",
    "BLOG_SMTP_URL": "smtp://127.0.0.1:1?starttls=never",
    "BLOG_MAIL_FROM": "The Notebook <notes@blog.test>",
    "BLOG_SITE_TITLE": "The Notebook",
    "BLOG_DIGEST_HOLD_SECONDS": "0",
}


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """An environment with a test's settings and none of this shell's."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("BLOG_")}
    return {**plain, **SETTINGS, "BLOG_DATA_DIR": str(data_dir), **settings}


class Command:
    """`blogapp` in this process: `blogapp("member list --json")`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def __call__(self, line: str, *, stdin: str | None = None, code: int = 0) -> Result:
        """Run a command line; its exit code has to be `code`."""
        with _only(self.environ):
            result = CliRunner().invoke(cli, shlex.split(line), input=stdin, prog_name="blogapp")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def json(self, line: str) -> Any:
        """What a command prints as JSON."""
        return json.loads(self(line).stdout)

    def refused(self, line: str, *, stdin: str | None = None) -> str:
        """The one line with which a command is refused."""
        (said,) = self(line, stdin=stdin, code=1).stderr.splitlines()
        assert said.startswith("blogapp: ")
        return said.removeprefix("blogapp: ")


@contextmanager
def _only(environ: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Process:
    """A `blogapp` of its own, in its own process group, whose log is read as it grows."""

    def __init__(self, arguments: list[str], environ: Mapping[str, str], folder: Path) -> None:
        self.log_file = folder / f"{arguments[0]}.log"
        with self.log_file.open("wb") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "blogapp", *arguments],
                env={**environ, "PYTHONPATH": str(ROOT)},
                cwd=folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def wait_for(self, what: str, seconds: float = 60) -> None:
        """Wait until the log says so."""
        deadline = time.monotonic() + seconds
        while what not in self.log:
            assert self.popen.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def family(self) -> list[int]:
        """The process and all that descend from it, as /proc has them."""
        children = _children()
        found = [self.popen.pid]
        for pid in found:
            found.extend(children.get(pid, []))
        return found

    def end(self) -> None:
        """Leave nothing behind, whatever the test did."""
        for pid in self.family()[::-1]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.popen.wait()


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            # pid (name) state ppid …; the name may hold anything, so from its last bracket on.
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            found.setdefault(int(parent), []).append(int(entry.parent.name))
    return found


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until it is true.

    Raises:
        AssertionError: it was not, for so long.
    """
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
