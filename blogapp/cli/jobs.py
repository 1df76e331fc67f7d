"""`blogapp job`: long work that was begun in the browser."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import click

from blogapp.cli import Refused
from blogapp.cli.context import acting, inside, member_id
from blogapp.cli.output import json_option, limit_option, progress_bar, show
from blogapp.delivery.owners import owner_name
from blogapp.porting.jobs import queue
from blogapp.porting.jobs.models import Job
from blogapp.porting.jobs.running import run_next


@click.group()
def job() -> None:
    """Imports and exports that were begun in the browser. The worker does them one after the other."""


@job.command("list")
@limit_option
@json_option
def list_(limit: int | None, as_json: bool) -> None:
    """List them, newest first.

    \b
    Example:
      blogapp job list --json
    """
    with inside():
        show(map(_row, queue.list_jobs(limit=1000)), as_json=as_json, empty="Nothing was begun yet.", limit=limit)


@job.command()
@click.argument("number", metavar="ID", type=click.IntRange(1, 2**31 - 1))
@acting
def stop(number: int, as_member: str | None) -> None:
    """Stop one: at once while it waits, else after the document that it is at. What is in stays in.

    \b
    Example:
      blogapp job stop 12
    """
    with inside():
        queue.stop_job(number, member_id(as_member) if as_member else None)
        found = queue.find_job(number)
        click.echo(f"Job {number} is stopped." if found.is_over else f"Job {number} stops after this document.")


@job.command()
def run() -> None:
    """Run those that wait, here and now, one after the other. For sites whose worker does not run.

    Ctrl-C stops the one that is running; the next run goes on with it. If one fails, the exit code is 1.

    \b
    Example:
      blogapp job run
    """
    with inside():
        done, failed = 0, 0
        while (found := _run_one()) is not None:
            done += 1
            failed += found.state == "failed"
            click.echo(_in_words(found), err=found.state == "failed")
        busy = queue.busy_with()
        if busy is not None:
            raise Refused(f"Job {busy} is at work elsewhere; one runs at a time.")
        if not done:
            click.echo("Nothing waits.", err=True)
        if failed:
            raise Refused(f"{failed} of {done} jobs failed.")


def _run_one() -> Job | None:
    with ExitStack() as bars:

        def begun(job: Job) -> Callable[[int, int], None]:
            return bars.enter_context(progress_bar(f"Job {job.id}, {job.kind}"))

        number = run_next(owner_name("foreground"), threading.Event(), begun)
    return None if number is None else queue.find_job(number)


def _in_words(job: Job) -> str:
    counts = ", ".join(f"{number} {name}" for name, number in sorted(job.counts.items()))
    said = job.error or counts or job.result or "nothing to report"
    return f"Job {job.id}, {job.kind}{' (preview)' if job.dry_run else ''}: {job.state}: {said}"


def _row(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "preview": job.dry_run,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "begun": job.created_at,
        "error": job.error,
    }
