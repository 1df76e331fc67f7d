"""Digests and their way out: sendings, batches, exceptions, the journal (docs/architecture.md)."""

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import Base, UTCDateTime
from blogapp.posts.models import Post

# Where few of the ids are candidates a batch ends sooner: its bitmaps stay within 1 kB.
WIDEST = 8192


class Sending(Base):
    """One frozen message on its way to everybody who is owed it.

    The way out of a publication is a main sending and one more for each distinct gap ("edition", `main_id`): that of
    readers who missed the same earlier digests. `kind`: `digest`; `catch-up`, what goes out once a month; `correction`,
    which goes to those who were accepted in `original_id`. `occasion` is the last line against beginning one twice.

    `gaps`: readers by the digests that they miss, counted while a main sending is planned (`{"471,472": 120}`);
    `editions_to`: how far these are planned (NULL: their editions are not there yet).

    `message` is the spliced template's bytes; `places` maps each personal place to the random mark that stands for it.
    Eligible: confirmed before `planned_at`, id <= `last_subscriber_id`, and still so when their batch is read.
    """

    __tablename__ = "sendings"
    __table_args__ = (
        CheckConstraint("state IN ('planning', 'sending', 'paused', 'sent')", name="state"),
        CheckConstraint("kind IN ('digest', 'catch-up', 'correction')", name="kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str]
    message: Mapped[bytes] = mapped_column(LargeBinary)
    places: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # Asked for several times a second; without the index each answer reads past all messages ever sent.
    state: Mapped[str] = mapped_column(default="planning", index=True)
    planned_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    last_subscriber_id: Mapped[int]
    planned_to: Mapped[int] = mapped_column(default=0)
    candidates: Mapped[int] = mapped_column(default=0)
    # Why it does not go on just now, since when, how often in a row, and when it tries again (NULL: a person says).
    pause_reason: Mapped[str] = mapped_column(default="")
    paused_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    pauses: Mapped[int] = mapped_column(default=0)
    resume_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Random: by it a host knows whether this database remembers its last sending (digest/instance.py).
    mark: Mapped[str] = mapped_column(unique=True, default=lambda: secrets.token_hex(8))
    kind: Mapped[str] = mapped_column(default="digest", server_default="digest")
    main_id: Mapped[int | None] = mapped_column(ForeignKey("sendings.id"), index=True)
    original_id: Mapped[int | None] = mapped_column(ForeignKey("sendings.id"), index=True)
    occasion: Mapped[str | None] = mapped_column(unique=True)
    gaps: Mapped[dict[str, int]] = mapped_column(JSON, default=dict, server_default="{}")
    editions_to: Mapped[int | None]

    @property
    def is_planned(self) -> bool:
        """Whether its audience is all cut into batches."""
        if self.planned_to < self.last_subscriber_id:
            return False
        return not self.gaps or (self.editions_to is not None and self.editions_to >= self.last_subscriber_id)


sending_digests = Table(
    "sending_digests",
    Base.metadata,
    # Which digests' posts a sending carries: what says whether a reader has been sent a digest.
    Column("sending_id", Integer, ForeignKey("sendings.id", ondelete="CASCADE"), primary_key=True),
    Column("digest_id", Integer, ForeignKey("digests.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Digest(Base):
    """That a post leaves as a digest: one row per post, for ever.

    waiting (until due_at) -> sending -> sent. Before the sending begins a person may hold it (`held`) or cancel it
    (`cancelled`), and withdrawing the post makes it `withdrawn`; publishing again arms it again. Those that wait
    within one hold of each other leave as one mail (digest/groups.py), but for what somebody sends at once (`alone`).
    The program holds it by itself, and says why in `held_reason`, where the audience is not what the author was told
    (`audience_seen`).
    """

    __tablename__ = "digests"
    __table_args__ = (
        CheckConstraint(
            "state IN ('waiting', 'held', 'cancelled', 'withdrawn', 'sending', 'sent')",
            name="state",
        ),
        CheckConstraint("(state IN ('sending', 'sent')) = (sending_id IS NOT NULL)", name="sending_has_one"),
        Index("ix_digests_state_due", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), unique=True)
    state: Mapped[str] = mapped_column(default="waiting")
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    alone: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    sending_id: Mapped[int | None] = mapped_column(ForeignKey("sendings.id"), index=True)
    audience_seen: Mapped[int | None]
    audience_seen_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    held_reason: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=1)

    post: Mapped[Post] = relationship()
    sending: Mapped[Sending | None] = relationship()

    __mapper_args__ = {"version_id_col": version}


class Schedule(Base):
    """That a draft is to be published at a moment, by the same rule as when `member_id` clicks then.

    `stopped_at`: it was tried and could not be; `why` says why, and nothing more happens by itself.
    """

    __tablename__ = "schedules"

    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    publish_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    with_digest: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    stopped_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    why: Mapped[str] = mapped_column(default="", server_default="")

    member: Mapped[Member] = relationship(lazy="joined", innerjoin=True)


class Batch(Base):
    """About 1,000 subscriber ids, `lo` to `hi` inclusive, claimed and settled together.

    Bitmaps (digest/bitmap.py): `planned` holds who was eligible when the batch was planned, its candidates;
    `accepted` those that the relay took at the first try (later ones are exceptions in state `accepted`). Settled:
    candidates = accepted + the batch's exceptions.
    """

    __tablename__ = "batches"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'claimed', 'done')", name="state"),
        Index("ix_batches_sending_state", "sending_id", "state", "id"),
        Index("ix_batches_sending_lo", "sending_id", "lo"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sending_id: Mapped[int] = mapped_column(ForeignKey("sendings.id", ondelete="CASCADE"))
    lo: Mapped[int]
    hi: Mapped[int]
    state: Mapped[str] = mapped_column(default="open")
    owner: Mapped[str | None]
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    candidates: Mapped[int] = mapped_column(default=0)
    planned: Mapped[bytes] = mapped_column(LargeBinary)
    accepted: Mapped[bytes | None] = mapped_column(LargeBinary)
    accepted_count: Mapped[int] = mapped_column(default=0)


class SendingException(Base):
    """A recipient who was not simply accepted: the only per-recipient row there is.

    deferred: tried again at `due_at`; refused: final; skipped: no longer eligible when the batch was read (`reply`
    says why); in_doubt: the connection broke after the final dot, sent again at `due_at` or, where that is NULL, when
    a person says so; accepted: taken at a later try.
    """

    __tablename__ = "exceptions"
    __table_args__ = (
        CheckConstraint("state IN ('deferred', 'refused', 'skipped', 'in_doubt', 'accepted')", name="state"),
        Index("ix_exceptions_state_due", "state", "due_at"),
        Index("ix_exceptions_sending_state", "sending_id", "state"),
    )

    sending_id: Mapped[int] = mapped_column(ForeignKey("sendings.id", ondelete="CASCADE"), primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"), index=True)
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=1)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    owner: Mapped[str | None]
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reply: Mapped[str] = mapped_column(default="")


class JournalEntry(Base):
    """On PostgreSQL: an accepted recipient of a batch that is not settled yet (on SQLite this is a file)."""

    __tablename__ = "journal"

    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(primary_key=True)
