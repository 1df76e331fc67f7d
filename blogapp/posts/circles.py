"""Who of the team may read a post that is not for everybody.

`members`: every member. `listed`: its author, editors and admins, and those in `post_viewers`; to all others, members
or not, there is no such post: no address, no file, no revision, no line on the desk.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Flask, current_app
from sqlalchemy import Column, ColumnElement, ForeignKey, Integer, Table, delete, exists, insert, or_, select, true
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import may
from blogapp.core.db import Base, bump_version, db
from blogapp.core.errors import Invalid
from blogapp.core.listing import in_a_row
from blogapp.posts.hub import announce
from blogapp.posts.models import VISIBILITIES, Post

EXTENSION = "blogapp.when_limited"
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


def when_limited(app: Flask, act: Callable[[Session, Post], None]) -> None:
    """Have a floor above this one follow, in the same transaction, when a published post is no longer everybody's."""
    app.extensions.setdefault(EXTENSION, []).append(act)


def set_circle(session: Session, post: Post, circle: Circle, by: int) -> bool:
    """Choose who may read a post that has an id, in the caller's transaction. Whether that changed anything.

    The caller calls `keep_findable`. To show to everybody what is published for members is `open_to_all`'s alone.

    Raises:
        Invalid: there is no such choice, or it would make it public. The field is `readers`.
    """
    if circle.visibility not in VISIBILITIES:
        raise _wrong("Choose who may read it.")
    before = circle_of(session, post)
    wanted = Circle(circle.visibility, _active(session, post, circle) if circle.visibility == "listed" else frozenset())
    if wanted == before:
        return False
    if post.state == "published" and wanted.visibility == "public":
        raise _wrong("It is published for members. Open it to everybody on the post’s page.")
    was_public = post.is_public
    post.visibility = wanted.visibility
    session.execute(delete(post_viewers).where(post_viewers.c.post_id == post.id))
    if wanted.members:
        rows = [{"post_id": post.id, "member_id": number} for number in sorted(wanted.members)]
        session.execute(insert(post_viewers), rows)
    record(session, "post.limit", f"post:{post.id}", by=by, readers=wanted.visibility, members=len(wanted.members))
    if was_public:
        for act in current_app.extensions.get(EXTENSION, ()):
            act(session, post)
        announce(session, post)
        bump_version(session)
    return True


def _active(session: Session, post: Post, circle: Circle) -> frozenset[int]:
    """Those of the listed who exist; who has left stays listed, for they may come back. The author is it anyway."""
    query = select(Member.id).where(Member.id.in_(_ids(circle.members)))
    return frozenset(session.execute(query).scalars()) - {post.author_id}


def _ids(numbers: Iterable[int]) -> list[int]:
    return [number for number in numbers if 0 < number < 2**31]


def _wrong(message: str) -> Invalid:
    return Invalid(message, {"readers": message})
