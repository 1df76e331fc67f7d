"""Backing a site up into one file, and making a site of that file.

The archive is a .tar.gz: `manifest.json`, `blog.sqlite3` (not with PostgreSQL, which has its own tools), `files/`, and
the site's own `templates/` and `static/`.
Where the files are in a bucket (`BLOG_FILES`), they stay there: `files/` is not in it, and the bucket needs a backup of
its own, or versions.
The secret key and the keys that sign mail (`dkim/`) are left out on purpose: a backup that gets lost then forges
neither log-in nor mail. A restored site makes a new secret key, so members log in again; the links in old mails go on
working, because their key is in the database.
"""

import contextlib
import json
import re
import shutil
import sqlite3
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import URL

from blogapp import __version__
from blogapp.core import files
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.errors import Conflict, Invalid
from blogapp.core.migrate import known_revisions, present_revision
from blogapp.core.web import iso
from blogapp.digest import instance
from blogapp.porting.archive import packing, stilling
from blogapp.porting.archive.packing import FILES, MANIFEST, OWN_FILE

DATABASE = "blog.sqlite3"
KIND = "backup of blogapp"
# What a site's own look is made of (core/overrides.py). No hidden file, and no way out of the folder.
LOOK = ("templates", "static")
OF_THE_LOOK = re.compile(rf"(?:{'|'.join(LOOK)})(?:/(?!\.)[^/\\\0]+)+")
# Raised when an archive of an older program cannot be read any more.
FORMAT = 1
REASON = "this site was restored from a backup, and the original may have gone on sending"


@dataclass(frozen=True, kw_only=True)
class Manifest(packing.Manifest):
    """What a backup says about itself. `database`: `sqlite`, or `postgresql` where it is not inside."""

    database: str


def back_up(file: Path, *, force: bool = False) -> Manifest:
    """Write the whole site into `file`, whole or not at all, readable by its owner alone.

    The database is one consistent moment (SQLite's backup API in one step: writers go on meanwhile); the files are
    read after it. They are named by their content, so what the database knows of is there.

    Raises:
        Conflict: the file exists, and `force` was not said.
        ArchiveFailed: it cannot be written.
    """
    with packing.new_file(file, force=force) as folder:
        return _write(folder)


def restore(file: Path) -> Manifest:
    """Make a site of an archive, in an empty data folder. What was to be sent rests there until a person says so.

    Raises:
        Conflict: there is a site in the data folder already, or a server still has open the one that was there.
        Invalid: this is no archive of ours, or of a newer program, or its database is broken.
        ArchiveFailed: it cannot be read or unpacked.
    """
    target = database_file()
    folders = [settings().data_dir / name for name in (FILES, *LOOK)]
    for there in (target, *folders):
        if there is not None and there.exists() and not _is_empty(there):
            raise Conflict(f"{there} is there already. Restore into an empty data folder (BLOG_DATA_DIR).")
    _refuse_while_open(target)
    with (
        packing.readable_errors(file),
        tempfile.TemporaryDirectory(prefix=".restore-", dir=settings().data_dir) as folder,
    ):
        manifest = _unpack(file, Path(folder))
        if manifest.database == "sqlite":
            if target is None:
                raise Invalid("This archive holds an SQLite database, and BLOG_DATABASE_URL names PostgreSQL.")
            name = instance.new_instance()
            _check_and_still(Path(folder) / DATABASE, name if manifest.schema else "")
        for there in folders:
            if (Path(folder) / there.name).is_dir():
                shutil.rmtree(there, ignore_errors=True)
                (Path(folder) / there.name).rename(there)
        if manifest.database == "sqlite":
            assert target is not None
            target.parent.mkdir(parents=True, exist_ok=True)
            instance.give_up_place()  # Of a site that was here before. Until there is a new one, all mail is held.
            shutil.move(Path(folder) / DATABASE, target)
            if manifest.schema:
                instance.take_place_at_rest(name)
    return manifest


def database_file() -> Path | None:
    """Where SQLite's database is; None with PostgreSQL."""
    url = db.engine.url
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def files_elsewhere() -> str | None:
    """The bucket that holds the files; None where the data folder does."""
    found = files.bucket()
    return None if found is None else str(found.place)


def postgres_address() -> str:
    """The database's address as pg_dump and pg_restore take it, without the password (they ask, or read ~/.pgpass)."""
    url: URL = db.engine.url
    return url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)


