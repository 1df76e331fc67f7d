"""Whether this process lives, and whether the site works: for load balancers and for monitoring."""

import logging
from collections.abc import Callable

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from blogapp.core import heartbeat, migrate
from blogapp.core.db import db
from blogapp.digest.instance import held

bp = Blueprint("health", __name__)
log = logging.getLogger(__name__)

OK = "ok"


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """This process answers. Asks nothing of the database: restarting the web server would not mend that."""
    return "ok\n", 200, {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Everything that the site needs is there; else 503, and which is missing. Tells nothing that is secret."""
    checks = {"database": _check(_database), "schema": _check(_schema), "worker": _check(_worker)}
    ready = all(found == OK for found in checks.values())
    answer = jsonify(ready=ready, checks=checks)
    answer.headers["Cache-Control"] = "no-store"
    return answer, 200 if ready else 503


def _check(check: Callable[[], str]) -> str:
    try:
        return check()
    except SQLAlchemyError as error:
        # The driver's words may name hosts and users: they belong in the log.
        log.warning("not ready: %s", error)
        return "the database does not answer"
    finally:
        db.session.remove()


def _database() -> str:
    db.session.execute(text("SELECT 1"))
    return OK


def _schema() -> str:
    present, wanted = migrate.present_revision(), migrate.wanted_revision()
    return OK if present == wanted else f"at {present or 'nothing'}, needs {wanted}: run `blogapp upgrade`"


def _worker() -> str:
    silence = int(heartbeat.DEAD_AFTER.total_seconds())
    if not heartbeat.alive("worker:"):
        return f"no sign of life for {silence} s: is `blogapp worker` running?"
    return "holds all mail: `blogapp resume-sending` on its host says why" if held() else OK
