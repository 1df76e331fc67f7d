"""`blogapp export`: taking what is here elsewhere."""

import click

from blogapp.cli.export_subscribers import subscribers


@click.group()
def export() -> None:
    """Write what is here into files that others read."""


export.add_command(subscribers)