def _write(folder: Path) -> Manifest:
    source = database_file()
    if source is not None:
        _copy_database(source, folder / DATABASE)
    # Not the uploads that are just coming in, and nothing that a bucket holds.
    stored = sorted((settings().data_dir / FILES).glob("??/*")) if files.bucket() is None else []
    manifest = Manifest(
        format=FORMAT,
        program=__version__,
        made_at=iso(now()),
        schema=present_revision() or "",
        database="sqlite" if source else "postgresql",
        base_url=settings().base_url,
        files=len(stored),
    )
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    with packing.packing(folder) as archive:
        archive.add(folder / MANIFEST, MANIFEST)
        if source is not None:
            archive.add(folder / DATABASE, DATABASE)
        for path in stored:
            with contextlib.suppress(FileNotFoundError):  # purged since it was listed
                archive.add(path, f"{FILES}/{path.relative_to(settings().data_dir / FILES)}")
        for name, path in _own_look():
            archive.add(path.resolve(), name)  # a link would be no plain file
    return manifest


def _own_look() -> list[tuple[str, Path]]:
    """The site's own templates and files, by the names that they get in the archive."""
    home = settings().data_dir
    found = ((path.relative_to(home).as_posix(), path) for name in LOOK for path in (home / name).rglob("*"))
    return sorted((name, path) for name, path in found if path.is_file() and OF_THE_LOOK.fullmatch(name))


def _copy_database(source: Path, copy: Path) -> None:
    with contextlib.closing(sqlite3.connect(source)) as original, contextlib.closing(sqlite3.connect(copy)) as fresh:
        original.backup(fresh)  # pages=-1: all in one step, so nobody's write makes it begin anew
        fresh.execute("PRAGMA journal_mode=DELETE")  # one file, without a -wal beside it


def _unpack(file: Path, folder: Path) -> Manifest:
    """
    Raises:
        Invalid: it is no archive of ours, damaged, or of a newer program.
    """
    with packing.unpacking(file, KIND) as members:
        for name, content in members:
            if name.startswith("tables/"):
                raise Invalid(f"{file} is an archive, not a backup: blogapp import archive makes a site of it.")
            if name not in (MANIFEST, DATABASE) and not (OWN_FILE.fullmatch(name) or OF_THE_LOOK.fullmatch(name)):
                raise Invalid(f"{file} is no {KIND}: {name!r} is in it.")
            packing.copy_out(content, folder / name)
    manifest = _read_manifest(folder / MANIFEST)
    if manifest is None or (manifest.database == "sqlite") != (folder / DATABASE).exists():
        raise Invalid(f"{file} is no {KIND}: it does not say what is in it.")
    if manifest.format != FORMAT or (manifest.schema and manifest.schema not in known_revisions()):
        raise Invalid(f"{file} was made by blogapp {manifest.program}, which is newer than this one.")
    return manifest


def _read_manifest(path: Path) -> Manifest | None:
    try:
        return Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _check_and_still(database: Path, name: str) -> None:
    """
    Args:
        name: what the site is called from now on (`instance`); empty: it has no tables.

    Raises:
        Invalid: the database is broken.
    """
    try:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check").fetchone()
            if verdict != "ok":
                raise Invalid(f"The database in the archive is broken: {verdict}")
            if name:
                connection.execute(stilling.RENAME, {"instance": name})
                connection.execute(stilling.HOLD)
                connection.execute(stilling.PAUSE, {"reason": REASON})
                connection.execute(stilling.DROP_MAILS)
                if connection.execute(stilling.HAS_CORRECTIONS).fetchone():
                    connection.execute(stilling.HOLD_CORRECTIONS)
                if connection.execute(stilling.HAS_SCHEDULES).fetchone():
                    connection.execute(stilling.STOP_SCHEDULES, {"why": stilling.WHY_STOPPED})
                if connection.execute(stilling.HAS_PINGS).fetchone():  # Not in a backup of an older version.
                    connection.execute(stilling.FORGET_PINGS)
            connection.commit()
    except sqlite3.DatabaseError as error:
        raise Invalid(f"The database in the archive cannot be used: {error}") from None


def _refuse_while_open(database: Path | None) -> None:
    """SQLite's own files lie beside a database that is open, or was left in the middle; it would mix them in.

    Raises:
        Conflict: there are such files.
    """
    for ending in ("-wal", "-shm"):
        if database is not None and (beside := Path(f"{database}{ending}")).exists():
            raise Conflict(
                f"{beside} is there: a server may still run on the database that was here. Stop it, and "
                f"remove the files {database.name}-wal and {database.name}-shm."
            )


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())
