"""On Monday the week's draft is there, for whose turn it is. The worker asks every minute; a week is begun once."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.core.config import settings
from blogapp.core.db import db, transaction
from blogapp.core.markup import render
from blogapp.posts.circles import LISTED_ONLY
from blogapp.posts.glossary import resolving
from blogapp.posts.models import Post
from blogapp.posts.naming import lock_names, text_for
from blogapp.posts.rota import Turn
from blogapp.posts.turnmodels import BegunWeek
from blogapp.posts.turns import this_week, turn_of
from blogapp.posts.weeks import LAST_WEEK, Weeks
from blogapp.posts.weektemplate import fill, week_template
from blogapp.posts.writing import begin_post


def begin_week() -> Post | None:
    """Make the draft of the present week, once. None where there is nothing to make.

    A week that a post covers already, be it a deleted one, gets none; whose turn it was is noted all the same.
    """
    turn = _open_turn(db.session(), this_week())
    if turn is None or turn.member_id is None or turn.place_id is None:
        return None
    weeks, author = Weeks(turn.week, turn.week), db.session.get_one(Member, turn.member_id)
    body = text_for(fill(week_template(db.session()), weeks, settings().site_epoch, author.name))
    # Before the transaction: others may write meanwhile.
    rendered = render(body, title=weeks.title, references=resolving(None, body))
    with transaction() as session:
        lock_names(session)
        # Another worker was first, or the rota has changed; then the next minute sees to it.
        if _open_turn(session, turn.week) != turn:
            return None
        known = _any_post(session, turn.week)
        post = None
        if known is None:
            post = begin_post(session, turn.member_id, "week", weeks.title, body, rendered, None, weeks=weeks)
        there = post or known
        session.add(
            BegunWeek(
                week=turn.week,
                member_id=turn.member_id,
                place_id=turn.place_id,
                post_id=there.id if there and there.deleted_at is None else None,
                made=post is not None,
            )
        )
        record(session, "week.begin", f"week:{turn.week}", by=None, member=turn.member_id)
        return post


def _open_turn(session: Session, week: int) -> Turn | None:
    """Whose turn the week is, if it is not begun."""
    if not 0 <= week <= LAST_WEEK or session.get(BegunWeek, week) is not None:
        return None
    return turn_of(session, week)


def _any_post(session: Session, week: int) -> Post | None:
    """A post that covers the week, one that lives before one that was deleted."""
    query = select(Post).where(Post.kind == "week", Post.week_from <= week, Post.week_to >= week, ~LISTED_ONLY)
    return session.execute(query.order_by(Post.deleted_at.is_not(None), Post.id).limit(1)).scalar_one_or_none()
