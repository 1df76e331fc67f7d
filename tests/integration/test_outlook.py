"""The audience before anything leaves: what changed since the last digest, and asking once more where that is a lot."""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.delivery.models import OutboxMail, Suppression
from blogapp.delivery.suppressions import suppress
from blogapp.digest import holding, outlook, planning, publishing
from blogapp.digest.audience import Audience, audience
from blogapp.digest.models import Batch, Digest, Sending
from blogapp.digest.outlook import AudienceChanged
from blogapp.posts.models import Post
from blogapp.subscribing.models import Subscriber
from tests import worker
from tests.commands import Command

LogIn = Callable[[Member], FlaskClient]


@pytest.fixture
def chosen() -> dict[str, object]:
    return {"digest_hold_seconds": 900}


def subscribers(count: int, *, joined_ago: timedelta = timedelta(hours=2)) -> None:
    at, start = now() - joined_ago, random.randrange(10**9)
    with transaction() as session:
        session.add_all(
            Subscriber(address=f"{start + number}@reader.test", state="confirmed", confirmed_at=at)
            for number in range(count)
        )


def last_digest(author: Member, candidates: int) -> None:
    """One that left an hour ago."""
    post = worker.draft(author, 1)
    at = now() - timedelta(hours=1)
    with transaction() as session:
        sending = Sending(
            subject="x", message=b"", state="sent", planned_at=at, last_subscriber_id=0, candidates=candidates
        )
        session.add(sending)
        session.flush()
        session.add(Digest(post_id=post.id, state="sent", due_at=at, sending_id=sending.id))


def suppress_some(count: int) -> None:
    with transaction() as session:
        for address in session.execute(select(Subscriber.address).order_by(Subscriber.id).limit(count)).scalars().all():
            suppress(session, address, "a mistake")


def digest_of(post: Post) -> Digest:
    db.session.rollback()
    query = select(Digest).where(Digest.post_id == post.id)
    return db.session.execute(query, execution_options={"populate_existing": True}).scalar_one()


def words(html: str) -> str:
    return " ".join(BeautifulSoup(html, "lxml").select_one("main").text.split())  # type: ignore[union-attr]


def test_the_quick_count_says_what_the_slow_one_says(app: Flask) -> None:
    chance = random.Random(7)
    moments = [None, now() - timedelta(hours=1), now() + timedelta(hours=1)]
    with transaction() as session:
        for number in range(200):
            state = chance.choice(["pending", "confirmed", "confirmed", "unsubscribed"])
            address = f"{number}@x.test"
            session.add(
                Subscriber(address=address, state=state, confirmed_at=now(), paused_until=chance.choice(moments))
            )
            if chance.random() < 0.2:
                session.add(Suppression(address=address, reason="x"))
    assert outlook.count_audience(db.session()) == audience()


def test_what_changed_since_the_last_digest_adds_up(app: Flask, bob: Member) -> None:
    subscribers(30)
    last_digest(bob, 30)
    subscribers(5, joined_ago=timedelta(minutes=5))
    with transaction() as session:
        some = session.execute(select(Subscriber).order_by(Subscriber.id).limit(6)).scalars().all()
        for gone in some[:3]:
            gone.unsubscribe(now())
        suppress(session, some[3].address, "x")
        some[4].pause(now() + timedelta(days=3), now())
        session.delete(some[5])
    seen = outlook.look()
    assert seen.count == 29
    assert seen.changes == ["+5 joined", "−3 unsubscribed", "−1 suppressed", "−2 paused or erased"]
    assert not seen.asks


def test_a_large_change_is_asked_about_and_nothing_happens_before_the_answer(app: Flask, bob: Member) -> None:
    subscribers(60)
    last_digest(bob, 100)
    post = worker.draft(bob)
    for agreed in (None, 100):
        with pytest.raises(AudienceChanged, match="Last time 100 people got it; now 60 would: −40 paused or erased"):
            publishing.publish(post.id, post.version, bob.id, audience=agreed)
    assert db.session.get_one(Post, post.id).state == "draft"
    done = publishing.publish(post.id, post.version, bob.id, audience=61)
    assert (done.state, digest_of(post).audience_seen) == ("published", 60)


