"""Unpacking what somebody uploads: a .zip or .tar.gz of a folder, into one that is gone afterwards.

Only plain files and folders with harmless names come out, by hand rather than by `extractall`; a small archive that
would become a huge folder is refused while it grows, whatever it says of itself.
"""

import gzip
import os
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from blogapp.porting.documents import BadDocument
from blogapp.porting.files import BAD_NAME, MAX_DEPTH, shown

MAX_BYTES = 5_000_000_000
MAX_FILES = 200_000
# Text shrinks to a tenth, logs to a fiftieth; only emptiness shrinks further.
MAX_RATIO = 100
ALWAYS_FINE_BYTES = 50_000_000
MAX_INDEX_BYTES = 50_000_000
CHUNK_BYTES = 256 * 1024
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, struct.error)
Refuse = Callable[[str, str], None]
# What other systems put in beside the files.
DROPPED = frozenset(("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"))


class Unfit(BadDocument):
    """One file of an archive cannot come out; the others may."""


@contextmanager
def opened(
    path: Path,
    scratch: Path | None = None,
    *,
    refuse: "Refuse | None" = None,
    check: Callable[[], None] = lambda: None,
) -> Iterator[Path]:
    """The folder that an archive holds, for as long as it is looked at; anything else is given back as it is.

    A folder that is alone in the archive is that folder itself: its name may say what it is.

    Args:
        scratch: where the temporary folder is made; the system's own place where nothing is said.
        refuse: is told of each single file that cannot come out (its name, why), and the others do; without it the
            first of them has the whole archive refused.
        check: called before each file; may raise to stop.

    Raises:
        BadDocument: it is damaged, too large, or holds what no honest archive does.
    """
    unpack = _way_to_unpack(path)
    if unpack is None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="import-", dir=scratch) as name:
        folder = Path(name)
        most = min(MAX_BYTES, max(ALWAYS_FINE_BYTES, path.stat().st_size * MAX_RATIO))
        with _readable_errors():
            unpack(path, _Target(folder, most, refuse, check))
        yield _only_folder(folder)


@contextmanager
def _readable_errors() -> Iterator[None]:
    try:
        yield
    except DAMAGE as error:
        raise BadDocument(f"the archive is damaged ({error})") from None
    except (NotImplementedError, RuntimeError):
        raise BadDocument("the archive needs a password, or is packed in a way that is not read here") from None
    except OSError as error:
        raise BadDocument(f"the archive cannot be unpacked: {error.strerror or error}") from None


def _way_to_unpack(path: Path) -> "Callable[[Path, _Target], None] | None":
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(4)
    if head[:2] == b"\x1f\x8b":
        return _untar
    return _unzip if head in (b"PK\x03\x04", b"PK\x05\x06") else None


def _only_folder(folder: Path) -> Path:
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


@dataclass
class _Target:
    """A folder that is being filled, within its limits; `refuse` and `check` as for `opened`."""

    folder: Path
    most_bytes: int
    refuse: Refuse | None = None
    check: Callable[[], None] = lambda: None
    size: int = 0
    names: set[str] = field(default_factory=set)

    def take(self, name: str, open_it: Callable[[], IO[bytes]], kind_fits: bool) -> None:
        """Write one file of the archive.

        Raises:
            BadDocument: it is one too many, or may not be there and nobody is told of single files.
        """
        self.check()
        name, read = shown(name), name
        try:
            if name != read:
                raise Unfit(f"the archive holds {name[:80]}: {BAD_NAME}")
            if not kind_fits:
                raise Unfit(f"the archive holds a link or a device: {name[:80]!r}")
            path = self.place(name)
            with open_it() as source:
                self._write(path, source)
        except Unfit as error:
            if self.refuse is None:
                raise
            self.refuse(name, str(error))
        except (*DAMAGE, NotImplementedError, RuntimeError):
            if self.refuse is None:
                raise
            self.refuse(name, "it is damaged in the archive, or locked")

    def _write(self, path: Path | None, source: IO[bytes]) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with Path(os.devnull).open("wb") if path is None else path.open("xb") as out:
                while chunk := source.read(CHUNK_BYTES):
                    self.count(chunk)
                    out.write(chunk)
        except DAMAGE:
            if path is not None:
                path.unlink(missing_ok=True)  # Half a document is worse than none.
            raise

    def count(self, chunk: bytes) -> None:
        """
        Raises:
            BadDocument: it was one too many.
        """
        self.size += len(chunk)
        if self.size > self.most_bytes:
            raise BadDocument(f"unpacked, the archive is larger than {self.most_bytes // 1_000_000:,} MB")

    def place(self, name: str) -> Path | None:
        """Where a file belongs; None for what other systems add.

        Raises:
            Unfit: it has a name that leads astray, or that another one has.
            BadDocument: it is one too many.
        """
        parts = PurePosixPath(name).parts
        bad = name.startswith("/") or "\\" in name or ":" in name or any(ord(c) < 32 for c in name)
        if bad or not parts or ".." in parts or len(parts) > MAX_DEPTH or any(len(p.encode()) > 255 for p in parts):
            raise Unfit(f"the archive holds a file whose name is not allowed: {name[:80]!r}")
        if DROPPED & set(parts) or parts[-1].startswith("._"):
            return None
        if len(self.names) >= MAX_FILES:
            raise BadDocument(f"the archive holds more than {MAX_FILES:,} files")
        # Systems that know no capitals would write one over the other.
        key = "/".join(parts).casefold()
        if key in self.names:
            raise Unfit(f"the archive holds {name[:80]!r} twice")
        if any("/".join(parts[:depth]).casefold() in self.names for depth in range(1, len(parts))):
            raise Unfit(f"the archive holds {name[:80]!r} in a file")
        self.names.add(key)
        return self.folder.joinpath(*parts)


def _unzip(path: Path, target: _Target) -> None:
    _check_index(path)
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            kind = info.external_attr >> 16 & 0o170000
            target.take(info.filename, lambda info=info: archive.open(info), kind in (0, 0o100000))  # type: ignore[misc]


def _check_index(path: Path) -> None:
    """The list of files is read at once, before anything of it can be looked at: see to it that it is no huge one."""
    with path.open("rb") as file:
        file.seek(0, 2)
        length = file.tell()
        file.seek(max(0, length - 65_557))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0:
        raise zipfile.BadZipFile("it has no list of files at its end")
    (size,) = struct.unpack_from("<L", tail, at + 12)
    if size > MAX_INDEX_BYTES:
        raise BadDocument(f"the archive holds more than {MAX_FILES:,} files")


class _Bounded(gzip.GzipFile):
    """A stream of which nobody reads much at once: a tar's headers say how long they are, and are believed."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= 16 * CHUNK_BYTES:
            raise BadDocument("the archive is damaged (a header of a size that none has)")
        return super().read(size)


def _untar(path: Path, target: _Target) -> None:
    with _Bounded(path) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
        for member in archive:
            if member.isdir():
                continue
            plain = member.isreg() and not member.issparse()
            target.take(member.name, lambda member=member: _stream(archive, member), plain)  # type: ignore[misc]
            archive.members = []  # type: ignore[attr-defined]  # Or it remembers every file.
        while chunk := stream.read(CHUNK_BYTES):  # Up to its checksum, which says whether all of it is here.
            target.count(chunk)


def _stream(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    source = archive.extractfile(member)
    assert source is not None
    return source
