"""`blogapp import snips`, and what every import of posts shares."""

import inspect
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

import click

from blogapp.cli import Refused
from blogapp.cli.context import acting, first_admin, inside, member_id
from blogapp.cli.output import json_option, progress_bar, show
from blogapp.porting.elsewhere import import_posts
from blogapp.porting.importing import import_snips
from blogapp.porting.report import Outcome, Report

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
STOPPED = "Stopped. What was done is kept; run the same command again to go on."


def reporting(command: Callable[..., None]) -> Callable[..., None]:
    """The options that every import of posts has."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing."),
        click.option("--report", "report_file", type=click.File("w", encoding="utf-8", lazy=False), metavar="FILE",
                     help="Write what became of each document, a JSON object a line."),
        json_option,
        acting,
    ):  # fmt: skip
        command = option(command)
    return command


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--images", type=FOLDER, help="The folder behind /images/: the pictures that posts show are attached.")
@click.option("--member", "members", multiple=True, metavar="SLUG=EMAIL",
              help="The e-mail address of an author; may be given several times.")  # fmt: skip
@reporting
def snips(paths: tuple[Path, ...], images: Path | None, members: tuple[str, ...], **options: Any) -> None:
    """Import snips: Markdown or HTML files with a block of `:key: value` lines. A PATH may be a folder.

    A file that cannot be used is named and changes nothing; the others are imported, and the exit code is 1. Running it
    again changes only what has changed. Unknown authors become members who cannot log in until they are invited.

    \b
    Examples:
      blogapp import snips soups --images images --member chris-roos=chris@example.org
      blogapp import snips soups --images images --dry-run
      blogapp import snips week-473.snip.markdown
    """
    emails = dict(_pair(text) for text in members)
    run_import(lambda **given: import_snips(paths, images=images, emails=emails, **given), **options)


def _reader(name: str, origin: str, what: str, text: str) -> click.Command:
    """The command for another service's posts."""

    @click.command(name, help=inspect.cleandoc(text))
    @click.argument("path", metavar=what, type=click.Path(exists=True, path_type=Path))
    @click.option("--images", type=click.Path(exists=True, path_type=Path),
                  help="The folder of images, where they do not lie among the posts; may be an archive.")  # fmt: skip
    @click.option("--member", "members", multiple=True, metavar="SLUG=EMAIL",
                  help="The e-mail address of an author; may be given several times.")  # fmt: skip
    @reporting
    def command(path: Path, images: Path | None, members: tuple[str, ...], **options: Any) -> None:
        emails = dict(_pair(text) for text in members)
        run_import(lambda **given: import_posts(path, origin, images=images, emails=emails, **given), **options)

    return command


ghost = _reader(
    "ghost",
    "ghost",
    "FILE",
    """Import Ghost's export, a .json file. --images takes its `content/images`.

    \b
    Example:
      blogapp import ghost bakers.ghost.json --images content/images
    """,
)
wordpress = _reader(
    "wordpress",
    "wordpress",
    "FILE",
    """Import WordPress's export, an .xml file.

    --images takes its `wp-content/uploads`.

    \b
    Example:
      blogapp import wordpress bakers.xml --images wp-content/uploads
    """,
)
markdown = _reader(
    "markdown",
    "markdown",
    "FOLDER",
    """Import a folder of Jekyll, of Hugo, or of Markdown with front matter.

    \b
    Example:
      blogapp import markdown ../site --dry-run
    """,
)
substack = _reader(
    "substack",
    "substack",
    "FILE|FOLDER",
    """Import Substack's export: posts.csv and its folder of posts.

    \b
    Example:
      blogapp import substack export.zip
    """,
)
posts = _reader(
    "posts",
    "",
    "FILE|FOLDER",
    """Import posts of any kind: what it is is found out. May be an archive.

    \b
    Example:
      blogapp import posts old-site.zip
    """,
)


def run_import(
    use_case: Callable[..., Report],
    *,
    dry_run: bool,
    report_file: TextIO | None,
    as_json: bool,
    as_member: str | None,
) -> None:
    """Run an import with its progress bar, and say what became of it; Ctrl-C ends it between two documents."""
    with inside(), ExitStack() as stack:
        by = member_id(as_member) if as_member else first_admin()
        rows: list[dict[str, Any]] = []
        report = Report(on_outcome=_listener(report_file, rows if as_json else None))
        moved = stack.enter_context(progress_bar("Importing"))
        try:
            use_case(by=by, dry_run=dry_run, report=report, on_progress=moved)
        except KeyboardInterrupt:
            stack.close()
            _tell(report, as_json)
            raise Refused(STOPPED) from None
        stack.close()
        if as_json:
            show(rows, as_json=True, empty="")
        _tell(report, as_json)
        _refuse_if_needed(report)


def _listener(file: TextIO | None, rows: list[dict[str, Any]] | None) -> Callable[[Outcome], None] | None:
    if file is None and rows is None:
        return None

    def hear(outcome: Outcome) -> None:
        row = asdict(outcome)
        if rows is not None:
            rows.append(row)
        if file is not None:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")

    return hear


def _tell(report: Report, as_json: bool) -> None:
    if as_json:
        return
    for outcome in report.noted:
        if outcome.reason:
            click.echo(f"{outcome.path}: {outcome.reason}", err=True)
        for warning in outcome.warnings:
            click.echo(f"{outcome.path}: {warning}", err=True)
    more = report.count("refused") + report.count("beside") - sum(bool(o.reason) for o in report.noted)
    if more > 0:
        click.echo(f"… and {more} more; --report FILE names them all.", err=True)
    said = [f"{report.count('made')} made", f"{report.count('changed')} changed"]
    said += [f"{report.count('beside')} kept beside"] if report.count("beside") else []
    said += [f"{report.count('unchanged')} as before"]
    click.echo(f"{', '.join(said)}{' (nothing was changed: a dry run)' if report.dry_run else ''}.")


def _refuse_if_needed(report: Report) -> None:
    if not report.total:
        raise Refused("There is nothing to import there.")
    if refused := report.count("refused"):
        raise Refused(f"{refused} of {report.total} could not be imported.")


def _pair(text: str) -> tuple[str, str]:
    slug, equals, email = text.partition("=")
    if not (slug and equals and email):
        raise click.BadParameter(
            f"write SLUG=EMAIL, as in chris-roos=chris@example.org, not {text}", param_hint="--member"
        )
    return slug, email
