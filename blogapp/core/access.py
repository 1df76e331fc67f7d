"""One line in the log for every request: what was asked for, what came of it, how long it took, who it was.

Never the query string, and for addresses that hold a token the route's rule instead of the path: whoever reads the log
must not be able to unsubscribe somebody or to choose their password.
"""

import logging
import time
from collections.abc import Callable

from flask import Flask, Response, current_app, g, request

log = logging.getLogger("blogapp.access")

# What the secret part of an address is called in every route.
TOKEN = "token"
# A monitor asks for these every few seconds; they are worth a line when they fail.
QUIET = {"/healthz", "/readyz"}


def init_access_log(app: Flask, member_id: Callable[[], int | None]) -> None:
    """Log every request of `app`.

    Args:
        member_id: whose request it was, if that is known already; asked at the end of each.
    """

    def begin() -> None:
        g.began = time.perf_counter()

    def note(response: Response) -> Response:
        if response.status_code >= 400 or request.path not in QUIET:
            member = member_id()
            log.info(
                "request",
                extra={
                    "method": request.method,
                    "path": shown_path(),
                    "status": response.status_code,
                    "ms": round((time.perf_counter() - g.began) * 1000, 1),
                    **({} if member is None else {"member": member}),
                },
            )
        return response

    app.before_request_funcs.setdefault(None, []).insert(0, begin)
    app.after_request(note)


def shown_path() -> str:
    """The path, or the rule (`/confirm/<token>`) where the path holds a token; cut short where no rule fits."""
    if request.url_rule is not None:
        return request.url_rule.rule if TOKEN in request.url_rule.arguments else request.path
    first = request.path.strip("/").partition("/")[0].lower()
    secret = {rule.rule.split("/")[1] for rule in current_app.url_map.iter_rules() if TOKEN in rule.arguments}
    return f"/{first}/…" if first in secret else request.path
