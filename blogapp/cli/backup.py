"""`blogapp backup` and `blogapp restore`."""

from pathlib import Path

import click

from blogapp.cli.context import inside
from blogapp.porting.archive import backup as archives

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("file", type=FILE)
@click.option("--force", is_flag=True, help="Write over the file if it exists.")
def backup(file: Path, force: bool) -> None:
    """Write the whole site into FILE, a .tar.gz.

    The database as it is at this moment, and the members' files; the site may run meanwhile. The secret key is not in
    it: keep BLOG_SECRET_KEY apart, or let members log in again. Nor are the keys that sign mail. With PostgreSQL only
    the files are in it; the command says how to save the database. Files in a bucket (BLOG_FILES) stay there.

    \b
    Examples:
      blogapp backup /var/backups/blog.tar.gz --force
      blogapp backup "blog-$(date +%F).tar.gz"
    """
    with inside(any_schema=True):
        manifest = archives.back_up(file, force=force)
        size = file.stat().st_size
        inside_it = "the database and " if manifest.database == "sqlite" else ""
        click.echo(
            f"{file}: {inside_it}{manifest.files} files, {size / 1e6:.1f} MB, schema {manifest.schema or 'none'}."
        )
        if (place := archives.files_elsewhere()) is not None:
            click.echo(f"The members' files stay in {place}: it needs a backup of its own, or versions.", err=True)
        if manifest.database != "sqlite":
            dump = f"pg_dump --format=custom --file={file}.pgdump '{archives.postgres_address()}'"
            click.echo(f"PostgreSQL is not in this archive. Save it too, before the files:\n  {dump}", err=True)


@click.command()
@click.argument("file", type=FILE)
def restore(file: Path) -> None:
    """Make a site of a backup, in an empty data folder (BLOG_DATA_DIR).

    It sends nothing by itself that the original may have sent since: digests that were waiting are held, those
    that were on their way are paused, single mails that were waiting are dropped. Each digest's page lets it go on.

    \b
    Example:
      BLOG_DATA_DIR=/srv/blog-copy blogapp restore blog-2026-11-23.tar.gz
    """
    with inside(any_schema=True):
        database = archives.database_file()
        manifest = archives.restore(file)
        click.echo(f"Restored {manifest.files} files of {manifest.base_url} as of {manifest.made_at}.")
        if manifest.database == "sqlite":
            click.echo(f"The database is {database}. Digests that were to leave are held. Now run blogapp upgrade.")
        else:
            click.echo("The database was PostgreSQL: restore it with pg_restore, as docs/operations.md says.")
