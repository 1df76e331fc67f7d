"""`blogapp subscriber`: who gets the digests."""

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from blogapp.cli import Refused
from blogapp.cli.context import acting, inside, member_id
from blogapp.cli.output import json_option, limit_option, show
from blogapp.subscribing.adding import Report, add_subscribers
from blogapp.subscribing.listing import each_subscriber

STATES = ("pending", "confirmed", "unsubscribed", "paused", "suppressed")
# How many bad lines are named on the screen.
NAMED = 20


@click.group()
def subscriber() -> None:
    """The subscribers: add many at once, list."""


@subscriber.command()
@click.argument("addresses", metavar="ADDRESS... | -", nargs=-1, required=True)
@click.option("--confirmed", is_flag=True, help="They have agreed already, and you can show it: ask no more.")
@acting
def add(addresses: tuple[str, ...], confirmed: bool, as_member: str | None) -> None:
    """Add subscribers. `-` reads one address a line from standard input, however many; a line may also be
    `Ann Lee <ann@example.org>`. Each new one gets a mail that asks them to confirm, unless --confirmed.

    Who is known already stays as they are; who has unsubscribed or is suppressed is left alone. Bad lines are named and
    the rest is added; the exit code is 1 then.

    \b
    Examples:
      blogapp subscriber add ann@example.org "Bob Barker <bob@example.org>"
      blogapp subscriber add --confirmed - < list-members.txt
    """
    if "-" in addresses and len(addresses) > 1:
        raise click.UsageError("Give addresses, or - for standard input, not both.")
    with inside():
        by = member_id(as_member)
        lines: Iterable[str] = sys.stdin if addresses == ("-",) else addresses
        report = add_subscribers(_counted(lines), confirmed=confirmed, source="command line", by=by)
        _tell(report, confirmed)


@subscriber.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only these.")
@click.option("--search", default="", metavar="TEXT", help="Only addresses with this in them.")
@limit_option
@json_option
def list_(state: str | None, search: str, limit: int | None, as_json: bool) -> None:
    """List the subscribers, the first first.

    \b
    Examples:
      blogapp subscriber list --state confirmed
      blogapp subscriber list --state confirmed | cut -f2 > addresses.txt
      blogapp subscriber list --search @example.org --json
    """
    with inside():
        rows = (_row(found) for found in each_subscriber(query=search, state=state or ""))
        show(rows, as_json=as_json, empty="There are no such subscribers.", limit=limit)


def _row(found: Any) -> dict[str, Any]:
    return {
        "id": found.id,
        "address": found.address,
        "name": found.name,
        "state": found.state,
        "confirmed_at": found.confirmed_at,
        "unsubscribed_at": found.unsubscribed_at,
        "paused_until": found.paused_until,
        "frequency": found.frequency,
        "suppressed": found.suppressed,
    }


def _counted(lines: Iterable[str]) -> Iterator[str]:
    """The lines as they are; on a terminal a person sees how many have been read. The number to come is not known."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield from lines
        return
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} lines"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        for number, line in enumerate(lines, 1):
            if number % 1000 == 0:
                progress.update(task, completed=number)
            yield line


def _tell(report: Report, confirmed: bool) -> None:
    asked = "" if confirmed or not report.added else " They are being asked to confirm."
    click.echo(f"Added {report.added}.{asked}")
    for number, what in (
        (report.known, "known already"),
        (report.unsubscribed, "left alone: they have unsubscribed"),
        (report.suppressed, "left alone: mail to them is suppressed"),
    ):
        if number:
            click.echo(f"{number} {what}.")
    for line_number, line, why in report.wrong[:NAMED]:
        click.echo(f"line {line_number}: {line!r}: {why}", err=True)
    if report.invalid:
        more = f", the first {NAMED} above" if report.invalid > NAMED else ""
        raise Refused(f"{report.invalid} of the lines could not be used{more}; the others were.")
