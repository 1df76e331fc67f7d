"""`blogapp export`: leaving with what is there. Each format is a command in a module of its own."""

import click

from blogapp.cli.export_markdown import markdown


@click.group()
def export() -> None:
    """Take the site's posts elsewhere. Nothing here is changed."""


export.add_command(markdown)
