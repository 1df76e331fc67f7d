"""Who is on turn: the rota as the database has it, and the weeks to come."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.web import local
from blogapp.posts.missed import MissedWeek
from blogapp.posts.models import Post
from blogapp.posts.rota import Away, Change, Place, Rota, Turn, turns
from blogapp.posts.turnmodels import BegunWeek, RotaAway, RotaChange, RotaMember
from blogapp.posts.weeks import LAST_WEEK, week_of

# How far ahead anything can be decided.
AHEAD = 52


def this_week() -> int:
    """The number of the present week in the site's time zone; negative before the epoch."""
    return week_of(local(now()).date(), settings().site_epoch)


def list_order(session: Session) -> list[RotaMember]:
    """Who is in the rota, in its order."""
    return list(session.execute(select(RotaMember).order_by(RotaMember.position, RotaMember.member_id)).scalars())


def list_aways(session: Session, week: int) -> list[RotaAway]:
    """The absences that are not over before a week, the earliest first."""
    query = select(RotaAway).where(RotaAway.last_week >= week)
    return list(session.execute(query.order_by(RotaAway.first_week, RotaAway.id)).scalars())


def read_rota(session: Session, week: int) -> Rota:
    """All that decides about turns from a week on; those before it are told by the weeks that were begun."""
    order = list_order(session)
    changes = session.execute(select(RotaChange).where(RotaChange.week >= week)).scalars()
    ids = [one.member_id for one in order]
    last = select(BegunWeek.place_id).where(BegunWeek.week < week, BegunWeek.place_id.in_(ids))
    return Rota(
        [Place(one.member_id, one.from_week, one.member.active) for one in order],
        [Away(one.member_id, one.first_week, one.last_week) for one in list_aways(session, week)],
        {one.week: Change(one.member_id, one.other_week) for one in changes},
        _free(session, week),
        session.execute(last.order_by(BegunWeek.week.desc()).limit(1)).scalar_one_or_none(),
    )


def list_turns(session: Session, first: int, count: int) -> list[Turn]:
    """Who is on turn in the present week or a later one, and in those after it. What is begun stays as it was begun."""
    count = min(count, LAST_WEEK + 1 - first)
    begun = session.get(BegunWeek, first)
    if begun is None:
        return turns(read_rota(session, first), first, count)
    change = session.get(RotaChange, first)
    decided = Change(change.member_id, change.other_week) if change and change.member_id == begun.member_id else None
    turn = Turn(first, begun.member_id, begun.place_id, change=decided)
    return [turn, *turns(read_rota(session, first + 1), first + 1, count - 1)]


def turn_of(session: Session, week: int) -> Turn:
    """Who is on turn in the present week or a later one."""
    first = max(0, min(this_week(), week))
    return list_turns(session, first, week - first + 1)[-1]


def is_away(session: Session, member_id: int, week: int) -> bool:
    """Whether a member is away in a week."""
    return any(one.member_id == member_id and one.first_week <= week for one in list_aways(session, week))


def covering(session: Session, week: int) -> Post | None:
    """The week's note or its draft, if there is one; of deleted ones none."""
    query = select(Post).where(Post.kind == "week", Post.week_from <= week, Post.week_to >= week)
    return session.execute(query.where(Post.deleted_at.is_(None)).limit(1)).scalar_one_or_none()


def _free(session: Session, week: int) -> set[int]:
    """Weeks from `week` on that somebody has given a reason for, or that a note covers which began before them."""
    last = week + AHEAD
    found = set(session.execute(select(MissedWeek.week).where(MissedWeek.week.between(week, last))).scalars())
    ranges = select(Post.week_from, Post.week_to).where(
        Post.kind == "week",
        Post.deleted_at.is_(None),
        Post.week_from < Post.week_to,
        Post.week_from <= last,
        Post.week_to >= week,
    )
    for start, end in session.execute(ranges):
        found.update(range((start or 0) + 1, (end or 0) + 1))
    return found
