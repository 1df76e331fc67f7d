"""Making a site of an archive, on whichever database: whole, or nothing is changed."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Table, delete, text
from sqlalchemy.exc import OperationalError

from blogapp.core import files, migrate
from blogapp.core.errors import Conflict, Invalid
from blogapp.digest import instance
from blogapp.porting.archive import packing, stilling
from blogapp.porting.archive.carried import KNOWN, SITE, carried_tables, count_rows, go_on_from
from blogapp.porting.archive.loading import check_references, load_table
from blogapp.porting.archive.packing import MANIFEST, MAX_MANIFEST_BYTES, OWN_FILE, ArchiveFailed
from blogapp.porting.archive.writing import FORMAT, KIND, OWN_TABLE, Manifest, Moved, parse_manifest, shown_settings
from blogapp.posts import searching
from blogapp.posts.glossary import fill_glossary

REASON = "this site was made of an archive, and the original may have gone on sending"
WANTED = "SELECT sha256 FROM attachments UNION SELECT face_sha256 FROM members WHERE face_sha256 IS NOT NULL"
CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class Imported:
    """What became of an archive.

    `held`, `paused`: digests that rest until a person lets them go on; `elsewhere`: settings of the environment that
    the original had otherwise, with its values; `missing`: attachments and faces whose file the archive does not hold.
    """

    manifest: Manifest
    held: int
    paused: int
    missing: int
    elsewhere: dict[str, str]


def import_archive(file: Path, *, on_progress: Moved = lambda done, total: None) -> Imported:
    """Make a site of an archive, in an empty database, of the archive's revision first and then of this program's.

    All in one transaction; files that are new are taken away again if it fails. What was to be sent rests.

    Args:
        on_progress: called with how many rows and files are read, of how many.

    Raises:
        Conflict: there is a site already.
        Invalid: this is no archive of ours, or is damaged, or of a newer program; the message names table and line.
        OldSchema: the database is of a newer program.
        ArchiveFailed: it cannot be read, or the disk or the database is full or away.
    """
    with packing.readable_errors(file), _database_errors(), packing.unpacking(file, KIND) as members:
        manifest = _read_manifest(file, members)
        with _files_that_stay() as store, migrate.moving() as connection:
            work = _Import(file, manifest, connection, store.take, on_progress)
            work.begin()
            for name, content in members:
                work.read(name, content)
            found = work.finish()
            # From here on it may be that the rows are there to stay. Files that nobody names do no harm: the worker
            # sweeps them up.
            store.new.clear()
        instance.take_place_at_rest(work.instance)
        return found


@dataclass
class _Import:
    """One archive on its way into the database."""

    file: Path
    manifest: Manifest
    connection: Connection
    store: Callable[[str, IO[bytes]], None]
    on_progress: Moved
    tables: dict[str, Table] = field(default_factory=dict)
    loaded: set[str] = field(default_factory=set)
    instance: str = field(default_factory=instance.new_instance)
    files: int = 0
    done: int = 0

    def begin(self) -> None:
        """Make sure that nobody is here, and bring the empty database to the archive's revision."""
        present = carried_tables(self.connection)
        if present and self.connection.dialect.name == "postgresql":
            names = ", ".join(f'"{name}"' for name in present)
            self.connection.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))  # nobody comes in between
        for name, table in present.items():
            if name != SITE and (count := count_rows(self.connection, table)):
                raise Conflict(
                    f"There is a site in this database already ({name}: {count}). Import into an empty one: "
                    "its members come with the archive."
                )
        migrate.move(self.connection, self.manifest.schema)
        self.tables = carried_tables(self.connection, {*KNOWN, *self.manifest.rows})
        for name in [name for name in self.manifest.rows if name not in self.tables]:
            raise self._bad(f"it has a table {name!r}, which this program does not take from an archive")
        for name in [name for name in self.tables if name not in self.manifest.rows]:
            raise self._bad(f"it has no table {name}")
        self.connection.execute(delete(self.tables[SITE]))
        self._move(0)

    def read(self, name: str, content: IO[bytes]) -> None:
        """Take in a member of the archive."""
        if match := OWN_TABLE.fullmatch(name):
            self._read_table(match[1], name, content)
        elif match := OWN_FILE.fullmatch(name):
            self.store(match[2], content)
            self.files += 1
            self._move(1)
        else:
            raise self._bad(f"{name!r} is in it")

    def _read_table(self, table: str, name: str, content: IO[bytes]) -> None:
        if table not in self.tables:
            raise self._bad(f"{name!r} is in it")
        count = load_table(self.connection, self.tables[table], name, content, self._move)
        if count != self.manifest.rows[table]:
            raise self._bad(f"{name} has {count} rows and should have {self.manifest.rows[table]}")
        self.loaded.add(table)

    def finish(self) -> Imported:
        """See that all is there and fits together, and bring it to this program's revision, at rest."""
        for name in [name for name in self.tables if name not in self.loaded]:
            raise self._bad(f"tables/{name}.jsonl is missing")
        if self.files > self.manifest.files:
            raise self._bad(f"it has {self.files} files and should have {self.manifest.files}")
        if count_rows(self.connection, self.tables[SITE]) != 1:
            raise self._bad(f"tables/{SITE}.jsonl has not one row")
        check_references(self.connection)
        migrate.move(self.connection, "head")
        searching.fill_all(self.connection)
        fill_glossary(self.connection)
        self.connection.execute(text(stilling.RENAME), {"instance": self.instance})
        held = self.connection.execute(text(stilling.HOLD)).rowcount
        self.connection.execute(text(stilling.HOLD_CORRECTIONS))
        self.connection.execute(text(stilling.STOP_SCHEDULES), {"why": stilling.WHY_STOPPED})
        paused = self.connection.execute(text(stilling.PAUSE), {"reason": REASON}).rowcount
        go_on_from(self.connection, carried_tables(self.connection), self.manifest.last_ids)
        here = shown_settings()
        elsewhere = {name: value for name, value in self.manifest.settings.items() if here.get(name, value) != value}
        return Imported(self.manifest, held, paused, self._missing(), elsewhere)

    def _missing(self) -> int:
        wanted = set(self.connection.execute(text(WANTED)).scalars())
        return len(wanted - {sha256 for sha256, _ in files.stored()}) if wanted else 0

    def _move(self, count: int) -> None:
        self.done += count
        self.on_progress(self.done, sum(self.manifest.rows.values()) + self.manifest.files)

    def _bad(self, why: str) -> Invalid:
        return Invalid(f"{self.file} is no good {KIND}: {why}. Nothing was changed.")


