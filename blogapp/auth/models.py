"""Members and their log-ins."""

from datetime import datetime

from flask_login import UserMixin
from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from blogapp.core.clock import now
from blogapp.core.db import Base, UTCDateTime

ROLES = ("admin", "editor", "author", "contributor")


def initials(name: str) -> str:
    """`Chris Roos` -> `CR`."""
    return "".join(word[0] for word in name.split() if word[0].isalpha())[:3].upper()


class Member(Base):
    """Somebody of the team. Without a password they are invited but have not come yet; inactive ones can't log in.

    `email` is NULL for members that an import made from a name alone. `invited_at` is when the last invitation was
    sent; the ones before it no longer work.
    """

    __tablename__ = "members"
    __table_args__ = (CheckConstraint(f"role IN {ROLES}", name="role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(unique=True)
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str] = mapped_column(default="author")
    bio: Mapped[str] = mapped_column(default="")
    bio_html: Mapped[str] = mapped_column(default="")
    password_hash: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True)
    invited_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    version: Mapped[int] = mapped_column(default=1)
    # Of the square picture that is their face (auth/faces.py); without one their initials stand for it.
    face_sha256: Mapped[str | None]

    __mapper_args__ = {"version_id_col": version}

    @property
    def initials(self) -> str:
        """`Chris Roos` -> `CR`."""
        return initials(self.name)

    @property
    def face_of(self) -> int:
        """Whose face it is, as templates/macros/face.html asks of whatever has one."""
        return self.id

    @property
    def state(self) -> str:
        """`inactive`, `invited` (has no password yet) or `active`."""
        if not self.active:
            return "inactive"
        return "active" if self.password_hash else "invited"


class Login(UserMixin, Base):
    """One browser that a member is logged in with. The cookie holds `id:secret`; only the secret's hash is kept.

    A remembered one ends 30 days after it began; another one 12 hours after it was last used, or with the browser.
    """

    __tablename__ = "logins"
    __table_args__ = (Index("ix_logins_member_id", "member_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"))
    secret_hash: Mapped[str]
    user_agent: Mapped[str] = mapped_column(default="", server_default=text("''"))
    address: Mapped[str] = mapped_column(default="", server_default=text("''"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    remembered: Mapped[bool] = mapped_column(default=False)

    member: Mapped[Member] = relationship(lazy="joined")

    # Not a column: known only in the request that began it or brought it along in its cookie.
    secret = ""

    def get_id(self) -> str:
        """What the cookie holds."""
        return f"{self.id}:{self.secret}"
