"""The way to everything that admins look after."""

from flask import render_template
from flask.typing import ResponseReturnValue

from blogapp.admin.blueprint import bp
from blogapp.auth.permissions import may
from blogapp.auth.session import asking, members_only
from blogapp.core.errors import NotAllowed
from blogapp.core.overrides import troubles
from blogapp.subscribing.listing import count_states

PARTS = ("member.see", "subscriber.see", "site.settings", "site.port")


@bp.get("/admin")
@members_only
def index() -> ResponseReturnValue:
    """What there is to look after."""
    allowed = [act for act in PARTS if may(asking(), act)]
    if not allowed:
        raise NotAllowed("This part is for admins of the site.")
    counts = count_states() if "subscriber.see" in allowed else None
    return render_template("admin/index.html", counts=counts, troubles=troubles() if "site.settings" in allowed else [])
