"""Backing a site up into one file, and making a site of that file.

The archive is a .tar.gz: `manifest.json`, `blog.sqlite3` (not with PostgreSQL, which has its own tools) and `files/`.
The secret key is left out on purpose: a backup that gets lost then forges no log-in. A restored site makes a new one,
so members log in again; the links in old mails go on working, because their key is in the database.
"""

import contextlib
import gzip
import json
import os
import re
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import URL

from blogapp import __version__
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.errors import BlogError, Conflict, Invalid
from blogapp.core.migrate import known_revisions, present_revision
from blogapp.core.web import iso

MANIFEST, DATABASE, FILES = "manifest.json", "blog.sqlite3", "files"
OWN_FILE = re.compile(r"files/[0-9a-f]{2}/[0-9a-f]{64}")
# Raised when an archive of an older program cannot be read any more.
FORMAT = 1
# What a restored copy must not do by itself: send what the original has sent since.
STILL = (
    "UPDATE digests SET state = 'held' WHERE state = 'waiting'",
    # Without a time to resume at it rests until a person says so.
    "UPDATE sendings SET state = 'paused', resume_at = NULL, paused_at = datetime('now'), "
    "pause_reason = 'this site was restored from a backup, and the original may have gone on sending' "
    "WHERE state <> 'sent'",
    "UPDATE outbox SET state = 'failed', owner = NULL, lease_until = NULL, reply = 'restored from a backup' "
    "WHERE state IN ('waiting', 'claimed')",
)


class BackupFailed(BlogError):
    """It could not be written or read; nothing was changed. The message says why."""


@dataclass(frozen=True)
class Manifest:
    """What an archive says about itself. `database`: `sqlite`, or `postgresql` where it is not inside."""

    format: int
    program: str
    made_at: str
    schema: str
    database: str
    base_url: str
    files: int


def back_up(file: Path, *, force: bool = False) -> Manifest:
    """Write the whole site into `file`, whole or not at all, readable by its owner alone.

    The database is one consistent moment (SQLite's backup API in one step: writers go on meanwhile); the files are
    read after it. They are named by their content, so what the database knows of is there.

    Raises:
        Conflict: the file exists, and `force` was not said.
        BackupFailed: it cannot be written.
    """
    if file.is_dir() or (file.exists() and not force):
        raise Conflict(f"{file} is there already." + ("" if file.is_dir() else " Say --force to write over it."))
    with _readable_errors(file), tempfile.TemporaryDirectory(prefix=".backup-", dir=file.parent) as folder:
        draft = Path(folder) / "archive"
        manifest = _write(draft, Path(folder))
        if force:
            draft.replace(file)
        else:
            try:
                os.link(draft, file)  # never over another's: unlike a rename this fails where a file is
            except FileExistsError:
                raise Conflict(f"{file} is there already. Say --force to write over it.") from None
    return manifest


def restore(file: Path) -> Manifest:
    """Make a site of an archive, in an empty data folder. What was to be sent rests there until a person says so.

    Raises:
        Conflict: there is a site in the data folder already.
        Invalid: this is no archive of ours, or of a newer program, or its database is broken.
        BackupFailed: it cannot be read or unpacked.
    """
    target, files = database_file(), settings().data_dir / FILES
    for there in (target, files):
        if there is not None and there.exists() and not _is_empty(there):
            raise Conflict(f"{there} is there already. Restore into an empty data folder (BLOG_DATA_DIR).")
    with _readable_errors(file), tempfile.TemporaryDirectory(prefix=".restore-", dir=settings().data_dir) as folder:
        manifest = _unpack(file, Path(folder))
        if manifest.database == "sqlite":
            if target is None:
                raise Invalid("This archive holds an SQLite database, and BLOG_DATABASE_URL names PostgreSQL.")
            _check_and_still(Path(folder) / DATABASE, bool(manifest.schema))
        if (Path(folder) / FILES).is_dir():
            shutil.rmtree(files, ignore_errors=True)
            (Path(folder) / FILES).rename(files)
        if manifest.database == "sqlite":
            assert target is not None
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(Path(folder) / DATABASE, target)
    return manifest


