"""`blogapp export`: taking everything out again. Each format is a command in a module of its own."""

import click

from blogapp.cli.archive import export_archive
from blogapp.cli.export_markdown import markdown
from blogapp.cli.export_posts import html, snips
from blogapp.cli.export_subscribers import subscribers


@click.group()
def export() -> None:
    """Take posts, subscribers or the whole site out. Nothing here is changed."""


for command in (snips, markdown, html, subscribers, export_archive):
    export.add_command(command)
