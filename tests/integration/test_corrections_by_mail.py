"""What was wrong in a digest is told in the next one, or at once to those who got it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import select

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.core.errors import Conflict, NotAllowed
from blogapp.digest import planning
from blogapp.digest.correcting import corrections_that_left, send_correction, send_newest_correction
from blogapp.digest.models import Sending
from blogapp.posts.corrections import Correction
from blogapp.posts.models import Post
from blogapp.posts.writing import save_post
from tests.editions import change, mails, publish_week, send_week, text, weeks
from tests.people import member
from tests.readers import subscriber
from tests.sink import Sink
from tests.worker import ME, send_all

NOTE = "It was the window, not the door."


@pytest.fixture
def refused() -> set[str]:
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


def corrected(post: Post, author: Member, note: str = NOTE) -> int:
    db.session.rollback()
    post = db.session.get_one(Post, post.id)
    save_post(post.id, post.version, author.id, title=post.title, body=f"{post.body} Mended.", correction=note)
    return db.session.execute(select(Correction.id).order_by(Correction.id.desc())).scalars().first() or 0


def test_the_next_digest_tells_of_it_and_only_that_one(app: Flask, bob: Member, sink: Sink) -> None:
    subscriber("ada@reader.test")
    first = send_week(bob, 1)
    corrected(first, bob)
    assert [known.state for known in corrections_that_left(first.id)] == ["next"]
    send_week(bob, 2)
    send_week(bob, 3)
    told = [NOTE in text(mail) and NOTE in text(mail, "html") for mail in mails(sink, "ada")]
    assert told == [False, True, False]
    assert "http://blog.test/week-1" in text(mails(sink, "ada")[1])
    (known,) = corrections_that_left(first.id)
    assert known.state == "told"
    with pytest.raises(Conflict):
        send_correction(first.id, known.id, bob.id)


def test_what_is_corrected_before_it_leaves_is_told_to_nobody(app: Flask, bob: Member, sink: Sink) -> None:
    subscriber("ada@reader.test")
    post = publish_week(bob, 1)
    number = corrected(post, bob)
    send_all()
    send_week(bob, 2)
    assert not any(NOTE in text(mail) for mail in mails(sink, "ada"))
    assert corrections_that_left(post.id) == []
    with pytest.raises(Conflict):
        send_correction(post.id, number, bob.id)


def test_sent_at_once_it_goes_to_those_who_got_it_and_is_threaded_to_their_very_mail(
    app: Flask, bob: Member, sink: Sink, refused: set[str]
) -> None:
    for name in ("ada", "ben", "gone", "away"):
        subscriber(f"{name}@reader.test")
    refused.add("ben")
    send_week(bob, 1)
    refused.clear()
    post = send_week(bob, 2)
    subscriber("new@reader.test")
    change("gone", state="unsubscribed")
    change("away", paused_until=now() + timedelta(days=3))
    change("ada", frequency="monthly")
    number = corrected(post, bob)
    for _ in range(2):
        send_correction(post.id, number, bob.id)
    for _ in range(2):
        send_all()
    assert [mail["Subject"] for mail in mails(sink, "new") + mails(sink, "gone")[2:] + mails(sink, "away")[2:]] == []
    for name, earlier in (("ada", 1), ("ben", 0)):
        found = mails(sink, name)
        assert len(found) == earlier + 2, name
        original, correction = found[earlier], found[-1]
        assert str(correction["Subject"]).startswith("Correction: Week 2: ")
        assert correction["In-Reply-To"] == correction["References"] == original["Message-ID"]
        assert correction["Message-ID"] != original["Message-ID"]
        for subtype in ("plain", "html"):
            shown = text(correction, subtype)
            assert shown.index(NOTE) < shown.index("Told in 2. Mended.")
    (known,) = corrections_that_left(post.id)
    assert (known.state, known.accepted, known.candidates) == ("sent", 2, 2)
    assert set(db.session.execute(select(Sending.state)).scalars()) == {"sent"}
    send_week(bob, 3)
    assert NOTE not in text(mails(sink, "new")[-1])


def test_a_correction_waits_until_the_digest_itself_is_out(app: Flask, bob: Member, sink: Sink) -> None:
    subscriber("ada@reader.test")
    post = publish_week(bob, 1)
    planning.begin_due(ME)
    number = corrected(post, bob)
    send_correction(post.id, number, bob.id)
    assert planning.begin_due(ME) == 0
    send_all()
    assert [str(mail["Subject"])[:10] for mail in mails(sink, "ada")] == ["Week 1: To", "Correction"]


def test_only_who_may_publish_sends_a_correction(app: Flask, bob: Member, sink: Sink) -> None:
    subscriber("ada@reader.test")
    post = send_week(bob, 1)
    number = corrected(post, bob)
    other = member("dan", "author")
    with pytest.raises(NotAllowed):
        send_correction(post.id, number, other.id)
    assert weeks(sink, "ada") == [[1]]
    assert send_newest_correction(post.id, bob.id).told == "mail"
    send_all()
    assert sink.total == 2
    db.session.rollback()


def test_a_correction_is_not_a_digest_that_somebody_missed(app: Flask, bob: Member, sink: Sink) -> None:
    subscriber("ada@reader.test")
    post = send_week(bob, 1)
    send_correction(post.id, corrected(post, bob, ""), bob.id)
    send_all()
    send_week(bob, 2)
    assert [len(got) for got in weeks(sink, "ada")] == [1, 1, 1]
    assert weeks(sink, "ada")[-1] == [2]


def test_the_editor_asks_how_readers_by_mail_are_told_and_the_page_sends_it(
    app: Flask, bob: Member, sink: Sink, log_in: Callable[[Member], FlaskClient]
) -> None:
    subscriber("ada@reader.test")
    first, second = send_week(bob, 1), send_week(bob, 2)
    browser = log_in(bob)
    for post, told in ((first, "mail"), (second, "digest")):
        page = html.document_fromstring(browser.get(f"/posts/{post.id}/edit").text)
        form = next(form for form in page.forms if "correction_told" in form.fields)
        given = dict(form.form_values()) | {"correction": "y", "correction_note": NOTE, "correction_told": told}
        assert browser.post(f"/posts/{post.id}/edit", data=given).status_code == 303
    send_all()
    assert [str(mail["Subject"]).partition(":")[0] for mail in mails(sink, "ada")] == ["Week 1", "Week 2", "Correction"]
    page = html.document_fromstring(browser.get(f"/posts/{second.id}").text)
    (form,) = [form for form in page.forms if str(form.action).endswith("/correction/send")]
    assert browser.post(form.action, data=dict(form.form_values())).status_code == 303
    send_all()
    assert mails(sink, "ada")[-1]["Subject"].startswith("Correction: Week 2")
    assert "Sent by mail to 1 person." in browser.get(f"/posts/{second.id}").text
