"""How a page that everybody may read leaves: validated on every use, and the same bytes for every stranger."""

from datetime import datetime

from flask import Response, make_response

from blogapp.auth.session import current_member
from blogapp.core.pagecache import offer
from blogapp.core.web import private


def public(
    body: str | bytes, mimetype: str = "text/html", *, changed_at: datetime | None = None, keep: bool = True
) -> Response:
    """A public answer. The page cache gives it its ETag and answers 304; what a member is shown is kept by no cache.

    Args:
        changed_at: for `Last-Modified`, where the answer has such a moment.
        keep: False where the next answer may differ though nothing is written and the day is the same.
    """
    response = make_response(body)
    response.mimetype = mimetype
    if mimetype == "text/html" and current_member() is not None:
        return private(response)
    response.headers["Cache-Control"] = "no-cache"
    response.vary.add("Cookie")
    if changed_at is not None:
        response.last_modified = changed_at
    return offer(response, keep=keep)
