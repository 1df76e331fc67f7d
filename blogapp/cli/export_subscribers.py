"""`blogapp export subscribers`."""

from pathlib import Path

import click

from blogapp.cli.context import inside
from blogapp.porting.lists.exporting import export_subscribers


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Write over the file if it exists.")
def subscribers(file: Path, force: bool) -> None:
    """Write all subscribers into FILE, as CSV: with their consent, and with every suppressed address.

    `blogapp import subscribers` reads it back as it was. It holds people's addresses: only its owner can read it.

    \b
    Example:
      blogapp export subscribers subscribers.csv
    """
    with inside():
        count = export_subscribers(file, force=force)
        click.echo(f"{file}: {count} addresses.")
