"""The desk: where members see all that there is and begin something new."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blogapp.auth.members import list_members
from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only
from blogapp.authoring.blueprint import bp
from blogapp.authoring.forms import NewForm, show_problem, weeks_typed
from blogapp.authoring.listing import SORTS, STATES, Asked, list_posts
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.errors import Invalid
from blogapp.posts.models import KINDS
from blogapp.posts.queries import count_posts, next_week
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post


@bp.get("/write")
@members_only
def desk() -> ResponseReturnValue:
    """All posts, whoever wrote them."""
    demand(asking(), "post.see")
    asked = _asked()
    rows, more = list_posts(asked, asking())
    return render_template(
        "authoring/desk.html",
        rows=rows,
        asked=asked,
        more=more,
        states=STATES,
        kinds=KINDS,
        authors=list_members(),
        empty=not rows and not asked.filtered and count_posts() == 0,
    )


def _asked() -> Asked:
    given = request.args
    return Asked(
        state=given.get("state", "") if given.get("state") in STATES else "",
        kind=given.get("kind", "") if given.get("kind") in KINDS else "",
        author=_number("author"),
        words=given.get("words", "").replace("\0", "")[:200],
        sort=given.get("sort", "") if given.get("sort") in SORTS else "recent",
        after=_number("after"),
    )


def _number(name: str) -> int | None:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


@bp.route("/write/new", methods=["GET", "POST"])
@members_only
def new() -> ResponseReturnValue:
    """Say what it is to be; the rest happens in the editor."""
    demand(asking(), "post.write")
    week = next_week(now())
    kind = request.args.get("kind", "week")
    form = NewForm(kind=kind if kind in KINDS else "week", weeks=str(week))
    problem = None
    if form.validate_on_submit():
        try:
            weeks = weeks_typed(form) if form.kind.data in ("week", "links") else None
            title = (form.title.data or "").strip()
            if not title and weeks and form.kind.data == "links":
                title = f"Links of {weeks.title.lower()}"
            post = create_post(form.kind.data, title, "", asking().id, weeks=weeks)
            return redirect(url_for("authoring.edit", post_id=post.id), code=303)
        except Invalid as error:
            problem = error
            show_problem(form, error)
    page = render_template(
        "authoring/new.html", form=form, problem=problem, week=Weeks(week, week), epoch=settings().site_epoch
    )
    return page, 422 if form.errors else 200
