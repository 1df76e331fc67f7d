"""Finding and reading the files of an import: hostile ones are named with the reason and never followed or awaited."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from blogapp.porting.documents import BadDocument

MAX_BYTES = 5_000_000
MAX_DEPTH = 30
TOO_DEEP = f"it lies more than {MAX_DEPTH} folders deep"
BAD_NAME = "its name is not UTF-8"
LINK = "it is a symbolic link; name the file that it points to"


@dataclass(frozen=True)
class Candidate:
    """A path to look at; `reason` says why it can't be one, where that is plain before it is opened.

    `root`: what was named, the path itself or a folder above it. A name that is not UTF-8 stands in `path` as it can be
    shown: `caf\\xe9.md`.
    """

    path: Path
    reason: str = ""
    root: Path = Path()


def find_candidates(paths: Iterable[Path], *, without: str = "") -> Iterator[Candidate]:
    """Every file among `paths` and in the folders among them, by name; hidden ones in folders are left alone.

    Args:
        without: the name of a folder that is passed over where it lies right in one of `paths`.
    """
    for path in paths:
        if not _is_utf8(path.name):
            path = path.with_name(shown(path.name))
            yield Candidate(path, BAD_NAME, path)
        elif path.is_symlink():
            yield Candidate(path, LINK, path)
        elif path.is_dir():
            passed_over = path / without if without and not (path / without).is_symlink() else None
            yield from (found for found in _walk(path, path) if passed_over is None or not _is_in(found, passed_over))
        elif path.exists():
            yield Candidate(path, "", path)
        else:
            yield Candidate(path, "there is no such file", path)


def _is_in(found: Candidate, folder: Path) -> bool:
    return found.path.is_relative_to(folder)


def _walk(folder: Path, root: Path, depth: int = 1) -> Iterator[Candidate]:
    if depth > MAX_DEPTH:
        yield Candidate(folder, TOO_DEEP, root)
        return
    try:
        with os.scandir(folder) as entries:
            inside = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda e: e.name)
    except OSError as error:
        yield Candidate(folder, _why(error), root)
        return
    for entry in inside:
        if not _is_utf8(entry.name):
            yield Candidate(folder / shown(entry.name), BAD_NAME, root)
        elif entry.is_symlink():
            yield Candidate(Path(entry.path), LINK, root)
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), root, depth + 1)
        else:
            yield Candidate(Path(entry.path), "", root)


def _is_utf8(name: str) -> bool:
    return shown(name) == name


def shown(name: str) -> str:
    """A file's name as it can be written down: bytes that are not UTF-8 become `\\xe9`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def read_bytes(path: Path, most_bytes: int = MAX_BYTES) -> bytes:
    """The content of a regular file of at most so many bytes.

    Raises:
        BadDocument: it is no regular file, cannot be read, or is too large.
    """
    with open_regular(path, most_bytes) as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:  # It grew since it was opened.
        raise BadDocument(f"it is larger than {most_bytes // 1_000_000:,} MB")
    return data


@contextmanager
def open_regular(path: Path, most_bytes: int) -> Iterator[IO[bytes]]:
    """A regular file of at most so many bytes.

    Opened without following a link and without waiting, so that neither a link put there a moment ago nor a pipe
    without a writer can trick it.

    Raises:
        BadDocument: it is no regular file, cannot be read, or is too large.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise BadDocument(LINK if error.errno == errno.ELOOP else _why(error)) from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)  # A folder cannot even be made a file object.
        raise BadDocument("it is no regular file")
    with os.fdopen(descriptor, "rb") as file:
        if status.st_size > most_bytes:
            raise BadDocument(f"it is larger than {most_bytes // 1_000_000:,} MB")
        yield file


def decode(data: bytes) -> str:
    """
    Raises:
        BadDocument: it is binary or not UTF-8.
    """
    if b"\0" in data:
        raise BadDocument("it is binary, not text")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadDocument(f"it is not UTF-8: byte 0x{data[error.start]:02x} in line {line}") from None


def _why(error: OSError) -> str:
    return f"it cannot be read ({error.strerror or error.__class__.__name__})"
