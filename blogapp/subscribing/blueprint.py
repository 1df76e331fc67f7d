"""The blueprint that the pages of `subscribing` are registered on."""

from flask import Blueprint, Response, request

bp = Blueprint("subscribing", __name__)
# The first part of every address that ends in somebody's own secret.
SECRET = frozenset({"confirm", "confirm-address", "preferences", "unsubscribe"})


@bp.after_app_request
def _keep_to_yourself(response: Response) -> Response:
    """Pages behind somebody's own link are kept by no cache, found by no search, told to no other site.

    By the path, not by the route: an answer of 404 or 405 has a token in its address too, and no route.
    """
    if request.path.lstrip("/").partition("/")[0].lower() in SECRET:
        response.headers["Cache-Control"] = "private, no-store"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        response.headers["Referrer-Policy"] = "no-referrer"
    return response
