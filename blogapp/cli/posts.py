"""`blogapp post`: what the members wrote."""

from collections.abc import Iterator
from typing import Any

import click
from sqlalchemy import ColumnElement, select

from blogapp.auth.models import Member
from blogapp.cli import Refused
from blogapp.cli.context import acting, inside, member_id
from blogapp.cli.output import json_option, limit_option, progress_bar, show
from blogapp.core.db import db
from blogapp.core.errors import NotFound
from blogapp.core.web import local
from blogapp.digest import publishing
from blogapp.digest.models import Digest
from blogapp.digest.outlook import AudienceChanged
from blogapp.posts.models import KINDS, Post
from blogapp.posts.rendering import render_again

STATES: dict[str, ColumnElement[bool]] = {
    "published": Post.state == "published",
    "draft": (Post.state == "draft") & Post.first_published_at.is_(None) & Post.deleted_at.is_(None),
    "withdrawn": (Post.state == "draft") & Post.first_published_at.is_not(None) & Post.deleted_at.is_(None),
    "deleted": Post.deleted_at.is_not(None),
}


@click.group()
def post() -> None:
    """The posts: list, publish, withdraw, render again."""


@post.command("list")
@click.option("--state", type=click.Choice(list(STATES)), help="Only these.  [default: all but deleted]")
@click.option("--kind", type=click.Choice(KINDS), help="Only these.")
@limit_option
@json_option
def list_(state: str | None, kind: str | None, limit: int | None, as_json: bool) -> None:
    """List the posts, the newest first.

    \b
    Examples:
      blogapp post list --state draft
      blogapp post list --kind week --limit 10
      blogapp post list --json | jq -r '.[].slug'
    """
    with inside():
        show(_rows(state, kind), as_json=as_json, empty="There are no such posts.", limit=limit)


@post.command()
@click.argument("which", metavar="SLUG")
@click.option(
    "--digest/--no-digest", default=None, help="Send it as a digest, or not.  [default: week posts leave as one]"
)
@click.option(
    "--yes-audience",
    "audience",
    type=click.IntRange(0),
    metavar="NUMBER",
    help="Send the digest to so many, where it refuses because far more or fewer got the last one.",
)
@acting
def publish(which: str, digest: bool | None, audience: int | None, as_member: str | None) -> None:
    """Make a post public; SLUG may also be its id. Its digest leaves as if published in the browser.

    \b
    Examples:
      blogapp post publish week-473
      blogapp post publish week-473 --no-digest
    """
    with inside():
        found = find_post(which)
        try:
            done = publishing.publish(
                found.id, found.version, member_id(as_member), with_digest=digest, audience=audience
            )
        except AudienceChanged as changed:
            raise Refused(f"{changed} Nothing was done. To go on, add --yes-audience {changed.outlook.count}") from None
        click.echo(f"Published: {done.title} (/{done.slug})")
        if (line := _digest_line(done.id)) is not None:
            click.echo(line)


@post.command()
@click.argument("which", metavar="SLUG")
@acting
def withdraw(which: str, as_member: str | None) -> None:
    """Make a public post a draft again; SLUG may also be its id. A digest that has not begun to leave stays here.

    \b
    Example:
      blogapp post withdraw week-473
    """
    with inside():
        found = find_post(which)
        done = publishing.withdraw(found.id, found.version, member_id(as_member))
        click.echo(f"Withdrawn: {done.title} (/{done.slug}) is a draft again.")
        if (line := _digest_line(done.id)) is not None:
            click.echo(line)


@post.command()
@click.argument("which", metavar="[SLUG]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every post there is.")
def render(which: tuple[str, ...], everything: bool) -> None:
    """Turn posts' Markdown into HTML again, as after an upgrade that changed how.

    Texts and revisions stay as they are; cached pages end where what readers see changed.

    \b
    Examples:
      blogapp post render week-473
      blogapp post render --all
    """
    if everything == bool(which):
        raise click.UsageError("Name the posts, or say --all.")
    with inside():
        ids = (
            [row.id for row in db.session.execute(select(Post.id))] if everything else [find_post(s).id for s in which]
        )
        changed = 0
        with progress_bar("Rendering") as moved:
            for number, post_id in enumerate(ids, 1):
                changed += render_again(post_id)
                moved(number, len(ids))
        click.echo(f"Rendered {len(ids)}; {changed} look different now.")


def _rows(state: str | None, kind: str | None) -> Iterator[dict[str, Any]]:
    wanted = STATES[state] if state else Post.deleted_at.is_(None)
    columns = (
        Post.id,
        Post.slug,
        Post.kind,
        Post.title,
        Member.name,
        Post.state,
        Post.visibility,
        Post.first_published_at,
        Post.deleted_at,
        Post.published_at,
        Post.updated_at,
    )
    query = select(*columns).join(Member, Member.id == Post.author_id).where(wanted)
    if kind:
        query = query.where(Post.kind == kind)
    for row in db.session.execute(query.order_by(Post.id.desc())):
        yield {
            "id": row.id,
            "slug": row.slug,
            "kind": row.kind,
            "title": row.title,
            "author": row.name,
            "state": _state(row),
            "published_at": row.published_at,
            "updated_at": row.updated_at,
        }


def _state(row: Any) -> str:
    if row.deleted_at is not None:
        return "deleted"
    if row.state == "published" and row.visibility != "public":
        return "published for members" if row.visibility == "members" else "published for some"
    return "withdrawn" if row.state == "draft" and row.first_published_at is not None else str(row.state)


def find_post(which: str) -> Post:
    """The post of this slug, else of this id.

    Raises:
        NotFound: there is neither.
    """
    key = which.strip().strip("/")
    found = db.session.execute(select(Post).where(Post.slug == key)).scalar_one_or_none()
    if found is None and key.isascii() and key.isdigit() and len(key) < 10:
        found = db.session.get(Post, int(key))
    if found is None:
        raise NotFound(f"There is no post {which}. `blogapp post list` shows them.")
    return found


def _digest_line(post_id: int) -> str | None:
    """What becomes of the post's digest, for the person who just did something to it."""
    found = db.session.execute(select(Digest.state, Digest.due_at).where(Digest.post_id == post_id)).one_or_none()
    if found is None:
        return None
    if found.state == "waiting":
        return f"Its digest leaves at {local(found.due_at):%H:%M:%S on %Y-%m-%d}, if a worker runs."
    said = {
        "held": "Its digest is held.",
        "cancelled": "Its digest is cancelled.",
        "withdrawn": "Its digest waits with it.",
        "sending": "Its digest is on its way.",
        "sent": "Its digest has been sent; none leaves a second time.",
    }
    return said[found.state]
