"""Bringing posts and subscribers in: what there is to bring in, and the form that begins it."""

import tempfile
from contextlib import ExitStack
from typing import IO, Any

from flask import current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from blogapp.admin.blueprint import bp
from blogapp.admin.jobwords import state_of, title_of
from blogapp.auth.forms import MemberForm
from blogapp.auth.permissions import demand, may
from blogapp.auth.session import asking, current_member, members_only
from blogapp.core.errors import BlogError, Invalid
from blogapp.porting.jobs import files
from blogapp.porting.jobs.kinds import Kind
from blogapp.porting.jobs.queue import PORT, list_jobs
from blogapp.porting.jobs.registry import find_kind, kinds_that
from blogapp.porting.jobs.uploading import upload_and_begin

UPLOADS = ("file", "images")
# What the form around the files takes.
FORM_BYTES = 1_000_000


@bp.url_value_preprocessor
def _let_admins_send_more(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """An import may be larger than an attachment. Before anything else reads the form, and for admins only."""
    if request.method != "POST" or endpoint != "admin.begin_import" or not may(current_member(), PORT):
        return
    request.max_content_length = files.MAX_UPLOAD_BYTES + FORM_BYTES
    # Werkzeug's own place for what comes in is /tmp, which may be a small one in memory.
    request._get_file_stream = _beside_the_jobs  # type: ignore[method-assign]


def _beside_the_jobs(*_: Any, **__: Any) -> IO[bytes]:
    incoming: ExitStack = g.setdefault("incoming", ExitStack())
    return incoming.enter_context(tempfile.TemporaryFile(dir=files.root()))


@bp.teardown_request
def _let_go_of_uploads(_: BaseException | None) -> None:
    """Give their room on the disk back at once, also where the form broke off and nobody else knows of them."""
    if "incoming" in g:
        g.pop("incoming").close()


@bp.errorhandler(RequestEntityTooLarge)
def _too_big(_: RequestEntityTooLarge) -> ResponseReturnValue:
    """It was refused before a view saw it."""
    error = files.too_big()
    return ({"error": str(error)}, error.status) if _wants_json() else current_app.handle_user_exception(error)


@bp.get("/admin/import")
@members_only
def importing() -> ResponseReturnValue:
    """What can be brought in, and what was."""
    demand(asking(), PORT)
    return render_template(
        "admin/import.html",
        kinds=kinds_that("import"),
        jobs=list_jobs("import."),
        title_of=title_of,
        state_of=state_of,
    )


@bp.get("/admin/import/<what>")
@members_only
def import_form(what: str) -> ResponseReturnValue:
    """The form for one kind of import."""
    demand(asking(), PORT)
    return _page(find_kind(f"import.{what}"), MemberForm())


@bp.post("/admin/import/<what>")
@members_only
def begin_import(what: str) -> ResponseReturnValue:
    """Keep what was uploaded, and begin: with a preview, where there is one."""
    me = demand(asking(), PORT)
    kind = find_kind(f"import.{what}")
    form = MemberForm()
    given = {name: request.files[name] for name in UPLOADS if name in request.files and request.files[name].filename}
    uploads = {name: (str(file.filename), file.stream) for name, file in given.items()}
    try:
        if not form.validate_on_submit():
            raise Invalid("; ".join(form.form_errors))
        ticks = {name: name in request.form for name in kind.ticks}
        job_id = upload_and_begin(kind, me.id, uploads, ticks)
    except BlogError as error:
        if _wants_json():
            return {"error": str(error)}, error.status
        return _page(kind, form, error), error.status
    page = url_for("admin.job", job_id=job_id)
    return {"location": page} if _wants_json() else redirect(page, code=303)


def _page(kind: Kind, form: MemberForm, error: BlogError | None = None) -> str:
    fields = error.fields if isinstance(error, Invalid) else {}
    return render_template(
        "admin/import_form.html",
        kind=kind,
        form=form,
        error=error,
        fields=fields,
        ticked={name for name in kind.ticks if name in request.form},
        most_bytes=files.MAX_UPLOAD_BYTES,
    )


def _wants_json() -> bool:
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
