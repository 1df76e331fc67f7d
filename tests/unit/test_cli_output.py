"""Lists: tables for people, lines for pipes, JSON for programs."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from blogapp.cli import output
from blogapp.cli.output import show, show_one

ROWS = [
    {"id": 1, "title": "A [b]bold[/b] one", "sent": None, "digest": True},
    {"id": 20, "title": "Two\nlines\tand a tab", "sent": "x", "digest": False},
]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")


def test_a_pipe_gets_one_line_a_row_with_tabs_between(capsys: pytest.CaptureFixture[str]) -> None:
    show(ROWS, as_json=False, empty="none")
    assert capsys.readouterr().out == "1\tA [b]bold[/b] one\t\tyes\n20\tTwo lines and a tab\tx\tno\n"


@pytest.mark.usefixtures("terminal")
def test_a_person_gets_a_table_with_the_titles_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show(ROWS, as_json=False, empty="none")
    head, first, *_ = capsys.readouterr().out.splitlines()
    assert head.split() == ["id", "title", "sent", "digest"]
    assert " 1  A [b]bold[/b] one" in first


def test_json_is_an_array_with_an_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    moment = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
    show([*ROWS, {"at": moment}], as_json=True, empty="none")
    out = capsys.readouterr().out
    assert json.loads(out) == [*ROWS, {"at": "2026-11-23T09:30:00Z"}]
    assert out.count("\n") == 3


@pytest.mark.parametrize("as_json", [True, False])
def test_nothing_is_said_to_people_and_is_empty_for_programs(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    show([], as_json=as_json, empty="There is none.")
    said = capsys.readouterr()
    assert said.out == ("[]\n" if as_json else "")
    assert said.err == ("" if as_json else "There is none.\n")


def endless() -> Iterator[dict[str, Any]]:
    number = 0
    while True:
        number += 1
        yield {"id": number}


@pytest.mark.usefixtures("terminal")
def test_a_person_gets_a_screenful_and_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    show(endless(), as_json=False, empty="", limit=None)
    said = capsys.readouterr()
    assert said.out.count("\n") == output.SCREENFUL + 1
    assert said.err == "Only the first 100: --limit 0 shows all.\n"


def test_rows_are_read_one_by_one_and_no_more_than_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    show(endless(), as_json=True, empty="", limit=2)
    assert json.loads(capsys.readouterr().out) == [{"id": 1}, {"id": 2}]


def test_a_list_that_just_fits_is_not_said_to_be_cut(capsys: pytest.CaptureFixture[str]) -> None:
    show(ROWS, as_json=False, empty="", limit=2)
    assert capsys.readouterr().err == ""


def test_one_thing_is_a_line_for_each_fact_that_says_something(capsys: pytest.CaptureFixture[str]) -> None:
    show_one({"slug": "week-473", "sent_at": None, "refused": 0, "reasons": ["a", "b"]}, as_json=False)
    assert capsys.readouterr().out == "slug     week-473\nrefused  0\nreasons  a\nreasons  b\n"
