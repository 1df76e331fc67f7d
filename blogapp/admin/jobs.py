"""A job's page: how far it is, its report, and what can be done with it."""

import csv
import io
from typing import Any

from flask import Response, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

from blogapp.admin.blueprint import bp
from blogapp.admin.jobwords import RESULTS, TONES, figures_of, kind_of, story_of, title_of
from blogapp.admin.spreadsheets import harmless
from blogapp.auth.members import find_member
from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only, tell
from blogapp.core.clock import now
from blogapp.core.errors import BlogError, Gone, NotFound
from blogapp.core.heartbeat import alive
from blogapp.core.web import private
from blogapp.porting.jobs import files, queue
from blogapp.porting.jobs.models import Job
from blogapp.porting.jobs.queue import PORT

ID = "<int(max=2147483647):job_id>"
# So many rows are shown; the file has them all.
ROWS = 200
HEAD = ("result", "document", "why", "post")


@bp.get(f"/admin/jobs/{ID}")
@members_only
def job(job_id: int) -> ResponseReturnValue:
    """Its page."""
    demand(asking(), PORT)
    found = queue.find_job(job_id)
    story = _story(found)
    folder = files.path_of(found.folder)
    return render_template(
        "admin/job.html",
        job=found,
        kind=kind_of(found),
        title=title_of(found),
        story=story,
        by=find_member(found.member_id) if found.member_id else None,
        worker_missing=story.live and not found.at_work and not alive("worker"),
        figures=figures_of(found),
        rows=queue.list_outcomes(job_id, ROWS),
        named=queue.count_outcomes(job_id),
        results=RESULTS,
        tones=TONES,
        files_there=folder.is_dir(),
        result_size=_size(found),
        kept_until=(found.finished_at or found.created_at) + queue.FILES_KEPT,
    )


@bp.get(f"/admin/jobs/{ID}/progress")
@members_only
def job_progress(job_id: int) -> ResponseReturnValue:
    """How far it is, for the page that watches it."""
    demand(asking(), PORT)
    story = _story(queue.find_job(job_id))
    return {
        "state": story.state,
        "line": story.line,
        "details": story.details,
        "done": story.done,
        "total": story.total,
        "live": story.live,
    }


@bp.post(f'/admin/jobs/{ID}/<any("import", "stop", "go-on", "delete"):step>')
@members_only
def job_step(job_id: int, step: str) -> ResponseReturnValue:
    """One of the buttons on its page."""
    by = demand(asking(), PORT).id
    page = url_for("admin.job", job_id=job_id)
    overview = url_for("admin.exporting" if _is_export(queue.find_job(job_id)) else "admin.importing")
    steps = {
        "import": queue.run_for_real,
        "stop": queue.stop_job,
        "go-on": queue.go_on,
        "delete": queue.delete_job,
    }
    try:
        steps[step](job_id, by)
    except BlogError as error:
        tell(str(error))
    else:
        if step == "delete":
            tell("Deleted, with its files. What it brought in stays.")
            page = overview
    return redirect(page, code=303)


@bp.post(f"/admin/jobs/{ID}/columns")
@members_only
def job_columns(job_id: int) -> ResponseReturnValue:
    """Preview it again, with columns that mean what somebody says, and other ticks; or import what was previewed."""
    by = demand(asking(), PORT).id
    before = queue.find_job(job_id)
    kind = kind_of(before)
    ticks = {name: name in request.form for name in kind.ticks} if kind else {}
    columns = before.found.get("columns", [])
    known = {value for value, _ in before.found.get("fields", [])}
    said = [(column["name"], request.form.get(f"column-{number}", "")) for number, column in enumerate(columns)]
    try:
        if any(taken not in known for _, taken in said):
            raise NotFound("There is no such field.")
        as_shown = said == [(column["name"], column["taken"]) for column in columns]
        as_shown = as_shown and all(bool(before.options.get(name)) == ticked for name, ticked in ticks.items())
        if request.form.get("do") == "import" and as_shown:
            queue.run_for_real(job_id, by)
        else:
            queue.preview_again(job_id, by, {"mapping": said, **ticks})
            if request.form.get("do") == "import":
                tell("You changed what is meant, so this is a new preview. Nothing was imported yet.")
    except BlogError as error:
        tell(str(error))
    return redirect(url_for("admin.job", job_id=job_id), code=303)


@bp.get(f"/admin/jobs/{ID}/report.csv")
@members_only
def job_report(job_id: int) -> ResponseReturnValue:
    """All that the report names, as a CSV file (RFC 4180)."""
    demand(asking(), PORT)
    queue.find_job(job_id)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEAD)
    for row in queue.list_outcomes(job_id):
        post = url_for("authoring.post", post_id=row.post_id, _external=True) if row.post_id else ""
        writer.writerow([harmless(cell) for cell in (row.result, row.path, row.reason, post)])
    response = Response(out.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="report-{job_id}.csv"'
    return response


@bp.get(f"/admin/jobs/{ID}/file")
@members_only
def job_file(job_id: int) -> ResponseReturnValue:
    """The file that an export made: for admins only, and kept by no cache."""
    demand(asking(), PORT)
    found = queue.find_job(job_id)
    path = files.path_of(found.folder) / found.result
    if not found.result or found.state != "done":
        raise NotFound("This has made no file.")
    if not path.is_file():
        raise Gone("This file was deleted after a week. Make it anew.")
    response = send_file(path, as_attachment=True, download_name=found.result, conditional=False)
    response.headers.pop("Expires", None)
    return private(response)


@bp.app_template_filter("coded")
def coded(line: str) -> Markup:
    """A sentence with what stands between `backticks` set as code."""
    return Markup("").join(  # every second part stood between two
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(line.split("`") if line.count("`") % 2 == 0 else [line])
    )


def _story(found: Job) -> Any:
    busy = queue.busy_with()
    return story_of(found, now(), behind=busy not in (None, found.id))


def _size(found: Job) -> int | None:
    """Of the file that it made, in bytes."""
    path = files.path_of(found.folder) / found.result
    return path.stat().st_size if found.result and path.is_file() else None


def _is_export(found: Job) -> bool:
    return found.kind.startswith("export.")
