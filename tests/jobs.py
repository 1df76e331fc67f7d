"""Kinds of jobs that tests can steer, and running what waits."""

import io
import threading
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from blogapp.core.db import db
from blogapp.delivery.owners import owner_name
from blogapp.porting.jobs import files, queue
from blogapp.porting.jobs.context import Running
from blogapp.porting.jobs.kinds import Kind
from blogapp.porting.jobs.models import Job
from blogapp.porting.jobs.registry import KINDS
from blogapp.porting.jobs.running import run_next

ME = owner_name("test")
SNIPS = {
    "weeknotes/week-1.snip.markdown": "We *began*.\n\n:author: ann-lee\n:created_at: 2018-01-05 10:00:00 +0000\n",
    "weeknotes/week-2.snip.markdown": "We went on.\n\n:author: ann-lee\n:created_at: 2018-01-12 10:00:00 +0000\n",
    "weeknotes/week-3.snip.markdown": "No date here.\n\n:author: ann-lee\n",
}


def zipped(files: Mapping[str, str | bytes] = SNIPS) -> bytes:
    """A .zip of these files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def add_kind(patch: pytest.MonkeyPatch, run: Callable[[Running], None], name: str = "import.test", **more: Any) -> None:
    """Make a kind of job known for the length of a test."""
    given: dict[str, Any] = {"label": "Test files", "about": "Anything.", "takes": (".zip", ".csv"), **more}
    patch.setitem(KINDS, name, Kind(name=name, run=run, **given))


def begin(by: int | None, kind: str = "import.test", upload: bytes = b"", **more: Any) -> int:
    """Begin a job, with a .zip where it needs one."""
    folder = files.new_folder()
    options = more.pop("options", {})
    if upload:
        options |= {"files": {"file": files.receive(folder, "file", "old.zip", io.BytesIO(upload), (".zip",))}}
    return queue.begin_job(kind, by, folder=folder, options=options, **more)


def work(owner: str = ME, stop: threading.Event | None = None) -> int | None:
    """Do what a worker does with the next job."""
    return run_next(owner, stop or threading.Event())


def look(job_id: int) -> Job:
    """The job as it is now."""
    db.session.rollback()
    return db.session.get_one(Job, job_id, populate_existing=True)


def run(job_id: int) -> Job:
    """Run the next job, which is that one."""
    assert work() == job_id
    return look(job_id)
