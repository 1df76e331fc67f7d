"""Corrections: what an editor says was wrong in a published post. Only these move a feed's `updated`."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, Session, mapped_column

from blogapp.core.db import Base, UTCDateTime
from blogapp.core.errors import Conflict, Invalid
from blogapp.posts.models import Post

LONGEST_NOTE = 300


class Correction(Base):
    """That a published post was corrected: when, by whom, and in a sentence what was wrong (may be empty).

    `told`: how those hear of it who got the post by mail: `digest`, a line in the next one; `mail`, at once; NULL: not
    at all. `told_in`: the (main) sending that told it. Both mean something where the post's digest has left
    (digest/correcting.py).
    """

    __tablename__ = "corrections"
    __table_args__ = (
        CheckConstraint("told IN ('digest', 'mail')", name="told"),
        Index("ix_corrections_post", "post_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id"))
    note: Mapped[str] = mapped_column(default="")
    told: Mapped[str | None] = mapped_column(default="digest")
    told_in: Mapped[int | None]


def correct(session: Session, post: Post, note: str, by: int, at: datetime) -> None:
    """Put a correction on record, in the caller's transaction.

    Raises:
        Conflict: readers do not see the post.
        Invalid: the note is too long. The field is `correction_note`.
    """
    if not post.is_public:
        raise Conflict("Readers do not see this post, so there is nothing to correct for them. Save it as it is.")
    note = " ".join(note.split())
    if len(note) > LONGEST_NOTE:
        message = f"Say it in {LONGEST_NOTE} characters; these are {len(note)}."
        raise Invalid(message, {"correction_note": message})
    session.add(Correction(post_id=post.id, at=at, member_id=by, note=note))
    post.corrected_at = at
