"""`blogapp mail-in`: one message from a pipe, as a mail server delivers it."""

import os
import sys
from typing import BinaryIO

import click

from blogapp.cli.context import inside
from blogapp.core.errors import BlogError
from blogapp.delivery.bounces import LARGEST
from blogapp.digest.feedback import take_in

PIECE = 64 * 1024


@click.command("mail-in")
@click.option("--to", metavar="ADDRESS", help="Where the message was sent, if its header does not say (Delivered-To).")
def mail_in(to: str | None) -> None:
    """Take in one message from standard input: a bounce, a complaint, whatever came to BLOG_BOUNCE_ADDRESS.

    It says what became of it. The exit code is 0 whatever the message is, and 75 (EX_TEMPFAIL) where it could not be
    taken in just now, so that the mail server keeps it and tries again.

    \b
    Example, in Postfix' master.cf (docs/bounces.md):
      blogapp unix - n n - 4 pipe
        user=blogapp directory=/srv/blogapp argv=/usr/local/bin/blogapp mail-in --to ${recipient}
    """
    message, whole = _read(sys.stdin.buffer)
    if not whole:
        click.echo(f"larger than {LARGEST // 1024 // 1024} MB: too large to be a bounce; nothing to do")
        return
    try:
        with inside():
            click.echo(str(take_in(message, to)))
    except BlogError as error:
        _later(str(error))
    except Exception as error:  # Whatever it was: a mail server that is told anything else throws the message away.
        reason = (str(error).splitlines() or [""])[0]
        _later(f"the message could not be taken in: {error.__class__.__name__} {reason}".strip())


def _read(pipe: BinaryIO) -> tuple[bytes, bool]:
    """The message, and whether it is all of it. A larger one is read to its end: its writer would miss us."""
    message = pipe.read(LARGEST + 1)
    if len(message) <= LARGEST:
        return message, True
    while pipe.read(PIECE):
        pass
    return message, False


def _later(why: str) -> None:
    click.echo(f"blogapp: {why}", err=True)
    sys.exit(os.EX_TEMPFAIL)
