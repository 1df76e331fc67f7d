"""`blogapp export`: taking everything out."""

import click

from blogapp.cli.archive import export_archive


@click.group()
def export() -> None:
    """Take the site's content out. Nothing is changed."""


export.add_command(export_archive)
