"""Making and withdrawing links to a draft."""

from flask import request
from flask.typing import ResponseReturnValue

from blogapp.auth.session import asking, members_only
from blogapp.authoring.blueprint import ID, act_on, bp
from blogapp.posts import sharelinks

LINK = "<int(max=2147483647):link>"


@bp.post(f"/posts/{ID}/links")
@members_only
def share(post_id: int) -> ResponseReturnValue:
    """Make a link."""
    chosen = request.form.get("days", "")
    days = int(chosen) if chosen in {str(days) for days in sharelinks.DAYS} else sharelinks.DAYS[0]
    done = "The link is made. Whoever has it can read the draft."
    return act_on(post_id, lambda: sharelinks.share(post_id, asking().id, days), done, anchor="links")


@bp.post(f"/posts/{ID}/links/{LINK}/withdrawal")
@members_only
def unshare(post_id: int, link: int) -> ResponseReturnValue:
    """End a link."""
    done = "The link is withdrawn: it shows nothing any more."
    return act_on(post_id, lambda: sharelinks.withdraw_link(post_id, link, asking().id), done, anchor="links")
