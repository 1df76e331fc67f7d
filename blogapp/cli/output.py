"""Lists as tables for people, as tab-separated lines for pipes, as JSON for programs."""

import itertools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from blogapp.core.web import iso, local

F = TypeVar("F", bound=Callable[..., Any])

# What a screen can take; a pipe gets everything.
SCREENFUL = 100


def json_option(command: F) -> F:
    """Give a command the option `--json`, passed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print a JSON array, one object a line.")(command)


def limit_option(command: F) -> F:
    """Give a command the option `--limit`; None leaves it to `show`."""
    text = f"Print at most so many; 0 for all.  [default: {SCREENFUL} on a terminal, else all]"
    return click.option("--limit", type=click.IntRange(min=0), metavar="N", help=text)(command)


def on_terminal() -> bool:
    """Whether a person is likely to read standard output."""
    return sys.stdout.isatty()


def show(rows: Iterable[Mapping[str, Any]], *, as_json: bool, empty: str, limit: int | None = 0) -> None:
    """Print rows that all have the same keys. They are read one by one: a pipe may get a million.

    Args:
        empty: what a person is told where there is no row (on stderr; programs get `[]` or nothing).
        limit: at most so many; 0: all; None: a screenful for a person, all for a program.
    """
    if limit is None:
        limit = SCREENFUL if on_terminal() and not as_json else 0
    source = iter(rows)
    chosen = itertools.islice(source, limit) if limit else source
    printed = (_print_json if as_json else _print_table if on_terminal() else _print_lines)(chosen)
    if not printed and not as_json:
        click.echo(empty, err=True)
    if limit and printed == limit and next(source, None) is not None:
        click.echo(f"Only the first {limit}: --limit 0 shows all.", err=True)


def show_one(facts: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one thing: a line for each of its facts that says something, or a JSON object."""
    if as_json:
        click.echo(json.dumps(facts, default=_plain, ensure_ascii=False, indent=1))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        for word in value if isinstance(value, list) else [value]:
            if word not in (None, ""):
                click.echo(f"{name.replace('_', ' '):{width}}  {_word(word)}")


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, moved by `moved(done, total)`; nothing elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done, total: None
        return
    with Progress(TextColumn(label), BarColumn(), MofNCompleteColumn(), console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print_json(rows: Iterator[Mapping[str, Any]]) -> int:
    count = 0
    for count, row in enumerate(rows, 1):
        click.echo(("[" if count == 1 else ",\n ") + json.dumps(row, default=_plain, ensure_ascii=False), nl=False)
    click.echo("]" if count else "[]")
    return count


def _print_lines(rows: Iterator[Mapping[str, Any]]) -> int:
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007  # how many is asked for at the end
        click.echo("\t".join(" ".join(_word(value).split()) for value in row.values()))
    return count


def _print_table(rows: Iterator[Mapping[str, Any]]) -> int:
    everything = list(rows)
    if not everything:
        return 0
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, value in everything[0].items():
        number = isinstance(value, int) and not isinstance(value, bool)
        table.add_column(name.replace("_", " "), justify="right" if number else "left", overflow="fold")
    for row in everything:
        # Text, not str: a title may hold [brackets], which rich would take for its own markup.
        table.add_row(*(Text(_word(value)) for value in row.values()))
    Console(file=sys.stdout).print(table)
    return len(everything)


def _word(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{local(value):%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)


def _plain(value: Any) -> str:
    return iso(value) if isinstance(value, datetime) else str(value)
