"""Telling a post's author by mail when their digest does not simply arrive. Each joins the caller's transaction."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from blogapp.audit import AuditEntry, record
from blogapp.auth.models import Member
from blogapp.core.web import whole_url
from blogapp.delivery.outbox import queue_mail
from blogapp.digest.family import digests_of
from blogapp.digest.models import Digest, Sending, SendingException
from blogapp.posts.circles import sees
from blogapp.posts.models import Post


def cannot_compose(session: Session, digest: Digest, why: str) -> None:
    """The digest could not be made. Told once per version of the post: it is tried again every few minutes."""
    post = session.get_one(Post, digest.post_id)
    told = select(AuditEntry).where(AuditEntry.act == "digest.fail", AuditEntry.subject == f"digest:{digest.id}")
    if any(entry.detail.get("post_version") == post.version for entry in session.execute(told).scalars()):
        return
    record(session, "digest.fail", f"digest:{digest.id}", by=None, post_version=post.version, why=why)
    _tell(session, post, "digest-failed", why=why)


def audience_changed(session: Session, digest: Digest) -> None:
    """It was about to leave, and is held: its audience is not at all what the author was told of."""
    _tell(session, session.get_one(Post, digest.post_id), "digest-audience", why=digest.held_reason)


def not_published(session: Session, post: Post, planner: Member | None, why: str) -> None:
    """It was to be published by itself, and could not be. Whoever planned it is told, too, while they may read it."""
    planner = planner if sees(session, post, planner) else None
    _tell(session, post, "not-published", also=planner, planner=planner, why=why)


def held_up(session: Session, sending: Sending) -> None:
    """The relay has not taken mails for a while."""
    for digest in digests_of(session, sending):
        _tell(session, session.get_one(Post, digest.post_id), "digest-held-up", why=sending.pause_reason)


def refused(session: Session, sending: Sending, family: Sequence[int]) -> None:
    """It is over, and some were refused or are in doubt.

    Args:
        family: the main sending and its editions.
    """
    of_this = (SendingException.sending_id.in_(family), SendingException.state.in_(("refused", "in_doubt")))
    by_state = select(SendingException.state, func.count()).where(*of_this).group_by(SendingException.state)
    counts = dict(session.execute(by_state).all())
    if not counts:
        return
    by_reply = select(SendingException.reply, func.count()).where(*of_this).group_by(SendingException.reply)
    worst = session.execute(by_reply.order_by(func.count().desc(), SendingException.reply).limit(10)).all()
    candidates = session.execute(select(func.sum(Sending.candidates)).where(Sending.id.in_(family))).scalar_one()
    for digest in digests_of(session, sending):
        post = session.get_one(Post, digest.post_id)
        _tell(session, post, "digest-refused", counts=counts, reasons=worst, candidates=candidates)


def _tell(session: Session, post: Post, purpose: str, *, also: Member | None = None, **context: object) -> None:
    """Write to the author; where they cannot be written to (made by an import, left), to the admins."""
    people = [post.author] if post.author.active and post.author.email else []
    if not people:
        admins = select(Member).where(Member.role == "admin", Member.active, Member.email.is_not(None))
        people = list(session.execute(admins).scalars())
    if also and also.active and also.email and also not in people:
        people.append(also)
    for member in people:
        url = whole_url(f"/posts/{post.id}")
        queue_mail(
            session,
            purpose,
            member.email or "",
            context={"post": post, "member": member, "url": url, **context},
            to_name=member.name,
        )
