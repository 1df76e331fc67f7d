"""The files' bytes: stored once per content, by the SHA-256 of what they hold, under data_dir/files."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from blogapp.core.config import settings

CHUNK_BYTES = 256 * 1024


def folder() -> Path:
    """Where the files are; made on first use."""
    path = settings().data_dir / "files"
    path.mkdir(parents=True, exist_ok=True)
    return path


def path_of(sha256: str) -> Path:
    """Where the content with this hash is."""
    return folder() / sha256[:2] / sha256


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty file beside the stored ones, gone at the end unless `store` took it."""
    descriptor, name = tempfile.mkstemp(prefix="incoming-", dir=folder())
    os.close(descriptor)
    path = Path(name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def receive(stream: IO[bytes], target: Path, limit_bytes: int) -> int:
    """Copy a stream to a file, at most a little more than `limit_bytes`. Returns the number of bytes."""
    size = 0
    with target.open("wb") as file:
        while size <= limit_bytes and (chunk := stream.read(CHUNK_BYTES)):
            file.write(chunk)
            size += len(chunk)
    return size


def fingerprint(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def flush(path: Path) -> None:
    """Have the disk keep what the file holds: takes as long as the file is big, so never inside a transaction."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def store(source: Path, sha256: str) -> None:
    """Move a flushed file to its place. After a power cut it is there whole or not at all."""
    target = path_of(sha256)
    target.parent.mkdir(exist_ok=True)
    source.replace(target)
    for directory in (target.parent, target.parent.parent):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def left_behind(before: datetime) -> Iterator[Path]:
    """What an upload that was cut off left lying about, and all contents: those written before that moment."""
    for path in folder().glob("**/*"):
        if path.is_file() and datetime.fromtimestamp(path.stat().st_mtime, UTC) < before:
            yield path
