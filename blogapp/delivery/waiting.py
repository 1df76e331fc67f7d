"""Single mails that wait: for the page that says whether mail leaves."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.delivery.models import OutboxMail


@dataclass(frozen=True)
class Waiting:
    """How many single mails are due and have not left, since when the oldest does, and what it was told last."""

    count: int
    since: datetime | None = None
    reply: str = ""


def waiting() -> Waiting:
    """The single mails that should have left by now, and those that are tried again."""
    open_now = (OutboxMail.state.in_(("waiting", "claimed")), (OutboxMail.due_at <= now()) | (OutboxMail.attempts > 0))
    count = db.session.execute(select(func.count()).where(*open_now)).scalar_one()
    if not count:
        return Waiting(0)
    oldest = select(OutboxMail.created_at, OutboxMail.reply).where(*open_now).order_by(OutboxMail.id).limit(1)
    row = db.session.execute(oldest).one_or_none()
    return Waiting(count, row.created_at, row.reply) if row else Waiting(0)
