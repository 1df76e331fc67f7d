"""The audit trail's table and its only writer."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlalchemy.orm import Mapped, Session, mapped_column

from blogapp.core.clock import now
from blogapp.core.db import Base, UTCDateTime


class AuditEntry(Base):
    """One act. `member_id` is a plain number (NULL: the program itself), so that this floor knows no members."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_subject", "subject", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now, index=True)
    member_id: Mapped[int | None]
    act: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


def record(session: Session, act: str, subject: str, *, by: int | None, **detail: Any) -> None:
    """Note an act in the caller's transaction: `record(session, "post.publish", "post:12", by=3, version=4)`."""
    session.add(AuditEntry(act=act, subject=subject, member_id=by, detail=detail))
