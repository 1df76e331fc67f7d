"""Single mails waiting to leave, the addresses that must not be mailed, and how many mails left on which day."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.core.clock import now
from blogapp.core.db import Base, UTCDateTime


class OutboxMail(Base):
    """One single mail: a confirmation, an invitation, a reset. Written in the transaction that wants it sent.

    `message` is the whole message (RFC 5322 bytes, CRLF), signed on its way out: a retry is the same bytes.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'claimed', 'sent', 'failed')", name="state"),
        Index("ix_outbox_state_due", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    recipient: Mapped[str]
    subject: Mapped[str]
    message: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    owner: Mapped[str | None]
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reply: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Suppression(Base):
    """An address that must not be mailed, and why. Survives the deletion and re-import of the subscriber."""

    __tablename__ = "suppressions"

    address: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    evidence: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)


class MailDay(Base):
    """What became of the mails of one day, in the site's time zone: taken by the relay, refused for good, put off."""

    __tablename__ = "mail_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    accepted: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    deferred: Mapped[int] = mapped_column(default=0)
