"""`blogapp files`: where the members' files are, and bringing them into a bucket."""

import click

from blogapp.cli.context import inside
from blogapp.core import files as contents
from blogapp.core.errors import Invalid


@click.group()
def files() -> None:
    """The members' files: attachments, faces, the logo."""


@files.command()
def copy() -> None:
    """Copy what lies in the data folder into the bucket that BLOG_FILES names.

    Run it once after the setting was made, before the site is started with it. It may be stopped and run again: what is
    there already is not sent twice. The data folder keeps its own; remove its folder `files` when all is well.

    \b
    Example:
      blogapp files copy
    """
    with inside(any_schema=True):
        if contents.bucket() is None:
            raise Invalid("BLOG_FILES names no bucket: the files lie in the data folder, where they are used.")
        sent, there, damaged = contents.copy_into_bucket()
        click.echo(f"{sent} files copied to {contents.bucket().place}; {there} were there already.")  # type: ignore[union-attr]
        for name in damaged:
            click.echo(f"{name} is damaged on the disk and was left out.", err=True)
        if damaged:
            raise SystemExit(1)
