"""`blogapp export archive` and `blogapp import archive`."""

from pathlib import Path

import click

from blogapp.cli.context import inside
from blogapp.cli.output import progress_bar
from blogapp.porting.archive.reading import Imported
from blogapp.porting.archive.reading import import_archive as read_archive
from blogapp.porting.archive.writing import export_archive as write_archive

FILE = click.Path(path_type=Path)


@click.command("archive")
@click.argument("file", type=FILE)
@click.option("--force", is_flag=True, help="Write over the file if it exists.")
def export_archive(file: Path, force: bool) -> None:
    """Write the whole site into FILE, a .tar.gz that SQLite and PostgreSQL can be made of.

    In it: posts and all their revisions, members and their files, subscribers with their consent, suppressions, which
    digest went to whom, what an admin chose in the browser. Members' passwords travel as hashes, so they can log in at
    the new place. Left out: log-ins, single mails, BLOG_... settings, the secret key. The site may run meanwhile. Keep
    FILE as safe as the site.

    \b
    Examples:
      blogapp export archive site.tar.gz
      blogapp export archive "/srv/moves/blog-$(date +%F).tar.gz"
    """
    with inside():
        with progress_bar("Exporting") as moved:
            manifest = write_archive(file, force=force, on_progress=moved)
        size = file.stat().st_size
        click.echo(f"{file}: {_words(manifest.rows)}, {manifest.files} files, {size / 1e6:.1f} MB.")


@click.command("archive")
@click.argument("file", type=FILE)
def import_archive(file: Path) -> None:
    """Make a site of an archive, in an empty database: of either kind, even one without tables.

    All of it or nothing. Stop `blogapp serve` and the worker first. Nothing is sent by itself that the original may
    have sent since: digests that were waiting are held, those that were on their way are paused. Each digest's page
    lets it go on.

    \b
    Example:
      BLOG_DATABASE_URL=postgresql://blog@127.0.0.1/blog blogapp import archive site.tar.gz
    """
    with inside(any_schema=True):
        with progress_bar("Importing") as moved:
            found = read_archive(file, on_progress=moved)
        _tell(found)


def _tell(found: Imported) -> None:
    manifest = found.manifest
    click.echo(f"The site of {manifest.base_url} as of {manifest.made_at}: {_words(manifest.rows)}.")
    if found.held or found.paused:
        click.echo(f"{found.held} digests that were waiting are held, {found.paused} that were leaving are paused.")
    if found.missing:
        click.echo(f"{found.missing} files were missing at the original, too.", err=True)
    for name, value in found.elsewhere.items():
        click.echo(f"The original had BLOG_{name.upper()}={value}; it is otherwise here.", err=True)


def _words(rows: dict[str, int]) -> str:
    return ", ".join(f"{rows.get(name, 0)} {name}" for name in ("posts", "members", "subscribers", "digests"))
