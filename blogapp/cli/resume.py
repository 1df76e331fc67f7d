"""`blogapp resume-sending`: let mail leave from a copied or restored site, or from a new host."""

import click

from blogapp.cli import Refused
from blogapp.cli.context import acting, inside, member_id
from blogapp.digest import instance


@click.command("resume-sending")
@click.option("--yes", is_flag=True, help="Do not ask.")
@acting
def resume_sending(as_member: str | None, yes: bool) -> None:
    """Let mail leave from here, where all of it is held because this may be a copy.

    A copied or restored site, and a new host of one that has sent before, sends nothing by itself: the original may
    have sent it already, or be sending it now. This says what was found and what would leave, and asks. Before that,
    single digests can be held or cancelled on their pages.

    \b
    Example:
      blogapp resume-sending
    """
    with inside():
        why = instance.look()
        if not why:
            click.echo("Mail may leave from here already. Nothing to do.")
            return
        by = member_id(as_member)
        click.echo(f"No mail leaves from here: {why}.")
        click.echo(_would_leave(instance.what_waits()))
        if instance.joins_others():
            click.echo("Other workers of this database are sending: this host would join them.")
        else:
            click.echo("Other copies of this site, and other hosts of this database, would ask for the same.")
        if not yes:
            click.confirm("Does no other copy send any of it, so that it may leave from here?", abort=True)
        try:
            instance.resume_sending(by)
        except OSError as error:
            raise Refused(f"The file `instance` cannot be written: {error.strerror or error}. All is held.") from None
        click.echo("Mail leaves from here.")


def _would_leave(waiting: instance.Waiting) -> str:
    parts = (
        _count(waiting.sendings, "sending that is under way", "sendings that are under way"),
        _count(waiting.digests, "digest that waits", "digests that wait"),
        _count(waiting.mails, "single mail that waits", "single mails that wait"),
    )
    return f"What would leave: {', '.join(part for part in parts if part) or 'nothing, just now'}."


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""
