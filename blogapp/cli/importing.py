"""`blogapp import`: bringing posts in."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from blogapp.cli import Refused
from blogapp.cli.context import acting, first_admin, inside, member_id
from blogapp.cli.import_subscribers import subscribers
from blogapp.cli.output import json_option, progress_bar, show
from blogapp.porting.importing import Outcome, Report, import_snips


@click.group("import")
def import_() -> None:
    """Bring posts in from elsewhere. Nothing is mailed."""


@import_.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@json_option
@acting
def snips(paths: tuple[Path, ...], as_json: bool, as_member: str | None) -> None:
    """Import snips: Markdown files with a block of `:key: value` lines. A PATH may be a folder.

    A file that cannot be used is named and changes nothing; the others are imported, and the exit code is 1. Running it
    again changes only what has changed. Unknown authors become members who cannot log in.

    \b
    Examples:
      blogapp import snips soups/weeknotes
      blogapp import snips week-473.snip.markdown
    """
    with inside():
        by = member_id(as_member) if as_member else first_admin()
        with progress_bar("Importing") as moved:
            report = import_snips(paths, by=by, on_progress=moved)
        if as_json:
            show(map(_row, report.outcomes), as_json=True, empty="")
        _tell(report, as_json)


import_.add_command(subscribers)


def _row(outcome: Outcome) -> dict[str, Any]:
    return {**asdict(outcome), "path": str(outcome.path)}


def _tell(report: Report, as_json: bool) -> None:
    if not as_json:
        for outcome in report.refused:
            click.echo(f"{outcome.path}: {outcome.reason}", err=True)
        click.echo(
            f"{report.count('made')} made, {report.count('changed')} changed, {report.count('unchanged')} as before."
        )
    if not report.outcomes:
        raise Refused("There are no snips there (files whose name ends in .snip.markdown or .snip.md).")
    if report.refused:
        raise Refused(f"{len(report.refused)} of {len(report.outcomes)} files could not be imported.")
