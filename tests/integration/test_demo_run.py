"""The real demo as a process: it starts, says where to go, is found again, and leaves nothing running."""

import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.demos import CHECKOUT, RunningDemo, free_pair


def posts(data: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(data / "site" / "blog.sqlite3") as database:
        rows = database.execute("SELECT slug, state FROM posts ORDER BY slug").fetchall()
    database.close()
    return rows


def test_the_demo_is_filled_once_found_again_and_leaves_nothing_running(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    with RunningDemo(data) as demo:
        for words in (demo.site, demo.inbox, "priya@lanternrow.example", "/posts/", "filling it"):
            assert words in demo.output
        # The demo, the supervisor, the web server with its worker process, the worker.
        assert len(demo.family) >= 4
        assert dict(posts(data))["week-473"] == "draft"
        _confirmation_arrives(demo)
        assert demo.end(signal.SIGINT) == set()
        assert demo.process.returncode == 0
    before = posts(data)
    with RunningDemo(data, port=demo.port) as again:
        assert "filling" not in again.output
        assert again.mails() == 1
        assert posts(data) == before
        _second_demo_is_refused(data)
        assert again.end(signal.SIGKILL) == set()
    with RunningDemo(data, "--fresh") as fresh:
        assert "filling it" in fresh.output
        assert fresh.end(signal.SIGTERM) == set()
        assert fresh.process.returncode == 0


def _confirmation_arrives(demo: RunningDemo) -> None:
    for _ in range(100):
        if demo.mails():
            return
        time.sleep(0.1)
    raise AssertionError(f"no confirmation mail: {demo.log}")


def _second_demo_is_refused(data: Path) -> None:
    done = run_demo("--data", str(data), "--port", str(free_pair()))
    assert done.returncode == 1
    assert done.stderr.startswith("demo: it is running already: http://127.0.0.1:")
    assert done.stderr.count("\n") == 1


def run_demo(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "demo", "--no-browser", *options]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("offset", [0, 1])
def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path, offset: int) -> None:
    port = free_pair()
    with socket.create_server(("127.0.0.1", port + offset)):
        done = run_demo("--data", str(tmp_path / "demo"), "--port", str(port))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"port {port + offset}" in done.stderr
    assert "choose another with --port" in done.stderr


def test_a_folder_that_is_no_demo_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_text("dear")
    done = run_demo("--fresh", "--data", str(tmp_path), "--port", str(free_pair()))
    assert done.returncode == 1
    assert "not a demo" in done.stderr
    assert (tmp_path / "photo.jpg").read_text() == "dear"


def test_settings_of_another_blog_in_the_environment_do_not_reach_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOG_DATABASE_URL", "postgresql://nowhere.invalid/production")
    monkeypatch.setenv("BLOG_SMTP_URL", "smtp://relay.invalid:25")
    with RunningDemo(tmp_path / "demo") as demo:
        _confirmation_arrives(demo)
