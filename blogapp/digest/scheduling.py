"""Publishing by itself at a moment. Nothing becomes public by the clock alone: only by this write of the worker.

A schedule is a row; publishing, withdrawing or deleting by hand removes it. When its moment has come, or has passed
while no worker ran, one worker publishes the post by the rule of `publishing.publish`, once.
"""

import logging
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.errors import BlogError, Conflict, Invalid, NotFound
from blogapp.digest import notices, outlook
from blogapp.digest.models import Digest, Schedule
from blogapp.digest.outlook import AudienceChanged
from blogapp.digest.publishing import make_public
from blogapp.posts.circles import sees
from blogapp.posts.contributing import prepare
from blogapp.posts.models import Post
from blogapp.posts.queries import find_post

log = logging.getLogger(__name__)

FARTHEST = timedelta(days=366)
AT_ONCE = 20


def schedule(post_id: int, version: int, by: int, at: datetime, *, with_digest: bool) -> Schedule:
    """Have a draft published at a moment; what was planned for it before is forgotten. Editing it goes on.

    Raises:
        NotFound: there is no such post.
        NotAllowed: `by` may not publish it.
        Conflict: it was saved since, or is public.
        Invalid: the moment has passed, or is more than a year away. The field is `at`.
    """
    with transaction() as session:
        post = find_post(session, post_id, by=by)
        demand(session.get(Member, by), "post.publish", owner_id=post.author_id)
        post.check_version(version)
        if post.state == "published":
            raise Conflict("This post is published already.")
        if not now() < at <= now() + FARTHEST:
            message = "That moment has passed." if at <= now() else "That is more than a year from now."
            raise Invalid(message, {"at": message})
        planned = session.merge(
            Schedule(
                post_id=post.id, member_id=by, publish_at=at, with_digest=with_digest, created_at=now(),
                stopped_at=None, why="",
            )
        )  # fmt: skip
        record(session, "post.schedule", f"post:{post.id}", by=by, at=at.isoformat(), digest=with_digest)
        return planned


def unschedule(post_id: int, by: int) -> None:
    """Let a draft stay one.

    Raises:
        NotFound: there is no such post, or it is not planned (any more).
        NotAllowed: `by` may not publish it.
    """
    with transaction() as session:
        post = find_post(session, post_id, by=by)
        demand(session.get(Member, by), "post.publish", owner_id=post.author_id)
        planned = session.get(Schedule, post_id)
        if planned is None:
            raise NotFound("This post is not to be published by itself.")
        session.delete(planned)
        record(session, "post.unschedule", f"post:{post.id}", by=by)


def schedule_of(post_id: int) -> Schedule | None:
    """What is planned for a post."""
    return db.session.get(Schedule, post_id)


def publish_due() -> int:
    """Publish what is due; the worker calls it every second. Returns how many posts it published."""
    due = (Schedule.publish_at <= now(), Schedule.stopped_at.is_(None))
    query = select(Schedule.post_id).where(*due).order_by(Schedule.publish_at, Schedule.post_id).limit(AT_ONCE)
    numbers = db.session.execute(query).scalars().all()
    db.session.rollback()
    return sum(_publish_apart(number) for number in numbers)


def _publish_apart(post_id: int) -> bool:
    """One post, whose trouble is none of the others'."""
    try:
        return _publish(post_id)
    except OperationalError:  # The database is busy or away: so it is for all, and a second later perhaps no more.
        raise
    except Exception:
        log.exception("a post could not be published at its time", extra={"post": post_id})
        _stop(post_id, "Something went wrong; the log says what.")
        return False


def _publish(post_id: int) -> bool:
    """One post, unless another worker or a person was faster."""
    seen = outlook.look_for(Digest.post_id == post_id)
    try:
        whole = prepare(post_id)
        with transaction() as session:
            planned, post = _due(session, post_id)
            if planned is None or post is None:
                return False
            by = planned.member_id
            member = session.get(Member, by)
            demand(member, "post.publish", owner_id=post.author_id)
            if not sees(session, post, member):
                raise NotFound("Whoever planned it may not read it any more.")
            wanted = planned.with_digest
            make_public(session, post, by, whole, seen if wanted else None, with_digest=wanted, planned="yes")
            return True
    except BlogError as error:
        if isinstance(error, Conflict) and not isinstance(error, AudienceChanged):
            return False  # Somebody saved it at this very moment: the next look is a second away.
        _stop(post_id, str(error))
        return False


def _due(session: Session, post_id: int) -> tuple[Schedule | None, Post | None]:
    """The post and its schedule, locked, if it is still to be published now."""
    post = session.get(Post, post_id, with_for_update={"of": Post}, populate_existing=True)
    planned = session.get(Schedule, post_id, populate_existing=True)
    if planned is None or post is None or planned.stopped_at is not None or planned.publish_at > now():
        return None, None
    if post.state == "published" or post.deleted_at is not None:  # An import, or joining two weeks, did that.
        session.delete(planned)
        return None, None
    return planned, post


def _stop(post_id: int, why: str) -> None:
    """It could not be published: say so on its page and to its author, once."""
    with transaction() as session:
        planned, post = _due(session, post_id)
        if planned is None or post is None:
            return
        planned.stopped_at, planned.why = now(), why
        record(session, "post.not_published", f"post:{post_id}", by=None, why=why)
        notices.not_published(session, post, session.get(Member, planned.member_id), why)
    log.warning("a post was not published at its time", extra={"post": post_id, "why": why})
