"""From draft to published and back, and what that does to the digest. Each function is one transaction.

"Never again" begins when a digest's sending begins: from then on nothing here arms it a second time. Until then
withdrawing the post puts the digest to sleep, and publishing again arms it again.
"""

from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sql
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import bump_version, transaction
from blogapp.core.errors import Conflict, NotFound
from blogapp.delivery.wake import DIGESTS, notify
from blogapp.digest import outlook
from blogapp.digest.models import Digest, Schedule
from blogapp.digest.outlook import Outlook
from blogapp.posts.finding import keep_findable
from blogapp.posts.hub import announce
from blogapp.posts.models import Post
from blogapp.posts.queries import find_post, newest_revision
from blogapp.posts.sharelinks import end_links

# A digest whose message may have reached somebody: nothing brings it back.
GONE = ("sending", "sent")


def publish(
    post_id: int, version: int, by: int, *, with_digest: bool | None = None, audience: int | None = None
) -> Post:
    """Make a post public and, if it asks for one, arm its digest.

    Args:
        version: of the post as the person who clicked saw it.
        with_digest: None leaves it to `arms_by_default`.
        audience: how many the person agreed to, where they were asked because it has changed a lot.

    Raises:
        NotFound: there is no such post.
        NotAllowed: `by` may not publish it.
        Conflict: it was saved since, or is public already.
        AudienceChanged: it would go to far more or fewer than the last digest, and nobody has agreed to that.
        Invalid: there is nothing to read, or it is deleted.
    """
    seen = None if with_digest is False else outlook.look_for(Digest.post_id == post_id)
    with transaction() as session:
        post = find_post(session, post_id)
        demand(session.get(Member, by), "post.publish", owner_id=post.author_id)
        post.check_version(version)
        make_public(session, post, by, seen, with_digest=with_digest, audience=audience)
        return post


def make_public(
    session: Session,
    post: Post,
    by: int,
    seen: Outlook | None,
    *,
    with_digest: bool | None,
    audience: int | None = None,
    **detail: str,
) -> None:
    """What `publish` and a schedule that is due do, in their transaction, to a post that they have locked.

    Args:
        seen: who would get the digest; None where there is to be none.
        detail: for the audit.
    """
    wanted = with_digest
    if wanted is None:
        known = _find_digest(session, post)
        wanted = arms_by_default(post, known.state if known else None)
    post.publish(now())
    _forget_schedule(session, post)
    newest = newest_revision(session, post.id)
    if newest is not None:
        newest.was_published = True
    digest = _arm(session, post, seen, audience) if wanted and seen else _disarm(session, post, "cancelled")
    record(session, "post.publish", f"post:{post.id}", by=by, digest=digest.state if digest else None, **detail)
    _tell_readers(session, post)


def arms_by_default(post: Post, digest_state: str | None) -> bool:
    """Whether publishing a post that is not public arms its digest unless its author says otherwise.

    The first time the kind decides. After that only what a withdrawal stopped is armed again: a note that was first
    published without a digest, or that came along as public, is no news when it is published again.
    """
    return post.wants_digest if post.first_published_at is None else digest_state == "withdrawn"


def withdraw(post_id: int, version: int, by: int) -> Post:
    """Make a public post a draft again. A digest that has not begun to leave will not leave.

    Raises:
        NotFound, NotAllowed, Conflict: as for `publish`.
    """
    with transaction() as session:
        post = find_post(session, post_id)
        demand(session.get(Member, by), "post.withdraw", owner_id=post.author_id, public=True)
        post.check_version(version)
        post.withdraw()
        end_links(session, post.id)
        _forget_schedule(session, post)
        _disarm(session, post, "withdrawn")
        record(session, "post.withdraw", f"post:{post.id}", by=by)
        _tell_readers(session, post)
        return post


def delete(post_id: int, version: int, by: int) -> Post:
    """Put a post away for 30 days (restorable), public or not.

    Raises:
        NotFound, NotAllowed, Conflict: as for `publish`.
    """
    with transaction() as session:
        post = find_post(session, post_id)
        public = post.state == "published"
        demand(session.get(Member, by), "post.delete", owner_id=post.author_id, public=public)
        post.check_version(version)
        post.delete(now())
        end_links(session, post.id)
        _forget_schedule(session, post)
        _disarm(session, post, "withdrawn")
        record(session, "post.delete", f"post:{post.id}", by=by)
        if public:
            _tell_readers(session, post)
        return post


