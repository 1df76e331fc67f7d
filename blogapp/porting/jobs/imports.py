"""The imports that can be begun in the browser: a function each, which hands the job to the use case."""

from pathlib import Path

from blogapp.porting.importing import import_snips
from blogapp.porting.jobs.context import Running
from blogapp.porting.jobs.kinds import Kind
from blogapp.porting.report import Outcome


def snips(job: Running) -> None:
    """A .zip of folders of snips, or one snip."""
    folder = job.unpacked()
    assert folder is not None
    report = import_snips([folder], by=job.by, on_progress=job.on_progress)
    for one in report.outcomes:
        job.report.add(Outcome(_inside(one.path, folder), one.result, one.reason, post_id=one.post_id))


def _inside(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


KINDS = (
    Kind(
        name="import.snips",
        label="Snips",
        run=snips,
        about="Markdown files that end in :key: value lines. A .zip of their folders, or one file.",
        takes=(".zip", ".snip.markdown", ".snip.md"),
        previews=False,
    ),
)
