"""Posts, revisions and attachments."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import Base, UTCDateTime
from blogapp.core.errors import Conflict, Invalid
from blogapp.posts.weeks import Weeks

KINDS = ("week", "links", "article", "page")
# Who may read it once it is published: everybody; the team; of the team its author, editors, admins and those listed.
VISIBILITIES = ("public", "members", "listed")

post_attachments = Table(
    "post_attachments",
    Base.metadata,
    Column("post_id", Integer, ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True),
    Column("attachment_id", Integer, ForeignKey("attachments.id", ondelete="CASCADE"), primary_key=True, index=True),
    # Whether the post's present text shows it or links to it: an unused file does not become public with the post.
    Column("shown", Boolean, nullable=False, default=False),
)

# Who signed something in a post's present text, its author perhaps among them, in the order of the text.
post_credits = Table(
    "post_credits",
    Base.metadata,
    Column("post_id", Integer, ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True),
    Column("member_id", Integer, ForeignKey("members.id"), primary_key=True),
    Column("position", Integer, nullable=False),
    # The post's own where readers see it, so that what somebody signed is one range of an index; else NULL.
    Column("published_at", UTCDateTime),
    Index("ix_post_credits_listing", "member_id", "published_at", "post_id"),
)


def _public(name: str, *columns: str, also: str) -> Index:
    """An index over what readers see; a query has to say the very same words for SQLite to take it."""
    seen = text(f"state = 'published' AND visibility = 'public' AND {also}")
    return Index(name, *columns, sqlite_where=seen, postgresql_where=seen)


class Post(Base):
    """A post of any kind. Public if and only if its state is `published` and its visibility `public` (`is_public`).

    `first_published_at` is when everybody could first read it: set once, by the import too, and never cleared: who was
    public stays 410 after deletion, and what was sent is never sent again. `published_at` orders the pages and is NULL
    in a draft.
    """

    __tablename__ = "posts"
    __table_args__ = (
        CheckConstraint("kind IN ('week', 'links', 'article', 'page')", name="kind"),
        CheckConstraint("state IN ('draft', 'published')", name="state"),
        CheckConstraint("visibility IN ('public', 'members', 'listed')", name="visibility"),
        CheckConstraint("format IN ('markdown', 'html')", name="format"),
        CheckConstraint("(state = 'published') = (published_at IS NOT NULL)", name="published_has_date"),
        CheckConstraint("week_to >= week_from", name="weeks_in_order"),
        CheckConstraint("(week_from IS NULL) = (week_to IS NULL)", name="weeks_both"),
        CheckConstraint("deleted_at IS NULL OR state = 'draft'", name="deleted_is_not_public"),
        Index("ix_posts_published", "published_at", "id", sqlite_where=text("published_at IS NOT NULL"),
              postgresql_where=text("published_at IS NOT NULL")),
        Index("ix_posts_kind_published", "kind", "published_at", "id", sqlite_where=text("published_at IS NOT NULL"),
              postgresql_where=text("published_at IS NOT NULL")),
        Index("ix_posts_author_published", "author_id", "published_at", "id"),
        Index("ix_posts_week", "kind", "week_from", "week_to"),
        # The archive's own: each holds all that its query asks for, and nothing that readers do not see. The kind is
        # in them although it is always the same: else SQLite takes ix_posts_week (6 ms of 100,000; 0.3, measured).
        _public("ix_posts_calendar", "kind", "week_from", "id", "week_to", "slug", also="kind = 'week'"),
        _public("ix_posts_author_calendar", "author_id", "kind", "week_from", "id", "week_to", "slug",
                also="kind = 'week'"),
        _public("ix_posts_dated", "week_from", "id", also="week_from IS NOT NULL"),
        _public("ix_posts_undated", "published_at", "id", also="week_from IS NULL AND kind <> 'page'"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    kind: Mapped[str]
    week_from: Mapped[int | None]
    week_to: Mapped[int | None]
    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    body: Mapped[str]
    # What the body is written in: Markdown, or HTML for what came so from elsewhere.
    format: Mapped[str] = mapped_column(default="markdown", server_default="markdown")
    html: Mapped[str] = mapped_column(default="")
    pipeline: Mapped[int] = mapped_column(default=0)
    summary: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="draft")
    visibility: Mapped[str] = mapped_column(default="public", server_default=text("'public'"))
    # Whether the site's menu names it; asked of pages only.
    in_menu: Mapped[bool] = mapped_column(default=True, server_default=true())
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    first_published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # When its latest correction was recorded (`posts/corrections.py`).
    corrected_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Published by somebody in this program rather than brought along as published by an import.
    published_here: Mapped[bool] = mapped_column(default=False)
    deleted_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    # Label -> address of the references that its text does not define: as they were when it was published.
    frozen: Mapped[dict[str, str]] = mapped_column(JSON, default=dict, server_default=text("'{}'"))
    # Keys that a file brought along and this program does not know: kept for the way out.
    extra: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    author: Mapped[Member] = relationship(lazy="joined")
    attachments: Mapped[list["Attachment"]] = relationship(secondary=post_attachments, order_by="Attachment.id")
    signers: Mapped[list[Member]] = relationship(
        secondary=post_credits, order_by=post_credits.c.position, viewonly=True
    )

    __mapper_args__ = {"version_id_col": version}

    @property
    def is_public(self) -> bool:
        return self.state == "published" and self.visibility == "public"

    @property
    def is_limited(self) -> bool:
        """Whether only members may read it, or some of them, published or not."""
        return self.visibility != "public"

    @property
    def is_withdrawn(self) -> bool:
        """Was public once, is a draft again."""
        return self.state == "draft" and self.first_published_at is not None

    @property
    def weeks(self) -> Weeks | None:
        """The weeks that it covers, if it is about weeks."""
        return None if self.week_from is None or self.week_to is None else Weeks(self.week_from, self.week_to)

    @property
    def wants_digest(self) -> bool:
        """Whether a post of its kind leaves as a digest unless its author says otherwise."""
        return self.kind == "week" and not self.is_limited

    @property
    def contributors(self) -> list[Member]:
        """Who signed something in it beside its author."""
        return [member for member in self.signers if member.id != self.author_id]

    def check_version(self, version: int) -> None:
        """
        Raises:
            Conflict: it was saved since the asker read version `version`.
        """
        if self.version != version:
            raise Conflict("Somebody else saved this post in the meantime. Nothing was lost; look at their text first.")

    def publish(self, at: datetime) -> None:
        """Show it to those who may read it.

        Raises:
            Conflict: it is published already.
            Invalid: it is deleted, or there is nothing to read.
        """
        if self.state == "published":
            raise Conflict("This post is published already.")
        if self.deleted_at is not None:
            raise Invalid("This post is deleted. Restore it before you publish it.")
        if not self.body.strip():
            raise Invalid("There is nothing to read yet. Write something before you publish.", {"body": "Empty"})
        self.state = "published"
        self.published_here = self.published_here or self.first_published_at is None
        self.published_at = self.first_published_at or at
        if not self.is_limited:
            self.first_published_at = self.published_at

    def open(self, at: datetime) -> None:
        """Show to everybody what is published for members: new to readers, unless they could read it before.

        Raises:
            Conflict: it is a draft, or everybody may read it already.
        """
        if self.state != "published" or not self.is_limited:
            raise Conflict("Everybody may read this already." if self.is_public else "This post is not published.")
        self.visibility = "public"
        self.published_at = self.first_published_at = self.first_published_at or at

    def withdraw(self) -> None:
        """Make it a draft again; its first publication stays on record.

        Raises:
            Conflict: it is not published.
        """
        if self.state != "published":
            raise Conflict("This post is not published.")
        self.state = "draft"
        self.published_at = None

    def delete(self, at: datetime) -> None:
        """Put it away, restorable for 30 days; what was public ends at once."""
        if self.state == "published":
            self.withdraw()
        self.deleted_at = at


class Revision(Base):
    """What a post said. The newest may still grow for ten minutes of one person's editing, and never once published."""

    __tablename__ = "revisions"
    __table_args__ = (UniqueConstraint("post_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    number: Mapped[int]
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id"))
    title: Mapped[str]
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    # A published revision never changes again, whoever edits and however soon.
    was_published: Mapped[bool] = mapped_column(default=False)
    # What an import brought while the post had been edited here: kept to be looked at, never what the post said.
    beside: Mapped[bool] = mapped_column(default=False, server_default=false())

    member: Mapped[Member | None] = relationship(lazy="joined")


class Attachment(Base):
    """A file. It has no state of its own: it is public while a published post shows it, found by join.

    `removed_at`: put away by a member, restorable for 30 days.
    """

    __tablename__ = "attachments"

    id: Mapped[int] = mapped_column(primary_key=True)
    filename: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(index=True)
    width: Mapped[int | None]
    height: Mapped[int | None]
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    removed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