def database_file() -> Path | None:
    """Where SQLite's database is; None with PostgreSQL."""
    url = db.engine.url
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def postgres_address() -> str:
    """The database's address as pg_dump and pg_restore take it, without the password (they ask, or read ~/.pgpass)."""
    url: URL = db.engine.url
    return url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)


def _write(draft: Path, folder: Path) -> Manifest:
    source = database_file()
    if source is not None:
        _copy_database(source, folder / DATABASE)
    stored = sorted((settings().data_dir / FILES).glob("??/*"))  # not the uploads that are just coming in
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
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        with tarfile.open(fileobj=out, mode="w:gz", compresslevel=6) as archive:
            archive.add(folder / MANIFEST, MANIFEST)
            if source is not None:
                archive.add(folder / DATABASE, DATABASE)
            for path in stored:
                with contextlib.suppress(FileNotFoundError):  # purged since it was listed
                    archive.add(path, f"{FILES}/{path.relative_to(settings().data_dir / FILES)}")
        out.flush()
        os.fsync(out.fileno())
    return manifest


def _copy_database(source: Path, copy: Path) -> None:
    with contextlib.closing(sqlite3.connect(source)) as original, contextlib.closing(sqlite3.connect(copy)) as fresh:
        original.backup(fresh)  # pages=-1: all in one step, so nobody's write makes it begin anew
        fresh.execute("PRAGMA journal_mode=DELETE")  # one file, without a -wal beside it


def _unpack(file: Path, folder: Path) -> Manifest:
    """
    Raises:
        Invalid: it is no archive of ours, damaged, or of a newer program.
    """
    try:
        with tarfile.open(file, "r:gz") as archive:
            for member in archive:
                if not member.isfile() or not (member.name in (MANIFEST, DATABASE) or OWN_FILE.fullmatch(member.name)):
                    raise Invalid(f"{file} is no backup of blogapp: {member.name!r} is in it.")
                _unpack_file(archive, member, folder / member.name)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise Invalid(f"{file} is no backup of blogapp, or is damaged ({error}).") from None
    manifest = _read_manifest(folder / MANIFEST)
    if manifest is None or (manifest.database == "sqlite") != (folder / DATABASE).exists():
        raise Invalid(f"{file} is no backup of blogapp: it does not say what is in it.")
    if manifest.format != FORMAT or (manifest.schema and manifest.schema not in known_revisions()):
        raise Invalid(f"{file} was made by blogapp {manifest.program}, which is newer than this one.")
    return manifest


def _unpack_file(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    """The bytes of a plain file whose name has been looked at, and nothing else of it: no owner, no mode, no date.

    (`extract(filter="data")`, PEP 706, is missing from the Python 3.11.2 of Debian 12.)
    """
    content = archive.extractfile(member)
    assert content is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    with content, path.open("wb") as out:
        shutil.copyfileobj(content, out)


def _read_manifest(path: Path) -> Manifest | None:
    try:
        return Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _check_and_still(database: Path, has_tables: bool) -> None:
    """
    Raises:
        Invalid: the database is broken.
    """
    try:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check").fetchone()
            if verdict != "ok":
                raise Invalid(f"The database in the archive is broken: {verdict}")
            for statement in STILL if has_tables else ():
                connection.execute(statement)
            connection.commit()
    except sqlite3.DatabaseError as error:
        raise Invalid(f"The database in the archive cannot be used: {error}") from None


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


@contextlib.contextmanager
def _readable_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupFailed(f"{error.filename or file}: {error.strerror or error}. Nothing was changed.") from None
    except sqlite3.Error as error:
        raise BackupFailed(f"The database cannot be copied: {error}. Nothing was changed.") from None
