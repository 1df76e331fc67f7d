"""Who is in the rota, in what order, and who is away when. Each function is one transaction."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.db import take_turns, transaction
from blogapp.core.errors import Conflict, Invalid, NotFound
from blogapp.posts.turnmodels import RotaAway, RotaMember
from blogapp.posts.turns import list_aways, list_order, this_week
from blogapp.posts.weeks import LAST_WEEK

# More absences at once than anybody has.
MOST_AWAYS = 40


def join_rota(member_id: int, by: int, *, from_week: int = 0) -> None:
    """Put a member at the end of the order; it counts from a week on.

    Raises:
        NotAllowed: `by` may not manage the rota.
        Invalid: there is no such active member, or no such week.
        Conflict: they are in it already.
    """
    with transaction() as session:
        demand(session.get(Member, by), "rota.manage")
        _check_week(from_week, "from_week")
        take_turns(session)
        member = session.get(Member, member_id)
        if member is None or not member.active:
            raise Invalid("Choose an active member.", {"member": "Choose an active member."})
        if session.get(RotaMember, member_id) is not None:
            raise Conflict(f"{member.name} is in the rota already.")
        last = session.execute(select(func.max(RotaMember.position))).scalar_one()
        session.add(RotaMember(member_id=member_id, position=(last or 0) + 1, from_week=from_week))
        record(session, "rota.join", f"member:{member_id}", by=by, from_week=from_week)


def leave_rota(member_id: int, by: int) -> None:
    """Take a member out of the order. A week that is begun stays theirs.

    Raises:
        NotAllowed: `by` may not manage the rota.
        NotFound: they are not in it.
    """
    with transaction() as session:
        demand(session.get(Member, by), "rota.manage")
        session.delete(_place(session, member_id))
        record(session, "rota.leave", f"member:{member_id}", by=by)


def move_in_rota(member_id: int, steps: int, by: int) -> None:
    """Move a member in the order: -1 is one place up, 1 one down. At the ends nothing happens.

    Raises:
        NotAllowed, NotFound: as for `leave_rota`.
    """
    with transaction() as session:
        demand(session.get(Member, by), "rota.manage")
        take_turns(session)
        _place(session, member_id)
        order = list_order(session)
        at = next(number for number, one in enumerate(order) if one.member_id == member_id)
        to = max(0, min(len(order) - 1, at + steps))
        if to == at:
            return
        order.insert(to, order.pop(at))
        for number, one in enumerate(order, 1):
            one.position = number
        record(session, "rota.move", f"member:{member_id}", by=by, place=to + 1)


def go_away(member_id: int, first_week: int, last_week: int, by: int) -> None:
    """Note that a member is away in these weeks, both included. A week that is begun stays theirs.

    Raises:
        NotAllowed: it is somebody else, and `by` is no editor.
        NotFound: there is no such member.
        Invalid: they end before they begin, or are over.
    """
    with transaction() as session:
        demand(session.get(Member, by), "rota.away", owner_id=member_id)
        _check_span(first_week, last_week)
        if session.get(Member, member_id) is None:
            raise NotFound("There is no such member.")
        if sum(one.member_id == member_id for one in list_aways(session, this_week())) >= MOST_AWAYS:
            raise Conflict("So many absences are noted already. Remove some first.")
        session.add(RotaAway(member_id=member_id, first_week=first_week, last_week=last_week))
        record(session, "rota.away", f"member:{member_id}", by=by, first=first_week, last=last_week)


def come_back(away_id: int, by: int) -> None:
    """Take an absence back.

    Raises:
        NotFound: there is no such absence.
        NotAllowed: it is somebody else's, and `by` is no editor.
    """
    with transaction() as session:
        away = session.get(RotaAway, away_id)
        if away is None:
            raise NotFound("There is no such absence any more.")
        demand(session.get(Member, by), "rota.away", owner_id=away.member_id)
        session.delete(away)
        record(session, "rota.back", f"member:{away.member_id}", by=by, first=away.first_week, last=away.last_week)


def _check_week(week: int, name: str) -> None:
    if not 0 <= week <= LAST_WEEK:
        message = f"Weeks go from 0 to {LAST_WEEK}."
        raise Invalid(message, {name: message})


def _check_span(first_week: int, last_week: int) -> None:
    for week, name in ((first_week, "first_week"), (last_week, "last_week")):
        _check_week(week, name)
    if last_week < first_week:
        message = f"Week {last_week} is before week {first_week}. Choose a later one."
        raise Invalid(message, {"last_week": message})
    if last_week < this_week():
        message = f"Week {last_week} is over. Choose this week or a later one."
        raise Invalid(message, {"last_week": message})


def _place(session: Session, member_id: int) -> RotaMember:
    place = session.get(RotaMember, member_id)
    if place is None:
        raise NotFound("This member is not in the rota.")
    return place
