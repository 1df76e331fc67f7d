"""Who of the team may read a post that is not for everybody.

`members`: every member. `listed`: its author, editors and admins, and those in `post_viewers`; to all others, members
or not, there is no such post: no address, no file, no revision, no line on the desk.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Column, ColumnElement, ForeignKey, Integer, Table, exists, or_, select, true
from sqlalchemy.orm import Session

from blogapp.auth.models import Member
from blogapp.auth.permissions import may
from blogapp.core.db import Base, db
from blogapp.core.listing import in_a_row
from blogapp.posts.models import Post

# More names than these are a number.
MOST_NAMES = 3

post_viewers = Table(
    "post_viewers",
    Base.metadata,
    Column("post_id", Integer, ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True),
    Column("member_id", Integer, ForeignKey("members.id", ondelete="CASCADE"), primary_key=True, index=True),
)
LISTED_ONLY: ColumnElement[bool] = Post.visibility == "listed"


class Limited(Protocol):
    """What has to be known of a post to say who may see it."""

    @property
    def id(self) -> Any: ...
    @property
    def author_id(self) -> Any: ...
    @property
    def visibility(self) -> Any: ...


@dataclass(frozen=True)
class Circle:
    """Who may read a post once it is published. `members`: the ids of those listed, besides who may in any case."""

    visibility: str = "public"
    members: frozenset[int] = frozenset()


def sees_all(member: Member | None) -> bool:
    """Whether they may see every post of the team: who may edit anybody's."""
    return may(member, "post.edit")


def sees(session: Session, post: Limited, member: Member | None) -> bool:
    """Whether a member may know of a post that not everybody may read: a draft, or one for members."""
    if member is None or not may(member, "post.see"):
        return False
    if post.visibility != "listed" or post.author_id == member.id or sees_all(member):
        return True
    listed = exists().where(post_viewers.c.post_id == post.id, post_viewers.c.member_id == member.id)
    return bool(session.execute(select(listed)).scalar_one())


def seen_by(member: Member | None) -> ColumnElement[bool]:
    """The posts that a member may know of, as a condition; a stand-in for every member (None) sees no listed one."""
    if sees_all(member):
        return true()
    if member is None:
        return ~LISTED_ONLY
    listed = exists().where(post_viewers.c.post_id == Post.id, post_viewers.c.member_id == member.id)
    return or_(~LISTED_ONLY, Post.author_id == member.id, listed)


def circle_of(session: Session, post: Post) -> Circle:
    """Who may read the post."""
    if post.visibility != "listed":
        return Circle(post.visibility)
    query = select(post_viewers.c.member_id).where(post_viewers.c.post_id == post.id)
    return Circle("listed", frozenset(session.execute(query).scalars()))


def viewers_of(post_ids: Sequence[int]) -> dict[int, list[str]]:
    """The names of those listed, by post."""
    query = select(post_viewers.c.post_id, Member.name).join(Member, Member.id == post_viewers.c.member_id)
    query = query.where(post_viewers.c.post_id.in_(post_ids)).order_by(Member.name, Member.id)
    found: dict[int, list[str]] = {}
    for post_id, name in db.session.execute(query) if post_ids else ():
        found.setdefault(post_id, []).append(name)
    return found


def circle_in_words(visibility: str, author: str, names: Sequence[str]) -> str:
    """`members only`, `only Alice Archer and Bob Barker`, `only Alice Archer and 4 others`; "" for everybody."""
    if visibility != "listed":
        return "members only" if visibility == "members" else ""
    known = [author, *names]
    if len(known) > MOST_NAMES + 1:
        return f"only {author} and {len(known) - 1} others"
    return f"only {in_a_row(known)}"
