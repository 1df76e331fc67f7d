"""Choosing who of the team may read a post, and what it loses when it is no longer everybody's."""

from collections.abc import Callable, Iterable

from flask import Flask, current_app
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.core.db import bump_version
from blogapp.core.errors import Invalid
from blogapp.posts.circles import Circle, circle_of, post_viewers
from blogapp.posts.hub import announce
from blogapp.posts.models import VISIBILITIES, Post
from blogapp.posts.naming import check_weeks, lock_names
from blogapp.posts.sharelinks import end_links

EXTENSION = "blogapp.when_limited"


def when_limited(app: Flask, act: Callable[[Session, Post], None]) -> None:
    """Have a floor above this one follow, in the same transaction, when a published post is no longer everybody's."""
    app.extensions.setdefault(EXTENSION, []).append(act)


def set_circle(session: Session, post: Post, circle: Circle, by: int) -> bool:
    """Choose who may read a post that has an id, in the caller's transaction. Whether that changed anything.

    The caller calls `keep_findable`. To show to everybody what is published for members is `open_to_all`'s alone.

    Raises:
        Invalid: there is no such choice, or it would make it public (the field is `readers`); or it was for a few, so
            took no week, and another post covers one of its weeks by now (`WeekTaken`).
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
    if before.visibility == "listed" and wanted.visibility != "listed":
        lock_names(session)
        with session.no_autoflush:
            check_weeks(session, post)
    if wanted.visibility != "public":
        end_links(session, post.id)
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
