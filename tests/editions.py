"""What readers found in their mailboxes, week by week: for tests of who is owed what."""

import email
import re
from collections import Counter
from datetime import timedelta
from email import policy
from email.message import EmailMessage

from sqlalchemy import select, update

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.digest.models import Batch, Digest, Sending
from blogapp.digest.publishing import publish
from blogapp.posts.models import Post
from blogapp.subscribing.models import Subscriber
from tests.sink import Sink
from tests.worker import draft, send_all


def publish_week(author: Member, number: int) -> Post:
    """A week's note whose text names it, published."""
    post = draft(author, number, body=f"Told in {number}.")
    return publish(post.id, post.version, author.id)


def send_week(author: Member, number: int) -> Post:
    """The same, and all its mails sent."""
    post = publish_week(author, number)
    send_all()
    return post


def mails(sink: Sink, name: str) -> list[EmailMessage]:
    """What one reader got, the first one first."""
    return [
        email.message_from_bytes(data, policy=policy.default)
        for recipient, data in list(sink.messages)
        if recipient.partition("@")[0] == name
    ]


def text(mail: EmailMessage, subtype: str = "plain") -> str:
    body = mail.get_body((subtype,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def weeks(sink: Sink, name: str) -> list[list[int]]:
    """The weeks whose text stood in each mail, in their order there."""
    return [[int(number) for number in re.findall(r"Told in (\d+)\.", text(mail))] for mail in mails(sink, name)]


def nothing_twice(sink: Sink) -> None:
    """Nobody has got any week's text in two mails, and every sending is over."""
    for name in {recipient.partition("@")[0] for recipient, _ in sink.messages}:
        got = Counter(number for mail in weeks(sink, name) for number in mail)
        assert set(got.values()) <= {1}, (name, got)
    db.session.rollback()
    assert set(db.session.execute(select(Sending.state)).scalars()) <= {"sent"}
    assert set(db.session.execute(select(Digest.state)).scalars()) <= {"sent"}
    assert set(db.session.execute(select(Batch.state)).scalars()) <= {"done"}


def change(name: str, **columns: object) -> None:
    """Change a reader by hand."""
    with transaction() as session:
        session.execute(update(Subscriber).where(Subscriber.address.startswith(f"{name}@")).values(**columns))


def long_ago(**since: float) -> None:
    """Let everything sent so far have been sent earlier."""
    at = now() - timedelta(**since)
    with transaction() as session:
        session.execute(update(Sending).values(planned_at=at, sent_at=at))


def subjects() -> list[str]:
    db.session.rollback()
    return list(db.session.execute(select(Sending.subject).order_by(Sending.id)).scalars())
