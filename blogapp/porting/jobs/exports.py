"""The exports that can be begun in the browser: each writes one file, which is offered until it is a week old."""

import zipfile
from pathlib import Path

from blogapp.core.clock import now
from blogapp.porting.archive.writing import export_archive
from blogapp.porting.jobs.context import Running
from blogapp.porting.jobs.kinds import Kind
from blogapp.porting.lists.exporting import export_subscribers
from blogapp.porting.markdown_export import export_markdown
from blogapp.porting.snips.exporting import export_snips


def snips(job: Running) -> None:
    """Every post as a snip, and the files that they show."""
    folder = job.scratch("snips")
    export_snips(folder, images=folder / "images", on_progress=job.on_progress)
    _zip(job, folder, "snips")


def markdown(job: Running, flavour: str) -> None:
    """What is public as Markdown with front matter."""
    folder = job.scratch("site")
    export_markdown(folder, flavour, on_progress=job.on_progress)
    _zip(job, folder, flavour)


def archive(job: Running) -> None:
    """The whole site, for `blogapp import archive`."""
    export_archive(job.result_file(f"site-{_day()}.tar.gz"), force=True, on_progress=job.on_progress)


def subscribers(job: Running) -> None:
    """Everybody on the list, with their consent."""
    export_subscribers(job.result_file(f"subscribers-{_day()}.csv"), by=job.by, force=True)


def _day() -> str:
    return f"{now():%Y-%m-%d}"


def _zip(job: Running, folder: Path, name: str) -> None:
    """The folder as one file; pictures do not get smaller a second time."""
    job.say("Packing")
    file = job.result_file(f"{name}-{_day()}.zip")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as out:
        for path in sorted(folder.rglob("*")):
            job.check()
            if path.is_file() and not path.name.startswith("."):
                out.write(path, path.relative_to(folder).as_posix())


KINDS = (
    Kind(
        name="export.snips",
        label="Snips",
        run=snips,
        about="Every post, drafts too, as the file that it came from or a new one like it, with its pictures.",
        previews=False,
    ),
    Kind(
        name="export.hugo",
        label="Markdown for Hugo",
        run=lambda job: markdown(job, "hugo"),
        about="What is public, with front matter and files.",
        previews=False,
    ),
    Kind(
        name="export.jekyll",
        label="Markdown for Jekyll",
        run=lambda job: markdown(job, "jekyll"),
        about="What is public, with front matter and files.",
        previews=False,
    ),
    Kind(
        name="export.subscribers",
        label="Subscribers",
        run=subscribers,
        about="A .csv file of everybody with state, dates and consent, and of the addresses that must not be mailed.",
        brings="subscribers",
        previews=False,
    ),
    Kind(
        name="export.archive",
        label="Everything",
        run=archive,
        about="Posts, revisions, members, files, subscribers, what was sent to whom, and settings in one .tar.gz, for "
        "`blogapp import archive` on SQLite or PostgreSQL. It holds everybody’s addresses: keep it where nobody else "
        "can read it.",
        previews=False,
    ),
)
