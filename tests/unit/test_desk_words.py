"""What the desk says about posts and digests, in words."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from blogapp.authoring.speed import Speeds
from blogapp.authoring.story import story_of
from blogapp.authoring.wording import DigestFacts, PostFacts, clock_time, people, since, size, span, state_of
from blogapp.core import config
from blogapp.digest.progress import Progress
from tests.conftest import make_settings

AT = datetime(2026, 11, 18, 14, 0, tzinfo=UTC)  # a Wednesday
SOON = AT + timedelta(minutes=15)


@pytest.fixture(autouse=True)
def in_london(tmp_path: Path) -> Iterator[None]:
    app = Flask("words")
    app.extensions[config.EXTENSION] = make_settings(tmp_path)
    with app.app_context():
        yield


def facts(state: str = "draft", ago: timedelta = timedelta(hours=1), *, once: bool = False, deleted: bool = False):  # type: ignore[no-untyped-def]
    at = AT - ago
    return PostFacts(
        state,
        at,
        at if state == "published" else None,
        at if once or state == "published" else None,
        at if deleted else None,
    )


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (AT - timedelta(hours=2), "12:00"),
        (AT - timedelta(days=1), "yesterday"),
        (AT - timedelta(days=2), "Monday"),
        (AT - timedelta(days=7), "11 November"),
        (AT - timedelta(days=400), "14 October 2025"),
        (datetime(2026, 11, 17, 23, 59, tzinfo=UTC), "yesterday"),
    ],
)
def test_how_long_ago(moment: datetime, words: str) -> None:
    assert since(moment, AT) == words


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (timedelta(minutes=32), "14:32"),
        (timedelta(days=1), "tomorrow 14:00"),
        (timedelta(days=3), "Saturday 14:00"),
        (timedelta(days=20), "8 December 14:00"),
    ],
)
def test_when_it_will_be(later: timedelta, words: str) -> None:
    assert clock_time(AT + later, AT) == words


@pytest.mark.parametrize(
    ("later", "stopped", "words"),
    [
        (timedelta(hours=2), False, "leaves for the site today at 16:00"),
        (timedelta(days=1, hours=2), False, "leaves for the site tomorrow at 16:00"),
        (timedelta(days=2, hours=2), False, "leaves for the site on Friday at 16:00"),
        (timedelta(days=200), False, "leaves for the site on 6 June 2027 at 15:00"),
        (timedelta(seconds=-1), False, "about to be published"),
        (timedelta(days=-1), True, "was not published yesterday at 14:00"),
    ],
)
def test_when_a_draft_is_published_by_itself(later: timedelta, stopped: bool, words: str) -> None:
    post = PostFacts("draft", AT, None, None, None, "", AT + later, stopped)
    assert state_of(post, None, AT).words == words


def test_the_time_is_that_of_the_site_in_summer_too() -> None:
    july = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    assert since(july, july) == "13:00"


@pytest.mark.parametrize(
    ("post", "digest", "words"),
    [
        (facts(ago=timedelta(days=1)), None, "draft since yesterday"),
        (facts(once=True), None, "withdrawn"),
        (facts(deleted=True, ago=timedelta(days=28)), None, "deleted, gone on 20 November"),
        (facts("published"), None, "published 13:00"),
        (facts("published"), DigestFacts("waiting", SOON), "held, leaves 14:15"),
        (facts("published"), DigestFacts("waiting", AT), "leaving now"),
        (facts("published"), DigestFacts("held", AT), "digest held"),
        (facts("published"), DigestFacts("cancelled", AT), "published, digest cancelled"),
        (facts("published"), DigestFacts("withdrawn", AT), "published 13:00"),
        (facts("published"), DigestFacts("sending", AT, 1204, 1500), "sending, 1,204 of 1,500"),
        (facts("published"), DigestFacts("sending", AT, 7, 9, paused=True), "paused at 7 of 9"),
        (facts("published"), DigestFacts("sent", AT, 812, 820), "sent to 812"),
        (facts(once=True), DigestFacts("withdrawn", AT), "withdrawn"),
    ],
)
def test_the_state_of_a_post_in_words(post: PostFacts, digest: DigestFacts | None, words: str) -> None:
    assert state_of(post, digest, AT).words == words


def test_numbers_people_and_spans_as_they_are_said() -> None:
    assert [people(0), people(1), people(1_500_000)] == ["nobody", "1 person", "1,500,000 people"]
    assert [span(timedelta(seconds=s)) for s in (40, 60, 900, 7200, 90_000)] == [
        "40 seconds",
        "1 minute",
        "15 minutes",
        "2 hours",
        "1 day",
    ]
    assert [size(830), size(12_400), size(3_400_000)] == ["830 bytes", "12 kB", "3.4 MB"]


def story(state: str, **given: object):  # type: ignore[no-untyped-def]
    return story_of(Progress(1, state, **{"due_at": AT, **given}), AT)  # type: ignore[arg-type]


def test_a_digest_that_waits_says_until_when_and_what_can_be_done() -> None:
    told = story("waiting", due_at=SOON)
    assert told.line == "The digest leaves at 14:15, in 15 minutes. Until then it can be held or cancelled."
    assert not told.live
    assert story("waiting").live


def test_a_digest_on_its_way_says_how_far_it_is() -> None:
    told = story("sending", candidates=1500, accepted=1200, refused=3, skipped=2, waiting=295)
    assert told.line == "1,205 of 1,500 are done."
    assert (told.done, told.total, told.live) == (1205, 1500, True)
    assert told.details == ["1,200 taken by the mail server", "3 refused", "2 skipped"]
    assert story("sending").line == "It is leaving."


def test_a_paused_digest_says_why_since_when_and_until_when() -> None:
    told = story(
        "paused",
        pause_reason="the mail server refuses our name.",
        paused_at=AT,
        resume_at=SOON,
        candidates=9,
        waiting=2,
    )
    assert told.line == "Paused since 14:00: the mail server refuses our name. It tries again at 14:15. Nobody is lost."
    assert (told.tone, told.done, told.live) == ("bad", 7, True)


def test_a_sent_digest_says_to_how_many_and_when() -> None:
    told = story("sent", candidates=814, accepted=812, skipped=2, sent_at=AT - timedelta(days=3))
    assert told.line == "The digest was sent to 812 people on 15 November at 14:00."
    assert not told.live
    assert story("sent", candidates=1, accepted=1, sent_at=AT).line == "The digest was sent to 1 person at 14:00."


@pytest.mark.parametrize("state", ["held", "cancelled", "withdrawn"])
def test_a_digest_that_does_not_leave_says_so(state: str) -> None:
    assert state.removesuffix("n")[:4] in story(state).line or "waits" in story(state).line
    assert not story(state).live


def test_a_large_digest_says_how_fast_it_leaves_and_when_it_ends() -> None:
    leaving = Progress(1, "sending", AT, candidates=1_500_000, accepted=300_000, waiting=1_200_000)
    assert story_of(leaving, AT, 1000.0).details[-1] == "1,000 a second, done at about 14:20"
    assert story_of(leaving, AT, 0.05).details[-1].startswith("3 a minute, done at about ")
    assert story_of(leaving, AT).details == ["300,000 taken by the mail server"]


def test_the_speed_is_that_of_the_last_half_minute() -> None:
    speeds = Speeds()
    assert speeds.note(1, 0, 0.0) == 0.0
    assert speeds.note(1, 5000, 1.0) == 0.0
    assert speeds.note(1, 10_000, 2.0) == 5000.0
    assert speeds.note(2, 10, 2.0) == 0.0
    assert speeds.note(1, 10_040, 31.0) == pytest.approx(5040 / 30)
