"""Posts that were put away: brought back within 30 days, then gone for good."""

from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.addresses import Redirect, release_slug
from blogapp.core.clock import now
from blogapp.core.db import bump_version, db, transaction
from blogapp.core.errors import Conflict, Gone
from blogapp.posts.models import Attachment, Post, post_attachments
from blogapp.posts.naming import check_weeks, lock_names
from blogapp.posts.queries import find_post
from blogapp.posts.sweeping import sweep_files

KEPT_FOR = timedelta(days=30)


def gone_on(deleted_at: datetime) -> datetime:
    """When something that was put away then is gone for good."""
    return deleted_at + KEPT_FOR


def restore_post(post_id: int, by: int) -> Post:
    """Bring a deleted post back, as a draft.

    Raises:
        NotFound: there is no such post.
        NotAllowed: `by` may not delete it, so not bring it back either.
        Conflict: it is not deleted.
        Gone: its 30 days are over.
        Invalid: another post covers its week by now (`WeekTaken`).
    """
    with transaction() as session:
        post = find_post(session, post_id, deleted=True, by=by)
        demand(session.get(Member, by), "post.delete", owner_id=post.author_id)
        if post.deleted_at is None:
            raise Conflict("This post is not deleted.")
        if gone_on(post.deleted_at) <= now():
            raise Gone("This post was deleted more than 30 days ago and cannot be brought back.")
        lock_names(session)
        check_weeks(session, post)
        post.deleted_at = None
        record(session, "post.restore", f"post:{post.id}", by=by)
        if post.first_published_at:
            bump_version(session)  # 410 becomes 404
        return post


def purge_deleted() -> int:
    """Remove for good what was put away more than 30 days ago, files too; the worker calls it daily. Returns how many.

    An address that was ever public is marked as gone (410), with every address that led to it.
    """
    until = now() - KEPT_FOR
    ids = db.session.execute(select(Post.id).where(Post.deleted_at <= until).order_by(Post.id)).scalars().all()
    purged = sum(_purge(number, until) for number in ids)
    sweep_files(until)
    return purged


def _purge(post_id: int, until: datetime) -> bool:
    with transaction() as session:
        post = session.get(Post, post_id, with_for_update={"of": Post}, populate_existing=True)
        if post is None or post.deleted_at is None or post.deleted_at > until:
            return False  # Brought back a moment ago.
        slug, was_public = post.slug, post.first_published_at is not None
        session.expunge(post)
        _put_files_away(session, post_id)
        session.execute(delete(Post).where(Post.id == post_id))
        release_slug(session, slug, gone=was_public)
        session.execute(update(Redirect).where(Redirect.target == slug).values(target=None))
        record(session, "post.purge", f"post:{post_id}", by=None, slug=slug)
        if was_public:
            bump_version(session)
        return True


def _put_files_away(session: Session, post_id: int) -> None:
    """Put away what no other post has, for the night's sweep: until then no text brings back what only a few knew."""
    links, others = post_attachments.c, post_attachments.alias().c
    own = exists().where(links.attachment_id == Attachment.id, links.post_id == post_id)
    elsewhere = exists().where(others.attachment_id == Attachment.id, others.post_id != post_id)
    session.execute(
        update(Attachment)
        .where(own, ~elsewhere, Attachment.removed_at.is_(None))
        .values(removed_at=now())
        .execution_options(synchronize_session=False)
    )
