"""From draft to published and back, and what that does to the digest. Each function is one transaction.

"Never again" begins when a digest's sending begins: from then on nothing here arms it a second time. Until then
withdrawing the post puts the digest to sleep, and publishing again arms it again.
"""

from datetime import timedelta

from sqlalchemy import delete as delete_rows
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import bump_version, transaction
from blogapp.core.errors import Conflict
from blogapp.delivery.wake import DIGESTS, notify
from blogapp.digest import outlook
from blogapp.digest.holding import why_not
from blogapp.digest.models import Digest, Schedule
from blogapp.digest.outlook import Outlook
from blogapp.posts.circles import post_viewers
from blogapp.posts.contributing import Woven, prepare, weave
from blogapp.posts.finding import keep_findable
from blogapp.posts.glossary import freeze
from blogapp.posts.hub import announce
from blogapp.posts.models import Post
from blogapp.posts.naming import check_weeks, lock_names
from blogapp.posts.queries import find_post, newest_revision
from blogapp.posts.sections import again
from blogapp.posts.sharelinks import end_links

# A digest whose message may have reached somebody: nothing brings it back.
GONE = ("sending", "sent")


@again
def publish(
    post_id: int, version: int, by: int, *, with_digest: bool | None = None, audience: int | None = None
) -> Post:
    """Make a post public and, if it asks for one, arm its digest. One for members is only theirs, and nothing leaves.

    What members added (`posts/sections.py`) becomes part of its text.

    Args:
        version: of the post as the person who clicked saw it.
        with_digest: None leaves it to `arms_by_default`.
        audience: how many the person agreed to, where they were asked because it has changed a lot.

    Raises:
        NotFound: there is no such post.
        NotAllowed: `by` may not publish it.
        Conflict: it was saved since, or is public already.
        AudienceChanged: it would go to far more or fewer than the last digest, and nobody has agreed to that.
        Invalid: there is nothing to read, it is deleted, or another note covers one of its weeks (`WeekTaken`).
    """
    seen = None if with_digest is False else outlook.look_for(Digest.post_id == post_id)
    whole = prepare(post_id)
    with transaction() as session:
        post = find_post(session, post_id, by=by)
        demand(session.get(Member, by), "post.publish", owner_id=post.author_id)
        post.check_version(version)
        make_public(session, post, by, whole, seen, with_digest=with_digest, audience=audience)
        return post


def make_public(
    session: Session,
    post: Post,
    by: int,
    whole: Woven,
    seen: Outlook | None,
    *,
    with_digest: bool | None,
    audience: int | None = None,
    **detail: str,
) -> None:
    """What `publish` and a schedule that is due do, in their transaction, to a post that they have locked.

    Args:
        whole: what `prepare` made of it before the transaction.
        seen: who would get the digest; None where there is to be none.
        detail: for the audit.

    Raises:
        SectionsMoved: it says something else by now.
        Invalid: another note covers one of its weeks (`WeekTaken`).
    """
    if post.visibility != "listed":
        # It has its week since long, so whoever wants it now is refused: this need not take turns with them.
        with session.no_autoflush:
            check_weeks(session, post)
    weave(session, post, whole, by)
    wanted = False if post.is_limited else with_digest
    if wanted is None:
        known = _find_digest(session, post)
        wanted = arms_by_default(post, known.state if known else None)
    post.publish(now())
    if whole.rendered is not None:
        freeze(post, whole.rendered)
    forget_schedule(session, post)
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
        post = find_post(session, post_id, by=by)
        demand(session.get(Member, by), "post.withdraw", owner_id=post.author_id, public=True)
        post.check_version(version)
        post.withdraw()
        end_links(session, post.id)
        forget_schedule(session, post)
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
        post = find_post(session, post_id, by=by)
        public = post.state == "published"
        demand(session.get(Member, by), "post.delete", owner_id=post.author_id, public=public)
        post.check_version(version)
        post.delete(now())
        end_links(session, post.id)
        forget_schedule(session, post)
        _disarm(session, post, "withdrawn")
        record(session, "post.delete", f"post:{post.id}", by=by)
        if public:
            _tell_readers(session, post)
        return post


def open_to_all(post_id: int, version: int, by: int) -> Post:
    """Show to everybody what is published for members. No digest leaves by itself: `send_digest` sends one.

    Raises:
        NotFound, NotAllowed: as for `publish`.
        Conflict: it was saved since, is a draft, or everybody may read it already.
        Invalid: another note covers one of its weeks (`WeekTaken`).
    """
    with transaction() as session:
        post = find_post(session, post_id, by=by)
        demand(session.get(Member, by), "post.publish", owner_id=post.author_id)
        post.check_version(version)
        post.open(now())
        lock_names(session)
        with session.no_autoflush:
            check_weeks(session, post)
        session.execute(delete_rows(post_viewers).where(post_viewers.c.post_id == post.id))
        stop_digest(session, post)
        record(session, "post.open", f"post:{post.id}", by=by)
        _tell_readers(session, post)
        return post


def stop_digest(session: Session, post: Post) -> None:
    """What a post loses that is no longer everybody's: a digest that has not begun to leave stays."""
    _disarm(session, post, "cancelled")


def is_scheduled(session: Session, post: Post) -> bool:
    """Whether it is to be published by itself; what was tried and stopped is not."""
    planned = session.get(Schedule, post.id, populate_existing=True)
    return planned is not None and planned.stopped_at is None


def forget_schedule(session: Session, post: Post) -> None:
    """Whatever was to happen to it by itself: somebody, or the moment itself, has decided."""
    session.execute(delete_rows(Schedule).where(Schedule.post_id == post.id))


def _tell_readers(session: Session, post: Post) -> None:
    """What a change of state means beyond the post: lists, related posts, cached pages, the feeds' hub."""
    keep_findable(session, post)
    if not post.is_limited:
        announce(session, post)
    bump_version(session)


def send_digest(post_id: int, by: int, *, audience: int | None = None) -> Digest:
    """Arm the digest of a post that is public without one; it leaves after the hold, as if published now.

    Raises:
        NotFound, NotAllowed: as for `publish`.
        Conflict: the post is not public, or its digest waits or has left already.
        AudienceChanged: as for `publish`.
    """
    seen = outlook.look_for(Digest.post_id == post_id)
    with transaction() as session:
        post = find_post(session, post_id, by=by)
        demand(session.get(Member, by), "digest.control", owner_id=post.author_id, public=True)
        if not post.is_public:
            raise Conflict("This post is for members only." if post.is_limited else "This post is not published.")
        digest = _find_digest(session, post)
        if digest is not None and digest.state in (*GONE, "waiting"):
            raise Conflict(why_not(digest))
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
