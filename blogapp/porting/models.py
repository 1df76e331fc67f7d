"""Where what was imported came from."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, deferred, mapped_column

from blogapp.core.clock import now
from blogapp.core.db import Base, UTCDateTime


class Source(Base):
    """A document as it came: its bytes, for the way out, and the text that it became, to tell what changed since.

    It became a post, a member's page, or neither (a template, kept for the way out). `origin` is the kind of thing that
    was imported (`snips`, `ghost`, …); within it the name says which document it is. `content` is NULL where an older
    version of this program imported it.
    """

    __tablename__ = "sources"
    __table_args__ = (
        UniqueConstraint("origin", "name"),
        CheckConstraint("post_id IS NULL OR member_id IS NULL", name="one_owner"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    origin: Mapped[str]
    name: Mapped[str]
    # Within the folder that was imported: `weeknotes/week-400.snip.markdown`.
    path: Mapped[str] = mapped_column(default="")
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    content: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))
    sha256: Mapped[str] = mapped_column(index=True)
    title: Mapped[str] = mapped_column(default="")
    body: Mapped[str] = mapped_column(default="")
    # A later state of the file that was stored as a revision beside the post, because both had changed.
    beside_sha256: Mapped[str | None]
    # What it said itself: kind, author, weeks, and `pictures`: {address in it: address here, or "!size" of a bad one}.
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    imported_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
