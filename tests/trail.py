"""What the use cases leave behind: audit entries and mails that wait."""

from sqlalchemy import select

from blogapp.audit import AuditEntry
from blogapp.core.db import db
from blogapp.delivery.models import OutboxMail


def entries() -> list[tuple[str, str, int | None]]:
    """The audit trail, oldest first: act, subject, who."""
    db.session.rollback()
    query = select(AuditEntry.act, AuditEntry.subject, AuditEntry.member_id).order_by(AuditEntry.id)
    return [(act, subject, by) for act, subject, by in db.session.execute(query)]


def mailed() -> list[tuple[str, str]]:
    """The mails that were queued, oldest first: purpose, recipient."""
    db.session.rollback()
    query = select(OutboxMail.purpose, OutboxMail.recipient).order_by(OutboxMail.id)
    return [(purpose, recipient) for purpose, recipient in db.session.execute(query)]
