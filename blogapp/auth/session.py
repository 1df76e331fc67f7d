"""Who is asking: Flask-Login over the table `logins`.

A stranger costs nothing and gets no cookie. Whoever brings a cookie is looked up at most once a request, and not
before somebody wants to know. An ended log-in is dead at once, and its cookies are taken back.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, Response, flash, g, has_request_context, request, session
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError

from blogapp.auth import permissions
from blogapp.auth.expired import ask_again, token_refused
from blogapp.auth.logins import LONGEST, begin_login, due_to_be_seen, end_login, find_login, note_seen
from blogapp.auth.models import Login, Member
from blogapp.core.errors import NotAllowed, NotFound
from blogapp.core.web import client_address, private

F = TypeVar("F", bound=Callable[..., Any])
log = logging.getLogger(__name__)
REMEMBER_COOKIE = "blog_remember"


@dataclass(frozen=True)
class _Visit:
    """What is known of the log-in that a request came with; plain values, since the row may be deleted meanwhile."""

    login_id: int
    member_id: int
    seen_at: datetime
    member: Member


class _Manager(LoginManager):  # type: ignore[misc]  # flask-login has no types
    """Flask-Login's, but for one thing: files and pages that asked for nobody do not vary by cookie."""

    def _update_remember_cookie(self, response: Response) -> Response:
        if "_login_user" not in g:
            return response
        kept: Response = super()._update_remember_cookie(response)
        return kept


def init_login(app: Flask) -> None:
    """Teach the application who is asking. Called when its blueprints are registered."""
    app.config.update(
        REMEMBER_COOKIE_NAME=REMEMBER_COOKIE,
        REMEMBER_COOKIE_DURATION=LONGEST,
        REMEMBER_COOKIE_HTTPONLY=True,
        REMEMBER_COOKIE_SAMESITE="Lax",
        REMEMBER_COOKIE_SECURE=app.config["SESSION_COOKIE_SECURE"],
    )
    manager = _Manager()
    # People roam between networks and browsers update themselves; the secret in the cookie is the proof.
    manager.session_protection = None
    manager.user_loader(_load)
    manager.init_app(app, add_context_processor=False)
    app.context_processor(_for_templates)
    app.after_request(_finish)
    app.register_error_handler(CSRFError, lambda error: token_refused(current_member()))
    for name in ("login", "logout", "forgot", "choose_password"):
        # A stranger's form: it checks its token itself and keeps what was typed when that does not fit.
        app.extensions["csrf"].exempt(app.view_functions[f"auth.{name}"])


def current_login() -> Login | None:
    """The log-in that this request's cookie proves; None for a stranger and outside of requests."""
    if not has_request_context():
        return None
    login = current_user._get_current_object()
    return login if isinstance(login, Login) else None


def current_member() -> Member | None:
    """Who is asking; None for a stranger and outside of requests."""
    return _visit().member if current_login() is not None else None


def asking() -> Member:
    """The member who is asking, in a view that lets only members in.

    Raises:
        NotAllowed: it is a stranger.
    """
    member = current_member()
    if member is None:
        raise NotAllowed("Log in first.")
    return member


def known_member_id() -> int | None:
    """Whose request this is, if somebody asked already; for the log."""
    visit: _Visit | None = g.get("visit")
    return visit.member_id if visit is not None else None


def members_only(view: F) -> F:
    """Let members in only. A stranger is sent to the log-in page and back; what they posted is kept for them."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        if current_member() is None:
            return ask_again()
        answer: ResponseReturnValue = view(*args, **kwargs)
        return answer

    guarded.members_only = True  # type: ignore[attr-defined]
    return guarded  # type: ignore[return-value]


def log_in(member_id: int, *, remember: bool = False) -> None:
    """Begin a log-in for the browser that is asking, instead of the one that it had."""
    before = current_login()
    login = begin_login(
        member_id,
        remember=remember,
        user_agent=request.user_agent.string,
        address=client_address(),
        instead_of=before.id if before is not None else None,
    )
    # Nothing of what a stranger's session held goes on into the member's (session fixation).
    session.clear()
    if REMEMBER_COOKIE in request.cookies:
        session["_remember"] = "clear"
    g.pop("csrf_token", None)
    login_user(login, remember=remember)
    _begin_visit(login)


def log_out() -> None:
    """End the log-in of the browser that is asking, and take its cookies back."""
    if current_login() is not None:
        visit = _visit()
        with suppress(NotFound):
            end_login(visit.login_id, visit.member_id)
    logout_user()
    _empty_session()


def tell(message: str) -> None:
    """Show a sentence at the top of the next page. Members only: a stranger gets no cookie."""
    if current_member() is not None:
        flash(message)


def _load(cookie: str) -> Login | None:
    login = find_login(cookie)
    if login is None:
        session.pop("_user_id", None)
        if REMEMBER_COOKIE in request.cookies:
            session["_remember"] = "clear"
        g.ended = True
        return None
    _begin_visit(login)
    return login


def _empty_session() -> None:
    """Leave nothing but what tells Flask-Login to take the remember cookie back; an empty session takes its own."""
    for name in [name for name in session if name != "_remember"]:
        session.pop(name)


def _begin_visit(login: Login) -> None:
    g.visit = _Visit(login.id, login.member_id, login.seen_at, login.member)


def _visit() -> _Visit:
    visit: _Visit = g.visit
    return visit


def _for_templates() -> dict[str, Any]:
    member = current_member()

    def may(act: str, *, owner_id: int | None = None, public: bool = False) -> bool:
        return permissions.may(member, act, owner_id=owner_id, public=public)

    return {"me": member, "may": may}


def _finish(response: Response) -> Response:
    """After the page is made: keep a member's page out of caches, and note that the log-in is in use."""
    if g.get("ended") and "csrf_token" not in g:
        # Not under a form that was just given a token, or sending it would fail.
        _empty_session()
    visit: _Visit | None = g.get("visit")
    if visit is None:
        return response
    if "Cache-Control" not in response.headers:
        private(response)
    if due_to_be_seen(visit.seen_at):
        try:
            note_seen(visit.login_id)
        except OperationalError:
            log.warning("could not note that a log-in is in use", exc_info=True)
    return response
