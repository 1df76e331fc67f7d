"""`blogapp member`: the team."""

import secrets
import sys

import click

from blogapp.auth import members
from blogapp.auth.models import ROLES, Member
from blogapp.cli.context import acting, first_admin, inside, member_id
from blogapp.cli.output import json_option, show

# Four letters of 31 a group, no look-alikes: 79 bits, and can be read out over the telephone.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


@click.group()
def member() -> None:
    """The team: who is in it, in which role."""


@member.command()
@click.argument("name")
@click.argument("email")
@click.option("--role", type=click.Choice(ROLES), default="author", show_default=True, help="What they may do.")
@click.option("--slug", help="Their address on the site.  [default: made from the name]")
@click.option("--invite", is_flag=True, help="Mail them a link to choose a password with, and print it.")
@click.option("--generate", is_flag=True, help="Make a password and print it.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input (one line).")
@acting
def add(
    name: str,
    email: str,
    role: str,
    slug: str | None,
    invite: bool,
    generate: bool,
    password_stdin: bool,
    as_member: str | None,
) -> None:
    """Add a member. Asks for their password unless told otherwise.

    \b
    Examples:
      blogapp member add "Alice Archer" alice@example.org --role admin
      blogapp member add "Bob Barker" bob@example.org --invite
      pass show blog/bob | blogapp member add "Bob Barker" bob@example.org --password-stdin
    """
    if invite + generate + password_stdin > 1:
        raise click.UsageError("Choose one of --invite, --generate and --password-stdin.")
    with inside():
        by = member_id(as_member) if as_member else first_admin()
        password = None if invite else _password(generate, password_stdin)
        added = members.add_member(name, email, role=role, slug=slug, by=by, password=password)
        click.echo(f"Added {added.name} <{added.email}>, {added.role}, as /{added.slug}.")
        if invite:
            _invite(added, by)
        elif generate:
            click.echo(f"Password: {password}")


@member.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the members.

    \b
    Examples:
      blogapp member list
      blogapp member list --json | jq -r '.[] | select(.role == "admin") | .email'
    """
    with inside():
        show(
            (
                {
                    "id": m.id,
                    "name": m.name,
                    "email": m.email,
                    "role": m.role,
                    "state": m.state,
                    "slug": m.slug,
                    "created_at": m.created_at,
                }
                for m in members.list_members()
            ),
            as_json=as_json,
            empty="There are no members yet. Add one: blogapp member add NAME EMAIL --role admin",
        )


@member.command()
@click.argument("who", metavar="EMAIL")
@acting
def invite(who: str, as_member: str | None) -> None:
    """Mail a member a link to choose a password with, and print it. EMAIL may also be a slug or an id.

    \b
    Example:
      blogapp member invite bob@example.org
    """
    with inside():
        by = member_id(as_member) if as_member else first_admin()
        _invite(members.find_member(who), by)


@member.command("set-password")
@click.argument("who", metavar="EMAIL")
@click.option("--generate", is_flag=True, help="Make a password and print it.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input (one line).")
@acting
def set_password(who: str, generate: bool, password_stdin: bool, as_member: str | None) -> None:
    """Give a member a new password and end their log-ins. EMAIL may also be a slug or an id.

    \b
    Examples:
      blogapp member set-password bob@example.org
      blogapp member set-password bob@example.org --generate
    """
    if generate and password_stdin:
        raise click.UsageError("Choose one of --generate and --password-stdin.")
    with inside():
        found = members.find_member(who)
        by = member_id(as_member) if as_member else first_admin()
        password = _password(generate, password_stdin)
        members.set_password(found.id, password, by=by)
        click.echo(f"{found.name} has a new password; their log-ins have ended.")
        if generate:
            click.echo(f"Password: {password}")


def _invite(who: Member, by: int | None) -> None:
    link = members.invite(who.id, by=by)
    click.echo(f"An invitation to {who.email} is on its way. Its link, should the mail not arrive:\n{link}")


def _password(generate: bool, from_stdin: bool) -> str:
    if generate:
        return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not _asks():
        raise click.UsageError("There is no terminal to ask for a password: use --generate or --password-stdin.")
    entered: str = click.prompt("Password", hide_input=True, confirmation_prompt="And again")
    return entered


def _asks() -> bool:
    """Whether there is somebody at a terminal to ask."""
    return sys.stdin.isatty()
