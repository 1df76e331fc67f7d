"""`blogapp export markdown`."""

from pathlib import Path

import click

from blogapp.cli.context import inside
from blogapp.cli.output import progress_bar
from blogapp.porting.markdown_export import FLAVOURS, export_markdown


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--for", "flavour", type=click.Choice(FLAVOURS), default="hugo", show_default=True, help="For whom.")
@click.option("--drafts", is_flag=True, help="Write drafts and withdrawn posts too, marked as drafts.")
def markdown(folder: Path, flavour: str, drafts: bool) -> None:
    """Write all posts into DIR: Markdown with YAML front matter, and their files.

    Only what the public can read goes along, unless --drafts is said; deleted posts never do. DIR has to be empty, not
    there yet, or an earlier export, which is replaced as a whole.

    \b
    Examples:
      blogapp export markdown ../site
      blogapp export markdown ../site --for jekyll --drafts
    """
    with inside():
        with progress_bar("Exporting") as moved:
            done = export_markdown(folder, flavour, drafts=drafts, on_progress=moved)
        for name in done.missing[:20]:
            click.echo(f"Not on the disk any more: {name}", err=True)
        click.echo(f"{folder}: {done.posts} posts, {done.files} files.")
