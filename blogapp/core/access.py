"""One line in the log for every request: what was asked for, what came of it, how long it took, who it was.

Never the query string, and for addresses that hold a token the route's rule instead of the path: whoever reads the log
must not be able to unsubscribe somebody or to choose their password.
"""

import logging
import time
from collections.abc import Callable
from wsgiref.types import WSGIEnvironment

from flask import Flask, Response, current_app, g, request

from blogapp.core.logs import Event

log = logging.getLogger("blogapp.access")

# What the secret part of an address is called in every route.
TOKEN = "token"
# A monitor asks for these every few seconds; they are worth a line when they fail.
QUIET = {"/healthz", "/readyz"}
# On an answer that the page cache has yet to finish (core/pagecache.py). Never leaves it.
MARK = "X-Offered"
# Where in the environ is whose request it was.
MEMBER = "blogapp.member"


def init_access_log(app: Flask, member_id: Callable[[], int | None]) -> None:
    """Log every request of `app`.

    Args:
        member_id: whose request it was, if that is known already; asked at the end of each.
    """

    def begin() -> None:
        g.began = time.perf_counter()

    def end(response: Response) -> Response:
        member = member_id()
        if member is not None:
            request.environ[MEMBER] = member
        if MARK not in response.headers:  # The page cache has yet to choose between 200 and 304, and notes it.
            _note(request.method, shown_path(), response.status_code, g.began, member)
        return response

    app.before_request_funcs.setdefault(None, []).insert(0, begin)
    app.after_request(end)


def note(environ: WSGIEnvironment, status: int, began: float) -> None:
    """Log a request for a public page, whose address holds no token.

    Args:
        began: when it did, by time.perf_counter().
    """
    _note(environ["REQUEST_METHOD"], path_of(environ), status, began, environ.get(MEMBER))


def path_of(environ: WSGIEnvironment) -> str:
    """The path that was asked for."""
    path: str = environ["PATH_INFO"]
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")


def _note(method: str, path: str, status: int, began: float, member: int | None) -> None:
    if status < 400 and path in QUIET:
        return
    fields: dict[str, object] = {
        "method": method,
        "path": path,
        "status": status,
        "ms": round((time.perf_counter() - began) * 1000, 1),
    }
    if member is not None:
        fields["member"] = member
    if log.isEnabledFor(logging.INFO):
        log.handle(Event(log.name, "request", fields))


def shown_path() -> str:
    """The path, or the rule (`/confirm/<token>`) where the path holds a token; cut short where no rule fits."""
    if request.url_rule is not None:
        return request.url_rule.rule if TOKEN in request.url_rule.arguments else request.path
    first = request.path.strip("/").partition("/")[0].lower()
    secret = {rule.rule.split("/")[1] for rule in current_app.url_map.iter_rules() if TOKEN in rule.arguments}
    return f"/{first}/…" if first in secret else request.path
