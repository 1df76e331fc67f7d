"""When a digest begins to leave, and what keeps it from that: from there on it is "never again"."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete as delete_rows
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import bump_version, db, transaction
from blogapp.digest import beginning, planning
from blogapp.digest import compose as composing
from blogapp.digest.holding import cancel, hold, send_now
from blogapp.digest.models import Digest, Sending
from blogapp.digest.publishing import delete, publish, withdraw
from blogapp.posts.models import Post
from tests import mailbox, posts
from tests.readers import subscriber
from tests.sink import Sink
from tests.worker import ME, draft, how_far, many_subscribers, publish_draft, send_all


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def chosen(sink: Sink) -> dict[str, Any]:
    return {"smtp_url": sink.url}


def digest_of(post: Post) -> Digest:
    db.session.rollback()
    return db.session.execute(select(Digest).where(Digest.post_id == post.id)).scalar_one()


def test_withdrawn_before_it_is_due_nothing_leaves_and_published_again_it_leaves_once(
    app: Flask, bob: Member, sink: Sink
) -> None:
    subscriber("ada@reader.test")
    post = publish_draft(bob)
    post = withdraw(post.id, post.version, bob.id)
    send_all()
    assert (sink.total, how_far(post).state) == (0, "withdrawn")
    post = publish(post.id, post.version, bob.id)
    send_all()
    assert (sink.total, how_far(post).state) == (1, "sent")


def test_once_it_has_begun_to_leave_nothing_sends_it_again(app: Flask, bob: Member, sink: Sink) -> None:
    subscriber("ada@reader.test")
    post = publish_draft(bob)
    planning.begin_due(ME)
    post = withdraw(post.id, post.version, bob.id)
    post = publish(post.id, post.version, bob.id)
    send_all()
    post = withdraw(post.id, post.version, bob.id)
    with transaction() as session:
        session.get_one(Post, post.id).body = "Edited afterwards."
    post = db.session.get_one(Post, post.id)
    publish(post.id, post.version, bob.id)
    send_all()
    assert sink.total == 1
    assert db.session.execute(select(func.count()).select_from(Sending)).scalar_one() == 1


def test_a_held_or_cancelled_digest_stays_until_somebody_says_so(app: Flask, bob: Member, sink: Sink) -> None:
    subscriber("ada@reader.test")
    first, second = publish_draft(bob, 7), publish_draft(bob, 8)
    hold(digest_of(first).id, bob.id)
    cancel(digest_of(second).id, bob.id)
    send_all()
    assert (sink.total, how_far(first).state, how_far(second).state) == (0, "held", "cancelled")
    send_now(digest_of(first).id, bob.id)
    send_all()
    assert (sink.total, how_far(first).state, how_far(second).state) == (1, "sent", "cancelled")


def test_a_digest_that_is_not_due_yet_waits(app: Flask, bob: Member, sink: Sink) -> None:
    subscriber("ada@reader.test")
    post = publish_draft(bob)
    with transaction() as session:
        session.execute(update(Digest).values(due_at=now() + timedelta(minutes=15)))
    send_all()
    assert (sink.total, how_far(post).state) == (0, "waiting")


@pytest.mark.parametrize("act", ["withdraw", "delete", "hold", "cancel"])
def test_what_happens_while_the_message_is_composed_still_counts(
    app: Flask, bob: Member, sink: Sink, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    subscriber("ada@reader.test")
    post = publish_draft(bob)
    digest_id, post_id, version = digest_of(post).id, post.id, post.version

    def meanwhile(*args: Any, **more: Any) -> Any:
        composed = composing.compose_posts(*args, **more)
        acts: dict[str, Callable[[], object]] = {
            "withdraw": lambda: withdraw(post_id, version, bob.id),
            "delete": lambda: delete(post_id, version, bob.id),
            "hold": lambda: hold(digest_id, bob.id),
            "cancel": lambda: cancel(digest_id, bob.id),
        }
        acts[act]()
        return composed

    monkeypatch.setattr(beginning, "compose_posts", meanwhile)
    send_all()
    assert sink.total == 0
    assert digest_of(post).sending_id is None


def test_an_edit_while_the_message_is_composed_is_in_the_message(
    app: Flask, bob: Member, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscriber("ada@reader.test")
    post_id = publish_draft(bob).id
    edits = iter(["We mended the window."])

    def meanwhile(*args: Any, **more: Any) -> Any:
        composed = composing.compose_posts(*args, **more)
        if body := next(edits, ""):
            with transaction() as session:
                edited = session.get_one(Post, post_id)
                edited.html, edited.summary = f"<p>{body}</p>", body
                bump_version(session)
        return composed

    monkeypatch.setattr(beginning, "compose_posts", meanwhile)
    send_all()
    ((_, message),) = sink.messages
    assert b"window" in message
    assert b"door" not in message


def test_a_digest_that_cannot_be_composed_waits_and_its_author_is_told_once(
    app: Flask, bob: Member, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscriber("ada@reader.test")
    post = publish_draft(bob)

    def broken(*args: Any, **more: Any) -> Any:
        raise RuntimeError("the picture is a riddle")

    monkeypatch.setattr(beginning, "compose_posts", broken)
    for _ in range(2):
        with transaction() as session:
            session.execute(update(Digest).values(due_at=now()))
        send_all()
    (mail,) = mailbox.outbox("bob@blog.test")
    assert "the picture is a riddle" in mail.text
    assert digest_of(post).state == "waiting"
    assert digest_of(post).due_at > now() + timedelta(minutes=4)
    monkeypatch.undo()
    with transaction() as session:
        session.execute(update(Digest).values(due_at=now()))
    send_all()
    assert (sink.total, how_far(post).state) == (1, "sent")


def test_a_withdrawal_and_a_beginning_at_the_same_moment_never_both_happen(app: Flask, bob: Member, sink: Sink) -> None:
    many_subscribers(2)
    member, found = bob.id, [publish_draft(bob, week) for week in range(20, 32)]
    ids = [(post.id, post.version) for post in found]
    db.session.rollback()
    barrier = threading.Barrier(2)
    withdrawn: set[int] = set()

    def withdraw_them() -> None:
        with app.app_context():
            for post_id, version in ids:
                barrier.wait()
                with contextlib.suppress(OperationalError):
                    withdraw(post_id, version, member)
                    withdrawn.add(post_id)
            db.session.remove()

    thread = threading.Thread(target=withdraw_them)
    thread.start()
    for _ in ids:
        barrier.wait()
        planning.begin_due(ME)
    thread.join()
    send_all()
    digests = db.session.execute(select(Digest)).scalars().all()
    assert {digest.state for digest in digests} <= {"withdrawn", "sent"}
    assert {d.post_id for d in digests if d.state == "withdrawn"} <= withdrawn
    begun = sum(digest.sending_id is not None for digest in digests)
    assert sink.total == 2 * begun
    assert db.session.execute(select(func.count()).select_from(Sending)).scalar_one() == begun


def test_draft_posts_and_posts_that_want_no_digest_send_nothing(app: Flask, bob: Member, sink: Sink) -> None:
    subscriber("ada@reader.test")
    draft(bob, 9)
    post = draft(bob, 10)
    publish(post.id, post.version, bob.id, with_digest=False)
    send_all()
    assert sink.total == 0


def test_a_note_that_was_public_without_a_digest_is_no_news_when_it_is_published_again(app: Flask, bob: Member) -> None:
    brought, quiet = posts.week(bob, 7), draft(bob, 8)
    quiet = publish(quiet.id, quiet.version, bob.id, with_digest=False)
    for post in (brought, quiet):
        again = withdraw(post.id, post.version, bob.id)
        again = publish(again.id, again.version, bob.id)
        assert db.session.execute(select(func.count()).select_from(Digest)).scalar_one() == 0
        again = withdraw(again.id, again.version, bob.id)
        publish(again.id, again.version, bob.id, with_digest=True)
        assert digest_of(again).state == "waiting"
        with transaction() as session:
            session.execute(delete_rows(Digest))


def test_what_a_withdrawal_stopped_is_armed_again_whatever_its_kind(app: Flask, bob: Member) -> None:
    post = posts.article(bob, state="draft")
    post = publish(post.id, post.version, bob.id, with_digest=True)
    post = withdraw(post.id, post.version, bob.id)
    publish(post.id, post.version, bob.id)
    assert digest_of(post).state == "waiting"
