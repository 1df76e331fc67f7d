"""The page about a post: publishing, the digest's fate, withdrawing, deleting, revisions."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.heartbeat import beat
from blogapp.delivery.models import OutboxMail
from blogapp.digest.models import Batch, Digest, Sending, SendingException
from blogapp.digest.publishing import delete, publish, withdraw
from blogapp.posts.models import Post
from blogapp.posts.queries import list_revisions
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post, save_post
from blogapp.subscribing.models import Subscriber

LogIn = Callable[[Member], FlaskClient]


@pytest.fixture
def chosen() -> dict[str, object]:
    return {"digest_hold_seconds": 900}


@pytest.fixture
def post(app: Flask, bob: Member) -> Post:
    return create_post("week", "", "We shipped.", bob.id, weeks=Weeks(473, 473))


@pytest.fixture
def subscribers(app: Flask) -> None:
    with transaction() as session:
        for number in range(3):
            session.add(Subscriber(address=f"r{number}@x.test", state="confirmed", confirmed_at=now()))
        session.add(
            Subscriber(address="p@x.test", state="confirmed", confirmed_at=now(), paused_until=now() + timedelta(9))
        )
        session.add(Subscriber(address="n@x.test", state="pending"))


def fresh(post: Post) -> Post:
    db.session.rollback()
    return db.session.get_one(Post, post.id, populate_existing=True)


def digest_of(post: Post) -> Digest | None:
    db.session.rollback()
    query = select(Digest).where(Digest.post_id == post.id)
    return db.session.execute(query, execution_options={"populate_existing": True}).scalar_one_or_none()


def look(client: FlaskClient, post: Post) -> str:
    response = client.get(f"/posts/{post.id}")
    assert response.status_code == 200
    return " ".join(BeautifulSoup(response.text, "lxml").select_one("main").text.split())  # type: ignore[union-attr]


def acts(client: FlaskClient, post: Post) -> set[str]:
    """What the buttons of the page say."""
    page = BeautifulSoup(client.get(f"/posts/{post.id}").text, "lxml")
    return {button.text for button in page.select("main button")} | {link.text for link in page.select("main a.button")}


def act(client: FlaskClient, post: Post, path: str, **data: str) -> str:
    response = client.post(f"/posts/{post.id}/{path}", data=data, follow_redirects=True)
    assert response.status_code == 200, response.text
    assert response.request.path == f"/posts/{post.id}"
    return " ".join(BeautifulSoup(response.text, "lxml").text.split())


def test_before_publishing_it_is_said_how_many_get_the_digest(
    post: Post, subscribers: None, bob: Member, log_in: LogIn
) -> None:
    told = look(log_in(bob), post)
    assert "3 people get the digest." in told
    assert "Left out: 1 not confirmed, 1 paused." in told
    assert "It leaves 15 minutes later; until then it can be held or cancelled." in told


def test_publishing_with_the_tick_arms_the_digest_and_without_it_none_leaves(
    post: Post, bob: Member, log_in: LogIn
) -> None:
    client = log_in(bob)
    told = act(client, post, "publication", version="1", digest="yes")
    assert "Published." in told
    assert "The digest leaves at" in told
    digest = digest_of(post)
    assert digest is not None
    assert digest.state == "waiting"
    other = create_post("week", "", "x", bob.id, weeks=Weeks(474, 474))
    act(client, other, "publication", version="1")
    assert fresh(other).state == "published"
    assert digest_of(other) is None


@pytest.mark.parametrize(("kind", "ticked"), [("week", True), ("article", False)])
def test_the_tick_is_set_by_kind(app: Flask, bob: Member, log_in: LogIn, kind: str, ticked: bool) -> None:
    post = create_post(kind, "T", "x", bob.id, weeks=Weeks(473, 473))
    page = BeautifulSoup(log_in(bob).get(f"/posts/{post.id}").text, "lxml")
    tick = page.select_one("#send-digest")
    assert tick is not None
    assert tick.has_attr("checked") is ticked


@pytest.mark.parametrize("digest", [True, False])
def test_published_again_the_tick_is_set_only_where_the_withdrawal_stopped_a_digest(
    post: Post, bob: Member, log_in: LogIn, digest: bool
) -> None:
    publish(post.id, 1, bob.id, with_digest=digest)
    withdraw(post.id, 2, bob.id)
    tick = BeautifulSoup(log_in(bob).get(f"/posts/{post.id}").text, "lxml").select_one("#send-digest")
    assert tick is not None
    assert tick.has_attr("checked") is digest


def test_an_old_page_publishes_nothing_and_says_why(post: Post, bob: Member, erin: Member, log_in: LogIn) -> None:
    save_post(post.id, 1, erin.id, title="", body="Changed meanwhile.")
    for version in ("1", "", "x"):
        response = log_in(bob).post(f"/posts/{post.id}/publication", data={"version": version})
        assert response.status_code == 409
        assert "Somebody else saved this post in the meantime" in response.text
    assert fresh(post).state == "draft"


def test_an_empty_post_is_not_published_and_a_forgotten_comment_is_pointed_out(
    app: Flask, bob: Member, log_in: LogIn
) -> None:
    client = log_in(bob)
    empty = create_post("article", "Empty", "", bob.id)
    assert "There is no text yet" in look(client, empty)
    assert client.post(f"/posts/{empty.id}/publication", data={"version": "1"}).status_code == 422
    forgotten = create_post("article", "Forgotten", "Intro\n\n<!-- add content here -->", bob.id)
    assert "A placeholder is left." in look(client, forgotten)
    assert "Publish all the same" in acts(client, forgotten)


# What every member is offered on a draft.
TAKING_PART = {"Add the section", "Leave the note", "Looks good"}
OFFERED = {"Edit", "Publish", "Publish it then", "Make a link", "Send me a test copy", "Delete it"}


@pytest.mark.parametrize(
    ("who", "offered"),
    [
        ("alice", OFFERED),
        ("erin", OFFERED),
        ("bob", OFFERED),
        ("carol", set()),
    ],
)
def test_a_button_that_one_may_not_use_is_not_shown(
    post: Post, log_in: LogIn, request: pytest.FixtureRequest, who: str, offered: set[str]
) -> None:
    assert acts(log_in(request.getfixturevalue(who)), post) == offered | TAKING_PART


def test_a_contributor_is_told_who_publishes_and_cannot(app: Flask, carol: Member, log_in: LogIn) -> None:
    own = create_post("article", "Mine", "x", carol.id)
    client = log_in(carol)
    assert acts(client, own) == TAKING_PART | {"Edit", "Make a link", "Send me a test copy", "Delete it"}
    assert "An editor or an admin can publish it" in look(client, own)
    assert client.post(f"/posts/{own.id}/publication", data={"version": "1"}).status_code == 403
    assert fresh(own).state == "draft"


def test_the_digest_is_held_cancelled_and_sent_from_the_page(post: Post, bob: Member, log_in: LogIn) -> None:
    publish(post.id, 1, bob.id)
    client = log_in(bob)
    assert {"Send it now", "Hold it", "Cancel it"} <= acts(client, post)
    assert "The digest is held." in act(client, post, "digest/hold")
    assert {"Send it now", "Cancel it"} <= acts(client, post)
    assert "no mail leaves" in act(client, post, "digest/cancel")
    assert {"Send it now", "Hold it"} <= acts(client, post)
    told = act(client, post, "digest/send")
    assert "The digest is about to leave." in told
    assert "No worker is running" in told
    beat("worker:here:1")
    assert "No worker is running" not in look(client, post)
    digest = digest_of(post)
    assert digest is not None
    assert digest.due_at <= now()
    response = client.post(f"/posts/{post.id}/digest/resume")
    assert response.status_code == 409
    assert "has not begun to leave" in response.text


def test_only_who_controls_the_digest_is_offered_that(post: Post, bob: Member, carol: Member, log_in: LogIn) -> None:
    publish(post.id, 1, bob.id)
    client = log_in(carol)
    assert acts(client, post) == set()
    for path in ("digest/hold", "digest/cancel", "digest/send", "digest/resume", "digest/doubts", "withdrawal"):
        assert client.post(f"/posts/{post.id}/{path}", data={"version": "2"}).status_code == 403
    digest = digest_of(post)
    assert digest is not None
    assert digest.state == "waiting"


def begin_sending(post: Post, state: str = "sending", **given: object) -> None:
    """Let the digest be on its way: 100 readers, 40 taken, 2 refused, 1 skipped, 1 in doubt for a person."""
    with transaction() as session:
        sending = Sending(subject="s", message=b"", state=state, last_subscriber_id=100, candidates=100, **given)
        session.add(sending)
        session.flush()
        batch = Batch(sending_id=sending.id, lo=1, hi=100, state="done", candidates=100, accepted_count=40, planned=b"")
        session.add(batch)
        session.flush()
        for number, (kind, reply) in enumerate(
            [
                ("refused", "550 no such user"),
                ("refused", "550 no such user"),
                ("skipped", "unsubscribed"),
                ("in_doubt", ""),
            ]
        ):
            session.add(
                SendingException(
                    sending_id=sending.id, subscriber_id=60 + number, batch_id=batch.id, state=kind, reply=reply
                )
            )
        digest = session.execute(select(Digest).where(Digest.post_id == post.id)).scalar_one()
        digest.sending_id, digest.state = sending.id, "sending" if state != "sent" else "sent"


def test_a_digest_on_its_way_is_watched_with_and_without_javascript(post: Post, bob: Member, log_in: LogIn) -> None:
    publish(post.id, 1, bob.id)
    begin_sending(post)
    client = log_in(bob)
    page = client.get(f"/posts/{post.id}").text
    soup = BeautifulSoup(page, "html.parser")
    bar = soup.select_one("progress")
    assert bar is not None
    assert (bar["value"], bar["max"]) == ("44", "100")
    assert '<noscript><meta http-equiv="refresh"' in page
    assert "progress.js" in page
    assert "550 no such user" in page
    assert client.get(f"/posts/{post.id}/digest/progress").get_json() == {
        "state": "sending",
        "line": "44 of 100 are done.",
        "details": [
            "40 taken by the mail server",
            "2 refused",
            "1 skipped",
            "1 in doubt: the connection broke after the mail was handed over",
        ],
        "done": 44,
        "total": 100,
        "live": True,
    }
    assert "Send it now" not in page


def test_a_post_without_a_digest_has_no_progress(post: Post, bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    assert client.get(f"/posts/{post.id}/digest/progress", headers={"Accept": "application/json"}).status_code == 404
    assert client.post(f"/posts/{post.id}/digest/hold").status_code == 404


def test_a_paused_digest_says_why_and_can_be_tried_again_now(post: Post, bob: Member, log_in: LogIn) -> None:
    publish(post.id, 1, bob.id)
    begin_sending(post, "paused", pause_reason="the mail server refuses our password", resume_at=now() + timedelta(9))
    client = log_in(bob)
    assert "the mail server refuses our password" in look(client, post)
    assert "The mail server is tried again now." in act(client, post, "digest/resume")
    assert db.session.execute(select(Sending.resume_at)).scalar_one() <= now()  # type: ignore[operator]


@pytest.mark.parametrize(("choice", "state"), [("yes", "in_doubt"), ("no", "accepted")])
def test_mails_in_doubt_are_decided_by_a_person(
    post: Post, bob: Member, log_in: LogIn, choice: str, state: str
) -> None:
    publish(post.id, 1, bob.id)
    begin_sending(post, "sent", sent_at=now())
    client = log_in(bob)
    assert {"Send them again", "Count them as sent"} <= acts(client, post)
    act(client, post, "digest/doubts", resend=choice)
    query = select(SendingException.state, SendingException.due_at).where(SendingException.subscriber_id == 63)
    row = db.session.execute(query).one()
    assert row.state == state
    assert (row.due_at is not None) is (choice == "yes")


def test_a_sent_digest_says_to_how_many_and_publishing_again_sends_nothing(
    post: Post, bob: Member, log_in: LogIn
) -> None:
    publish(post.id, 1, bob.id)
    begin_sending(post, "sent", sent_at=now())
    client = log_in(bob)
    assert "The digest was sent to 40 people" in look(client, post)
    withdraw(post.id, 2, bob.id)
    told = look(client, post)
    assert "Its digest has left already, to 40 people. Publishing it again sends nothing." in told
    assert "Publish again" in acts(client, post)
    act(client, post, "publication", version="3", digest="yes")
    digest = digest_of(post)
    assert digest is not None
    assert digest.state == "sent"


def test_the_digest_is_read_before_it_leaves_in_a_frame_that_can_do_nothing(
    post: Post, subscribers: None, bob: Member, carol: Member, log_in: LogIn
) -> None:
    client = log_in(carol)
    page = BeautifulSoup(client.get(f"/posts/{post.id}/digest").text, "lxml")
    frame = page.select_one("iframe")
    assert frame is not None
    assert frame["sandbox"] == ["allow-popups", "allow-popups-to-escape-sandbox"]
    assert "We shipped." in page.select_one("pre.mail").text  # type: ignore[union-attr]
    assert "3 people would get it now" in page.text
    response = client.get(str(frame["src"]))
    assert "We shipped." in response.text
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "frame-ancestors 'self'" in policy
    assert "script" not in policy
    assert response.headers["Cache-Control"] == "private, no-store"


def test_a_test_copy_goes_to_the_one_who_asks_and_to_nobody_else(
    post: Post, subscribers: None, bob: Member, carol: Member, log_in: LogIn
) -> None:
    assert "A test copy is on its way to bob@blog.test." in act(log_in(bob), post, "digest/test")
    mails = db.session.execute(select(OutboxMail.recipient, OutboxMail.purpose)).all()
    assert [tuple(mail) for mail in mails] == [("bob@blog.test", "test-copy")]
    assert log_in(carol).post(f"/posts/{post.id}/digest/test").status_code == 403


def test_withdrawing_and_deleting_say_what_will_happen_and_are_undone(post: Post, bob: Member, log_in: LogIn) -> None:
    publish(post.id, 1, bob.id)
    client = log_in(bob)
    told = look(client, post)
    assert "its address is a 404. Its digest, which has not left, does not leave." in told
    assert "It stays on the desk, under “Deleted”, for 30 days" in told
    act(client, post, "withdrawal", version="2")
    assert fresh(post).is_withdrawn
    act(client, post, "publication", version="3", digest="yes")
    act(client, post, "deletion", version="4")
    assert fresh(post).deleted_at is not None
    assert acts(client, post) == {"Bring it back"}
    assert "It is back, as a draft." in act(client, post, "restoration")
    assert fresh(post).deleted_at is None


def test_a_deleted_post_whose_week_is_written_anew_does_not_come_back_and_leads_to_that(
    post: Post, bob: Member, log_in: LogIn
) -> None:
    delete(post.id, 1, bob.id)
    other = create_post("week", "", "x", bob.id, weeks=Weeks(473, 473))
    response = log_in(bob).post(f"/posts/{post.id}/restoration")
    assert response.status_code == 422
    assert f'href="/posts/{other.id}"' in response.text


def test_two_revisions_are_compared_word_by_word(post: Post, bob: Member, erin: Member, log_in: LogIn) -> None:
    save_post(post.id, 1, erin.id, title="", body="We shipped it.")
    save_post(post.id, 2, bob.id, title="Week 473, again", body="We sold it.")
    client = log_in(bob)
    page = BeautifulSoup(client.get(f"/posts/{post.id}/revisions").text, "lxml")
    assert [tag.text for tag in page.select(".beside del, .beside ins")] == ["shipped", "sold"]
    assert "Week 473, again" in page.select_one("section p ins").text  # type: ignore[union-attr]
    page = BeautifulSoup(client.get(f"/posts/{post.id}/revisions?old=1&new=2").text, "lxml")
    assert [tag.text for tag in page.select(".beside ins")] == [" it"]
    for query in ("old=2&new=2", "old=9&new=x", "old=1&new=99999999999999"):
        assert client.get(f"/posts/{post.id}/revisions?{query}").status_code == 200


def test_a_revision_is_looked_at_and_brought_back(
    post: Post, bob: Member, erin: Member, carol: Member, log_in: LogIn
) -> None:
    save_post(post.id, 1, erin.id, title="", body="Erin's **version**.")
    client = log_in(bob)
    page = client.get(f"/posts/{post.id}/revisions/1").text
    assert "Go back to this revision" in page
    assert "Go back to this revision" not in client.get(f"/posts/{post.id}/revisions/2").text
    assert "<strong>version</strong>" in client.get(f"/posts/{post.id}/revisions/2").text
    assert "Go back to this revision" not in log_in(carol).get(f"/posts/{post.id}/revisions/1").text
    told = act(client, post, "revisions/1/restoration", version="2")
    assert "Revision 1 is back, as the newest." in told
    assert [r.body for r in list_revisions(post.id)] == ["We shipped.", "Erin's **version**.", "We shipped."]
    assert client.post(f"/posts/{post.id}/revisions/1/restoration", data={"version": "2"}).status_code == 409
    assert log_in(carol).post(f"/posts/{post.id}/revisions/1/restoration", data={"version": "3"}).status_code == 403


def test_what_was_published_without_a_digest_can_be_sent_as_one_later(post: Post, bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    assert "Not ticked: nobody gets a mail." in look(client, post)
    assert "Published without a digest." in act(client, post, "publication", version="1")
    assert "The digest leaves at" in act(client, post, "digest/arm")
    digest = digest_of(post)
    assert digest is not None
    assert digest.state == "waiting"
    assert client.post(f"/posts/{post.id}/digest/arm").status_code == 409


def test_only_what_was_public_is_called_published(post: Post, bob: Member, erin: Member) -> None:
    save_post(post.id, 1, erin.id, title="", body="Better.")
    publish(post.id, 2, bob.id)
    assert [revision.was_published for revision in list_revisions(post.id)] == [True, False]


def test_a_digest_that_has_left_is_not_said_to_leave_again(post: Post, bob: Member, log_in: LogIn) -> None:
    publish(post.id, 1, bob.id)
    begin_sending(post, "sent")
    page = log_in(bob).get(f"/posts/{post.id}/digest").text
    assert "It has left already; nothing leaves again" in page
    assert "would get it now" not in page
