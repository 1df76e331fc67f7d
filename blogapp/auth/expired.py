"""A log-in that ended while somebody was writing: what they sent is shown, kept, and saved after they log in again."""

from dataclasses import dataclass, field

from flask import current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from blogapp.auth.blueprint import DESK
from blogapp.auth.forms import LoginForm
from blogapp.auth.models import Member
from blogapp.core.errors import NotAllowed
from blogapp.core.web import check_origin, parts_of, safe_next

PREFIX = "kept-"
ADDRESS = "kept_for"
SECRET = ("password", "csrf_token")
# Chosen from a list, pressed, or put there by a page: sent again, but nothing to read for whoever typed the rest.
NOT_TYPED = frozenset("do go base held auto kind state role accent_shown accent_picked outside_pictures".split())


@dataclass(frozen=True)
class Kept:
    """What was posted: where to, the fields in their order, and the names of the files, which cannot be kept."""

    address: str
    fields: list[tuple[str, str]]
    files: list[str] = field(default_factory=list)

    @property
    def texts(self) -> list[tuple[str, str]]:
        """The fields that a person typed something into."""
        return [(name, value) for name, value in self.fields if _is_text(name, value)]

    @property
    def rest(self) -> list[tuple[str, str]]:
        """The others: ticks, numbers, empty ones."""
        return [(name, value) for name, value in self.fields if not _is_text(name, value)]


def ask_again() -> ResponseReturnValue:
    """Send a stranger to the log-in page and back here; when they posted something, keep it for them (401)."""
    if request.method in ("GET", "HEAD"):
        if _wants_json():
            return {"error": "Log in first."}, 401
        here = request.full_path if request.query_string else request.path
        return redirect(url_for("auth.login", next=here), code=303)
    return _keep(None)


def token_refused(member: Member | None) -> ResponseReturnValue:
    """The answer to a form whose CSRF token does not fit: nothing was done, and nothing is lost.

    Only to a form of our own: one that another site sent is refused outright, or its text would be one click away
    from being saved.
    """
    try:
        check_origin()
    except NotAllowed as error:
        return current_app.handle_user_exception(error)
    return _keep(member)


def kept_before() -> Kept | None:
    """What a log-in form brings along from the page that asked for it."""
    address = safe_next(request.form.get(ADDRESS), "")
    if not address:
        return None
    fields = [(name.removeprefix(PREFIX), value) for name, value in _pairs(request.form) if name.startswith(PREFIX)]
    return Kept(address, fields)


def show_kept(kept: Kept) -> str:
    """The page with the one button that sends what was kept."""
    return render_template("auth/resume.html", kept=kept)


def _keep(member: Member | None) -> ResponseReturnValue:
    if _wants_json():
        error = "Your log-in has ended. Nothing was saved; log in again in another tab."
        return {"error": error, "expired": True}, 401 if member is None else 400
    here = request.full_path if request.query_string else request.path
    fields = [(name, value) for name, value in _pairs(request.form) if not any(word in name for word in SECRET)]
    kept = Kept(here, fields, [f.filename for f in request.files.values() if f.filename])
    back = safe_next(_referring_path(), DESK)
    if member is not None:
        return render_template("auth/resume.html", kept=kept, back=back, refused=True), 400
    form = LoginForm(formdata=None, next=back)
    return render_template("auth/expired.html", form=form, kept=kept), 401


def _pairs(form: MultiDict[str, str]) -> list[tuple[str, str]]:
    return list(form.items(multi=True))


def _is_text(name: str, value: str) -> bool:
    return (
        name not in NOT_TYPED
        and bool(value.strip())
        and not value.strip().isdigit()
        and value not in ("y", "on", "true")
    )


def _wants_json() -> bool:
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def _referring_path() -> str | None:
    """The page of ours that the form stood on."""
    before = parts_of(request.referrer or "")
    return f"{before.path}?{before.query}" if before.query else before.path or None
