"""The `blogapp` command.

Exit codes: 0 fine, 1 refused (one line on stderr says why), 2 not understood; `mail-in` says 75 for "later". A
command's module is only imported when it is run, so that the supervisor of `blogapp serve` stays small.
"""

import importlib
from typing import Any

import click

from blogapp import __version__
from blogapp.core.errors import BlogError

# name -> where it lives; in the order of the help page
COMMANDS = {
    "serve": "blogapp.cli.serve:serve",
    "worker": "blogapp.cli.worker:worker",
    "check": "blogapp.cli.schema:check",
    "doctor": "blogapp.cli.doctor:doctor",
    "upgrade": "blogapp.cli.schema:upgrade",
    "member": "blogapp.cli.members:member",
    "post": "blogapp.cli.posts:post",
    "subscriber": "blogapp.cli.subscribers:subscriber",
    "digest": "blogapp.cli.digests:digest",
    "import": "blogapp.cli.importing:import_",
    "export": "blogapp.cli.exporting:export",
    "job": "blogapp.cli.jobs:job",
    "search": "blogapp.cli.search:search",
    "mail": "blogapp.cli.mail:mail",
    "mail-in": "blogapp.cli.mail_in:mail_in",
    "dkim": "blogapp.cli.dkim:dkim",
    "templates": "blogapp.cli.templates:templates",
    "backup": "blogapp.cli.backup:backup",
    "files": "blogapp.cli.files:files",
    "restore": "blogapp.cli.backup:restore",
    "resume-sending": "blogapp.cli.resume:resume_sending",
}


class Refused(click.ClickException):
    """What the program would not do, as one line; exit code 1."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        click.echo(f"blogapp: {self.format_message()}", err=True, file=file)


class Commands(click.Group):
    """The commands, each imported when it is asked for; refusals become one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BlogError as error:
            raise Refused(str(error)) from None
        except Exception as error:
            if (reason := _of_the_database(error)) is None:
                raise
            raise Refused(f"The database does not answer: {reason}") from None


def _of_the_database(error: Exception) -> str | None:
    """The driver's own first line, if that is what went wrong; SQLAlchemy is not imported just to find out."""
    if not any(
        kind.__module__ == "sqlalchemy.exc" and kind.__name__ == "OperationalError" for kind in type(error).__mro__
    ):
        return None
    lines = str(getattr(error, "orig", "")).strip().splitlines()
    return lines[0] if lines else "no reason given"


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Settings are BLOG_… variables or lines of a .env file in this folder; docs/settings.md lists them.",
)
@click.version_option(__version__, prog_name="blogapp")
def cli() -> None:
    """A team's weekly-notes blog with an e-mail digest.

    \b
    A new site:
      blogapp upgrade
      blogapp member add "Alice Archer" alice@example.org --role admin
      blogapp serve
    """


def main() -> None:
    """The entry point of the `blogapp` script."""
    cli(prog_name="blogapp")
