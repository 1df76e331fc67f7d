"""What a post said, and when: revisions."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from blogapp.posts.models import Post, Revision
from blogapp.posts.queries import newest_revision, next_number

GROWS_FOR = timedelta(minutes=10)


def keep_revision(
    session: Session, post: Post, by: int | None, at: datetime, *, fresh: bool = False, first: bool = False
) -> Revision:
    """Put what the post says now on record, in the caller's transaction.

    The newest revision grows while the same member keeps editing, for ten minutes, and never once published.

    Args:
        by: None is the program itself.
        fresh: make a new one whatever the newest is, so that the newest stays as it is.
        first: the post has none yet.
    """
    newest = None if first else newest_revision(session, post.id)
    public = post.state == "published"
    if newest is not None and (newest.title, newest.body) == (post.title, post.body):
        newest.was_published = newest.was_published or public
        return newest
    if newest is not None and not fresh and _may_grow(newest, by, at):
        newest.title, newest.body, newest.updated_at = post.title, post.body, at
        newest.was_published = public
        return newest
    revision = Revision(
        post_id=post.id,
        number=1 if first else next_number(session, post.id),
        member_id=by,
        title=post.title,
        body=post.body,
        created_at=at,
        updated_at=at,
        was_published=public,
    )
    session.add(revision)
    return revision


def _may_grow(revision: Revision, by: int | None, at: datetime) -> bool:
    return revision.member_id == by and not revision.was_published and at - revision.created_at < GROWS_FOR