def _read_manifest(file: Path, members: Iterator[tuple[str, IO[bytes]]]) -> Manifest:
    """
    Raises:
        Invalid: it does not begin with one, or is a backup, or of a newer program.
    """
    name, content = next(members, ("", None))
    manifest = None
    if content is not None and name == MANIFEST:
        words = content.read(MAX_MANIFEST_BYTES)
        if b'"database"' in words and b'"rows"' not in words:
            raise Invalid(f"{file} is a backup, not an archive: blogapp restore makes a site of it.")
        manifest = parse_manifest(words)
    if manifest is None:
        raise Invalid(f"{file} is no {KIND}: it does not say what is in it.")
    if manifest.format != FORMAT or manifest.schema not in migrate.known_revisions():
        raise Invalid(f"{file} was made by blogapp {manifest.program}, which is newer than this one.")
    return manifest


class _Files:
    """The members' files as they come, each checked by its name, which says what it holds."""

    def __init__(self) -> None:
        self.new: list[str] = []

    def take(self, sha256: str, content: IO[bytes]) -> None:
        """
        Raises:
            Invalid: it holds something else than its name says.
        """
        found = hashlib.sha256()
        with files.scratch() as path:
            with path.open("wb") as out:
                while chunk := content.read(CHUNK_BYTES):
                    found.update(chunk)
                    out.write(chunk)
            if found.hexdigest() != sha256:
                raise Invalid(f"files/{sha256[:2]}/{sha256} is damaged. Nothing was changed.")
            if not files.exists(sha256):
                self.new.append(sha256)
                files.secure(path, sha256)
                files.store(path, sha256)


@contextmanager
def _files_that_stay() -> Iterator[_Files]:
    """Files that are taken away again on any error."""
    taken = _Files()
    try:
        yield taken
    except BaseException:
        for sha256 in taken.new:
            files.discard(sha256)
        raise


@contextmanager
def _database_errors() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        reason = (str(_first(error).orig).strip().splitlines() or ["no reason given"])[0]
        raise ArchiveFailed(f"The database could not take it: {reason}. Nothing was changed.") from None


def _first(error: OperationalError) -> OperationalError:
    """What went wrong before: SQLite rolls back by itself when the disk is full, and then misses its savepoints."""
    earlier = error.__context__
    while earlier is not None:
        if isinstance(earlier, OperationalError):
            error = earlier
        earlier = earlier.__context__
    return error
