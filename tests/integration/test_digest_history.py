"""Which digests somebody was sent and what was answered, how the digests fared, and the page that says whether mail
leaves. Nothing of it needs a pixel or a changed link."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import db, transaction
from blogapp.core.heartbeat import beat
from blogapp.delivery.models import OutboxMail
from blogapp.digest import holding, planning
from blogapp.digest.figures import figures_of, recent
from blogapp.digest.history import history
from blogapp.digest.models import Batch, Digest, Sending, SendingException
from blogapp.subscribing.models import Subscriber
from blogapp.subscribing.privacy import data_held
from blogapp.subscribing.subscribers import unsubscribe
from tests import readers, worker
from tests.sink import Sink

LogIn = Callable[[Member], FlaskClient]
ANSWERS = {"r1": "550 5.7.1 not wanted here", "r2": "452 4.2.2 mailbox full"}


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with Sink(refuse=lambda recipient: ANSWERS.get(recipient.partition("@")[0], "")) as sink:
        yield sink


@pytest.fixture
def chosen(sink: Sink) -> dict[str, object]:
    return {"smtp_url": sink.url}


@pytest.fixture
def ids(app: Flask, bob: Member) -> dict[str, int]:
    """Five readers who have been sent week 7: one refused, one to be tried again, one who left meanwhile."""
    worker.many_subscribers(5)
    found = {
        address.partition("@")[0]: number
        for number, address in db.session.execute(select(Subscriber.id, Subscriber.address))
    }
    worker.publish_draft(bob)
    assert planning.begin_due(worker.ME) == 1
    number = db.session.execute(select(Sending.id)).scalar_one()
    planning.plan(number)
    unsubscribe(found["r3"], "page")
    worker.send_all()
    return found


def whats(subscriber_id: int, **given: Any) -> list[str]:
    db.session.rollback()
    return [event.what for event in history(subscriber_id, **given)]


def text_of(html: str, place: str = "main") -> str:
    return " ".join(BeautifulSoup(html, "lxml").select_one(place).text.split())  # type: ignore[union-attr]


def test_each_reader_has_what_became_of_their_mail(app: Flask, ids: dict[str, int]) -> None:
    latecomer = readers.subscriber("late@reader.test")
    assert {name: whats(number) for name, number in ids.items()} == {
        "r1": ["refused"], "r2": ["deferred"], "r3": ["skipped"], "r4": ["taken"], "r5": ["taken"],
    }  # fmt: skip
    assert whats(latecomer) == []
    refused, deferred, skipped = (history(ids[name])[0] for name in ("r1", "r2", "r3"))
    assert (refused.title, refused.words) == ("Week 7", "550 5.7.1 not wanted here")
    assert (deferred.again_at or now()) > now()
    assert (skipped.words, skipped.again_at) == ("unsubscribed", None)


def test_what_has_not_been_tried_yet_waits_and_a_later_yes_counts(app: Flask, ids: dict[str, int], bob: Member) -> None:
    with transaction() as session:
        session.execute(update(SendingException).where(SendingException.state == "deferred").values(state="accepted"))
    worker.publish_draft(bob, 8)
    planning.begin_due(worker.ME)
    planning.plan_some(9)
    assert whats(ids["r2"]) == ["waiting", "taken"]


def test_the_newest_come_first_a_page_at_a_time(app: Flask, ids: dict[str, int]) -> None:
    with transaction() as session:
        for number in range(210):  # More than are looked at in one query.
            sending = Sending(
                subject=f"n{number}", message=b"", state="sent", planned_at=now(), last_subscriber_id=9, candidates=1
            )
            session.add(sending)
            session.flush()
            bits = b"\xff" if number % 50 == 0 else b"\x00"
            session.add(Batch(sending_id=sending.id, lo=1, hi=8, state="done", planned=bits, accepted=bits))
    first = history(ids["r4"], limit=3)
    assert [event.title for event in first] == ["n200", "n150", "n100"]
    rest = history(ids["r4"], before=first[-1].sending_id, limit=25)
    assert [event.title for event in rest] == ["n50", "n0", "Week 7"]


def test_admins_and_the_readers_themselves_see_it_and_that_nothing_is_tracked(
    app: Flask, ids: dict[str, int], alice: Member, log_in: LogIn, reader: FlaskClient
) -> None:
    page = text_of(log_in(alice).get(f"/admin/subscribers/{ids['r1']}").text)
    assert "Week 7 refused: 550 5.7.1 not wanted here" in page
    assert "no pixel is in a digest" in page
    own = text_of(reader.get(readers.preferences(ids["r1"])).text)
    assert "Week 7, refused: 550 5.7.1 not wanted here" in own
    assert "is not tracked" in own
    held = json.loads(reader.get(readers.preferences(ids["r4"], "/data.json")).text)
    assert [(one["title"], one["what"]) for one in held["digests"]] == [("Week 7", "taken")]
    assert data_held(ids["r2"])["digests"][0]["words"] == "452 4.2.2 mailbox full"


def test_a_digest_has_figures_and_who_leaves_counts_for_the_one_before(
    app: Flask, ids: dict[str, int], bob: Member
) -> None:
    with transaction() as session:
        session.execute(update(Sending).values(planned_at=now() - timedelta(days=20)))
        session.execute(
            update(Subscriber).where(Subscriber.id == ids["r3"]).values(unsubscribed_at=now() - timedelta(days=18))
        )
        for name, days in (("r4", 12), ("r5", 1)):  # A week later nobody knows why.
            gone = update(Subscriber).where(Subscriber.id == ids[name])
            session.execute(gone.values(state="unsubscribed", unsubscribed_at=now() - timedelta(days=days)))
    (one,) = recent()
    assert (one.candidates, one.taken, one.refused, one.skipped, one.bounced, one.left) == (5, 2, 1, 1, 0, 1)
    assert one.week_over
    digest_id = db.session.execute(select(Digest.id)).scalar_one()
    assert figures_of(digest_id) == one


def test_of_one_that_is_over_everybody_is_accounted_for(app: Flask, ids: dict[str, int]) -> None:
    ANSWERS.pop("r2")
    try:
        worker.let_time_pass()
        worker.send_all()
    finally:
        ANSWERS["r2"] = "452 4.2.2 mailbox full"
    (one,) = recent()
    assert (one.state, one.taken, one.taken + one.refused + one.skipped) == ("sent", 3, one.candidates)


class TestTheMailPage:
    @pytest.fixture
    def look(self, app: Flask, alice: Member, log_in: LogIn) -> Callable[[], str]:
        client = log_in(alice)
        return lambda: text_of(client.get("/admin/mail").text)

    def test_it_says_that_nothing_has_left_and_where_it_would_go(self, look: Callable[[], str], sink: Sink) -> None:
        seen = look()
        assert "No worker is running, so no mail leaves." in seen
        assert "No digest has left yet." in seen
        assert f"127.0.0.1, port {sink.server_address[1]}: not encrypted" in seen

    def test_it_does_not_say_that_mail_leaves_where_a_copy_holds_it(self, look: Callable[[], str]) -> None:
        beat("worker:here:1", "the data folder is a copy of another one")
        seen = look()
        assert "The worker on here holds all mail: the data folder is a copy of another one." in seen
        assert "blogapp resume-sending" in seen
        assert "Mail leaves." not in seen

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({}, ("none by this site", "go unheard")),
            ({"bounce_address": "back@blog.test", "dkim_keys": ("one:dkim/one.pem",)},
             ("DKIM for blog.test, with one", "come back to back@blog.test")),
        ],
    )  # fmt: skip
    def test_it_says_how_mail_is_signed_and_where_bounces_go(
        self, app: Flask, look: Callable[[], str], monkeypatch: pytest.MonkeyPatch, given: Any, said: tuple[str, ...]
    ) -> None:
        monkeypatch.setattr("blogapp.admin.mail.settings", lambda: replace(settings(), **given))
        seen = look()
        assert all(words in seen for words in said)

    def test_it_says_what_waits_and_why(self, look: Callable[[], str], ids: dict[str, int], bob: Member) -> None:
        beat("worker:here:1")
        held = worker.publish_draft(bob, 9)
        digest_id = db.session.execute(select(Digest.id).where(Digest.post_id == held.id)).scalar_one()
        holding.hold(digest_id, bob.id)
        with transaction() as session:
            session.execute(update(Sending).values(state="paused", pause_reason="the relay is away", paused_at=now()))
            session.add(OutboxMail(purpose="x", recipient="a@b.test", subject="x", message=b"x", reply="450 later"))
        seen = look()
        assert "The mail server cannot be used just now." in seen
        assert "4 of 5 are done. The relay is away. It goes on when somebody says so." in seen
        assert "Week 9 held It leaves when somebody sends it." in seen
        assert "The oldest was told: 450 later" in seen

    def test_it_shows_editions_and_catch_ups_and_lets_these_go_on(
        self, look: Callable[[], str], app: Flask, ids: dict[str, int], alice: Member, log_in: LogIn
    ) -> None:
        beat("worker:here:1")
        at_rest = {
            "message": b"",
            "last_subscriber_id": 9,
            "planned_to": 9,
            "state": "paused",
            "pause_reason": "restored",
        }
        with transaction() as session:
            main = session.execute(select(Sending)).scalar_one()
            main.state = "sent"
            catch_up = Sending(subject="Weeks 1 to 3", kind="catch-up", candidates=7, **at_rest)
            session.add_all([catch_up, Sending(subject="x", main_id=main.id, candidates=2, **at_rest)])
        seen = look()
        assert "4 of 7 are done. Restored." in seen, "the digest leaves until its editions have left"
        assert "Weeks 1 to 3 (once a month) paused 0 of 7 are done. Restored. It goes on when somebody says so." in seen
        assert seen.count("Try again now") == 1
        assert [one.state for one in recent()] == ["paused"]
        client = log_in(alice)
        assert client.post(f"/admin/mail/{catch_up.id}/resume").status_code == 303
        db.session.rollback()
        assert db.session.get_one(Sending, catch_up.id).resume_at is not None
        assert client.post("/admin/mail/999/resume").status_code == 404

    def test_it_shows_how_the_digests_fared_and_no_password(self, look: Callable[[], str], ids: dict[str, int]) -> None:
        beat("worker:here:1")
        seen = look()
        assert "Mail leaves." in seen
        assert "2 1 1 0 1 so far" in seen
        assert "Nobody is tracked" in seen


class TestAPassword:
    @pytest.fixture
    def chosen(self) -> dict[str, object]:
        return {"smtp_url": "smtps://blog:sesame@mail.example.org"}

    def test_is_never_shown(self, app: Flask, alice: Member, log_in: LogIn) -> None:
        seen = log_in(alice).get("/admin/mail").text
        assert "mail.example.org, port 465" in seen
        assert "sesame" not in seen
