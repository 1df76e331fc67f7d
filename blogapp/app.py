"""The application: extensions, blueprints, error pages. Composes; holds no rules."""

import sys
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, current_app, has_request_context, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf import CSRFProtect
from sqlalchemy import event
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import HTTPException

from blogapp.admin.views import bp as admin
from blogapp.auth.session import REMEMBER_COOKIE, init_login, known_member_id
from blogapp.auth.views import bp as auth
from blogapp.authoring.views import bp as authoring
from blogapp.core import config
from blogapp.core.access import init_access_log, shown_path
from blogapp.core.assets import FOR_EVER, is_present, text_asset
from blogapp.core.config import Settings
from blogapp.core.db import db, init_db
from blogapp.core.errors import BlogError, TooMany
from blogapp.core.files import init_files
from blogapp.core.fragments import init_fragments
from blogapp.core.hits import hit_log
from blogapp.core.logs import Batch
from blogapp.core.overrides import init_overrides
from blogapp.core.pagecache import PageCache
from blogapp.core.resources import resource_dir
from blogapp.core.stamps import Stamps
from blogapp.core.web import TrustedProxies, init_web
from blogapp.delivery.dkim import signer
from blogapp.delivery.relay import parse_relay
from blogapp.digest import history
from blogapp.digest.publishing import forget_schedule, is_scheduled, stop_digest
from blogapp.porting import models as porting_models  # noqa: F401  # its table belongs to every database
from blogapp.posts.limiting import when_limited
from blogapp.posts.plans import Plans, hand_down_plans
from blogapp.reading.health import bp as health
from blogapp.reading.views import bp as reading
from blogapp.reading.views import former_address
from blogapp.subscribing.privacy import also_hold
from blogapp.subscribing.views import bp as subscribing

csrf = CSRFProtect()
CACHE = "blogapp.cache"
SESSION_COOKIE = "blog_session"
# What stays as it is in a query (RFC 3986 §3.4), and "%", because it comes quoted.
IN_QUERY = "/?:@!$&'()*+,;=-._~%"
# What visitors and members do meet of HTTP's own errors.
IN_OUR_WORDS = {
    400: ("That did not work", "What the browser sent was not complete. Nothing was changed; go back and try again."),
    405: (
        "Nothing to see at this address",
        "It only takes what a form sends. Go back to the form, and send it from there.",
    ),
    413: (
        "Too large",
        "What was sent is larger than this site takes. Nothing was changed; send less, or a smaller file.",
    ),
    429: ("Too many tries", "Wait a minute, then try again."),
}


class Application(Flask):
    """Flask with static files that are cached for ever when their address holds their content's hash."""

    def url_for(self, /, endpoint: str, **values: Any) -> str:
        """As Flask's, remembered: building one takes 50 µs, and a page has dozens (measured).

        A path depends on nothing but these arguments, unless it is a whole address or relative to the blueprint.
        """
        whole = values.get("_external") or values.get("_scheme")  # flask.url_for says None for either
        if not whole and not endpoint.startswith(".") and has_request_context() and not request.script_root:
            return self._known_path(endpoint, **values)
        return super().url_for(endpoint, **values)

    @cached_property
    def _known_path(self) -> Callable[..., str]:
        return lru_cache(maxsize=4096, typed=True)(super().url_for)

    def send_static_file(self, filename: str) -> Response:
        """The file; texts under their hashed address go through the page cache."""
        response = text_asset(filename)
        if response is None:
            response = super().send_static_file(filename)
            if is_present(filename):
                response.headers["Cache-Control"] = FOR_EVER
                response.headers.pop("Expires", None)
        return response

    def log_exception(self, exc_info: Any) -> None:
        """As Flask does, but never with a token that stands in the path."""
        self.logger.error("exception on %s %s", request.method, shown_path(), exc_info=exc_info)


def create_app(settings: Settings | None = None, **engine_options: Any) -> Flask:
    """The WSGI application. Reads the settings from the environment where none are given.

    Raises:
        BadSetting: a setting cannot be used.
    """
    chosen = settings or config.load()
    parse_relay(chosen.smtp_url)  # an address that would be misunderstood stops the start
    signer(chosen)  # and so does a key that cannot sign
    app = Application(
        "blogapp",
        static_folder=str(resource_dir("static")),
        template_folder=str(resource_dir("templates")),
    )
    app.extensions[config.EXTENSION] = chosen
    app.config.update(
        SECRET_KEY=chosen.secret_key,
        SESSION_COOKIE_NAME=SESSION_COOKIE,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=chosen.secure,
        # A form that stood open overnight still saves: the token ends with the log-in, not with the clock.
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=chosen.max_upload_mb * 1_000_000 + 2_000_000,
        MAX_FORM_MEMORY_SIZE=4_000_000,
    )
    chosen.data_dir.mkdir(parents=True, exist_ok=True)
    init_db(app, chosen.database_url, **engine_options)
    csrf.init_app(app)
    init_web(app)
    init_fragments(app)
    init_overrides(app)
    init_access_log(app, known_member_id)
    init_files(app)
    _hand_down(app)
    for blueprint in (auth, authoring, subscribing, admin, reading, health):
        app.register_blueprint(blueprint)
    for view in app.view_functions.values():
        if getattr(view, "public_form", False):
            csrf.exempt(view)
    init_login(app)
    _handle_errors(app)
    # The outermost: what a proxy says about its client is settled before anything else looks.
    proxied = TrustedProxies(_cached(app, chosen), chosen.trusted_proxies)
    app.wsgi_app = proxied  # type: ignore[method-assign]  # Flask's own advice
    return app


