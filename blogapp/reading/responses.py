"""How a page that everybody may read leaves: validated on every use, and the same bytes for every stranger."""

from datetime import datetime

from flask import Response, make_response, request

from blogapp.auth.session import current_member
from blogapp.core.web import private


def public(body: str | bytes, mimetype: str = "text/html", *, changed_at: datetime | None = None) -> Response:
    """A public answer with an ETag, or 304. What a member is shown is theirs alone and is kept by no cache.

    Args:
        changed_at: for `Last-Modified`, where the answer has such a moment.
    """
    response = make_response(body)
    response.mimetype = mimetype
    if mimetype == "text/html" and current_member() is not None:
        return private(response)
    response.headers["Cache-Control"] = "no-cache"
    response.vary.add("Cookie")
    if changed_at is not None:
        response.last_modified = changed_at
    response.add_etag()
    response.make_conditional(request)
    return response
