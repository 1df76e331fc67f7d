"""`blogapp check` and `blogapp upgrade`: are settings and database fit, and making the database so."""

import json

import click

from blogapp.cli.context import inside
from blogapp.core import migrate
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.errors import NotFound


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def check(as_json: bool) -> None:
    """See whether the settings can be used and the database is at the program's version.

    Says nothing about whether mail leaves: see `blogapp mail test`.

    \b
    Examples:
      blogapp check
      blogapp check && systemctl restart blogapp
    """
    with inside():
        found = {
            "data_dir": str(settings().data_dir),
            "database": _database(),
            "schema": migrate.present_revision(),
            "base_url": settings().base_url,
            "production": settings().production,
            "log_format": settings().log_format,
        }
    if as_json:
        click.echo(json.dumps(found))
        return
    for name, value in found.items():
        click.echo(f"{name.replace('_', ' '):12} {value}")
    click.echo("Settings and database are fit.")


def _database() -> str:
    """The database's address, without its password."""
    return db.engine.url.render_as_string(hide_password=True)


@click.command()
@click.option("--to", metavar="REV", default="head", help="Go to this revision, which may be an older one.")
@click.option("--yes", is_flag=True, help="Go back without asking. What newer revisions hold is lost.")
def upgrade(to: str, yes: bool) -> None:
    """Bring the database to this program's version, making it if need be. Back up first: blogapp backup FILE.

    \b
    Examples:
      blogapp upgrade
      blogapp upgrade --to 0006_subscribers
    """
    with inside(any_schema=True):
        before = migrate.present_revision()
        target = _resolve(to)
        back = before is not None and _is_behind(target, before)
        if back and not yes:
            click.confirm(f"Going back from {before} to {target} loses what newer revisions hold. Go on?", abort=True)
        reached = migrate.move_to(target)
        if reached == (before or "base"):
            click.echo(f"Nothing to do: the database is at {reached}.")
        else:
            click.echo(f"The database went {'back ' if back else ''}from {before or 'empty'} to {reached}.")


def _resolve(revision: str) -> str:
    """The full name of a revision, which may be given by its beginning.

    Raises:
        NotFound: there is none, or several begin so.
    """
    known = migrate.known_revisions()
    if revision in ("base", "head"):
        return revision if revision == "base" else known[0]
    fitting = [name for name in known if name.startswith(revision)]
    if len(fitting) != 1:
        raise NotFound(f"There is no revision {revision}. There are: {', '.join(reversed(known))}.")
    return fitting[0]


def _is_behind(target: str, present: str) -> bool:
    if target == "base":
        return True
    newest_first = migrate.known_revisions()
    return present in newest_first and newest_first.index(target) > newest_first.index(present)
