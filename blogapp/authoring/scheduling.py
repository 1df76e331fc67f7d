"""Saying when a draft is to be published by itself, and taking that back."""

from flask import request
from flask.typing import ResponseReturnValue

from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only, tell
from blogapp.authoring.blueprint import ID, act_on, bp
from blogapp.authoring.moments import moment_typed
from blogapp.authoring.publishing import version_seen
from blogapp.authoring.wording import on_a_day
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.digest import scheduling as digest
from blogapp.posts.queries import read_post


@bp.post(f"/posts/{ID}/schedule")
@members_only
def schedule(post_id: int) -> ResponseReturnValue:
    """Have it published at a moment; what was typed stays in the form where that cannot be."""

    def plan() -> None:
        demand(asking(), "post.publish", owner_id=read_post(post_id).author_id)
        given = request.form
        typed = moment_typed(given.get("day", ""), given.get("clock", ""), settings().site_timezone)
        digest.schedule(post_id, version_seen(), asking().id, typed.at, with_digest="digest" in given)
        tell(f"It leaves for the site {on_a_day(typed.at, now())}. Until then it can be edited as before.")
        if typed.twice:
            tell("The clocks go back in that hour, so it comes twice. The first one is meant.")

    return act_on(post_id, plan, "")


@bp.post(f"/posts/{ID}/schedule/removal")
@members_only
def unschedule(post_id: int) -> ResponseReturnValue:
    """Let it stay a draft."""
    done = "It is not published by itself any more."
    return act_on(post_id, lambda: digest.unschedule(post_id, asking().id), done)
