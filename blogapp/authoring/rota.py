"""The rota: who is on turn and why, what the team decides about it, and the record of who wrote."""

from collections.abc import Callable

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blogapp.auth.members import list_members
from blogapp.auth.permissions import demand, may
from blogapp.auth.session import asking, members_only, tell
from blogapp.authoring import turnwords
from blogapp.authoring.blueprint import bp
from blogapp.core.db import db
from blogapp.core.errors import BlogError, Conflict, Invalid, NotAllowed, NotFound
from blogapp.posts import joining, rotachanges, rotaorder, weektemplate
from blogapp.posts.turnrecord import count_turns, read_record
from blogapp.posts.turns import list_aways, list_order, this_week
from blogapp.posts.weeks import Weeks

RECORDED = 26
NUMBER = "<int(max=2147483647):"
WEEK = "<int(max=9999):week>"


@bp.get("/write/rota")
@members_only
def rota() -> ResponseReturnValue:
    """This week and those to come, the order, absences, the template, the record."""
    demand(asking(), "post.see")
    return _page()


@bp.post("/write/rota/members")
@members_only
def join_rota() -> ResponseReturnValue:
    """Somebody new in the order."""
    member, week = _number("member"), _number("from_week")
    return _act("order", lambda: rotaorder.join_rota(member, asking().id, from_week=week), "In the rota.")


@bp.post(f"/write/rota/members/{NUMBER}member_id>")
@members_only
def place_in_rota(member_id: int) -> ResponseReturnValue:
    """One place up or down, or out."""
    go, by = request.form.get("go", ""), asking().id
    if go == "remove":
        return _act("order", lambda: rotaorder.leave_rota(member_id, by), "Not in the rota any more.")
    steps = {"up": -1, "down": 1}.get(go, 0)
    return _act("order", lambda: rotaorder.move_in_rota(member_id, steps, by), "The order is changed.")


@bp.post("/write/rota/skip")
@members_only
def skip_week() -> ResponseReturnValue:
    """Pass a week on."""
    week = _number("week")
    return _act("turns", lambda: rotachanges.skip_week(week, asking().id), f"Week {week} is passed on.")


@bp.post("/write/rota/swap")
@members_only
def swap_weeks() -> ResponseReturnValue:
    """Let two members change weeks."""
    week, other = _number("week"), _number("other")
    done = f"Weeks {week} and {other} are swapped."
    return _act("swap", lambda: rotachanges.swap_weeks(week, other, asking().id), done)


@bp.post("/write/rota/undo")
@members_only
def undo_change() -> ResponseReturnValue:
    """Take a skip or a swap back."""
    week = _number("week")
    return _act("turns", lambda: rotachanges.undo_change(week, asking().id), "Taken back.")


@bp.post("/write/rota/aways")
@members_only
def go_away() -> ResponseReturnValue:
    """Away in these weeks: oneself, or whom an editor says."""
    me = asking()
    member, first, last = _number("member", me.id), _number("first_week"), _number("last_week")
    return _act("away", lambda: rotaorder.go_away(member, first, last, me.id), "Noted. The order goes round without.")


@bp.post(f"/write/rota/aways/{NUMBER}away_id>/removal")
@members_only
def come_back(away_id: int) -> ResponseReturnValue:
    """There after all."""
    return _act("away", lambda: rotaorder.come_back(away_id, asking().id), "The absence is taken back.")


@bp.post("/write/rota/template")
@members_only
def save_template() -> ResponseReturnValue:
    """What drafts begin with."""
    body = request.form.get("template", "")
    return _act("template", lambda: weektemplate.save_template(body, asking().id), "Saved. The next draft begins so.")


@bp.route(f"/write/rota/merge/{WEEK}", methods=["GET", "POST"])
@members_only
def join_weeks(week: int) -> ResponseReturnValue:
    """A page with one button: the next week's draft is to cover this week too."""
    me = demand(asking(), "post.see")
    if request.method == "POST":
        try:
            post = joining.join_next(week, me.id)
        except (Conflict, Invalid) as problem:
            return _joining(week, problem), problem.status
        tell(
            f"“{post.title}” covers both weeks now. The old draft is deleted. "
            "It can be brought back for 30 days, once this one is about its own week alone again."
        )
        return redirect(url_for("authoring.edit", post_id=post.id), code=303)
    return _joining(week)


def _joining(week: int, problem: BlogError | None = None) -> str:
    pair = None
    try:
        pair = joining.find_pair(week)
    except Conflict as error:
        problem = problem or error
    able = pair is not None and may(asking(), "post.edit", owner_id=pair.fresh.author_id)
    theirs = pair is not None and not joining.may_put_away(asking(), pair)
    weeks = Weeks(week, week)
    return render_template("authoring/join.html", weeks=weeks, pair=pair, able=able, theirs=theirs, problem=problem)


def _act(part: str, act: Callable[[], object], done: str) -> ResponseReturnValue:
    """Do it and go back to that part of the page, which says what was done; or show the page with what is wrong."""
    try:
        act()
    except NotAllowed:
        raise
    except (Conflict, Invalid, NotFound) as problem:
        return _page(part, problem), problem.status
    tell(done)
    return redirect(url_for("authoring.rota", _anchor=part), code=303)


def _number(name: str, default: int = -1) -> int:
    """The number that was chosen; what is none is no week and no member."""
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def _page(part: str = "", problem: BlogError | None = None) -> str:
    session, first = db.session(), max(0, this_week())
    members = list_members()
    names = {member.id: member.name for member in members}
    order = list_order(session)
    record = read_record(session, first, RECORDED)
    within = {one.member_id for one in order}
    typed = request.form.get("template")
    template = weektemplate.week_template(session) if typed is None else typed
    lines = turnwords.lines(session, first, names)
    return render_template(
        "authoring/rota.html",
        part=part,
        problem=problem,
        first=first,
        lines=lines,
        names=names,
        order=order,
        aways=list_aways(session, first),
        outside=[member for member in members if member.active and member.id not in within],
        people=[member for member in members if member.active],
        choices=turnwords.week_choices(first),
        chosen=request.form,
        template=template,
        unfilled=weektemplate.unfilled(template),
        next_draft=turnwords.next_draft(template, lines, names),
        record=record,
        scores=[(one, turnwords.chart_words(one, record[0].week)) for one in count_turns(record, members, first)],
        dates=turnwords.dates,
    )
