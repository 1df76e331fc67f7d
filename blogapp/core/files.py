"""The files' bytes: stored once per content, by the SHA-256 of what they hold.

They lie under data_dir/files, or in a bucket that several hosts share (`BLOG_FILES`, core/bucket.py). Then each host
keeps those that were asked for lately under data_dir/files-cache, and takes the oldest away when they grow too many.
"""

import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, cast

from flask import Flask, current_app

from blogapp.core.bucket import Bucket, parse_place
from blogapp.core.clock import now
from blogapp.core.config import EXTENSION as SETTINGS
from blogapp.core.config import Settings, settings

CHUNK_BYTES = 256 * 1024
EXTENSION = "blogapp.bucket"
# What was put into the bucket so lately need not be put again to be spared by sweeping.
LATELY = timedelta(hours=6)
# Which of the cache was asked for last is told by its date, renewed no oftener than that.
DATED = timedelta(hours=1)
# After so much has come in, the cache is looked through.
LOOK_BYTES = 50_000_000


def init_files(app: Flask) -> None:
    """Know where the files are. Reaches nothing.

    Raises:
        BadSetting: they are in a bucket, and boto3 is not installed.
    """
    place = parse_place(cast(Settings, app.extensions[SETTINGS]).files)
    app.extensions[EXTENSION] = None if place is None else Bucket(place)


def bucket() -> Bucket | None:
    """The bucket that the contents are in; None where the data folder holds them."""
    found: Bucket | None = current_app.extensions.get(EXTENSION)
    return found


def folder() -> Path:
    """Where the files are, or what this host keeps of the bucket's; made on first use."""
    path = settings().data_dir / ("files" if bucket() is None else "files-cache")
    path.mkdir(parents=True, exist_ok=True)
    return path


def path_of(sha256: str) -> Path:
    """Where the content with this hash is on this disk, if it is: `find` brings it here."""
    return folder() / sha256[:2] / sha256


def find(sha256: str) -> Path | None:
    """Where the content with this hash can be read; None where there is none. May take as long as a network does.

    Raises:
        Unavailable: the bucket cannot be reached.
    """
    path = path_of(sha256)
    store_ = bucket()
    if path.is_file():
        if store_ is not None:
            _touch(path)
        return path
    return None if store_ is None else _fetched(store_, sha256, path)


def exists(sha256: str) -> bool:
    """Whether there is such a content, without bringing it here. Raises Unavailable."""
    store_ = bucket()
    return path_of(sha256).is_file() if store_ is None else store_.kept_at(sha256) is not None


def stored() -> Iterator[tuple[str, datetime]]:
    """Every content, with when it was written. Raises Unavailable."""
    store_ = bucket()
    if store_ is not None:
        yield from store_.each()
        return
    for path in sorted(folder().glob("??/*")):
        with suppress(FileNotFoundError):
            yield path.name, _written_at(path)


def _fetched(store_: Bucket, sha256: str, path: Path) -> Path | None:
    with scratch() as coming:
        if not store_.fetch(sha256, coming):
            return None
        size = coming.stat().st_size
        _move(coming, path)
    _make_room(store_.place.cache_bytes, size)
    return path


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    source.replace(target)


def _touch(path: Path) -> None:
    with suppress(OSError):
        if now() - _written_at(path) > DATED:
            os.utime(path)


class _Room:
    """How much has come into the cache since it was last looked through."""

    lock = threading.Lock()
    came = LOOK_BYTES  # A process that has just begun looks at once.


def _make_room(most_bytes: int, size: int) -> None:
    """Take what was asked for longest ago out of the cache, where it has grown beyond `most_bytes`."""
    with _Room.lock:
        _Room.came += size
        if _Room.came < min(LOOK_BYTES, most_bytes):
            return
        _Room.came = 0
        kept = []
        for path in folder().glob("??/*"):
            with suppress(FileNotFoundError):
                stat = path.stat()
                kept.append((stat.st_mtime, stat.st_size, path))
        total = sum(bytes_ for _, bytes_, _ in kept)
        # The newest stays in any case: it is about to be read.
        for _, bytes_, path in sorted(kept)[:-1]:
            if total <= most_bytes:
                return
            path.unlink(missing_ok=True)
            total -= bytes_


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


def secure(path: Path, sha256: str) -> None:
    """Have the disk, or the bucket, keep what the file holds before anything speaks of it; `store` follows.

    Takes as long as the file is big, so never inside a transaction.

    Raises:
        Unavailable: the bucket cannot be reached.
    """
    store_ = bucket()
    if store_ is None:
        with path.open("rb") as file:
            os.fsync(file.fileno())
        return
    at = store_.kept_at(sha256)
    if at is None or now() - at > LATELY:
        store_.put(path, sha256)


def store(source: Path, sha256: str) -> None:
    """Move a file that is secured to its place. After a power cut it is there whole or not at all. Asks no network."""
    target = path_of(sha256)
    _move(source, target)
    if bucket() is not None:
        return  # What is lost here is fetched again.
    for directory in (target.parent, target.parent.parent):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def make_sure(sha256: str) -> None:
    """After the commit that speaks of a content: it is in the bucket, even if somebody has just swept it away there.

    On a disk `take_turns` sees to that; no transaction waits for a bucket.
    """
    store_, path = bucket(), path_of(sha256)
    if store_ is not None and path.is_file() and store_.kept_at(sha256) is None:
        store_.put(path, sha256)


def discard(sha256: str) -> None:
    """Delete a content for good. Raises Unavailable."""
    path_of(sha256).unlink(missing_ok=True)
    store_ = bucket()
    if store_ is not None:
        store_.remove(sha256)


def discard_if_old(sha256: str, before: datetime) -> None:
    """Delete a content unless it was put into the bucket anew meanwhile. Raises Unavailable."""
    store_ = bucket()
    at = store_.kept_at(sha256) if store_ is not None else None
    if store_ is None or (at is not None and at < before):
        discard(sha256)


def tidy(present: set[str], before: datetime) -> None:
    """Remove what uploads that were cut off left lying about, and what the cache holds that the bucket does not."""
    for path in folder().glob("incoming-*"):
        with suppress(FileNotFoundError):
            if _written_at(path) < before:
                path.unlink()
    if bucket() is None:
        return
    for path in folder().glob("??/*"):
        with suppress(FileNotFoundError):
            if path.name not in present and _written_at(path) < before:
                path.unlink()


def copy_into_bucket() -> tuple[int, int, list[str]]:
    """Copy what the data folder holds into the bucket. (How many went, how many were there, names of damaged ones.)

    Raises:
        Unavailable: the bucket cannot be reached.
    """
    store_ = bucket()
    assert store_ is not None
    present, sent, there, damaged = {sha256 for sha256, _ in store_.each()}, 0, 0, []
    for path in sorted((settings().data_dir / "files").glob("??/*")):
        if path.name in present:
            there += 1
        elif fingerprint(path) != path.name:
            damaged.append(path.name)
        else:
            store_.put(path, path.name)
            sent += 1
    return sent, there, damaged


def _written_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
