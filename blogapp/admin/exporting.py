"""Taking everything out: each export is made in the background and offered on its page."""

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blogapp.admin.blueprint import bp
from blogapp.admin.jobwords import state_of, title_of
from blogapp.auth.forms import MemberForm
from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only, tell
from blogapp.porting.jobs.files import new_folder
from blogapp.porting.jobs.queue import PORT, begin_job, list_jobs
from blogapp.porting.jobs.registry import find_kind, kinds_that


@bp.get("/admin/export")
@members_only
def exporting() -> ResponseReturnValue:
    """What can be taken out, and what was."""
    demand(asking(), PORT)
    return render_template(
        "admin/export.html",
        kinds=kinds_that("export"),
        jobs=list_jobs("export."),
        title_of=title_of,
        state_of=state_of,
    )


@bp.post("/admin/export/<what>")
@members_only
def begin_export(what: str) -> ResponseReturnValue:
    """Begin one."""
    me = demand(asking(), PORT)
    kind = find_kind(f"export.{what}")
    form = MemberForm()
    if not form.validate_on_submit():
        tell("; ".join(form.form_errors))
        return redirect(url_for("admin.exporting"), code=303)
    job_id = begin_job(kind.name, me.id, folder=new_folder())
    return redirect(url_for("admin.job", job_id=job_id), code=303)