@pytest.mark.parametrize(
    ("before", "count", "asks"), [(100, 79, True), (100, 80, False), (10, 30, False), (0, 21, True)]
)
def test_a_share_and_more_than_a_few_make_a_large_change(app: Flask, before: int, count: int, asks: bool) -> None:
    assert outlook.changed_much(before, count) is asks


class TestNeverAsking:
    @pytest.fixture
    def chosen(self) -> dict[str, object]:
        return {"audience_change_percent": 0}

    def test_nothing_is_asked(self, app: Flask, bob: Member) -> None:
        subscribers(60)
        last_digest(bob, 1000)
        assert worker.publish_draft(bob).state == "published"


def test_the_page_explains_asks_and_keeps_what_was_chosen(
    app: Flask, alice: Member, bob: Member, log_in: LogIn
) -> None:
    subscribers(60)
    last_digest(bob, 100)
    post = worker.draft(bob, kind="article")
    editor = log_in(bob)
    seen = words(editor.get(f"/posts/{post.id}").text)
    assert "60 people get the digest." in seen
    assert "That is a large change." in seen
    form = {"version": str(post.version), "digest": "yes"}
    asked = editor.post(f"/posts/{post.id}/publication", data=form)
    page = BeautifulSoup(asked.text, "lxml")
    assert asked.status_code == 409
    assert "Nothing has been done yet" in words(asked.text)
    assert page.select_one("#send-digest[checked]") is not None
    again = page.select_one(".ask-again form")
    assert again is not None
    assert again.button is not None
    assert again.button.text == "Send it to 60 people"
    fields = {str(field["name"]): str(field["value"]) for field in again.select("input")}
    assert editor.post(str(again["action"]), data=fields).status_code == 303
    assert digest_of(post).state == "waiting"
    with transaction() as session:
        suppress(session, session.execute(select(Subscriber.address).limit(1)).scalar_one(), "x")
    link = BeautifulSoup(log_in(alice).get(f"/posts/{post.id}").text, "lxml").select_one(".reach a")
    assert link is not None
    assert (link.text, link["href"]) == ("1 suppressed", "/admin/subscribers?state=suppressed")


def test_the_command_line_asks_as_well(app: Flask, bob: Member, blogapp: Command) -> None:
    subscribers(60)
    last_digest(bob, 100)
    post = worker.draft(bob)
    with transaction() as session:
        session.execute(update(Member).values(role="admin"))
    refused = blogapp.refused(f"post publish {post.slug}")
    assert refused.endswith("Nothing was done. To go on, add --yes-audience 60")
    assert "Published" in blogapp(f"post publish {post.slug} --yes-audience 60").stdout


def test_a_mistake_while_it_waits_holds_the_digest_and_tells_the_author(app: Flask, bob: Member) -> None:
    subscribers(60)
    post = worker.publish_draft(bob)
    suppress_some(40)
    with transaction() as session:
        ago = now() - timedelta(minutes=20)
        session.execute(update(Digest).values(due_at=now(), audience_seen_at=ago))
        session.execute(update(Subscriber).values(confirmed_at=now() - timedelta(hours=2)))
    assert planning.begin_due(worker.ME) == 0
    digest = digest_of(post)
    assert digest.state == "held"
    assert digest.held_reason == "When it was published, 60 people would have got it; now 20 would: −40 suppressed."
    mail = db.session.execute(select(OutboxMail)).scalar_one()
    assert (mail.purpose, mail.recipient) == ("digest-audience", bob.email)
    with pytest.raises(AudienceChanged):
        holding.send_now(digest.id, bob.id)
    holding.send_now(digest.id, bob.id, audience=20)
    assert planning.begin_due(worker.ME) == 1
    worker.send_all()
    assert db.session.execute(select(Batch.candidates)).scalar() == 20


def test_what_takes_long_to_count_is_kept_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 29.0, 31.0, 31.0])
    monkeypatch.setattr(outlook, "seconds", lambda: next(clock))
    made: list[int] = []
    kept = outlook._Kept()

    def make() -> outlook.Outlook:
        made.append(1)
        return outlook.Outlook(Audience(100_000 + len(made), {}))

    assert [kept.get(None, make).count for _ in range(3)] == [100_001, 100_001, 100_002]
