"""The main job, end to end: a draft comes in, two people subscribe over HTTP, it is published, two mails leave."""

import email
import threading
from collections.abc import Iterator
from datetime import date
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from blogapp.auth.models import Member
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.errors import Conflict
from blogapp.digest import publishing
from blogapp.digest.audience import audience
from blogapp.digest.progress import progress_of_post
from blogapp.digest.sending import send_some
from blogapp.porting.importing import import_snips
from blogapp.posts.models import Post
from blogapp.posts.writing import save_post
from tests.mailbox import outbox
from tests.sink import Sink

OWN_SAMPLE = """Week 473
========

Hello. We moved the [asset store][store] and had a _very_ cold week.

## Next

.A line that begins with a dot, and a link home: [Dana](/dana-dee).

[store]: https://example.org/store

:name: week-473
:created_at: 2018-02-09 10:22:25.858409000 +00:00
:kind: blog
:draft: true
:author: dana-dee
:page_title: Week 473
"""


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def chosen(sink: Sink) -> dict[str, Any]:
    return {"smtp_url": sink.url, "site_epoch": date(2009, 1, 12)}


@pytest.fixture(params=["a sample of our own", "the real seed"])
def draft(request: pytest.FixtureRequest, app: Flask, alice: Member, tmp_path: Path) -> Post:
    """The draft as `blogapp import snips` brings it in."""
    if request.param == "the real seed":
        file = request.getfixturevalue("corpus") / "seed" / "week-473.snip.markdown"
    else:
        file = tmp_path / "week-473.snip.markdown"
        file.write_text(OWN_SAMPLE)
    report = import_snips([file], by=alice.id)
    assert (report.count("made"), report.total) == (1, 1), report
    return db.session.execute(select(Post)).scalar_one()


def subscribe(reader: FlaskClient, address: str) -> None:
    """As a person does it: the form, the mail, the page, its button."""
    assert reader.post("/subscribe", data={"address": address}).status_code == 200
    (mail,) = outbox(to=address)
    path = mail.path("/confirm/")
    assert "<button" in reader.get(path).text
    assert reader.post(path).status_code in (200, 303)


def work() -> None:
    """What the worker does, until there is nothing to do."""
    stop = threading.Event()
    while send_some("test", stop):
        pass


def received(sink: Sink) -> dict[str, EmailMessage]:
    """The mails in the sink, by recipient."""
    found = {}
    for recipient, data in sink.messages:
        message = email.message_from_bytes(data, policy=default)
        assert isinstance(message, EmailMessage)
        found[recipient] = message
    return found


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def test_a_draft_is_published_and_each_subscriber_gets_one_digest_once_for_ever(
    app: Flask, reader: FlaskClient, alice: Member, draft: Post, sink: Sink
) -> None:
    assert draft.state == "draft"
    assert reader.get("/week-473").status_code == 404
    for address in ("ann@example.org", "ben@example.org"):
        subscribe(reader, address)
    reader.post("/subscribe", data={"address": "never-confirmed@example.org"})
    work()
    assert sink.total == 0, "nothing leaves before it is published"

    number = draft.id
    publishing.publish(number, draft.version, by=alice.id)
    assert reader.get("/week-473").status_code == 200
    work()
    mails = received(sink)
    assert sorted(mails) == ["ann@example.org", "ben@example.org"]
    assert sink.total == 2
    assert len({message["Message-ID"] for message in mails.values()}) == 2
    for recipient, message in mails.items():
        look_at(message, recipient)
    progress = progress_of_post(number)
    assert progress is not None
    assert (progress.state, progress.candidates, progress.accepted) == ("sent", 2, 2)

    post = db.session.get_one(Post, number)
    with pytest.raises(Conflict):
        publishing.publish(number, post.version, by=alice.id)
    post = publishing.withdraw(number, post.version, by=alice.id)
    post = publishing.publish(number, post.version, by=alice.id)
    post = save_post(number, post.version, alice.id, title=post.title, body=post.body + "\n\nA correction.\n")
    publishing.delete(number, post.version, by=alice.id)
    work()
    assert sink.total == 2, "nothing sends it a second time"


def look_at(message: EmailMessage, recipient: str) -> None:
    """All that a digest has to have."""
    assert message["To"] == recipient
    assert "The Notebook" in message["From"]
    assert "473" in message["Subject"]
    assert message["List-Id"].endswith("<digest.blog.test>")
    assert message["List-Post"] == "NO"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"] is not None
    one_click = str(message["List-Unsubscribe"])
    assert one_click.startswith("<http://blog.test/unsubscribe/")
    assert one_click.endswith(">")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain, html = part(message, "plain"), part(message, "html")
    assert len(html.encode()) < 102_000
    for text in (plain, html):
        assert one_click.strip("<>") in text
        assert f"{settings().base_url}/week-473" in text
        assert f"{settings().base_url}/preferences/" in text
        assert "very" in text
    assert 'href="/' not in html
    assert "<script" not in html
    assert 'lang="' in html


def test_a_digest_is_left_by_the_mail_clients_own_button(
    app: Flask, reader: FlaskClient, alice: Member, draft: Post, sink: Sink
) -> None:
    subscribe(reader, "ann@example.org")
    publishing.publish(draft.id, draft.version, by=alice.id)
    work()
    message = received(sink)["ann@example.org"]
    path = str(message["List-Unsubscribe"]).strip("<>").removeprefix("http://blog.test")
    response = app.test_client().post(path, data={"List-Unsubscribe": "One-Click"})
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert "Location" not in response.headers
    assert audience().count == 0
