"""What a backup and an archive have in common: one .tar.gz, written whole or not at all, and unpacked by hand.

Reading trusts nothing in the file: each name is looked at by the caller, nothing but a plain file passes, nothing is
read in one piece that the file says is large, and the checksum at the very end has to be right.
"""

import contextlib
import gzip
import os
import re
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from blogapp.core.errors import BlogError, Conflict, Invalid

MANIFEST, FILES = "manifest.json", "files"
OWN_FILE = re.compile(r"files/([0-9a-f]{2})/(\1[0-9a-f]{62})")
MAX_MANIFEST_BYTES = 1_000_000
# What the reader of a tar file asks for in one piece is a header, and ours fit in one block of 512 bytes.
MAX_PIECE_BYTES = 1_000_000
# A tar file ends in at most 20 empty blocks.
MAX_TAIL_BYTES = 64 * 1024


class ArchiveFailed(BlogError):
    """It could not be written or read; nothing was changed. The message says why."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What an archive says about itself. `schema`: the database's revision; `files`: how many of the members' files."""

    format: int
    program: str
    made_at: str
    schema: str
    base_url: str
    files: int


@contextlib.contextmanager
def new_file(file: Path, *, force: bool) -> Iterator[Path]:
    """A folder to make the file `archive` in, which then becomes `file`, whole or not at all.

    Raises:
        Conflict: the file exists, and `force` was not said.
        ArchiveFailed: it cannot be written.
    """
    if file.is_dir() or (file.exists() and not force):
        raise Conflict(f"{file} is there already." + ("" if file.is_dir() else " Say --force to write over it."))
    with readable_errors(file), tempfile.TemporaryDirectory(prefix=".making-", dir=file.parent) as folder:
        draft = Path(folder) / "archive"
        yield Path(folder)
        if force:
            draft.replace(file)
        else:
            try:
                os.link(draft, file)  # never over another's: unlike a rename this fails where a file is
            except FileExistsError:
                raise Conflict(f"{file} is there already. Say --force to write over it.") from None


@contextlib.contextmanager
def packing(folder: Path) -> Iterator[tarfile.TarFile]:
    """The file `archive` in that folder, to be filled; readable by its owner alone, and on the disk at the end."""
    with os.fdopen(os.open(folder / "archive", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        with tarfile.open(fileobj=out, mode="w:gz", compresslevel=6) as archive:
            yield archive
        out.flush()
        os.fsync(out.fileno())


@contextlib.contextmanager
def unpacking(file: Path, kind: str) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    """Each plain file in an archive, by name and content, in order; each content is to be read before the next.

    The last one is followed by a look at the checksum: who has seen all of them knows that the archive is whole.

    Args:
        kind: what it should be, for the message: `backup of blogapp`.

    Raises:
        Invalid: it is no archive, is damaged or was cut off, or holds something else than plain files.
    """
    try:
        with gzip.open(file) as unzipped:
            forward = _Forward(unzipped)
            with tarfile.open(fileobj=forward, mode="r:") as archive:  # type: ignore[call-overload]  # it needs no more
                yield _members(archive, unzipped, f"{file} is no {kind}")
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise Invalid(f"{file} is no {kind}, or is damaged ({error}).") from None


def _members(archive: tarfile.TarFile, unzipped: gzip.GzipFile, refusal: str) -> Iterator[tuple[str, IO[bytes]]]:
    seen: set[str] = set()
    while (member := _next(archive)) is not None:
        archive.members.clear()  # type: ignore[attr-defined]  # or it remembers each
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
            raise Invalid(f"{refusal}: {member.name!r} is in it.")
        if member.name in seen:
            raise Invalid(f"{refusal}: {member.name!r} is in it twice.")
        seen.add(member.name)
        content = archive.extractfile(member)
        assert content is not None
        yield member.name, content
    # The checksum comes last, and is only looked at when everything before it has been read.
    if len(unzipped.read(MAX_TAIL_BYTES)) == MAX_TAIL_BYTES:
        raise Invalid(f"{refusal}: something follows its end.")


def _next(archive: tarfile.TarFile) -> tarfile.TarInfo | None:
    try:
        return archive.next()
    except (ValueError, LookupError, OverflowError) as error:  # what its own headers drive the reader to
        raise tarfile.ReadError(f"a bad header: {error}") from None


class _Forward:
    """A stream that is only read forward, and never much of it at once: a header may say that it is 10 GB long."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self._stream = stream
        self._position = 0

    def read(self, size: int) -> bytes:
        if not 0 <= size <= MAX_PIECE_BYTES:
            raise tarfile.ReadError("a header is too long")
        data = self._stream.read(size)
        self._position += len(data)
        return data

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> None:
        if position < self._position:
            raise tarfile.ReadError("it leads backwards")
        while missing := min(position - self._position, MAX_PIECE_BYTES):
            if not self.read(missing):
                raise tarfile.ReadError("unexpected end of data")


def copy_out(content: IO[bytes], path: Path) -> None:
    """Write the bytes of a file whose name has been looked at, and nothing else of it: no owner, no mode, no date.

    (`extract(filter="data")`, PEP 706, is missing from the Python 3.11.2 of Debian 12.)
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with content, path.open("wb") as out:
        shutil.copyfileobj(content, out)


@contextlib.contextmanager
def readable_errors(file: Path) -> Iterator[None]:
    """What the disk or a database copied by hand has against it, as a sentence."""
    try:
        yield
    except OSError as error:
        raise ArchiveFailed(f"{error.filename or file}: {error.strerror or error}. Nothing was changed.") from None
    except sqlite3.Error as error:
        raise ArchiveFailed(f"The database cannot be copied: {error}. Nothing was changed.") from None
