"""A team's whole past, change by change, through the use cases that the web calls, in travelled time."""

import functools
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask

from blogapp.digest.models import Sending
from blogapp.posts import writing
from tests.readers import subscriber
from tests.replay import outcome
from tests.replay.history import read_history
from tests.replay.player import Player
from tests.sink import Sink

REMEMBERED = functools.cache(writing.render)
READERS = ("ada", "ben", "cid")


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def chosen(sink: Sink) -> dict[str, Any]:
    return {"smtp_url": sink.url, "digest_hold_seconds": 900}


@pytest.fixture(autouse=True)
def quick_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same text looks the same: each is rendered once in this process, as rendering is two thirds of the time."""
    monkeypatch.setattr(writing, "render", REMEMBERED)


@pytest.mark.corpus
def test_the_past_of_a_real_team(app: Flask, sink: Sink, corpus: Path) -> None:
    commits = read_history(corpus / "history-2011-2017.jsonl.gz")
    files = {
        str(path.relative_to(corpus)): path.read_text("utf-8")
        for path in (corpus / "soups").rglob("*")
        if path.is_file()
    }
    started = time.monotonic()
    with time_machine.travel(commits[0].at - timedelta(days=1), tick=False) as travel:
        for name in READERS:
            subscriber(f"{name}@reader.test")
        subscriber("dot@reader.test", state="unsubscribed")
        player = Player(travel)
        tally = player.play(commits)
    differing = outcome.differences(files)
    print("\n" + outcome.table(tally, sink.total, differing, time.monotonic() - started))
    assert {path: content for path, (_, content) in player.shelf.live.items()}.items() <= files.items()
    assert outcome.begun() == tally.owed
    assert outcome.count(Sending) == len(tally.owed)
    assert sink.accepted == {f"{name}@reader.test": len(tally.owed) for name in READERS}
    assert [bulk for bulk in tally.bulks if bulk.digests] == []
    assert outcome.lost_texts(tally) == []
    assert outcome.lost_addresses(tally) == []
    assert outcome.wrong_dates(tally) == []
    assert differing == []
