"""The blueprint of members' work, and what its views share."""

from collections.abc import Callable

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blogapp.auth.session import asking, current_member, tell
from blogapp.authoring import wording
from blogapp.authoring.showing import post_page
from blogapp.core.clock import now
from blogapp.core.errors import Conflict, Gone, Invalid
from blogapp.core.listing import in_a_row
from blogapp.core.web import local, private
from blogapp.posts.deleted import gone_on
from blogapp.posts.queries import demand_known

bp = Blueprint("authoring", __name__)
# A post's id as PostgreSQL can hold it; greater ones are no address of ours (404).
ID = "<int(max=2147483647):post_id>"


bp.add_app_template_filter(wording.size, "file_size")
bp.add_app_template_filter(wording.people, "people")
bp.add_app_template_filter(in_a_row, "in_a_row")
bp.add_app_template_filter(lambda moment: wording.clock_time(moment, now()), "clock")
bp.add_app_template_filter(lambda moment, form: local(moment).strftime(form), "in_zone")
bp.add_app_template_filter(lambda moment: wording.since(moment, now()), "since")
bp.add_app_template_filter(lambda words: words[:1].upper() + words[1:], "sentence")
bp.add_app_template_filter(lambda moment: wording.plain_day(gone_on(moment), now()), "gone_on")


@bp.before_request
def only_what_they_may_know() -> None:
    """A post for a few members is to all others no post, whatever page about it they ask for.

    Raises:
        NotFound: the address is about such a post.
    """
    post_id = (request.view_args or {}).get("post_id")
    member = current_member()
    if post_id is not None and member is not None:
        demand_known(post_id, member)


@bp.after_request
def keep_private(response: Response) -> Response:
    """What members work on is nobody else's."""
    return private(response)


def act_on(post_id: int, act: Callable[[], object], done: str, *, anchor: str | None = None) -> ResponseReturnValue:
    """Do something to a post and go back to its page, which says what was done, or why not.

    Args:
        anchor: where on the page that is to be seen.
    """
    asking()
    try:
        act()
    except (Conflict, Gone, Invalid) as problem:
        return render_template("authoring/post.html", **post_page(post_id), problem=problem), problem.status
    if done:
        tell(done)
    return redirect(url_for("authoring.post", post_id=post_id, _anchor=anchor), code=303)
