"""What each reader is owed: who missed something gets it with the next digest, once."""

import random
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select, update

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, on_sqlite, transaction
from blogapp.delivery.models import OutboxMail
from blogapp.digest import claims, planning, settling
from blogapp.digest.audience import audience
from blogapp.digest.controls import resume_now
from blogapp.digest.history import history
from blogapp.digest.models import Batch, Sending
from blogapp.digest.progress import reached_by_sending
from blogapp.digest.publishing import withdraw
from blogapp.digest.sending import send_some
from blogapp.posts.models import Post
from blogapp.subscribing.subscribers import come_back, unsubscribe
from tests.editions import change, long_ago, mails, nothing_twice, publish_week, send_week, subjects, text, weeks
from tests.readers import subscriber
from tests.sink import Sink
from tests.worker import ME, how_far, let_time_pass, many_subscribers, send_all


@pytest.fixture
def refused() -> set[str]:
    """Whom the relay does not take, by the local part."""
    return set()


@pytest.fixture
def sink(refused: set[str]) -> Iterator[Sink]:
    def refuse(recipient: str) -> str:
        return "550 5.2.1 not now" if recipient.partition("@")[0] in refused else ""

    with Sink(refuse=refuse) as sink:
        yield sink


@pytest.fixture
def chosen(sink: Sink) -> dict[str, Any]:
    return {"smtp_url": sink.url}


def test_who_joins_while_a_digest_leaves_gets_it_with_the_next_one(app: Flask, bob: Member, sink: Sink) -> None:
    subscriber("ada@reader.test")
    publish_week(bob, 1)
    planning.begin_due(ME)
    subscriber("late@reader.test")
    send_all()
    subscriber("new@reader.test")
    send_week(bob, 2)
    assert weeks(sink, "ada") == [[1], [2]]
    assert weeks(sink, "late") == [[2, 1]]
    assert weeks(sink, "new") == [[2]]
    assert mails(sink, "late")[0]["Subject"] == "Week 2: Told in 2 (and 1 you missed)"
    nothing_twice(sink)


def test_who_was_refused_for_two_weeks_gets_both_in_one_mail(
    app: Flask, bob: Member, sink: Sink, refused: set[str]
) -> None:
    for name in ("ada", "ben"):
        subscriber(f"{name}@reader.test")
    refused.add("ben")
    send_week(bob, 1)
    send_week(bob, 2)
    refused.clear()
    post = send_week(bob, 3)
    send_week(bob, 4)
    assert weeks(sink, "ada") == [[1], [2], [3], [4]]
    assert weeks(sink, "ben") == [[3, 2, 1], [4]]
    found = how_far(post)
    assert (found.state, found.candidates, found.accepted) == ("sent", 2, 2)
    main = db.session.execute(select(Sending.id).where(Sending.subject.startswith("Week 3"))).scalars().first()
    assert reached_by_sending(db.session(), {main or 0}) == {main: (2, 2)}
    page = text(mails(sink, "ben")[0], "html")
    assert "#post-" in page
    assert page.index("Told in 3.") < page.index("Told in 2.") < page.index("Told in 1.")
    nothing_twice(sink)


def test_a_pause_holds_mail_back_and_the_first_mail_after_it_brings_it(app: Flask, bob: Member, sink: Sink) -> None:
    subscriber("ada@reader.test")
    subscriber("away@reader.test", paused_until=now() + timedelta(days=9))
    send_week(bob, 1)
    send_week(bob, 2)
    change("away", paused_until=None)
    send_week(bob, 3)
    assert weeks(sink, "away") == [[3, 2, 1]]
    nothing_twice(sink)


def test_what_left_more_than_eight_weeks_ago_is_not_made_up_for(app: Flask, bob: Member, sink: Sink) -> None:
    subscriber("away@reader.test", paused_until=now() + timedelta(days=9), owed_from=now() - timedelta(days=100))
    send_week(bob, 1)
    long_ago(days=57)
    send_week(bob, 2)
    change("away", paused_until=None)
    send_week(bob, 3)
    assert weeks(sink, "away") == [[3, 2]]


def test_a_withdrawn_post_is_made_up_for_by_nobody(app: Flask, bob: Member, sink: Sink, refused: set[str]) -> None:
    subscriber("ben@reader.test")
    refused.add("ben")
    first = send_week(bob, 1)
    refused.clear()
    withdraw(first.id, db.session.get_one(Post, first.id).version, bob.id)
    send_week(bob, 2)
    assert weeks(sink, "ben") == [[2]]


