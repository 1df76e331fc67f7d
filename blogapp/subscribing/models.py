"""Subscribers."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.core.clock import now
from blogapp.core.db import Base, UTCDateTime


class Subscriber(Base):
    """Somebody who gave an address. Mailed only while `confirmed` (double opt-in), not paused and not suppressed.

    Ids are never used again (AUTOINCREMENT): batches and links in old mails name them. An erased subscriber's row is
    deleted; what must survive, a suppression, is kept apart.
    """

    __tablename__ = "subscribers"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'confirmed', 'unsubscribed')", name="state"),
        CheckConstraint("state <> 'confirmed' OR confirmed_at IS NOT NULL", name="confirmed_has_date"),
        Index("ix_subscribers_state_id", "state", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="pending")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    unsubscribed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    paused_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Where and how the consent was given: {"source": "form" | "command line" | "import", "page": "/week-473"}
    consent: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
