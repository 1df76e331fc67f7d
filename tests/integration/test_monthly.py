"""Once a month, all of it in one mail."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.digest import monthly, planning
from blogapp.digest.models import Sending
from blogapp.posts.models import Post
from blogapp.subscribing.listing import count_states
from tests import posts
from tests.editions import change, mails, nothing_twice, send_week, text, weeks
from tests.readers import subscriber
from tests.sink import Sink
from tests.worker import ME, send_all

DAY = timedelta(days=1)
# The first Monday of December 2026 is the seventh; at nine in London.
NINE = datetime(2026, 12, 7, 9, tzinfo=UTC)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def chosen(sink: Sink) -> dict[str, Any]:
    return {"smtp_url": sink.url}


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NINE - 20 * DAY, tick=True) as travel:
        yield travel


def sendings() -> int:
    db.session.rollback()
    return db.session.execute(select(func.count()).select_from(Sending)).scalar_one()


def test_a_monthly_reader_gets_all_of_it_on_the_first_monday_and_once(
    app: Flask, bob: Member, sink: Sink, clock: time_machine.Traveller
) -> None:
    subscriber("ada@reader.test")
    subscriber("mia@reader.test", frequency="monthly")
    send_all()
    for number in (1, 2):
        send_week(bob, number)
        clock.shift(7 * DAY)
    subscriber("new@reader.test", frequency="monthly")
    send_week(bob, 3)
    assert weeks(sink, "mia") == []
    clock.move_to(NINE - timedelta(seconds=30))
    send_all()
    assert weeks(sink, "mia") == []
    clock.move_to(NINE + timedelta(seconds=1))
    for _ in range(2):
        send_all()
    assert weeks(sink, "mia") == [[3, 2, 1]]
    assert weeks(sink, "new") == [[3]]
    assert weeks(sink, "ada") == [[1], [2], [3]]
    (mail,) = mails(sink, "mia")
    assert mail["Subject"] == "Weeks 1 to 3"
    assert "once a month" in text(mail)
    clock.move_to(NINE + 28 * DAY + timedelta(seconds=1))
    before = sendings()
    send_all()
    assert sendings() == before, "nobody is owed anything, so there is no sending"
    nothing_twice(sink)


def test_who_switches_to_every_digest_gets_what_was_missed_with_the_next_one(
    app: Flask, bob: Member, sink: Sink, clock: time_machine.Traveller
) -> None:
    subscriber("mia@reader.test", frequency="monthly")
    assert count_states().monthly == 1
    send_all()
    send_week(bob, 1)
    change("mia", frequency="every")
    assert count_states().monthly == 0
    send_week(bob, 2)
    assert weeks(sink, "mia") == [[2, 1]]
    change("mia", frequency="monthly")
    send_week(bob, 3)
    clock.move_to(NINE + timedelta(hours=1))
    send_all()
    assert weeks(sink, "mia") == [[2, 1], [3]]
    nothing_twice(sink)


def test_a_worker_that_was_down_makes_up_for_the_last_month_once(
    app: Flask, bob: Member, sink: Sink, clock: time_machine.Traveller
) -> None:
    subscriber("mia@reader.test", frequency="monthly")
    send_all()
    send_week(bob, 1)
    clock.move_to(NINE + 60 * DAY)
    assert [planning.begin_due(ME), planning.begin_due(ME)] == [1, 0]
    send_all()
    assert weeks(sink, "mia") == [[1]]


def test_a_month_of_long_notes_stays_within_what_mail_programs_show(
    app: Flask, bob: Member, sink: Sink, clock: time_machine.Traveller
) -> None:
    from blogapp.digest.compose import compose_posts
    from blogapp.digest.parts import LARGEST_HTML, size

    clock.move_to(NINE)
    long = "\n\n".join(f"## Part {n}\n\n" + "We mended the *door* and wrote it down. " * 30 for n in range(30))
    found: list[Post] = [posts.week(bob, n, body=long, at=NINE - n * DAY) for n in range(1, 8)]
    composed = compose_posts(db.session(), [post.id for post in found], date=NINE, kind="catch-up")
    html = composed.template.message.decode("ascii")
    assert len(html) < 2.2 * LARGEST_HTML
    assert composed.shortened
    assert html.count("Read the rest on the site") >= 2
    short = [posts.week(bob, n, body="A word.", at=NINE - n * DAY) for n in range(11, 14)]
    assert not compose_posts(db.session(), [p.id for p in short], date=NINE, kind="catch-up").shortened
    assert size("a" * 10) >= 10


@pytest.mark.parametrize(
    ("here", "month"),
    [("2026-12-07T09:00", 12), ("2026-12-07T08:59", 11), ("2027-01-03T12:00", 12), ("2026-06-01T09:00", 6)],
)
def test_a_month_begins_on_its_first_monday_at_nine(here: str, month: int) -> None:
    assert monthly.month_begun(datetime.fromisoformat(here)).month == month