def test_while_a_mail_may_still_arrive_it_is_not_sent_in_another(app: Flask, bob: Member, sink: Sink) -> None:
    subscriber("ada@reader.test")
    sink.refuse = lambda recipient: "451 4.2.0 later"
    send_week(bob, 1)
    sink.refuse = lambda recipient: ""
    send_week(bob, 2)
    let_time_pass()
    send_all()
    assert weeks(sink, "ada") == [[2], [1]]
    nothing_twice(sink)


def test_a_digest_that_begins_while_the_last_one_is_still_planned_repeats_nothing(
    app: Flask, bob: Member, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "SLICE", 10)
    many_subscribers(35)
    for number in (1, 2):
        publish_week(bob, number)
        planning.begin_due(ME)
        planning.plan_some(0)
    send_all()
    # In whatever order: both leave at once, over several connections.
    assert {tuple(sorted(map(tuple, weeks(sink, f"r{n}")))) for n in range(1, 36)} == {((1,), (2,))}
    nothing_twice(sink)


def test_of_many_different_gaps_the_rarest_get_less_now_and_the_rest_next_time(
    app: Flask, bob: Member, sink: Sink, refused: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "EDITIONS", 1)
    for name in ("ada", "ben", "cid", "dot"):
        subscriber(f"{name}@reader.test")
    refused |= {"ben"}
    send_week(bob, 1)
    refused |= {"cid", "dot"}
    send_week(bob, 2)
    refused.clear()
    send_week(bob, 3)
    send_week(bob, 4)
    assert weeks(sink, "cid") == weeks(sink, "dot") == [[1], [3, 2], [4]], "the gap of two readers has an edition"
    assert weeks(sink, "ben") == [[3, 2], [4, 1]], "that is within what he misses"
    assert weeks(sink, "ada") == [[1], [2], [3], [4]]
    nothing_twice(sink)


def test_everybodys_history_is_whole_where_some_were_planned_apart_from_their_neighbours(
    app: Flask, bob: Member, sink: Sink, refused: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "EDITIONS", 0)
    ids = {name: subscriber(f"{name}@reader.test") for name in ("ada", "ben", "cid")}
    refused.add("ben")
    send_week(bob, 1)
    refused.clear()
    send_week(bob, 2)  # Without an edition for what he misses, ben is in a batch of its own amid the others'.
    what = {name: [one.what for one in history(number)] for name, number in ids.items()}
    assert what == {"ada": ["taken", "taken"], "ben": ["taken", "refused"], "cid": ["taken", "taken"]}


def test_an_author_is_told_once_of_trouble_that_holds_up_the_digest_and_its_editions(
    app: Flask, bob: Member, sink: Sink, refused: set[str]
) -> None:
    for name in ("ada", "ben"):
        subscriber(f"{name}@reader.test")
    refused.add("ben")
    send_week(bob, 1)
    publish_week(bob, 2)
    planning.begin_due(ME)
    planning.plan_some(1)
    told = select(func.count()).where(OutboxMail.purpose == "digest-held-up")
    family = list(db.session.execute(select(Sending.id).where(Sending.state == "sending")).scalars())
    assert len(family) == 2
    for _ in range(settling.TELL_AFTER_PAUSES):
        for number in family:
            settling.pause(number, "the relay is away")
        with transaction() as session:
            session.execute(update(Sending).where(Sending.state == "paused").values(resume_at=now()))
    assert db.session.execute(told).scalar_one() == 1


