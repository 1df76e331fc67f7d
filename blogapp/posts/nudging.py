"""Reminders by mail: two to whoever is on turn and nobody else, then a question to the team. The worker asks for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import may
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import db, take_turns, transaction
from blogapp.core.web import local, whole_url
from blogapp.delivery.outbox import queue_mail
from blogapp.posts.missed import MissedWeek, note_about
from blogapp.posts.models import Post
from blogapp.posts.turnmails import place_to_write
from blogapp.posts.turnmodels import BegunWeek, Nudge
from blogapp.posts.turns import covering, is_away
from blogapp.posts.weeks import Weeks, week_of
from blogapp.posts.weektemplate import in_words

# The moments of a week in the site's time zone, as hours since its Monday: each counts until the next.
QUESTION, FIRST, SECOND, END = 9, 3 * 24 + 10, 4 * 24 + 15, 7 * 24


@dataclass(frozen=True)
class Due:
    """What is due: `first` and `second` about the present week, `question` about the one before. Until when it is."""

    week: int
    kind: str
    since: datetime
    until: datetime


def due_at(at: datetime) -> Due | None:
    """What is due at a moment of the site's time zone, if no note is published by then."""
    monday = at.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=at.weekday())
    week = week_of(monday.date(), settings().site_epoch)
    for kind, start, end, about in (
        ("question", QUESTION, FIRST, week - 1),
        ("first", FIRST, SECOND, week),
        ("second", SECOND, END, week),
    ):
        # On the clock that hangs on the wall: a day of summer time that begins has 23 hours.
        since, until = monday + timedelta(hours=start), monday + timedelta(hours=end)
        if since <= at < until:
            return Due(about, kind, since, until) if about >= 0 else None
    return None


def nudge() -> int:
    """Write the mails that are due, each once. Returns how many were written."""
    due = due_at(local(now()))
    if due is None or not _to(db.session(), due):
        return 0
    with transaction() as session:
        take_turns(session)
        people = _to(session, due)
        if not people:
            return 0
        session.add(Nudge(week=due.week, kind=due.kind))
        for member in people:
            _write(session, due, member)
        record(session, "week.nudge", f"week:{due.week}", by=None, kind=due.kind, members=[one.id for one in people])
        return len(people)


def _to(session: Session, due: Due) -> list[Member]:
    """Who is to be written to; nobody where it is written already, or there is nothing to say."""
    post = covering(session, due.week)
    if post is not None and (post.state == "published" or (post.week_to or 0) > due.week):
        return []  # Written, be it for members; or about a later week too: there is time until that one's Friday.
    begun = _begun(session, due.week, post)
    if begun is None or session.get(Nudge, (due.week, due.kind)) is not None:
        return []
    if note_about(due.week, session) is not None or session.get(MissedWeek, due.week) is not None:
        return []
    if due.kind == "question":
        there = select(Member).where(Member.active, Member.password_hash.is_not(None)).order_by(Member.id)
        people, week = list(session.execute(there).scalars()), due.week + 1
    else:
        # A draft that was begun later than that needs no reminder of it.
        people = [session.get_one(Member, begun.member_id)] if begun.begun_at < due.since else []
        week = due.week
    return [one for one in people if one.active and one.email and not is_away(session, one.id, week)]


def _begun(session: Session, week: int, post: Post | None) -> BegunWeek | None:
    """The week as it was begun; of a note about several weeks the last of them that was anybody's turn."""
    first = week if post is None or post.week_from is None else post.week_from
    query = select(BegunWeek).where(BegunWeek.week.between(first, week)).order_by(BegunWeek.week.desc())
    return session.execute(query.limit(1)).scalar_one_or_none()


def _write(session: Session, due: Due, member: Member) -> None:
    post = covering(session, due.week)
    weeks = (post and post.weeks) or Weeks(due.week, due.week)
    queue_mail(
        session,
        "week-missing" if due.kind == "question" else "week-turn",
        member.email or "",
        context={
            "member": member,
            "kind": due.kind,
            "weeks": weeks,
            "dates": in_words(weeks, settings().site_epoch),
            "post": post,
            "url": place_to_write(post, member),
            "join_url": whole_url(f"/write/rota/merge/{due.week}"),
            "reason_url": whole_url(f"/write/weeks/{due.week}") if may(member, "week.explain") else "",
            "rota_url": whole_url("/write/rota"),
        },
        to_name=member.name,
        expires_at=due.until,
    )
