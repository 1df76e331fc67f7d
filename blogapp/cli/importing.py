"""`blogapp import`: bringing everything in. Each format is a command in a module of its own."""

import click

from blogapp.cli.archive import import_archive
from blogapp.cli.import_posts import ghost, markdown, posts, snips, substack, wordpress
from blogapp.cli.import_subscribers import subscribers


@click.group("import")
def import_() -> None:
    """Bring posts, subscribers or a whole site in from elsewhere. Nothing is mailed unless it is asked for."""


for command in (posts, snips, ghost, wordpress, markdown, substack, subscribers, import_archive):
    import_.add_command(command)
