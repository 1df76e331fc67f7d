"""Writing a whole site into one archive that either database can be made of.

`manifest.json` first, then `tables/NAME.jsonl` for each table (what is referred to before what refers to it), then
`files/aa/<sha256>`. Unlike a backup it holds no database's own file, no log-ins and no mails that wait.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tarfile import TarFile, TarInfo

from sqlalchemy import Connection

from blogapp import __version__
from blogapp.core import files
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.migrate import wanted_revision
from blogapp.core.web import iso
from blogapp.porting.archive import packing
from blogapp.porting.archive.carried import carried_tables, count_rows, last_ids
from blogapp.porting.archive.marks import Marks, read_marks
from blogapp.porting.archive.packing import FILES, MANIFEST, ArchiveFailed
from blogapp.porting.archive.rows import Rows

KIND = "archive of blogapp"
# Raised when this program's archives cannot be read by an older one, or the other way round.
FORMAT = 1
OWN_TABLE = re.compile(r"tables/([a-z][a-z0-9_]*)\.jsonl")
# A row in memory is this and a little more. The largest that the program makes are a few MB.
MAX_LINE_BYTES = 32_000_000
ROWS_AT_ONCE = 1000
# What readers see, or mail carries, and is set outside of the database: an import says where it differs.
SHOWN_SETTINGS = (
    "base_url", "site_title", "site_tagline", "site_language", "site_timezone", "site_epoch", "mail_from"
)  # fmt: skip

Moved = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Manifest(packing.Manifest):
    """What an archive says about itself.

    `rows`: how many of each table, in the archive's order; `last_ids`: the highest id ever given out, where that is
    known; `settings`: those of the environment that readers see, as text.
    """

    rows: dict[str, int]
    last_ids: dict[str, int]
    settings: dict[str, str] = field(default_factory=dict)


def export_archive(file: Path, *, force: bool = False, on_progress: Moved = lambda done, total: None) -> Manifest:
    """Write the whole site into `file`, whole or not at all, readable by its owner alone, while the site runs.

    The tables are one moment; the files are read after it. They are named by their content, so what the tables know of
    is there. Nothing is held in memory but some rows; the disk holds one table at a time beside the archive.

    Args:
        on_progress: called with how many rows and files are written, of how many.

    Raises:
        Conflict: the file exists, and `force` was not said.
        ArchiveFailed: it cannot be written.
    """
    with packing.new_file(file, force=force) as folder, _one_moment() as (connection, marks):
        tables = carried_tables(connection)
        stored = [sha256 for sha256, _ in files.stored()]  # not the uploads that are just coming in
        manifest = Manifest(
            format=FORMAT,
            program=__version__,
            made_at=iso(now()),
            schema=wanted_revision(),
            base_url=settings().base_url,
            files=len(stored),
            rows={name: count_rows(connection, table) for name, table in tables.items()},
            last_ids=last_ids(connection, tables),
            settings=shown_settings(),
        )
        (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1, ensure_ascii=False) + "\n", "utf-8")
        progress = _Progress(on_progress, sum(manifest.rows.values()) + manifest.files)
        with packing.packing(folder) as archive:
            _add(archive, folder / MANIFEST, MANIFEST)
            for name, table in tables.items():
                _write_table(connection, Rows(table), folder / "table", marks, progress)
                _add(archive, folder / "table", f"tables/{name}.jsonl")
            for sha256 in stored:
                path = files.find(sha256)
                if path is not None:  # else purged since it was listed
                    _add(archive, path, f"{FILES}/{sha256[:2]}/{sha256}")
                progress.move(1)
    return manifest


def shown_settings() -> dict[str, str]:
    """The settings of the environment that readers see, as text."""
    return {name: str(getattr(settings(), name)) for name in SHOWN_SETTINGS}


@contextmanager
def _one_moment() -> Iterator[tuple[Connection, Marks]]:
    """A connection that sees the database as it is now, whatever others write, and who was accepted by then."""
    for last_try in (False, False, False, False, True):
        with db.engine.connect() as connection:
            if connection.dialect.name != "sqlite":  # whose every reading transaction is one moment
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            marks = read_marks(connection)
            if last_try or marks.hold_still():
                yield connection, marks
                return


def _write_table(connection: Connection, rows: Rows, path: Path, marks: Marks, progress: "_Progress") -> None:
    """
    Raises:
        ArchiveFailed: a row is too large for an archive.
    """
    query = rows.query(connection).execution_options(yield_per=ROWS_AT_ONCE)
    with path.open("wb") as out, connection.execute(query) as found:
        for part in found.partitions():
            for row in part:
                line = rows.line(marks.mend(rows.table.name, rows.names, row))
                if len(line) > MAX_LINE_BYTES:
                    key = rows.names[0]
                    raise ArchiveFailed(f"The row of {rows.table.name} whose {key} is {row[0]!r} is too large.")
                out.write(line)
            progress.move(len(part))


def _add(archive: TarFile, path: Path, name: str) -> None:
    """Put a file in, with nothing of it but its bytes and its date: not who owns it here."""
    try:
        content = path.open("rb")
    except FileNotFoundError:
        return  # purged since it was listed
    with content:
        info = TarInfo(name)
        stat = path.stat()
        info.size, info.mtime, info.mode = stat.st_size, int(stat.st_mtime), 0o600
        archive.addfile(info, content)
    archive.members.clear()  # type: ignore[attr-defined]  # or it remembers each


class _Progress:
    def __init__(self, on_progress: Moved, total: int) -> None:
        self._on_progress, self._total, self._done = on_progress, total, 0
        on_progress(0, total)

    def move(self, count: int) -> None:
        self._done += count
        self._on_progress(self._done, self._total)


def parse_manifest(text: bytes) -> Manifest | None:
    """The manifest, if it is one: of the right names and types."""
    try:
        manifest = Manifest(**json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return None
    return manifest if _has_its_types(manifest) else None


def _has_its_types(manifest: Manifest) -> bool:
    if not all(isinstance(value, dict) for value in (manifest.rows, manifest.last_ids, manifest.settings)):
        return False
    words = [manifest.program, manifest.made_at, manifest.schema, manifest.base_url, *manifest.settings.values()]
    counts = [manifest.format, manifest.files, *manifest.rows.values(), *manifest.last_ids.values()]
    # As many as a key of PostgreSQL's may count to.
    fit = all(type(count) is int and 0 <= count < 2**31 for count in counts)
    return fit and all(isinstance(word, str) for word in words)
