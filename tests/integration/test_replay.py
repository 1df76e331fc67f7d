"""A team's whole past, change by change, through the use cases that the web calls, in travelled time.

`./run test tests/integration/test_replay.py -rP` shows the tables.
"""

import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from blogapp.core.db import db
from blogapp.core.markup import Rendered, render
from blogapp.digest.models import Sending, sending_digests
from blogapp.posts import writing
from blogapp.posts.models import Post
from tests.readers import subscriber
from tests.replay import outcome, sample
from tests.replay.history import Commit, group, read_history
from tests.replay.player import Player
from tests.sink import Sink

HISTORY = "history-2011-2017.jsonl.gz"
# On PostgreSQL the part with the biggest moves: the whole takes a minute on each database.
FROM, UNTIL = datetime.fromisoformat("2016-10-10T00:00:00Z"), datetime.fromisoformat("2017-01-31T00:00:00Z")
READERS = ("ada", "ben", "cid")


@functools.cache
def _rendered(text: str, title: str, format: str, references: tuple[tuple[str, str], ...]) -> Rendered:
    return render(text, title=title, format=format, references=dict(references))


def remembered(text: str, *, references: Mapping[str, str], title: str = "", format: str = "markdown") -> Rendered:
    """As `render`."""
    return _rendered(text, title, format, tuple(sorted(references.items())))


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def chosen(sink: Sink) -> dict[str, Any]:
    return {"smtp_url": sink.url, "digest_hold_seconds": 900}


@pytest.fixture(autouse=True)
def quick_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same text looks the same: each is rendered once in this process, as rendering takes most of the time."""
    monkeypatch.setattr(writing, "render", remembered)


def replay(commits: Sequence[Commit], before: Sequence[Commit] = ()) -> Player:
    """Play the commits on a site that has readers; those before them brought it to where it is."""
    with time_machine.travel(commits[0].at - timedelta(days=1), tick=False) as travel:
        for name in READERS:
            subscriber(f"{name}@reader.test")
        subscriber("dot@reader.test", state="unsubscribed")
        player = Player(travel)
        player.move_in(before)
        player.play(commits)
    return player


def check(player: Player, files: dict[str, str], sink: Sink, seconds: float) -> None:
    """Every promise about what a publication sends, what is kept of it, and where everything is in the end."""
    tally = player.tally
    differing = outcome.differences(files)
    print("\n" + outcome.table(tally, sink.total, differing, seconds))
    assert outcome.begun() == tally.owed
    # What was published within one hold is one mail; each publication is in exactly one.
    carried = db.session.execute(select(sending_digests.c.digest_id)).scalars().all()
    assert len(carried) == len(set(carried)) == len(tally.owed)
    mails = outcome.count(Sending)
    assert 0.7 * len(tally.owed) < mails <= len(tally.owed)
    assert sink.accepted == {f"{name}@reader.test": mails for name in READERS}
    assert tally.bulks
    assert [bulk for bulk in tally.bulks if bulk.digests] == []
    assert outcome.lost_texts(tally) == []
    assert outcome.lost_addresses(tally) == []
    assert outcome.wrong_dates(tally) == []
    assert differing == []


@pytest.fixture
def played(app: Flask) -> Player:
    return replay(group(sample.rows()))


def test_a_past_with_everything_in_it_sends_each_weeks_note_once_and_nothing_else(played: Player, sink: Sink) -> None:
    check(played, sample.files(), sink, 0)
    subjects = db.session.execute(select(Sending.subject).order_by(Sending.id)).scalars().all()
    assert [subject.partition(":")[0] for subject in subjects] == [
        "Week 1",
        "Week 2",
        "Week 3",
        "Week 40",
        "Week 40",
        "Week 41",
    ]
    tally = played.tally
    assert (tally.withdrawn, tally.again, tally.deleted, tally.restored) == (2, 3, 2, 1)
    assert [(bulk.changes, bulk.digests) for bulk in tally.bulks] == [(20, 0)]


def test_what_readers_saw_of_a_note_is_kept_word_for_word(played: Player) -> None:
    post = db.session.execute(select(Post).where(Post.slug == "week-1")).scalar_one()
    texts = [body for _, body in played.tally.seen[post.id]]
    assert ["whole yard" in text for text in texts] == [True, False, True]
    assert ["Thursday" in text for text in texts] == [False, False, True]
    assert outcome.lost_texts(played.tally) == []


def test_old_addresses_lead_on_until_somebody_else_has_them(played: Player, reader: FlaskClient) -> None:
    assert reader.get("/harbour-2").headers["Location"].endswith("/harbour")
    assert "dredge" in reader.get("/harbour").text
    assert "crane" in reader.get("/the-crane").text
    assert "caulked" in reader.get("/week-4").text
    assert "island" in reader.get("/week-40").text
    assert reader.get("/about").status_code == 410


def test_a_copy_waits_until_it_is_called_otherwise(played: Player) -> None:
    (waited,) = [line for line in played.tally.otherwise if "waits" in line]
    assert "week-40.snip copy.markdown" in waited
    post = db.session.execute(select(Post).where(Post.slug == "week-41")).scalar_one()
    assert post.first_published_at == datetime.fromisoformat("2015-10-16T11:02:00Z")


def test_a_site_that_moved_in_mails_nothing_of_what_it_brought(app: Flask, sink: Sink) -> None:
    commits = group(sample.rows())
    late = next(number for number, commit in enumerate(commits) if commit.at.month == 10)
    player = replay(commits[late:], commits[:late])
    check(player, sample.files(), sink, 0)
    assert outcome.count(Sending) == 2


@pytest.mark.corpus
def test_the_past_of_a_real_team(app: Flask, sink: Sink, corpus: Path) -> None:
    commits = read_history(corpus / HISTORY)
    on_sqlite = db.engine.dialect.name == "sqlite"
    before = [] if on_sqlite else [commit for commit in commits if commit.at < FROM]
    part = commits if on_sqlite else [commit for commit in commits if FROM <= commit.at < UNTIL]
    started = time.process_time()
    player = replay(part, before)
    live = {path: content for path, (_, content) in player.shelf.live.items()}
    check(player, _soups(corpus) if on_sqlite else live, sink, time.process_time() - started)
    assert max(bulk.changes for bulk in player.tally.bulks) > 400
    if on_sqlite:
        assert live.items() <= _soups(corpus).items()
        assert len(player.tally.first_weeks) > 300


def _soups(corpus: Path) -> dict[str, str]:
    paths = [path for path in (corpus / "soups").rglob("*") if path.is_file()]
    return {str(path.relative_to(corpus)): path.read_text("utf-8") for path in paths}
