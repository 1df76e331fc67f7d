"""What the team decides about single weeks: a skip, a swap, and taking either back. Each function is one transaction.

What is decided about the week that is begun hands its draft over, as long as it is a draft.
"""

from dataclasses import replace

from sqlalchemy import delete
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import now
from blogapp.core.db import take_turns, transaction
from blogapp.core.errors import Conflict, Invalid
from blogapp.core.web import local
from blogapp.posts.missed import note_about
from blogapp.posts.models import Post
from blogapp.posts.nudging import due_at
from blogapp.posts.rota import Rota, Turn, next_in_order, turns
from blogapp.posts.turnmails import tell_turn
from blogapp.posts.turnmodels import BegunWeek, Nudge, RotaChange
from blogapp.posts.turns import AHEAD, read_rota, this_week, turn_of

BACK = "took back what was decided about it"


def skip_week(week: int, by: int) -> int:
    """Pass a week on to whoever comes next in the order, which goes on after them. Returns their id.

    Raises:
        NotAllowed: `by` may not manage the rota.
        Invalid: the week is over, or too far ahead.
        Conflict: there is nobody on turn, or nobody else; the week is swapped, or its note is published.
    """
    with transaction() as session:
        turn = _open_week(session, week, by, "week")
        known = session.get(RotaChange, week)
        if known is not None and known.other_week is not None:
            raise Conflict(f"Week {week} is swapped with week {known.other_week}. Take that back first.")
        taker, _ = next_in_order(read_rota(session, week), week, turn.place_id)
        if taker is None or taker == turn.member_id:
            raise Conflict(f"Nobody else can take week {week}. Nothing was changed.")
        session.merge(RotaChange(week=week, member_id=taker, other_week=None))
        _hand_over(session, week, taker, place=taker)
        tell_turn(session, week, taker, by, "passed it on to you")
        tell_turn(
            session, week, turn.member_id, by, f"passed it on to {session.get_one(Member, taker).name}", lost=True
        )
        record(session, "rota.skip", f"week:{week}", by=by, passed=turn.member_id, to=taker)
        return taker


def swap_weeks(week: int, other: int, by: int) -> None:
    """Let those on turn in two weeks change places; the order stays.

    Raises:
        NotAllowed, Conflict: as for `skip_week`.
        Invalid: a week is over or too far ahead, both are the same member's, or somebody cannot in the other one.
    """
    with transaction() as session:
        one, two = _open_week(session, week, by, "week"), _open_week(session, other, by, "other")
        if one.member_id == two.member_id:
            message = "Both weeks are the same member’s turn. Choose two members’ weeks."
            raise Invalid(message, {"other": message})
        rota = read_rota(session, min(week, other))
        for turn, there, field in ((one, other, "other"), (two, week, "week")):
            _check_can(session, rota, turn, there, field)
        for turn, taker in ((one, two), (two, one)):
            if session.get(RotaChange, turn.week) is not None:
                raise Conflict(f"Something is decided about week {turn.week} already. Take that back first.")
            session.add(RotaChange(week=turn.week, member_id=taker.member_id, other_week=taker.week))
            _hand_over(session, turn.week, taker.member_id or 0)
            tell_turn(session, turn.week, taker.member_id, by, f"swapped it for week {taker.week}")
        record(session, "rota.swap", f"week:{week}", by=by, other=other)


def undo_change(week: int, by: int) -> None:
    """Let the order decide about a week again, and about the one that it was swapped with.

    Raises:
        NotAllowed: `by` may not manage the rota.
        Conflict: nothing was decided about it; one of the weeks is over, or its note is published.
    """
    with transaction() as session:
        demand(session.get(Member, by), "rota.manage")
        take_turns(session)
        change = session.get(RotaChange, week)
        if change is None:
            raise Conflict(f"Nothing is decided about week {week}.")
        weeks = [week] if change.other_week is None else [week, change.other_week]
        before = {one: turn_of(session, one).member_id for one in weeks}
        for one in weeks:
            if one < this_week():
                raise Conflict(f"Week {one} is over. What was decided about it stays.")
            _check_unwritten(session, one)
        session.execute(delete(RotaChange).where(RotaChange.week.in_(weeks)))
        for one in weeks:
            begun, rota = session.get(BegunWeek, one), read_rota(session, one)
            if begun is None:
                continue
            # Who had it before the swap, unless they left or are away by now.
            if change.other_week is not None and rota.can(begun.place_id, one):
                _hand_over(session, one, begun.place_id)
            elif (found := turns(rota, one, 1)[0].member_id) is not None:
                _hand_over(session, one, found, place=found)
        session.flush()
        after = {one: turn_of(session, one).member_id for one in weeks}
        for one in weeks:
            tell_turn(session, one, after[one], by, BACK)
            if before[one] not in after.values():  # Else the mail about the other week says it.
                tell_turn(session, one, before[one], by, BACK, lost=True)
        record(session, "rota.undo", f"week:{week}", by=by)


def _open_week(session: Session, week: int, by: int, field: str) -> Turn:
    """The turn of a week that something can be decided about."""
    demand(session.get(Member, by), "rota.manage")
    take_turns(session)
    first = max(0, this_week())
    if not first <= week <= first + AHEAD:
        message = f"Choose a week from {first} to {first + AHEAD}."
        raise Invalid(message, {field: message})
    _check_unwritten(session, week)
    turn = turn_of(session, week)
    if turn.member_id is None:
        raise Conflict(f"Nobody is on turn in week {week}. Nothing was changed.")
    return turn


def _check_unwritten(session: Session, week: int) -> None:
    note = note_about(week, session)
    if note is not None:
        raise Conflict(f"Week {week} has a note: “{note.title}”. Nothing was changed.")


def _check_can(session: Session, rota: Rota, turn: Turn, week: int, field: str) -> None:
    """Whether who is on turn now could in that week instead."""
    if turn.member_id is None or rota.can(turn.member_id, week):
        return
    name = session.get_one(Member, turn.member_id).name
    why = "is away" if replace(rota, aways=()).can(turn.member_id, week) else "is not in the rota"
    raise Invalid(f"{name} {why} in week {week}.", {field: f"{name} {why} in week {week}."})


def _hand_over(session: Session, week: int, taker: int, *, place: int | None = None) -> None:
    """Make a week that is begun somebody else's: the draft with it. No reminder is sent just now as well.

    A draft that is for a few by now is no week's any more, and whoever gets the week may not know of it.
    """
    begun = session.get(BegunWeek, week)
    if begun is None:
        return
    post = session.get(Post, begun.post_id, with_for_update={"of": Post}) if begun.post_id else None
    there = post is not None and post.deleted_at is None and post.visibility != "listed"
    if post is not None and there and post.state == "draft" and post.author_id == begun.member_id:
        post.author_id = taker
    begun.member_id = taker
    begun.place_id = begun.place_id if place is None else place
    due = due_at(local(now()))
    if due is not None and due.week == week:
        session.merge(Nudge(week=week, kind=due.kind))