def _hand_down(app: Flask) -> None:
    """What lower floors have done by higher ones, which they cannot see."""
    also_hold(app, "digests", history.held)
    when_limited(app, stop_digest)
    hand_down_plans(app, Plans(is_scheduled, forget_schedule))


def _cached(app: Flask, chosen: Settings) -> PageCache:
    stamps = Stamps(chosen.database_url, chosen.site_timezone)
    with app.app_context():
        # Who lets go of the database lets go of all of it.
        event.listen(db.engine, "engine_disposed", lambda _: stamps.close())
    cookies = (SESSION_COOKIE, REMEMBER_COOKIE)
    cache = PageCache(app.wsgi_app, stamps, cookies, chosen.page_cache_mb * 1_000_000)
    app.extensions[CACHE] = stamps, cache
    return cache


def serve_quickly(app: Flask) -> None:
    """For a web server that has `app` until it ends: one look for a commit, one write for many lines of the log."""
    stamps, cache = app.extensions[CACHE]
    stamps.watch()
    cache.note_hit = hit_log(app.extensions[config.EXTENSION].log_format, Batch(sys.stderr))


def _handle_errors(app: Flask) -> None:
    @app.errorhandler(BlogError)
    def _refused(error: BlogError) -> ResponseReturnValue:
        response = _page(error.status, error.title, str(error))
        if isinstance(error, TooMany):
            response.headers["Retry-After"] = str(error.retry_after)
        return response

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> ResponseReturnValue:
        status = error.code or 500
        if status == 404 and request.method in ("GET", "HEAD") and (moved := _moved()) is not None:
            return moved
        response = error.get_response()
        if status < 400:
            return response
        return _page(status, *IN_OUR_WORDS.get(status, (error.name, error.description or "")))

    @app.errorhandler(OperationalError)
    def _database(error: OperationalError) -> ResponseReturnValue:
        app.logger.exception("database error")
        message = "The site's database does not answer just now. Try again in a minute; nothing was changed."
        response = _page(503, "Back in a moment", message)
        response.headers["Retry-After"] = "30"
        return response

    @app.errorhandler(DataError)
    @app.errorhandler(OverflowError)
    def _unkeepable(error: Exception) -> ResponseReturnValue:
        app.logger.warning("the database cannot hold what was sent to %s", shown_path(), exc_info=error)
        db.session.rollback()  # PostgreSQL answers nothing more in that transaction, and the page has questions.
        message = "There is a number or a sign in this that cannot be right. Nothing was changed."
        return _page(400, "That did not work", message)

    @app.errorhandler(500)
    def _broken(error: Exception) -> ResponseReturnValue:
        message = "Something broke on our side. It has been noted; nothing that you typed was used. Try again soon."
        return _page(500, "Something broke", message)


def _moved() -> ResponseReturnValue | None:
    """Where the address that nothing is at leads: it is an older site's, or was typed untidily."""
    if (moved := former_address(request.path)) is not None:
        return moved
    tidy = _tidy_path(request.path)
    if tidy is None:
        return None
    query = f"?{quote(request.query_string, safe=IN_QUERY)}" if request.query_string else ""
    # Quoted again: a backslash would lead to another host, a line end cannot stand in a header.
    return redirect(quote(tidy) + query, code=301)


def _page(status: int, title: str, message: str) -> Response:
    """A page that no cache on the way shows any longer than it is true; a member's own is kept by none at all."""
    given = {"status": status, "title": title, "message": message}
    if status >= 500:
        # Without context processors: they would ask the database, which may be what is broken.
        response = Response(current_app.jinja_env.get_template("errors/error.html").render(given), status)
    else:
        response = Response(render_template("errors/error.html", **given), status)
    if known_member_id() is None:
        response.headers["Cache-Control"] = "no-cache"
    if status in (404, 410) and "/" not in request.path.strip("/"):
        response.vary.add("Cookie")  # A draft's author sees more at this address.
    return response


def _tidy_path(path: str) -> str | None:
    """The address that was meant: no slash at the end, a flat one in small letters. None when it is tidy already.

    Deeper paths hold tokens and file names, whose capitals count.
    """
    inner = path.strip("/")
    tidy = "/" + (inner if "/" in inner else inner.lower())
    return tidy if tidy != path and not tidy.startswith("//") else None
