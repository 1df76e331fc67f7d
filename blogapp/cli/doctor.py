"""`blogapp doctor`: what stands between the site and its readers' inboxes."""

import shutil
import textwrap
from collections import Counter
from collections.abc import Iterator

import click

from blogapp.cli.context import inside
from blogapp.cli.output import json_option, on_terminal, show
from blogapp.core.errors import BadSetting
from blogapp.digest.doctor.examining import examine
from blogapp.digest.doctor.findings import Finding, Verdict, failed

COLOURS = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.FAILED: "red", Verdict.UNKNOWN: "cyan"}
VERDICT_WIDTH, CHECK_WIDTH = 13, 19
INDENT = " " * (2 + VERDICT_WIDTH + CHECK_WIDTH)
WIDEST = 110


@click.command()
@json_option
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Look at everything that mail needs: site, queue, relay, the sender's DNS records, the web address.

    Nothing is sent and nothing is changed. Each line is `ok`, a `warning`, `failed`, or something that nobody `can
    tell` from here. The exit code is 1 if anything failed.

    \b
    Examples:
      blogapp doctor
      blogapp doctor --json
    """
    counts: Counter[Verdict] = Counter()

    def counted() -> Iterator[tuple[str, Finding]]:
        for heading, finding in _findings():
            counts[finding.verdict] += 1
            yield heading, finding

    if as_json:
        show((_as_row(*found) for found in counted()), as_json=True, empty="")
    else:
        _print(counted())
        click.echo(f"\n{_summary(counts)}")
    context.exit(1 if counts[Verdict.FAILED] else 0)


def _findings() -> Iterator[tuple[str, Finding]]:
    try:
        with inside(any_schema=True):
            yield from examine()
    except BadSetting as error:
        yield "Site", failed("settings", f"Nothing starts: {error}.")


def _as_row(heading: str, finding: Finding) -> dict[str, str]:
    return {
        "section": heading,
        "check": finding.check,
        "verdict": str(finding.verdict),
        "finding": finding.text,
        "advice": finding.advice,
    }


def _print(findings: Iterator[tuple[str, Finding]]) -> None:
    before = ""
    for heading, finding in findings:
        if heading != before:
            if before:
                click.echo()
            click.secho(heading, bold=True)
            before = heading
        verdict = click.style(f"{finding.verdict:{VERDICT_WIDTH}}", fg=COLOURS[finding.verdict])
        click.echo(f"  {verdict}{finding.check:{CHECK_WIDTH}}{_wrapped(finding.text, INDENT)}")
        if finding.advice:
            advice = _wrapped(finding.advice, f"{INDENT}  ")
            click.echo(INDENT + click.style(f"→ {advice}", dim=True))


def _wrapped(text: str, indent: str) -> str:
    """For a person in lines that fit; for a pipe on one."""
    if not on_terminal():
        return text
    room = max(30, min(WIDEST, shutil.get_terminal_size().columns) - len(indent))
    return f"\n{indent}".join(textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False))


def _summary(counts: Counter[Verdict]) -> str:
    if not counts[Verdict.FAILED] and not counts[Verdict.WARNING]:
        rest = f" {counts[Verdict.UNKNOWN]} cannot be told from here." if counts[Verdict.UNKNOWN] else ""
        return f"All is well as far as it can be told.{rest}"
    words = {Verdict.FAILED: "failed", Verdict.WARNING: "to look at", Verdict.UNKNOWN: "cannot be told from here"}
    return ", ".join(f"{counts[verdict]} {word}" for verdict, word in words.items() if counts[verdict]) + "."
