"""Links that show a draft to whoever has them, for some days.

A link's token is made of its number and the site's link key, so that it can be shown again to those who may edit the
post. It ends when it expires or is withdrawn, and when the post is published, withdrawn, deleted or for members only.
It shows nothing while whoever made it may not edit the post: what they were trusted with is not theirs to give.
"""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, exists, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand, may
from blogapp.core.clock import now
from blogapp.core.db import Base, UTCDateTime, db, transaction
from blogapp.core.errors import Conflict, Gone, Invalid, NotFound
from blogapp.core.site import link_key
from blogapp.core.tokens import link_token, read_link_token
from blogapp.posts.models import Post, post_attachments
from blogapp.posts.queries import find_post

# How many days a link may last, the usual first.
DAYS = (7, 1, 30)
MOST = 20
PURPOSE = "share"


class ShareLink(Base):
    """A link to a draft. Its ids are never used again: an old token would open somebody else's draft."""

    __tablename__ = "share_links"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    member: Mapped[Member] = relationship(lazy="joined", innerjoin=True)

    @property
    def token(self) -> str:
        """What its address ends in."""
        return link_token(link_key(), PURPOSE, self.id)


def share(post_id: int, by: int, days: int = DAYS[0]) -> ShareLink:
    """Make a link to a draft.

    Raises:
        NotFound: there is no such post.
        NotAllowed: `by` may not edit it.
        Conflict: it is published, for members only, or has many links already.
        Invalid: a link does not last so long.
    """
    if days not in DAYS:
        raise Invalid("A link lasts 1, 7 or 30 days.")
    with transaction() as session:
        post = find_post(session, post_id, by=by)
        demand(session.get(Member, by), "post.edit", owner_id=post.author_id, public=post.state == "published")
        if post.state == "published":
            raise Conflict("This post is published: its own address is the link.")
        if post.is_limited:
            raise Conflict("This post is for members only, and a link would show it to anybody.")
        at = now()
        if len(_live(session, post, at)) >= MOST:
            raise Conflict(f"This draft has {MOST} links. Withdraw one first.")
        link = ShareLink(post_id=post_id, member_id=by, created_at=at, expires_at=at + timedelta(days=days))
        session.add(link)
        session.flush()
        record(session, "post.share", f"post:{post_id}", by=by, link=link.id, days=days)
        return link


def withdraw_link(post_id: int, number: int, by: int) -> None:
    """End a link now.

    Raises:
        NotFound: there is no such post, or it has no such link.
        NotAllowed: `by` may not edit it.
    """
    with transaction() as session:
        post = find_post(session, post_id, by=by)
        demand(session.get(Member, by), "post.edit", owner_id=post.author_id, public=post.state == "published")
        link = session.get(ShareLink, number)
        if link is None or link.post_id != post_id:
            raise NotFound("This draft has no such link.")
        if link.withdrawn_at is None:
            link.withdrawn_at = now()
            record(session, "post.unshare", f"post:{post_id}", by=by, link=number)


def end_links(session: Session, post_id: int) -> None:
    """End all links to a post, in the caller's transaction: what is taken back is taken back from all."""
    still = (ShareLink.post_id == post_id, ShareLink.withdrawn_at.is_(None))
    session.execute(update(ShareLink).where(*still).values(withdrawn_at=now()))


def live_links(post_id: int) -> list[ShareLink]:
    """The links to a post that somebody can still open, the newest first."""
    post = db.session.get(Post, post_id)
    return _live(db.session(), post, now()) if post is not None else []


def _live(session: Session, post: Post, at: datetime) -> list[ShareLink]:
    query = select(ShareLink).where(
        ShareLink.post_id == post.id, ShareLink.withdrawn_at.is_(None), ShareLink.expires_at > at
    )
    links = session.execute(query.order_by(ShareLink.id.desc())).scalars()
    return [link for link in links if _is_backed(link, post)]


def _is_backed(link: ShareLink, post: Post) -> bool:
    """Whether whoever made the link may edit the post still."""
    return may(link.member, "post.edit", owner_id=post.author_id, public=post.state == "published")


def open_link(token: str) -> Post:
    """The post that a link leads to; nothing of it may be shown further where it is public.

    Raises:
        NotFound: it is no link of ours, or the post is deleted.
        Gone: it has expired, or was withdrawn, or whoever made it may not edit the post any more.
    """
    number = read_link_token(link_key(), PURPOSE, token)
    link = db.session.get(ShareLink, number) if number < 2**31 else None
    post = db.session.get(Post, link.post_id) if link else None
    if link is None or post is None or post.deleted_at is not None:
        raise NotFound("There is nothing at this link any more.")
    if post.is_public:
        return post
    if link.withdrawn_at is not None or post.is_limited or not _is_backed(link, post):
        raise Gone("This link was withdrawn. Ask whoever gave it to you for a new one.")
    if link.expires_at <= now():
        raise Gone("This link has expired. Ask whoever gave it to you for a new one.")
    return post


def link_shows(session: Session, token: str, attachment_id: int) -> bool:
    """Whether a link is still good, and the draft that it leads to shows this file."""
    try:
        post = open_link(token)
    except (NotFound, Gone):
        return False
    links = post_attachments.c
    shown = exists().where(links.post_id == post.id, links.attachment_id == attachment_id, links.shown)
    return bool(session.execute(select(shown)).scalar_one())
