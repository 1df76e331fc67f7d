"""Publishing later: by a write of the worker, once, and by the rule of publishing by hand."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.errors import Conflict, Invalid
from blogapp.core.site import site_version
from blogapp.digest import scheduling
from blogapp.digest.models import Digest, Schedule
from blogapp.digest.publishing import delete, publish, withdraw
from blogapp.digest.scheduling import publish_due, schedule, schedule_of
from blogapp.porting.archive import stilling
from blogapp.posts.circles import Circle
from blogapp.posts.contributing import Woven, add_section, prepare
from blogapp.posts.models import Post
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post, save_post
from tests import pages, posts, readers
from tests.mailbox import outbox

LogIn = Callable[[Member], FlaskClient]
FRIDAY = datetime(2026, 11, 27, 16, 0, tzinfo=UTC)


@pytest.fixture
def post(app: Flask, bob: Member) -> Post:
    return create_post("week", "", "We shipped.", bob.id, weeks=Weeks(473, 473))


def fresh(post: Post) -> Post:
    db.session.rollback()
    return db.session.get_one(Post, post.id, populate_existing=True)


def digests() -> list[str]:
    db.session.rollback()
    return list(db.session.execute(select(Digest.state)).scalars())


def plan(post: Post, by: Member, **given: Any) -> datetime:
    at = now() + timedelta(hours=2)
    schedule(post.id, post.version, by.id, at, **{"with_digest": True} | given)
    return at


def test_it_is_published_once_by_a_write_of_the_worker_and_by_nothing_else(
    app: Flask, reader: FlaskClient, post: Post, bob: Member
) -> None:
    at = plan(post, bob)
    assert publish_due() == 0
    assert save_post(post.id, post.version, bob.id, title="", body="We shipped late.").state == "draft"
    # The worker was down for two days, and the reader sees nothing of it by the clock alone.
    with time_machine.travel(at + timedelta(days=2)):
        assert reader.get("/week-473").status_code == 404
        before = site_version()
        db.session.rollback()
        assert publish_due() == 1
        assert publish_due() == 0
        assert "We shipped late." in reader.get("/week-473").text
    assert site_version() != before
    assert fresh(post).published_at is not None
    assert fresh(post).published_at >= at  # type: ignore[operator]
    assert digests() == ["waiting"]
    assert schedule_of(post.id) is None


def test_two_workers_publish_it_once(app: Flask, post: Post, bob: Member) -> None:
    plan(post, bob, with_digest=False)
    with transaction() as session:
        session.get_one(Schedule, post.id).publish_at = now() - timedelta(minutes=1)
    begin, done = threading.Barrier(2), []

    def work() -> None:
        with app.app_context():
            begin.wait()
            done.append(publish_due())

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [0, 1]
    assert fresh(post).state == "published"
    assert digests() == []


def test_what_is_done_by_hand_takes_the_plan_away(app: Flask, post: Post, bob: Member) -> None:
    plan(post, bob)
    publish(post.id, fresh(post).version, bob.id, with_digest=False)
    assert schedule_of(post.id) is None
    with pytest.raises(Conflict, match="published already"):
        plan(fresh(post), bob)
    withdraw(post.id, fresh(post).version, bob.id)
    plan(fresh(post), bob)
    delete(post.id, fresh(post).version, bob.id)
    assert db.session.execute(select(Schedule)).all() == []


@pytest.mark.parametrize("ago", [timedelta(seconds=1), timedelta(days=-400)])
def test_a_moment_that_has_passed_or_is_far_away_is_refused(post: Post, bob: Member, ago: timedelta) -> None:
    with pytest.raises(Invalid):
        schedule(post.id, post.version, bob.id, now() - ago, with_digest=True)


def _empty(post: Post, _: Member) -> None:
    save_post(post.id, post.version, post.author_id, title="", body="")


def _gone(_: Post, by: Member) -> None:
    with transaction() as session:
        session.get_one(Member, by.id).active = False


def _crowd(post: Post, by: Member) -> None:
    with transaction() as session:
        at = now() - timedelta(hours=1)
        session.add(Digest(post_id=post.id, state="withdrawn", due_at=at, audience_seen=100, audience_seen_at=at))


@pytest.mark.parametrize(
    ("befalls", "why"),
    [(_empty, "nothing to read yet"), (_gone, "does not allow this"), (_crowd, "100 people would have got it")],
)
def test_what_cannot_be_published_stays_a_draft_and_its_author_is_told_once(
    app: Flask, post: Post, bob: Member, alice: Member, log_in: LogIn, befalls: Callable[[Post, Member], None], why: str
) -> None:
    readers.subscriber("ann@reader.test")
    by = bob if befalls is _empty else alice
    at = plan(post, by)
    befalls(post, by)
    with time_machine.travel(at):
        assert publish_due() == publish_due() == 0
        told = pages.text(log_in(bob).get(f"/posts/{post.id}"), "main")
    assert fresh(post).state == "draft"
    (mail,) = outbox("bob@blog.test")
    assert mail.subject == "Week 473 was not published"
    assert why in " ".join(mail.text.split())
    assert "because it is your post." in mail.text
    # Whoever planned it is told, too, while they are of the team.
    assert ["because you planned it." in told.text for told in outbox("alice@blog.test")] == [True] * (
        befalls is _crowd
    )
    assert "It was to be published today at" in told
    assert why in told
    # Another time, and it is published as if nothing had been.
    save_post(post.id, fresh(post).version, bob.id, title="", body="We shipped.")
    later = plan(fresh(post), bob, with_digest=False)
    with time_machine.travel(later):
        assert publish_due() == 1


@time_machine.travel(FRIDAY - timedelta(days=2), tick=False)
def test_the_page_and_the_desk_say_when_and_what_was_typed_stays(
    app: Flask, post: Post, bob: Member, log_in: LogIn
) -> None:
    client = log_in(bob)
    form = {"version": str(post.version), "day": "2026-11-27", "clock": "16:00"}
    wrong = client.post(f"/posts/{post.id}/schedule", data={**form, "day": "2026-03-29", "clock": "01:30"})
    assert wrong.status_code == 422
    assert "There is no 01:30 on that day: the clocks go forward." in wrong.text
    assert pages.soup(wrong).select_one("#clock")["value"] == "01:30"  # type: ignore[index]
    assert client.post(f"/posts/{post.id}/schedule", data={**form, "version": "9"}).status_code == 409
    twice = client.post(
        f"/posts/{post.id}/schedule", data={**form, "day": "2027-10-31", "clock": "01:30"}, follow_redirects=True
    )
    assert "it comes twice. The first one is meant." in twice.text
    told = pages.text(client.post(f"/posts/{post.id}/schedule", data=form, follow_redirects=True), "main")
    assert "Leaves for the site on Friday at 16:00" in told
    assert "without a digest, as Bob Barker said" in told
    assert "leaves for the site on Friday at 16:00" in pages.text(client.get("/write"), ".posts")
    told = pages.text(client.post(f"/posts/{post.id}/schedule/removal", follow_redirects=True), "main")
    assert "Draft since" in told


def test_what_members_added_is_woven_in_and_a_note_for_members_sends_nothing(
    app: Flask, post: Post, bob: Member, erin: Member
) -> None:
    readers.subscriber("ann@reader.test")
    posts.article(erin, "boats", body="[x][rope]\n\n[rope]: https://rope.test/")
    add_section(post.id, erin.id, title="Boats", body="With [rope][].")
    inside = create_post("week", "", "Among us.", bob.id, weeks=Weeks(474, 474))
    inside = save_post(inside.id, inside.version, bob.id, title="", body="Among us.", readers=Circle("members"))
    at = plan(fresh(post), bob)
    plan(inside, bob)
    with time_machine.travel(at + timedelta(minutes=1)):
        assert publish_due() == 2
    assert "## Boats" in fresh(post).body
    assert fresh(post).frozen == {"rope": "https://rope.test/"}
    assert (fresh(inside).state, digests()) == ("published", ["waiting"])


def test_one_post_s_trouble_is_none_of_the_others(
    app: Flask, post: Post, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = create_post("article", "Other", "Some words.", bob.id)
    at = plan(post, bob)
    plan(other, bob)

    def stumble(post_id: int) -> Woven:
        if post_id == post.id:
            raise RuntimeError("a bug")
        return prepare(post_id)

    monkeypatch.setattr(scheduling, "prepare", stumble)
    with time_machine.travel(at + timedelta(minutes=1)):
        assert (publish_due(), publish_due()) == (1, 0)
    assert (fresh(post).state, fresh(other).state) == ("draft", "published")
    assert "Something went wrong" in outbox("bob@blog.test")[0].text


def test_a_copy_of_the_site_publishes_nothing_by_itself(app: Flask, post: Post, bob: Member) -> None:
    at = plan(post, bob)
    with transaction() as session:
        session.execute(text(stilling.STOP_SCHEDULES), {"why": stilling.WHY_STOPPED})
    with time_machine.travel(at + timedelta(minutes=1)):
        assert publish_due() == 0
    stopped = schedule_of(post.id)
    assert stopped is not None
    assert stopped.why == stilling.WHY_STOPPED