def test_a_worker_finds_out_that_there_is_nothing_to_do_without_a_look_at_what_has_been_sent(
    app: Flask, bob: Member, sink: Sink
) -> None:
    if not on_sqlite(db.session()):
        pytest.skip("PostgreSQL looks at a table as long as it is small")
    subscriber("ada@reader.test")
    send_week(bob, 1)
    asked: set[tuple[str, Any]] = set()

    def note(_c: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        asked.add((statement, given))

    event.listen(db.engine, "before_cursor_execute", note)
    send_some(ME, threading.Event())
    claims.renew_batches(ME, now())
    event.remove(db.engine, "before_cursor_execute", note)
    for statement, given in asked:
        if statement.startswith(("SELECT", "UPDATE", "WITH")) and "ORDER BY sendings.id DESC" not in statement:
            plan = db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()
            steps = [row[3] for row in plan]
            assert not [step for step in steps if step in ("SCAN sendings", "SCAN batches", "SCAN exceptions")], (
                statement
            )


def test_an_edition_that_cannot_be_composed_keeps_nobody_from_the_digest(
    app: Flask, bob: Member, sink: Sink, refused: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the picture is a riddle")

    subscriber("ben@reader.test")
    refused.add("ben")
    send_week(bob, 1)
    refused.clear()
    with monkeypatch.context() as patched:
        patched.setattr(planning, "compose_posts", broken)
        send_week(bob, 2)
    assert weeks(sink, "ben") == [[2]]
    send_week(bob, 3)
    assert weeks(sink, "ben") == [[2], [3, 1]]
    nothing_twice(sink)


def test_a_pause_of_the_relay_stops_and_resumes_the_editions_too(
    app: Flask, bob: Member, sink: Sink, refused: set[str]
) -> None:
    subscriber("ada@reader.test")
    subscriber("ben@reader.test")
    refused.add("ben")
    send_week(bob, 1)
    refused.clear()
    post = publish_week(bob, 2)
    planning.begin_due(ME)
    planning.plan_some(1)
    with transaction() as session:
        resting = {"state": "paused", "pause_reason": "the relay is away"}
        session.execute(update(Sending).where(Sending.main_id.is_not(None)).values(**resting))
    while send_some(ME, threading.Event()):
        pass
    found = how_far(post)
    assert (found.state, found.pause_reason, found.accepted, found.waiting) == ("paused", "the relay is away", 1, 1)
    resume_now(found.digest_id, bob.id)
    send_all()
    assert (how_far(post).state, weeks(sink, "ben")) == ("sent", [[2, 1]])
    nothing_twice(sink)


def test_who_comes_back_within_a_day_is_owed_what_left_meanwhile(app: Flask, bob: Member, sink: Sink) -> None:
    slipped, gone = subscriber("slip@reader.test"), subscriber("gone@reader.test")
    for number in (slipped, gone):
        unsubscribe(number, "page")
    send_week(bob, 1)
    change("gone", unsubscribed_at=now() - timedelta(days=2))
    for number in (slipped, gone):
        come_back(number)
    send_week(bob, 2)
    assert weeks(sink, "slip") == [[2, 1]]
    assert weeks(sink, "gone") == [[2]]


def test_who_wants_it_monthly_is_left_out_and_says_so(app: Flask, bob: Member, sink: Sink) -> None:
    subscriber("ada@reader.test")
    subscriber("mia@reader.test", frequency="monthly")
    assert audience().excluded == {"monthly": 1}
    publish_week(bob, 1)
    planning.begin_due(ME)
    planning.plan_some(1)
    change("ada", frequency="monthly")
    send_all()
    assert sink.total == 0, "asked for monthly before the batch was read"
    change("mia", frequency="every")
    change("ada", frequency="every")
    send_week(bob, 2)
    assert weeks(sink, "ada") == weeks(sink, "mia") == [[2, 1]]
    nothing_twice(sink)


def test_a_small_audience_is_shared_by_all_connections(app: Flask, bob: Member, sink: Sink) -> None:
    many_subscribers(410)
    post = publish_week(bob, 1)
    planning.begin_due(ME)
    planning.plan_some(1)
    main = db.session.execute(select(Sending)).scalar_one()
    sizes = db.session.execute(select(Batch.candidates).where(Batch.sending_id == main.id)).scalars().all()
    assert len(sizes) == 16
    assert max(sizes) == 26
    send_all()
    assert how_far(post).accepted == 410


def test_an_edition_has_the_subject_of_the_digest_and_what_it_adds(app: Flask, bob: Member, sink: Sink) -> None:
    subscriber("away@reader.test", paused_until=now() + timedelta(days=9))
    send_week(bob, 1)
    send_week(bob, 2)
    change("away", paused_until=None)
    send_week(bob, 3)
    assert subjects()[-1] == "Week 3: Told in 3 (and 2 you missed)"


def test_whatever_goes_wrong_everybody_has_everything_once_in_the_end(
    app: Flask, bob: Member, sink: Sink, refused: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "EDITIONS", 3)
    monkeypatch.setattr(planning, "SLICE", 4)
    dice = random.Random(5)
    names = [f"r{number}" for number in range(1, 13)]
    many_subscribers(12)
    for week in range(1, 5):
        publish_week(bob, week)
        refused.clear()
        refused.update(dice.sample(names, 3))
        for name in dice.sample(names, 3):
            change(name, paused_until=now() + timedelta(days=3))
        for name in dice.sample(names, 3):
            change(name, paused_until=None)
        if dice.random() < 0.5:
            planning.begin_due(ME)
            planning.plan_some(0)
        else:
            send_all()
    refused.clear()
    for name in names:
        change(name, paused_until=None)
    for week in range(5, 9):
        send_week(bob, week)
    assert {name: sorted(n for mail in weeks(sink, name) for n in mail) for name in names} == {
        name: list(range(1, 9)) for name in names
    }
    nothing_twice(sink)
