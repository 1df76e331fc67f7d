"""Who has a post open in the editor just now, as the editors tell every few seconds."""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import now
from blogapp.core.db import Base, UTCDateTime, db, transaction
from blogapp.posts.queries import find_post

# An editor tells every ten seconds that it is open; a phone's is silent while another program is in front.
GONE_AFTER = timedelta(seconds=45)


class Presence(Base):
    """A member has a post open in the editor. Rows that nobody renews say nothing any more."""

    __tablename__ = "presences"

    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)


def note_presence(post_id: int, by: int) -> int:
    """Note that `by` has the post open in the editor. Returns the post's version.

    Raises:
        NotFound: there is no such post.
        NotAllowed: `by` may not edit it.
    """
    with transaction() as session:
        post = find_post(session, post_id)
        demand(session.get(Member, by), "post.edit", owner_id=post.author_id, public=post.state == "published")
        session.execute(delete(Presence).where(Presence.post_id == post_id, Presence.seen_at < now() - GONE_AFTER))
        session.merge(Presence(post_id=post_id, member_id=by, seen_at=now()))
        return post.version


def end_presence(post_id: int, by: int) -> None:
    """Note that `by` has closed the editor."""
    with transaction() as session:
        session.execute(delete(Presence).where(Presence.post_id == post_id, Presence.member_id == by))


def others_at(post_id: int, member_id: int) -> list[str]:
    """The names of those who have the post open in the editor, without `member_id`."""
    query = (
        select(Member.name)
        .join(Presence, Presence.member_id == Member.id)
        .where(Presence.post_id == post_id, Presence.member_id != member_id, Presence.seen_at > now() - GONE_AFTER)
    )
    return list(db.session.execute(query.order_by(Member.name)).scalars())
