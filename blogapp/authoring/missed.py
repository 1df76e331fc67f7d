"""Saying why there is no note about a week."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only, tell
from blogapp.authoring.blueprint import bp
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.errors import Conflict, Invalid
from blogapp.posts import missed as weeks_missed
from blogapp.posts.weeks import Weeks

WEEK = "<int(max=9999):week>"


@bp.route(f"/write/weeks/{WEEK}", methods=["GET", "POST"])
@members_only
def missed(week: int) -> ResponseReturnValue:
    """The form, and what it sends."""
    demand(asking(), "week.explain")
    if request.method == "GET":
        note = weeks_missed.note_about(week, db.session())
        if note is not None:
            tell(f"Week {week} has a note: this one.")
            return redirect(url_for("reading.page", slug=note.slug), code=303)
        return _page(week, weeks_missed.reason_for(week))
    reason = request.form.get("reason", "")
    try:
        weeks_missed.record_missed(week, reason, asking().id)
    except (Conflict, Invalid) as error:
        return _page(week, reason, str(error)), error.status
    tell("Saved. Readers see it in the archive.")
    return redirect(_gap(week), code=303)


@bp.post(f"/write/weeks/{WEEK}/silence")
@members_only
def forget_missed(week: int) -> ResponseReturnValue:
    """Take the reason back."""
    weeks_missed.forget_missed(week, asking().id)
    tell("The archive says no longer why.")
    return redirect(_gap(week), code=303)


def _year(week: int) -> int:
    return Weeks(week, week).first_day(settings().site_epoch).isocalendar().year


def _gap(week: int) -> str:
    return url_for("reading.year", year=_year(week), _anchor=f"week-{week}")


def _page(week: int, reason: str, problem: str = "") -> str:
    return render_template(
        "authoring/missed.html",
        weeks=Weeks(week, week),
        year=_year(week),
        reason=reason,
        said=bool(weeks_missed.reason_for(week)),
        problem=problem,
    )