def _forget_schedule(session: Session, post: Post) -> None:
    """Whatever was to happen to it by itself: somebody, or the moment itself, has decided."""
    session.execute(sql.delete(Schedule).where(Schedule.post_id == post.id))


def _tell_readers(session: Session, post: Post) -> None:
    """What a change of state means beyond the post: lists, related posts, cached pages, the feeds' hub."""
    keep_findable(session, post)
    announce(session, post)
    bump_version(session)


def hold(digest_id: int, by: int) -> Digest:
    """Keep a waiting digest until somebody says `send_now`. Raises Conflict once it has begun to leave."""
    return _control(digest_id, by, "digest.hold", ("waiting", "cancelled"), "held")


def cancel(digest_id: int, by: int) -> Digest:
    """Let the post be public without its digest leaving. Can be undone with `send_now` or `hold`."""
    return _control(digest_id, by, "digest.cancel", ("waiting", "held"), "cancelled")


def send_now(digest_id: int, by: int, *, audience: int | None = None) -> Digest:
    """Let a waiting, held or cancelled digest leave at once, without those that wait to leave together with it.

    `audience` as for `publish`. Raises AudienceChanged.
    """
    seen = outlook.look_for(Digest.id == digest_id)
    allowed = ("waiting", "held", "cancelled")
    return _control(
        digest_id, by, "digest.send_now", allowed, "waiting", leave=lambda digest: outlook.agree(digest, seen, audience)
    )


def send_digest(post_id: int, by: int, *, audience: int | None = None) -> Digest:
    """Arm the digest of a post that is public without one; it leaves after the hold, as if published now.

    Raises:
        NotFound, NotAllowed: as for `publish`.
        Conflict: the post is not public, or its digest waits or has left already.
        AudienceChanged: as for `publish`.
    """
    seen = outlook.look_for(Digest.post_id == post_id)
    with transaction() as session:
        post = find_post(session, post_id)
        demand(session.get(Member, by), "digest.control", owner_id=post.author_id, public=True)
        if post.state != "published":
            raise Conflict("This post is not published.")
        digest = _find_digest(session, post)
        if digest is not None and digest.state in (*GONE, "waiting"):
            raise Conflict(_why_not(digest))
        digest = _arm(session, post, seen, audience)
        session.flush()
        record(session, "digest.arm", f"digest:{digest.id}", by=by, post=post.id)
        return digest


def _find_digest(session: Session, post: Post) -> Digest | None:
    query = select(Digest).where(Digest.post_id == post.id)
    return session.execute(query.with_for_update(of=Digest)).scalar_one_or_none()


def _arm(session: Session, post: Post, seen: Outlook, agreed: int | None) -> Digest:
    due_at = now() + timedelta(seconds=settings().digest_hold_seconds)
    digest = _find_digest(session, post)
    if digest is None:
        digest = Digest(post_id=post.id, due_at=due_at, state="waiting")
        session.add(digest)
    elif digest.state not in GONE:
        digest.state, digest.due_at, digest.alone = "waiting", due_at, False
    if digest.state == "waiting":
        outlook.agree(digest, seen, agreed)
    notify(session, DIGESTS)
    return digest


def _disarm(session: Session, post: Post, state: str) -> Digest | None:
    digest = _find_digest(session, post)
    if digest is not None and digest.state not in GONE:
        digest.state = state
    return digest


def _control(
    digest_id: int,
    by: int,
    act: str,
    allowed: tuple[str, ...],
    state: str,
    *,
    leave: Callable[[Digest], None] | None = None,
) -> Digest:
    with transaction() as session:
        digest = session.get(Digest, digest_id, with_for_update={"of": Digest}, populate_existing=True)
        if digest is None:
            raise NotFound("There is no such digest.")
        post = session.get_one(Post, digest.post_id)
        demand(session.get(Member, by), "digest.control", owner_id=post.author_id, public=True)
        if digest.state not in allowed or post.state != "published":
            raise Conflict(_why_not(digest))
        digest.state, digest.held_reason = state, ""
        if leave:
            leave(digest)
            digest.due_at, digest.alone = now(), True
            notify(session, DIGESTS)
        record(session, act, f"digest:{digest.id}", by=by, post=post.id)
        return digest


def _why_not(digest: Digest) -> str:
    reasons = {
        "sending": "The digest has begun to leave. What has left cannot be called back.",
        "sent": "The digest has left already.",
        "withdrawn": "The post is withdrawn, so its digest waits with it. Publish the post first.",
        "held": "The digest is held already.",
        "cancelled": "The digest is cancelled already.",
        "waiting": "The digest is waiting to leave already.",
    }
    return reasons[digest.state]
