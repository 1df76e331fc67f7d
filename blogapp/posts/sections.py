"""Sections: what members add to a draft, each signed. While it is a draft each is a row, so nobody is in anybody's way.

What readers (and previews) see is composed of both. With the publication they become part of the text (`weave`).
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import Base, UTCDateTime, db
from blogapp.core.errors import Conflict
from blogapp.posts.composing import Signed, compose, markdown_of
from blogapp.posts.glossary import spelled_out
from blogapp.posts.models import Post
from blogapp.posts.signatures import signature

P = ParamSpec("P")
T = TypeVar("T")
# Each time somebody else was faster; a team has no hundred members who press a button in the same instant.
TRIES = 100


class Section(Base):
    """What a member adds to a draft: a title, perhaps a link, a comment. It ends in the member's signature.

    `woven_at`: it is part of the post's text since then. `removed_at`: taken away, to be brought back.
    """

    __tablename__ = "sections"
    __table_args__ = (Index("ix_sections_post", "post_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    position: Mapped[int]
    title: Mapped[str]
    url: Mapped[str] = mapped_column(default="")
    body: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    woven_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    member: Mapped[Member] = relationship(lazy="joined")

    __mapper_args__ = {"version_id_col": version}

    @property
    def signed(self) -> Signed:
        """As it is composed."""
        signer = self.member
        return Signed(self.title, self.url, self.body, signature(signer.initials, signer.name, signer.slug))


class Written(Protocol):
    """A post, or a row of its columns."""

    @property
    def id(self) -> Any: ...
    @property
    def body(self) -> Any: ...
    @property
    def format(self) -> Any: ...
    @property
    def frozen(self) -> Any: ...


class SectionsMoved(Conflict):
    """The sections are not those that the text was composed of."""


def again(use_case: Callable[P, T]) -> Callable[P, T]:
    """Do it once more where sections came or went between the composing and the writing: nobody is told of it."""

    @wraps(use_case)
    def tried(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(TRIES - 1):
            try:
                return use_case(*args, **kwargs)
            except SectionsMoved:
                continue
        return use_case(*args, **kwargs)

    return tried


def sections_of(session: Session, post_id: int) -> list[Section]:
    """The sections that wait to become part of the text, in their order; with those that were taken away."""
    query = select(Section).where(Section.post_id == post_id, Section.woven_at.is_(None))
    query = query.order_by(Section.position, Section.id).execution_options(populate_existing=True)
    return list(session.execute(query).scalars())


def text_of(session: Session, post_id: int, body: str) -> str:
    """What the post says in all: `body` with the sections that wait."""
    return compose(body, [one.signed for one in sections_of(session, post_id) if one.removed_at is None])


def exported_text(session: Session, post: Written) -> str:
    """What the post says for whoever takes it elsewhere: with its sections, and the definitions that only we have."""
    return spelled_out(text_of(session, post.id, post.body), post.format, post.frozen)


def check_text(session: Session, post_id: int, body: str, composed: str) -> None:
    """
    Raises:
        SectionsMoved: with the sections as they are now, `body` no longer gives the text that was composed.
    """
    if text_of(session, post_id, body) != composed:
        raise SectionsMoved("Somebody added a section at this moment. Nothing was changed; try again.")


def waits(post_id: int, body: str = "") -> bool:
    """Whether a section waits that does not stand in `body`."""
    waiting = [one for one in sections_of(db.session(), post_id) if one.removed_at is None]
    return any(markdown_of(one.signed) not in body for one in waiting)


def note_woven(session: Session, post: Post) -> None:
    """Count as part of the text those sections that stand in its body by now: an import brought it as a whole."""
    for section in sections_of(session, post.id):
        if section.removed_at is None and markdown_of(section.signed) in post.body:
            section.woven_at = now()
