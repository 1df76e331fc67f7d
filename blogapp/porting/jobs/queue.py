"""What people do with jobs: begin, stop, go on, import after a preview, delete. Each function is one transaction."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.errors import Conflict, Gone, NotFound
from blogapp.delivery.wake import notify
from blogapp.porting.jobs import files
from blogapp.porting.jobs.claims import JOBS
from blogapp.porting.jobs.models import AT_WORK, OVER, Job, JobOutcome

PORT = "site.port"
FILES_KEPT = timedelta(days=7)
JOBS_KEPT = timedelta(days=90)
FILES_GONE = "The file that was uploaded for this is deleted by now. Upload it again."


def begin_job(
    kind: str, by: int | None, *, folder: str, options: Mapping[str, Any] | None = None, dry_run: bool = False
) -> int:
    """Have a job done. `folder` holds what was uploaded for it (`files.new_folder`). Returns its id.

    Raises:
        NotAllowed: `by` may neither import nor export (None is the operator).
    """
    with transaction() as session:
        _demand(session, by)
        job = Job(kind=kind, folder=folder, options=dict(options or {}), member_id=by, dry_run=dry_run)
        session.add(job)
        session.flush()
        record(session, "job.begin", f"job:{job.id}", by=by, kind=kind, dry_run=dry_run)
        notify(session, JOBS)
        return job.id


def run_for_real(job_id: int, by: int | None) -> None:
    """After a preview: do it.

    Raises:
        NotFound, NotAllowed.
        Conflict: it is no preview that is over, or one that found that nothing can be imported like this.
        Gone: its file is deleted by now.
    """
    with transaction() as session:
        job = _open(session, job_id, by)
        if not (job.dry_run and job.is_over):
            raise Conflict("Only a preview that is over can be imported.")
        if job.found.get("refusal"):
            raise Conflict(job.found["refusal"])
        _again(session, job, by, "job.import")
        session.execute(delete(JobOutcome).where(JobOutcome.job_id == job_id))
        job.dry_run, job.counts, job.member_id = False, {}, by


def preview_again(job_id: int, by: int | None, options: Mapping[str, Any]) -> None:
    """Preview it once more, with other options. Raises as `run_for_real` does."""
    with transaction() as session:
        job = _open(session, job_id, by)
        if not (job.dry_run and job.is_over):
            raise Conflict("Only a preview that is over can be changed.")
        _again(session, job, by, "job.preview")
        job.options, job.counts = {**job.options, **options}, {}


def go_on(job_id: int, by: int | None) -> None:
    """Take up one that was stopped or failed; what is done already stays done.

    Raises:
        NotFound, NotAllowed.
        Conflict: it was neither.
        Gone: its file is deleted by now.
    """
    with transaction() as session:
        job = _open(session, job_id, by)
        if job.state not in ("stopped", "failed"):
            raise Conflict("Only what was stopped or has failed can be taken up again.")
        _again(session, job, by, "job.go-on")


def stop_job(job_id: int, by: int | None) -> None:
    """Stop it: at once while it waits, else after the document that it is at.

    Raises:
        NotFound, NotAllowed.
        Conflict: it is over already.
    """
    with transaction() as session:
        job = _open(session, job_id, by)
        if job.is_over:
            raise Conflict("This is over already.")
        if job.state == "waiting":
            job.state, job.finished_at = "stopped", now()
        else:
            job.state = "stopping"
        record(session, "job.stop", f"job:{job.id}", by=by)


def delete_job(job_id: int, by: int | None) -> None:
    """Delete its record and its files; what it brought in stays.

    Raises:
        NotFound, NotAllowed.
        Conflict: it is at work.
    """
    with transaction() as session:
        job = _open(session, job_id, by)
        if job.at_work:
            raise Conflict("This is at work. Stop it first.")
        folder = job.folder
        session.execute(delete(JobOutcome).where(JobOutcome.job_id == job_id))
        session.delete(job)
        record(session, "job.delete", f"job:{job_id}", by=by, kind=job.kind)
    files.remove_folder(folder)


def find_job(job_id: int) -> Job:
    """The job. Raises NotFound."""
    job = db.session.get(Job, job_id)
    if job is None:
        raise NotFound("There is no such import or export, or it was deleted.")
    return job


def list_jobs(does: str = "", limit: int = 50) -> list[Job]:
    """The newest, of all that `import` or `export`, or of both."""
    query = select(Job).order_by(Job.id.desc()).limit(limit)
    return list(db.session.execute(query.where(Job.kind.startswith(does)) if does else query).scalars())


def list_outcomes(job_id: int, limit: int | None = None) -> list[JobOutcome]:
    """What somebody has to look at, refused documents first."""
    worst = JobOutcome.result != "refused"
    query = select(JobOutcome).where(JobOutcome.job_id == job_id).order_by(worst, JobOutcome.seq).limit(limit)
    return list(db.session.execute(query).scalars())


def count_outcomes(job_id: int) -> int:
    """How many documents the report names."""
    query = select(func.count()).select_from(JobOutcome).where(JobOutcome.job_id == job_id)
    return db.session.execute(query).scalar_one()


def busy_with() -> int | None:
    """The job that is at work."""
    return db.session.execute(select(Job.id).where(Job.state.in_(AT_WORK)).limit(1)).scalar_one_or_none()


def forget_old_jobs() -> int:
    """Delete files a week after their job was over, jobs after 90 days, folders of no job. Returns how many jobs."""
    at = now()
    over = (Job.state.in_(OVER), Job.finished_at.is_not(None))
    with transaction() as session:
        old = session.execute(delete(Job).where(*over, Job.finished_at < at - JOBS_KEPT).returning(Job.folder))
        forgotten = list(old.scalars())
    idle = select(Job.folder).where(*over, Job.finished_at < at - FILES_KEPT)
    for folder in [*forgotten, *db.session.execute(idle).scalars()]:
        files.remove_folder(folder)
    known = set(db.session.execute(select(Job.folder)).scalars())
    db.session.rollback()
    for path in files.root().iterdir():
        # An upload that is just coming in has no job yet.
        if path.name not in known and datetime.fromtimestamp(path.stat().st_mtime, UTC) < at - timedelta(days=1):
            files.remove_folder(path.name)
    return len(forgotten)


def _open(session: Session, job_id: int, by: int | None) -> Job:
    _demand(session, by)
    job = session.get(Job, job_id, with_for_update=True, populate_existing=True)
    if job is None:
        raise NotFound("There is no such import or export, or it was deleted.")
    return job


def _demand(session: Session, by: int | None) -> None:
    if by is not None:
        demand(session.get(Member, by), PORT)


def _again(session: Session, job: Job, by: int | None, act: str) -> None:
    if job.options.get("files") and not files.path_of(job.folder).is_dir():
        raise Gone(FILES_GONE)
    job.state, job.done, job.total, job.note, job.error, job.found = "waiting", 0, 0, "", "", {}
    record(session, act, f"job:{job.id}", by=by)
    notify(session, JOBS)
