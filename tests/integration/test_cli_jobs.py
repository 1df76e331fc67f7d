"""`blogapp job`: listing, running in the foreground, stopping."""

from collections.abc import Callable

import pytest
from flask import Flask

from blogapp.auth.models import Member
from blogapp.core.errors import Invalid
from blogapp.porting.jobs import claims
from blogapp.porting.jobs.context import Running
from blogapp.porting.report import Outcome
from tests.commands import Command
from tests.jobs import add_kind, begin, look, zipped


def test_jobs_are_listed_run_and_told_of(
    app: Flask, alice: Member, blogapp: Command, now_see: Callable[[], None]
) -> None:
    assert "Nothing was begun yet." in blogapp("job list").stderr
    assert "Nothing waits." in blogapp("job run").stderr
    number = begin(alice.id, "import.snips", zipped())
    (row,) = blogapp.json("job list --json")
    assert (row["id"], row["kind"], row["state"]) == (number, "import.snips", "waiting")
    assert blogapp("job run").stdout.strip() == f"Job {number}, import.snips: done: 2 made, 1 refused"
    now_see()
    assert look(number).state == "done"


def test_one_that_fails_is_told_and_the_others_still_run(
    app: Flask, alice: Member, blogapp: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(job: Running) -> None:
        if job.options["bad"]:
            raise Invalid("It holds nothing.")
        job.report.add(Outcome("a.md", "made"))

    add_kind(monkeypatch, run)
    first, second = (begin(alice.id, options={"bad": bad}) for bad in (True, False))
    result = blogapp("job run", code=1)
    assert f"Job {first}, import.test: failed: It holds nothing." in result.stderr
    assert f"Job {second}, import.test: done: 1 made" in result.stdout
    assert result.stderr.splitlines()[-1] == "blogapp: 1 of 2 jobs failed."


def test_a_job_is_stopped_from_the_command_line(app: Flask, alice: Member, blogapp: Command) -> None:
    number = begin(alice.id)
    assert blogapp(f"job stop {number}").stdout == f"Job {number} is stopped.\n"
    assert look(number).state == "stopped"
    assert blogapp.refused(f"job stop {number}") == "This is over already."
    assert "no such import" in blogapp.refused("job stop 99")


def test_one_runs_at_a_time_whoever_asks(app: Flask, alice: Member, blogapp: Command) -> None:
    number = begin(alice.id)
    begin(alice.id)
    claims.claim("elsewhere/1-1:5:1:jobs")
    assert blogapp.refused("job run") == f"Job {number} is at work elsewhere; one runs at a time."
    assert blogapp(f"job stop {number}").stdout == f"Job {number} stops after this document.\n"


def test_ctrl_c_leaves_the_job_waiting_with_what_it_did(
    app: Flask, alice: Member, blogapp: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(job: Running) -> None:
        job.report.add(Outcome("a.md", "made"))
        raise KeyboardInterrupt

    add_kind(monkeypatch, run)
    number = begin(alice.id)
    blogapp("job run", code=1)
    assert (look(number).state, look(number).counts) == ("waiting", {"made": 1})
