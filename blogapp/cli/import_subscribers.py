"""`blogapp import subscribers`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from blogapp.cli import Refused
from blogapp.cli.context import acting, first_admin, inside, member_id
from blogapp.cli.output import progress_bar
from blogapp.core.clock import iso
from blogapp.core.web import local
from blogapp.porting.lists.dialects import MEANINGS, SERVICES, STATES
from blogapp.porting.lists.files import ENCODINGS
from blogapp.porting.lists.importing import (
    INVALID,
    NEVER_AGREED,
    PACE,
    UNCLEAR,
    SubscriberReport,
    import_subscribers,
)
from blogapp.porting.lists.preview import Preview, preview_subscribers
from blogapp.porting.lists.reading import Silent, Wishes
from blogapp.porting.lists.words import SAID, in_words

# How many bad lines are named on the screen.
NAMED = 20
AGREED = "That is --status confirmed, --confirm, or --map status=COLUMN."
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show how the file is understood and what would happen; change nothing.")
@click.option("--from", "service", type=click.Choice(list(SERVICES)), help="Who wrote it.  [default: guessed]")
@click.option(
    "--map", "maps", multiple=True, metavar="WHAT=COLUMN", help=f"Which column holds what: {', '.join(MEANINGS)}."
)
@click.option(
    "--status",
    "statuses",
    multiple=True,
    metavar="[WORD=]STATE",
    help=f"What a status means, or what everybody in the file is: {', '.join(STATES)}. The stricter one counts.",
)
@click.option(
    "--encoding", type=click.Choice(ENCODINGS), help="How it is written.  [default: UTF-8, or as its mark says]"
)
@click.option(
    "--confirm", is_flag=True, help="Nobody's consent can be shown: add them as pending, and ask each by mail."
)
@click.option(
    "--pace", type=click.IntRange(1, 100_000), default=PACE, show_default=True, help="Mails that ask, an hour."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@acting
def subscribers(
    file: Path,
    dry_run: bool,
    service: str | None,
    maps: tuple[str, ...],
    statuses: tuple[str, ...],
    encoding: str | None,
    confirm: bool,
    pace: int,
    as_json: bool,
    as_member: str | None,
) -> None:
    """Import subscribers from a CSV file of Ghost, Mailchimp, Buttondown, Substack, listmonk or anything else.

    Look first: --dry-run shows which column is taken for what, and what would happen. Nobody is mailed unless
    --confirm. Who has unsubscribed or is suppressed here stays so; bounced addresses become suppressed. Running it
    again changes nothing. docs/import-subscribers.md says where each service keeps its export.

    \b
    Examples:
      blogapp import subscribers members.csv --dry-run
      blogapp import subscribers unsubscribed_members_export_1a2b.csv
      blogapp import subscribers people.csv --map email="E-post" --status confirmed
      blogapp import subscribers fair.csv --confirm --pace 50
    """
    wishes = Wishes(
        service=service or "",
        mapping=dict(map(_mapped, maps)),
        statuses=dict(map(_stated, statuses)),
        encoding=encoding or "",
        confirm=confirm,
    )
    with inside():
        by = member_id(as_member) if as_member else first_admin()
        try:
            report = _look(file, wishes, by, as_json) if dry_run else _take_in(file, wishes, pace, by, as_json)
        except Silent as error:
            raise Refused(f"{error} {AGREED}") from None
    _end(report, as_json)


def _look(file: Path, wishes: Wishes, by: int | None, as_json: bool) -> SubscriberReport:
    with progress_bar("Reading") as moved:
        preview = preview_subscribers(file, wishes, by=by, on_progress=moved)
    _show_preview(preview, as_json)
    if preview.refusal:
        raise Refused(f"{preview.refusal} {AGREED}")
    return preview.report


def _take_in(file: Path, wishes: Wishes, pace: int, by: int | None, as_json: bool) -> SubscriberReport:
    with progress_bar("Importing") as moved:
        report = import_subscribers(file, wishes, pace=pace, by=by, on_progress=moved)
    if as_json:
        click.echo(json.dumps(asdict(report), default=_plain, ensure_ascii=False, indent=1))
    else:
        _show_report(report)
    return report


def _mapped(text: str) -> tuple[str, str]:
    meaning, equals, column = text.partition("=")
    if not equals or meaning.strip() not in MEANINGS:
        raise click.UsageError(f"--map wants WHAT=COLUMN, where WHAT is one of {', '.join(MEANINGS)}; not {text!r}.")
    return meaning.strip(), column.strip()


def _stated(text: str) -> tuple[str, str]:
    word, _, state = text.rpartition("=")
    if state.strip() not in STATES:
        raise click.UsageError(f"--status wants one of {', '.join(STATES)}, alone or after WORD=; not {text!r}.")
    return word.strip(), state.strip()


def _show_preview(preview: Preview, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(asdict(preview), default=_plain, ensure_ascii=False, indent=1))
        return
    dates = ", days before months" if preview.day_first else ""
    service = "no service that is known" if preview.service == "csv" else SERVICES[preview.service].title
    click.echo(f"Written by {service}, in {preview.encoding} with {DELIMITERS[preview.delimiter]}{dates}.")
    if preview.note:
        click.echo(preview.note)
    click.echo("\nColumns:")
    width = min(max(len(column) for column, _ in preview.columns), 40)
    for column, meaning in preview.columns:
        click.echo(f"  {column:{width}}  {MEANINGS.get(meaning, '-')}")
    if preview.samples:
        click.echo("\nThe first rows, as they are understood:")
        for line, entry in preview.samples:
            click.echo(f"  line {line}: {in_words(entry)}")
    click.echo("\nWhat would happen:")
    _show_report(preview.report)


def _show_report(report: SubscriberReport) -> None:
    for outcome, words in {**SAID, NEVER_AGREED: f"{SAID[NEVER_AGREED]}; --confirm asks them"}.items():
        if number := report.counts.get(outcome):
            click.echo(f"{number:>9,} {words}")
    if not report.rows:
        click.echo("There are no rows in it.")
    if report.undated:
        click.echo(f"{report.undated:>9,} of them with a date that cannot be read: today stands in for it")
    if report.last_mail_at:
        click.echo(f"The last mail that asks leaves at {local(report.last_mail_at):%H:%M on %Y-%m-%d}.")


def _end(report: SubscriberReport, as_json: bool) -> None:
    unusable = report.counts.get(UNCLEAR, 0) + report.counts.get(INVALID, 0)
    if not unusable:
        return
    if not as_json:
        for line, address, why in report.wrong[:NAMED]:
            click.echo(f"line {line}: {address!r}: {why}", err=True)
        if report.counts.get(UNCLEAR):
            click.echo("--status WORD=STATE says what a status means.", err=True)
    more = f", the first {NAMED} above" if unusable > NAMED and not as_json else ""
    raise Refused(f"{unusable:,} of {report.rows:,} rows cannot be used{more}.")


def _plain(value: Any) -> str:
    return iso(value)
