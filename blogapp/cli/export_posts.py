"""`blogapp export snips` and `blogapp export html`."""

from pathlib import Path

import click

from blogapp.cli import Refused
from blogapp.cli.context import inside
from blogapp.cli.output import progress_bar
from blogapp.core.config import settings
from blogapp.porting.html_export import write_lines, write_pages
from blogapp.porting.snips.exporting import Exported, export_snips

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--images", type=FOLDER, help="Where the files that posts show are written: what is behind /images/.")
def snips(folder: Path, images: Path | None) -> None:
    """Write every post as a snip into FOLDER, drafts too.

    A document that came as a snip and was not touched comes out byte for byte; an edited one with the smallest
    difference. FOLDER may be the one that they came from: only what has changed is written, nothing is deleted.

    \b
    Examples:
      blogapp export snips soups
      blogapp export snips soups --images images
    """
    with inside(), progress_bar("Exporting") as moved:
        done = export_snips(folder, images=images, on_progress=moved)
    _tell(done)


def _tell(done: Exported) -> None:
    counts = done.counts
    words = f"{counts['untouched']} as they came, {counts['edited']} edited here, {counts['made']} made here"
    click.echo(words + (f", {done.pictures} files." if done.pictures else "."))
    if done.left:
        click.echo(f"{done.left} files that posts show were not written; --images FOLDER says where to.", err=True)
    for place, reason in done.skipped:
        click.echo(f"{place}: {reason}", err=True)
    if done.skipped:
        raise Refused(f"{len(done.skipped)} of {done.total} could not be written.")


@click.command()
@click.argument("target", metavar="FILE|FOLDER", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--jsonl", is_flag=True, help="One file, a JSON object with `name` and `html` a line; - is the output.")
@click.option("--shown", is_flag=True, help="With --jsonl: as readers see it, not as the document was written.")
@click.option("--drafts", is_flag=True, help="Drafts too.")
def html(target: Path, jsonl: bool, shown: bool, drafts: bool) -> None:
    """Write the posts as HTML: a page each into FOLDER, or all into one FILE.

    With --jsonl each text is rendered whole and as it was written: with its first heading, pictures where the document
    has them, template tags as text unless the document says `erb: true`. So it can be held against what another
    program makes of the same documents.

    \b
    Examples:
      blogapp export html pages
      blogapp export html --jsonl posts.jsonl
    """
    skipped: list[tuple[str, str]] = []
    with inside():
        try:
            if not jsonl:
                count, skipped = write_pages(target, settings().site_language, drafts=drafts)
            else:
                with click.open_file(str(target), "w", encoding="utf-8", atomic=str(target) != "-") as out:
                    count = write_lines(out, as_shown=shown, drafts=drafts)
        except OSError as error:
            raise Refused(f"{error.filename or target}: {error.strerror or error}.") from None
    click.echo(f"{count} documents.", err=True)
    for place, reason in skipped:
        click.echo(f"{place}: {reason}", err=True)
    if skipped:
        raise Refused(f"{len(skipped)} of {count + len(skipped)} could not be written.")
