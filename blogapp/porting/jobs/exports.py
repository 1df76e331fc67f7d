"""The exports that can be begun in the browser: each writes one file, which is offered until it is a week old."""

from blogapp.core.clock import now
from blogapp.porting.backup import back_up
from blogapp.porting.jobs.context import Running
from blogapp.porting.jobs.kinds import Kind


def backup(job: Running) -> None:
    """The whole site, as `blogapp backup` writes it."""
    job.say("Writing the backup")
    back_up(job.result_file(f"backup-{now():%Y-%m-%d}.tar.gz"), force=True)


KINDS = (
    Kind(
        name="export.backup",
        label="Backup",
        run=backup,
        about="The database and all files in one .tar.gz, for `blogapp restore`. It holds everybody’s addresses: "
        "keep it where nobody else can read it.",
        previews=False,
    ),
)
