"""What the outbox holds, read as a person would read it."""

import email
import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from urllib.parse import urlsplit

from sqlalchemy import select

from blogapp.core.db import db
from blogapp.delivery.models import OutboxMail


@dataclass(frozen=True)
class Mail:
    """One mail: who to, what for, and its parts."""

    purpose: str
    to: str
    subject: str
    text: str
    html: str
    message: EmailMessage

    def path(self, start: str) -> str:
        """The path of the one link in the plain part that begins with `start`."""
        found: set[str] = {urlsplit(url).path for url in re.findall(r"https?://\S+", self.text)}
        (path,) = [path for path in found if path.startswith(start)]
        return path


def outbox(to: str | None = None) -> list[Mail]:
    """All mails in the outbox, oldest first; to one address where one is named."""
    db.session.rollback()
    query = select(OutboxMail).order_by(OutboxMail.id)
    mails = db.session.execute(query if to is None else query.where(OutboxMail.recipient == to)).scalars()
    return [_read(mail) for mail in mails]


def _read(mail: OutboxMail) -> Mail:
    message = email.message_from_bytes(mail.message, policy=default)
    assert isinstance(message, EmailMessage)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    return Mail(
        mail.purpose,
        mail.recipient,
        mail.subject,
        text.get_content() if text is not None else "",
        html.get_content() if html is not None else "",
        message,
    )
