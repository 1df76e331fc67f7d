"""`blogapp dkim`: the keys that sign mail."""

import click

from blogapp.cli.context import inside
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.web import local
from blogapp.delivery.dkimkeys import KINDS, DkimKey, load_keys, new_key, signing_domain


@click.group()
def dkim() -> None:
    """The keys that sign mail, and their DNS records."""


@dkim.command()
@click.option("--type", "kind", type=click.Choice(KINDS), default="rsa", show_default=True, help="What kind of key.")
@click.option("--selector", metavar="S", help="Its name in DNS.  [default: one with the month in it]")
def new(kind: str, selector: str | None) -> None:
    """Make a key, and say what to put into DNS and into the settings.

    The key is kept in the folder `dkim` of the data folder. Nothing is signed with it before BLOG_DKIM_KEYS names
    it. Every receiver checks RSA; few check Ed25519 yet, so use that beside an RSA key.

    \b
    Examples:
      blogapp dkim new
      blogapp dkim new --type ed25519
    """
    with inside(any_schema=True):
        key = new_key(settings(), kind, selector or _this_month(kind))
        entries = [*settings().dkim_keys, f"{key.selector}:{key.path.relative_to(settings().data_dir)}"]
        click.echo(f"The private key is in {key.path}. Keep it as safe as a password.\n")
        click.echo("1. Add this record to DNS:\n")
        _print_record(key)
        click.echo("\n2. When it can be seen there, add this setting, and start blogapp again:\n")
        click.echo(f"   BLOG_DKIM_KEYS={','.join(entries)}")
        click.echo("\n3. `blogapp doctor` tells whether record and key agree.")


@dkim.command()
def show() -> None:
    """Print the DNS records of the keys in use (BLOG_DKIM_KEYS).

    \b
    Example:
      blogapp dkim show
    """
    with inside(any_schema=True):
        keys = load_keys(signing_domain(settings()), settings().dkim_keys, settings().data_dir)
        if not keys:
            click.echo("No key is in use: the relay may sign. `blogapp dkim new` makes one.", err=True)
        for number, key in enumerate(keys):
            click.echo(("\n" if number else "") + f"{key.selector}: {_described(key)}, in {key.path}\n")
            _print_record(key)


def _this_month(kind: str) -> str:
    return f"blog-{local(now()):%Y-%m}{'-ed' if kind == 'ed25519' else ''}"


def _described(key: DkimKey) -> str:
    return f"RSA, {key.bits} bits" if key.kind == "rsa" else "Ed25519"


def _print_record(key: DkimKey) -> None:
    record = key.record(signing_domain(settings()))
    click.echo(f"   Name:   {record.name}\n   Type:   TXT\n   Value:  {record.value}\n")
    click.echo(f"   As a line of a zone file:\n   {record.zone_line}")
