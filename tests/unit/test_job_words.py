"""What a job's page says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blogapp.admin.jobs import coded
from blogapp.admin.jobwords import figures_of, state_of, story_of, title_of
from blogapp.porting.jobs.models import Job

AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def job(**given: Any) -> Job:
    values = {
        "kind": "import.snips",
        "options": {},
        "counts": {},
        "found": {},
        "done": 0,
        "total": 0,
        "note": "",
        "error": "",
    }
    return Job(**{**values, "dry_run": False, "result": "", "state": "done", **given})


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"state": "waiting"}, "The import is about to begin."),
        ({"state": "running"}, "The import is at work."),
        ({"state": "running", "done": 1200, "total": 100_000}, "The import is at 1,200 of 100,000."),
        ({"state": "running", "dry_run": True, "done": 1, "total": 2}, "The preview is at 1 of 2."),
        ({"state": "stopping"}, "The import stops after the document that it is at."),
        (
            {"state": "stopped", "done": 3, "total": 9},
            "The import was stopped at 3 of 9. What was done until then stays; going on takes up the rest.",
        ),
        ({"state": "stopped", "dry_run": True, "done": 3, "total": 9}, "The preview was stopped at 3 of 9."),
        ({"state": "failed", "error": "No space left."}, "The import failed: No space left."),
        ({"dry_run": True}, "This is what an import would do. Nothing was changed yet."),
        ({"dry_run": True, "found": {"refusal": "No."}}, "It cannot be imported like this. Nothing was changed."),
        ({}, "The import is done."),
        ({"kind": "export.backup", "result": "x.tar.gz"}, "The file is ready."),
    ],
)
def test_the_line_says_how_it_is(given: dict[str, Any], line: str) -> None:
    assert story_of(job(**given), AT, behind=False).line == line


def test_one_that_waits_for_another_says_so() -> None:
    assert story_of(job(state="waiting"), AT, behind=True).line == "The import waits until another job is over."


@pytest.mark.parametrize(
    ("seconds", "done", "left"),
    [(1, 10, []), (60, 0, []), (10, 50, ["About 10 seconds left."]), (600, 10, ["About 90 minutes left."])],
)
def test_what_is_left_is_guessed_once_it_can_be(seconds: int, done: int, left: list[str]) -> None:
    running = job(state="running", started_at=AT - timedelta(seconds=seconds), done=done, total=100)
    assert story_of(running, AT, behind=False).details == left


def test_the_figures_come_in_their_order_and_a_kinds_own_after_them() -> None:
    found = figures_of(job(counts={"refused": 2, "warnings": 9, "made": 3, "pending": 1, "changed": 0}))
    assert [(f.words, f.number, f.tone) for f in found] == [("new", 3, ""), ("refused", 2, "bad"), ("pending", 1, "")]


def test_a_kind_that_this_program_knows_no_more_still_has_a_title() -> None:
    assert title_of(job(kind="import.gone", options={"files": {"file": {"name": "a.zip"}}})) == "import.gone: a.zip"
    assert state_of(job(counts={"refused": 1200})) == ("done, 1,200 refused", "warn")
    assert state_of(job(dry_run=True))[0] == "previewed, not imported yet"


def test_backticks_are_set_as_code_and_nothing_else_is_markup() -> None:
    assert coded("no `:a:` in <b>") == "no <code>:a:</code> in &lt;b&gt;"
    assert coded("one ` alone & `<i>`") == "one ` alone &amp; `&lt;i&gt;`"
