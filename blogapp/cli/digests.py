"""`blogapp digest`: how the digests are doing, and sending them without a worker."""

import signal
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from sqlalchemy import literal, select

from blogapp.cli import Refused
from blogapp.cli.context import inside
from blogapp.cli.output import json_option, limit_option, show, show_one
from blogapp.cli.posts import find_post
from blogapp.core.db import db
from blogapp.core.errors import NotFound
from blogapp.delivery.owners import owner_name
from blogapp.digest.instance import insist
from blogapp.digest.models import Digest, Sending
from blogapp.digest.planning import begin_due
from blogapp.digest.progress import Progress, progress, progress_of_sending
from blogapp.digest.sending import new_engine, send_some
from blogapp.posts.models import Post

COUNTS = ("accepted", "refused", "skipped", "waiting", "in_doubt")
STATES = ("waiting", "held", "cancelled", "withdrawn", "sending", "sent")


@click.group()
def digest() -> None:
    """The digests: how they are doing, sending what is due."""


@digest.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only these.")
@limit_option
@json_option
def list_(state: str | None, limit: int | None, as_json: bool) -> None:
    """List the digests, catch-ups and corrections, the newest first, with how many got one.

    \b
    Examples:
      blogapp digest list
      blogapp digest list --state sending --json
    """
    with inside():
        show(_rows(state), as_json=as_json, empty="There are no such digests.", limit=limit)


@digest.command("show")
@click.argument("which", metavar="SLUG")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def show_(which: str, as_json: bool) -> None:
    """Show how the digest of one post is doing, and why somebody did not get it. SLUG may also be the post's id.

    \b
    Example:
      blogapp digest show week-473
    """
    with inside():
        post = find_post(which)
        query = select(Digest.id, Sending.subject).outerjoin(Sending).where(Digest.post_id == post.id)
        found = db.session.execute(query).one_or_none()
        if found is None:
            raise NotFound(f"{post.title} has no digest.")
        facts = {"slug": post.slug, "title": post.title, "subject": found.subject, **asdict(progress(found.id))}
        facts["reasons"] = [f"{count} × {reason}" for reason, count in facts["reasons"]]
        show_one(facts, as_json=as_json)


@digest.command("send-due")
def send_due() -> None:
    """Send what is due in this process, until nothing is left that can be sent now.

    For hosts without a worker; beside one it shares the work. What is deferred waits for the next call or for a worker.
    Ctrl-C stops after what is in flight. The exit code is 1 where the relay could not be used.

    \b
    Example (cron):
      */5 * * * *  cd /srv/blogapp && blogapp digest send-due
    """
    stop = threading.Event()
    # In a thread of its own: a handler that sets an Event which the main thread waits for could lock it up.
    signal.signal(signal.SIGINT, lambda *_: threading.Thread(target=stop.set).start())
    with inside():
        owner = owner_name("command line")
        insist()
        begun = begin_due(owner)
        insist()  # Now this host's file tells of what has begun.
        under_way = _under_way()
        _send(owner, stop, under_way)
        _report(begun, [progress(number) for number in under_way])


def _rows(state: str | None) -> Iterator[dict[str, Any]]:
    for row in sorted((*_digests(state), *_others()), key=lambda row: (row.at, row.id), reverse=True):
        seen = progress(row.id) if row.kind == "digest" else progress_of_sending(row.id)
        if state and row.kind != "digest" and ("sending" if seen.state == "paused" else seen.state) != state:
            continue
        yield {
            "kind": row.kind,
            "slug": row.slug,
            "title": row.title,
            "state": seen.state,
            "due_at": seen.due_at,
            "sent_at": seen.sent_at,
            "to": seen.candidates,
            **{name: getattr(seen, name) for name in COUNTS},
        }


def _digests(state: str | None) -> Sequence[Any]:
    columns = (Digest.id, Digest.due_at.label("at"), Post.slug, Post.title, literal("digest").label("kind"))
    query = select(*columns).join(Post, Post.id == Digest.post_id)
    return db.session.execute(query.where(Digest.state == state) if state else query).all()


def _others() -> Sequence[Any]:
    """What leaves without a publication: the months' catch-ups, and corrections."""
    columns = (Sending.id, Sending.planned_at.label("at"), Sending.subject.label("title"), Sending.kind)
    query = select(*columns, literal("").label("slug"))
    return db.session.execute(query.where(Sending.kind != "digest", Sending.main_id.is_(None))).all()


def _under_way() -> list[int]:
    return list(db.session.execute(select(Digest.id).where(Digest.state == "sending").order_by(Digest.id)).scalars())


def _send(owner: str, stop: threading.Event, digests: list[int]) -> None:
    engine = new_engine()
    console = Console(stderr=True)
    try:
        while not stop.is_set() and send_some(owner, stop, engine):
            if console.is_terminal and digests:
                done = [progress(number) for number in digests]
                taken, wanted = sum(p.accepted for p in done), sum(p.candidates for p in done)
                console.print(f"{taken} of {wanted} accepted", end="\r")
    finally:
        engine.close()


def _report(begun: int, seen: list[Progress]) -> None:
    """
    Raises:
        Refused: a digest is paused, as while the relay cannot be used.
    """
    if not seen:
        click.echo("Nothing is due.")
        return
    total = {name: sum(getattr(p, name) for p in seen) for name in COUNTS}
    words = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in total.items() if number)
    done = sum(p.state == "sent" for p in seen)
    click.echo(f"{begun} began, {done} of {len(seen)} sent: {words or 'nobody to send to'}.")
    if paused := [p for p in seen if p.state == "paused"]:
        raise Refused(f"Paused: {paused[0].pause_reason}. `blogapp mail test ADDRESS` tries the relay.")
