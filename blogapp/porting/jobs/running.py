"""Running jobs: one after the other, each watched by a second thread that keeps its claim and its progress."""

import logging
import threading
from collections.abc import Callable

from flask import Flask, current_app
from sqlalchemy.exc import DBAPIError

from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.errors import BlogError
from blogapp.delivery.lease import LENGTH, RENEW_AFTER
from blogapp.delivery.owners import owner_name
from blogapp.delivery.wake import Waker
from blogapp.porting.jobs import claims, files
from blogapp.porting.jobs.context import Running, Stopped
from blogapp.porting.jobs.models import Job
from blogapp.porting.jobs.queue import PORT
from blogapp.porting.jobs.registry import find_kind
from blogapp.porting.jobs.tally import Tally, take_up

log = logging.getLogger(__name__)

# How long the loop sleeps when nothing wakes it, and after an error, in seconds.
NAP = 5.0
AFTER_ERROR = 2.0
# Progress is written at most so often, and a wish to stop is noticed within that time. Seconds.
PULSE = 0.5


def run_jobs(app: Flask, stop: threading.Event, wake: Waker) -> None:
    """The worker's loop: do jobs until `stop` is set; then the one at work waits again, from where it is."""
    owner = owner_name("jobs")
    with app.app_context():
        try:
            while not stop.is_set():
                try:
                    nap = 0.0 if run_next(owner, stop) else NAP
                except Exception:
                    log.exception("the loop of jobs stumbled")
                    nap = AFTER_ERROR
                finally:
                    db.session.remove()
                if nap:
                    wake.wait(nap, stop)
        finally:
            wake.close()


def run_next(
    owner: str, stop: threading.Event, begun: Callable[[Job], Callable[[int, int], None]] | None = None
) -> int | None:
    """Do the job whose turn it is. Returns its id; None where there is none, or another is at work.

    Args:
        begun: told of the job when it begins; gives what is to be told of each step.
    """
    job_id = claims.claim(owner)
    if job_id is None:
        return None
    with transaction() as session:
        job = session.get_one(Job, job_id, populate_existing=True)
        tally = take_up(session, job_id, job.counts, afresh=job.dry_run)
        running = Running(
            tally=tally,
            folder=files.path_of(job.folder),
            by=job.member_id,
            dry_run=job.dry_run,
            options=dict(job.options),
            stop=stop,
            watch=begun(job) if begun else None,
        )
        kind = job.kind
    pulse = Pulse(tally, job_id, owner, running.told_to_stop)
    log.info("a job begins", extra={"job": job_id, "kind": kind})
    try:
        state, error = _run(kind, running, pulse)
    except BaseException:  # Ctrl-C: nothing is lost, and whoever comes next goes on.
        db.session.rollback()
        _settle(running, job_id, owner, "interrupted", "")
        raise
    _settle(running, job_id, owner, state, error)
    log.info("a job ends", extra={"job": job_id, "state": state, "error": error})
    return job_id


def _run(kind: str, running: Running, pulse: "Pulse") -> tuple[str, str]:
    """Do it, whatever happens. Returns the state that it is in then, and why it failed, in one line."""
    pulse.start()
    try:
        if running.by is not None:
            demand(db.session.get(Member, running.by), PORT)
        running.clean_up()  # what a killed worker left
        db.session.rollback()
        find_kind(kind).run(running)
    except Stopped:
        return "interrupted", ""
    except BlogError as error:
        return "failed", str(error)
    except OSError as error:
        log.exception("a job failed")
        return "failed", f"{error.strerror or error}. It can go on once that is mended."
    except Exception as error:
        log.exception("a job failed")
        return "failed", f"The program broke ({type(error).__name__}: {' '.join(str(error).split())[:200]})."
    finally:
        db.session.rollback()
        pulse.end()
        running.clean_up()
    return "done", ""


def _settle(running: Running, job_id: int, owner: str, state: str, error: str) -> None:
    with transaction() as session:
        # The job's row first: after it nobody else's, as in a pulse.
        if not claims.settle(session, job_id, owner, state, error=error, result=running.result, found=running.found):
            return
        values = running.tally.write(session)
        job = session.get_one(Job, job_id, populate_existing=True)
        for name, value in values.items():
            setattr(job, name, value)


class Pulse:
    """Keeps a job's claim and progress in the database while its own thread works, and hears whether it is to stop."""

    def __init__(self, tally: Tally, job_id: int, owner: str, told_to_stop: threading.Event) -> None:
        self._tally, self._job_id, self._owner = tally, job_id, owner
        self._told_to_stop = told_to_stop
        self._over = threading.Event()
        self._app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._run, name=f"pulse of job {job_id}", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def end(self) -> None:
        """Have done; returns when nothing is being written any more."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        beats = 0
        with self._app.app_context():
            while not self._over.wait(PULSE):
                beats += 1
                try:
                    if self._tally.has_news or beats * PULSE >= RENEW_AFTER:
                        state, beats = self._write(), 0
                    else:
                        state = self._look()
                except DBAPIError as error:
                    # Until its lease is over the job is ours, whether or not the database answers.
                    self._tally.not_written()
                    log.warning("the progress of a job could not be written", extra={"error": str(error.orig)})
                    continue
                finally:
                    db.session.remove()
                if state != "running":
                    self._told_to_stop.set()

    def _write(self) -> str | None:
        with transaction() as session:
            state = claims.hold(session, self._job_id, self._owner, now() + LENGTH, {})
            if state is not None:
                values = self._tally.write(session)
                claims.hold(session, self._job_id, self._owner, now() + LENGTH, values)
        if state is not None:
            self._tally.written()
        return state

    def _look(self) -> str | None:
        query = db.select(Job.state).where(Job.id == self._job_id, Job.owner == self._owner)
        return db.session.execute(query).scalar_one_or_none()
