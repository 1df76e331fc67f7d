"""Two weeks published minutes apart become one mail."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from blogapp.auth.models import Member
from blogapp.authoring.story import story_of
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.digest import beginning, planning
from blogapp.digest import compose as composing
from blogapp.digest.compose import preview
from blogapp.digest.history import history
from blogapp.digest.holding import send_now
from blogapp.digest.models import Digest
from blogapp.digest.progress import progress_of_post
from blogapp.digest.publishing import withdraw
from blogapp.posts.models import Post
from blogapp.subscribing.models import Subscriber
from tests.editions import mails, nothing_twice, publish_week, subjects, text, weeks
from tests.readers import subscriber
from tests.sink import Sink
from tests.worker import how_far, send_all

MINUTE = timedelta(minutes=1)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def chosen(sink: Sink) -> dict[str, Any]:
    return {"smtp_url": sink.url, "digest_hold_seconds": 900}


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(now().replace(hour=10, minute=0), tick=False) as travel:
        yield travel


@pytest.fixture
def both(app: Flask, bob: Member, clock: time_machine.Traveller) -> tuple[Post, Post]:
    """899 at ten, 898 five minutes later."""
    subscriber("ada@reader.test")
    later = publish_week(bob, 899)
    clock.shift(5 * MINUTE)
    return later, publish_week(bob, 898)


def digest_of(post: Post) -> Digest:
    db.session.rollback()
    return db.session.execute(select(Digest).where(Digest.post_id == post.id)).scalar_one()


def test_both_leave_in_one_mail_in_their_order_when_the_second_is_due(
    both: tuple[Post, Post], clock: time_machine.Traveller, sink: Sink
) -> None:
    found = progress_of_post(both[0].id)
    assert found is not None
    assert found.together == ["Week 898"]
    assert "together with Week 898, in 15 minutes" in story_of(found, now()).line
    assert preview(both[0].id).subject.startswith("Weeks 898 and 899")
    clock.shift(11 * MINUTE)
    send_all()
    assert sink.total == 0
    db.session.rollback()
    assert planning.next_due() == now() + 4 * MINUTE
    clock.shift(4 * MINUTE)
    send_all()
    assert weeks(sink, "ada") == [[898, 899]]
    (mail,) = mails(sink, "ada")
    assert mail["Subject"] == "Weeks 898 and 899"
    assert "Published within minutes" in text(mail)
    assert ">898</td>" in text(mail, "html")
    assert ">Week 898</a>" not in text(mail, "html")  # beside the number stand the dates, not the number again
    assert digest_of(both[0]).sending_id == digest_of(both[1]).sending_id
    assert [how_far(post).state for post in both] == ["sent", "sent"]
    nothing_twice(sink)


def test_who_missed_both_gets_the_later_week_first_and_a_joint_mail_is_named_by_both(
    both: tuple[Post, Post], bob: Member, clock: time_machine.Traveller, sink: Sink
) -> None:
    clock.shift(15 * MINUTE)
    send_all()
    late = subscriber("late@reader.test")
    ada = db.session.execute(select(Subscriber.id).where(Subscriber.address == "ada@reader.test")).scalar_one()
    assert [event.title for event in history(ada)] == ["Weeks 898 and 899"]
    with transaction() as session:
        session.execute(update(Subscriber).where(Subscriber.id == late).values(owed_from=both[0].first_published_at))
    clock.shift(timedelta(days=7))
    publish_week(bob, 900)
    clock.shift(15 * MINUTE)
    send_all()
    assert weeks(sink, "late") == [[900, 899, 898]]


def test_withdrawing_one_takes_it_out_and_the_other_leaves_at_its_own_time(
    both: tuple[Post, Post], bob: Member, clock: time_machine.Traveller, sink: Sink
) -> None:
    withdraw(both[1].id, both[1].version, bob.id)
    clock.shift(10 * MINUTE)
    send_all()
    assert weeks(sink, "ada") == [[899]]
    assert digest_of(both[1]).state == "withdrawn"


def test_what_is_sent_now_does_not_wait_for_the_other(
    both: tuple[Post, Post], bob: Member, clock: time_machine.Traveller, sink: Sink
) -> None:
    send_now(digest_of(both[0]).id, bob.id)
    send_all()
    assert weeks(sink, "ada") == [[899]]
    clock.shift(15 * MINUTE)
    send_all()
    assert weeks(sink, "ada") == [[899], [898]]
    nothing_twice(sink)


def test_a_withdrawal_while_the_joint_mail_is_composed_takes_it_out(
    both: tuple[Post, Post],
    bob: Member,
    clock: time_machine.Traveller,
    sink: Sink,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    post_id, version, tries = both[1].id, both[1].version, iter([True])

    def meanwhile(*args: Any, **more: Any) -> Any:
        composed = composing.compose_posts(*args, **more)
        if next(tries, False):
            withdraw(post_id, version, bob.id)
        return composed

    monkeypatch.setattr(beginning, "compose_posts", meanwhile)
    clock.shift(15 * MINUTE)
    for _ in range(2):
        send_all()
    assert weeks(sink, "ada") == [[899]]
    assert digest_of(both[1]).sending_id is None


def test_of_two_the_one_that_cannot_be_composed_does_not_hold_up_the_other(
    both: tuple[Post, Post], clock: time_machine.Traveller, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(session: Any, post_ids: Any, **more: Any) -> Any:
        if both[1].id in post_ids:
            raise RuntimeError("the picture is a riddle")
        return composing.compose_posts(session, post_ids, **more)

    monkeypatch.setattr(beginning, "compose_posts", broken)
    clock.shift(15 * MINUTE)
    for _ in range(3):
        send_all()
    assert weeks(sink, "ada") == [[899]]
    assert subjects() == ["Week 899: Told in 899"]
    assert (digest_of(both[1]).state, digest_of(both[1]).due_at > now()) == ("waiting", True)
