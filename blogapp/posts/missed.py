"""Weeks without a note, and why. A published note about such a week wins; the reason is kept meanwhile."""

from datetime import datetime

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import now
from blogapp.core.db import Base, UTCDateTime, bump_version, db, transaction
from blogapp.core.errors import Conflict, Invalid
from blogapp.posts.models import Post
from blogapp.posts.weeks import LAST_WEEK

LONGEST_REASON = 200


class MissedWeek(Base):
    """Why there is no note about a week, as readers are told."""

    __tablename__ = "missed_weeks"

    week: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reason: Mapped[str]
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)


def record_missed(week: int, reason: str, by: int) -> MissedWeek:
    """Say why there is no note about a week; what was said before is said no more.

    Raises:
        NotAllowed: `by` may not speak for the team.
        Invalid: there is no reason in it, or it is too long, or there is no such week.
        Conflict: a published note covers the week.
    """
    reason = " ".join("".join(char if char.isprintable() else " " for char in reason).split())
    if not reason or len(reason) > LONGEST_REASON:
        message = f"Say in a sentence of up to {LONGEST_REASON} characters why there is no note."
        raise Invalid(message, {"reason": message})
    if not 0 <= week <= LAST_WEEK:
        raise Invalid(f"Weeks go from 0 to {LAST_WEEK}.", {"reason": f"Weeks go from 0 to {LAST_WEEK}."})
    with transaction() as session:
        demand(session.get(Member, by), "week.explain")
        note = note_about(week, session)
        if note is not None:
            raise Conflict(f"Week {week} has a note: “{note.title}”.")
        missed = session.merge(MissedWeek(week=week, reason=reason, member_id=by, at=now()))
        record(session, "week.explain", f"week:{week}", by=by)
        bump_version(session)
        return missed


def forget_missed(week: int, by: int) -> None:
    """Say no longer why there is no note about a week, if anybody has. Raises NotAllowed."""
    with transaction() as session:
        demand(session.get(Member, by), "week.explain")
        missed = session.get(MissedWeek, week)
        if missed is None:
            return
        session.delete(missed)
        record(session, "week.forget", f"week:{week}", by=by)
        bump_version(session)


def note_about(week: int, session: Session) -> Post | None:
    """The note that covers a week, of those that everybody may read."""
    covering = select(Post).where(Post.kind == "week", Post.state == "published", Post.week_from <= week)
    covering = covering.where(Post.visibility == "public")
    return session.execute(covering.where(Post.week_to >= week).limit(1)).scalar_one_or_none()


def reason_for(week: int) -> str:
    """Why there is no note about a week, "" where nobody has said."""
    return db.session.execute(select(MissedWeek.reason).where(MissedWeek.week == week)).scalar_one_or_none() or ""
