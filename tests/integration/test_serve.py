"""`blogapp serve` and `blogapp worker` as processes: they start, answer, stop, and leave nothing running."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.commands import Process, environment, runs, wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into Linux's /proc")


@pytest.fixture
def port() -> int:
    """One that is free just now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@pytest.fixture
def data_dir(tmp_path: Path, sqlite_template: Path) -> Path:
    """A data folder with an upgraded database."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(sqlite_template, folder / "blog.sqlite3")
    return folder


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path, data_dir: Path) -> Iterator[Start]:
    """Start a `blogapp`; it is gone at the end of the test, whatever happens."""
    started: list[Process] = []

    def begin(*arguments: str, **settings: str) -> Process:
        started.append(Process(list(arguments), environment(data_dir, **settings), tmp_path))
        return started[-1]

    yield begin
    for process in started:
        process.end()


def get(port: int, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"http://127.0.0.1:{port}{path}", timeout=10
        ) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def refused(process: Process) -> str:
    """The one line with which a process that would not start ended."""
    assert process.popen.wait(60) == 1, process.log
    (line,) = process.log.splitlines()
    assert line.startswith("blogapp: ")
    return line.removeprefix("blogapp: ")


def gone(pids: list[int], seconds: float = 10) -> None:
    wait_until(lambda: not any(map(runs, pids)), seconds)


def test_a_site_is_served_and_ctrl_c_leaves_nothing_running(start: Start, port: int) -> None:
    site = start("serve", "--port", str(port), BLOG_LOG_FORMAT="json")
    site.wait_for(f"listening on http://127.0.0.1:{port}; readers reach it at http://blog.test")
    assert get(port, "/healthz") == (200, b"ok\n")
    wait_until(lambda: get(port, "/readyz")[0] == 200)
    assert get(port, "/no/such/page?secret=1")[0] == 404
    family = site.family()
    assert len(family) == 4  # the supervisor, granian and its process, the worker

    began = time.monotonic()
    site.popen.send_signal(signal.SIGINT)
    assert site.popen.wait(10) == 0
    assert time.monotonic() - began < 6
    assert not any(map(runs, family))
    with pytest.raises(OSError):
        get(port, "/healthz")

    events = [json.loads(line) for line in site.log.splitlines()]
    (request,) = [e for e in events if e["logger"] == "blogapp.access" and e["status"] == 404]
    assert request["path"] == "/no/such/page"
    assert {e["level"] for e in events} <= {"info", "warning"}, site.log


def test_killing_the_supervisor_kills_what_it_started(start: Start, port: int) -> None:
    site = start("serve", "--port", str(port))
    site.wait_for("listening on")
    site.wait_for("at work")
    family = site.family()
    assert len(family) == 4
    os.kill(site.popen.pid, signal.SIGKILL)
    site.popen.wait(5)
    gone(family)


def test_what_crashes_is_started_again_and_the_log_says_so(start: Start, port: int) -> None:
    site = start("serve", "--port", str(port))
    site.wait_for("listening on")
    site.wait_for("at work")
    before = site.family()
    for pid in before[1:]:
        os.kill(pid, signal.SIGKILL)
    site.wait_for("web ended (killed by SIGKILL); starting it again in 1 s")
    site.wait_for("worker ended (killed by SIGKILL); starting it again in 1 s")
    wait_until(lambda: len(site.family()) == 4 and not set(site.family()[1:]) & set(before), 60)

    def answers() -> bool:
        try:
            return get(port, "/healthz")[0] == 200
        except OSError:
            return False

    wait_until(answers, 60)
    site.popen.send_signal(signal.SIGTERM)
    assert site.popen.wait(10) == 0
    assert not any(map(runs, site.family()))


def test_when_the_web_server_s_own_worker_dies_it_comes_back(start: Start, port: int) -> None:
    site = start("serve", "--no-worker", "--port", str(port))
    site.wait_for("listening on")
    family = site.family()
    assert len(family) == 3
    os.kill(family[-1], signal.SIGKILL)
    site.wait_for("web ended (exit code 1)")
    wait_until(lambda: len(site.family()) == 3)


def test_a_port_that_is_taken_is_refused_in_one_line(start: Start, port: int) -> None:
    with closing(socket.socket()) as other:
        # As granian does it: shared ports would let a second server start unnoticed.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        said = refused(start("serve", "--port", str(port)))
    assert said == f"Cannot listen on 127.0.0.1:{port}: Address already in use. Choose another with --port."


def test_an_address_that_is_not_ours_is_refused_in_one_line(start: Start) -> None:
    assert refused(start("serve", "--host", "192.0.2.1")).startswith("Cannot listen on 192.0.2.1:8000: ")


def test_an_old_schema_is_refused_before_anything_starts(start: Start, data_dir: Path, port: int) -> None:
    with closing(sqlite3.connect(data_dir / "blog.sqlite3")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001_core'")
        connection.commit()
    said = refused(start("serve", "--port", str(port)))
    assert said.startswith("The database is at 0001_core, this program needs ")
    assert "Run `blogapp upgrade`" in said


def test_a_fresh_place_is_refused_with_what_to_run(start: Start, data_dir: Path, port: int) -> None:
    (data_dir / "blog.sqlite3").unlink()
    assert refused(start("serve", "--port", str(port))).startswith(
        "The database has no tables yet. Run `blogapp upgrade`"
    )


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"BLOG_SITE_TIMEZONE": "Mars"}, "BLOG_SITE_TIMEZONE: no such time zone as 'Mars' (like Europe/London)"),
        (
            {"BLOG_BASE_URL": "https://blog.test", "BLOG_SECRET_KEY": "short"},
            "BLOG_SECRET_KEY is too short for production: 32 characters or more",
        ),
    ],
)
def test_a_setting_that_is_bad_or_unsafe_is_refused_in_one_line(
    start: Start, port: int, settings: dict[str, str], line: str
) -> None:
    assert refused(start("serve", "--port", str(port), **settings)) == line


def test_a_worker_alone_gives_signs_of_life_and_stops_at_once(start: Start, data_dir: Path) -> None:
    worker = start("worker")
    worker.wait_for("at work")

    def beats() -> list[Any]:
        with closing(sqlite3.connect(data_dir / "blog.sqlite3")) as connection:
            return connection.execute("SELECT name FROM heartbeats").fetchall()

    wait_until(lambda: beats() != [])
    assert beats() == [(f"worker:{socket.gethostname()}:{worker.popen.pid}",)]
    began = time.monotonic()
    worker.popen.send_signal(signal.SIGTERM)
    assert worker.popen.wait(10) == 0
    assert time.monotonic() - began < 5
    assert worker.log.count("\n") <= 3, worker.log


def test_a_worker_ends_with_the_process_that_it_was_told(start: Start, tmp_path: Path, data_dir: Path) -> None:
    other = subprocess.Popen(["sleep", "60"])
    try:
        worker = start("worker", "--parent", str(other.pid))
        # It is not the child of that process, which is what a child finds whose parent died before it could ask.
        assert worker.popen.wait(60) in (0, -signal.SIGTERM)
    finally:
        other.kill()
        other.wait()
