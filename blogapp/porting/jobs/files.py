"""A job's folder: what was uploaded for it, and what it made. Nobody but this program's user can read it."""

import re
import secrets
import shutil
from pathlib import Path
from typing import IO, Any

from blogapp.core.config import settings
from blogapp.core.errors import BlogError, Invalid

# What a browser and the proxies on the way can be trusted with; whole sites of that size go by the command line.
MAX_UPLOAD_BYTES = 2_000_000_000
CHUNK_BYTES = 256 * 1024
MAX_NAME = 120
# The first bytes of a kind of file, after blanks and a byte order mark.
BEGINNINGS = {".zip": (b"PK\x03\x04", b"PK\x05\x06"), ".json": (b"{", b"["), ".xml": (b"<",)}


class TooBig(BlogError):
    """More was sent than an upload may hold."""

    status = 413
    title = "Too big"


def too_big() -> TooBig:
    """The refusal, with the way that is open."""
    limit = f"{MAX_UPLOAD_BYTES // 1_000_000_000} GB"
    return TooBig(
        f"What you sent is larger than {limit}, the most that can be uploaded here. Nothing was kept. "
        "On the server, `blogapp import` takes files and folders of any size."
    )


def root() -> Path:
    """Where the folders of all jobs are; made on first use."""
    path = settings().data_dir / "jobs"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def path_of(folder: str) -> Path:
    """Where a job's folder is, or was."""
    return root() / folder


def new_folder() -> str:
    """Make an empty one; returns its name, which nobody can guess."""
    name = secrets.token_hex(16)
    (root() / name).mkdir(mode=0o700)
    return name


def remove_folder(folder: str) -> None:
    """Remove it and all that is in it."""
    shutil.rmtree(path_of(folder), ignore_errors=True)


def receive(folder: str, field: str, filename: str, stream: IO[bytes], takes: tuple[str, ...]) -> dict[str, Any]:
    """Keep an uploaded file. Returns what a job's options say of it: its name, where it lies, its size in bytes.

    Raises:
        Invalid: it is empty, or not what `takes` (endings, with the dot) allows; `fields` names the field.
        TooBig: it is larger than MAX_UPLOAD_BYTES.
    """
    name = plain_name(filename)
    ending = next((ending for ending in takes if name.lower().endswith(ending)), None)
    if ending is None:
        raise _wrong(field, f"{name} is not of the right kind: {' or '.join(takes)} is wanted here.")
    stored = f"{field}{ending}"
    path = path_of(folder) / stored
    size = _copy(stream, path)
    if size == 0:
        raise _wrong(field, f"{name} is empty.")
    if not _begins_right(path, ending):
        raise _wrong(field, f"{name} is called {ending} but is something else, or it was cut off on its way.")
    return {"name": name, "stored": stored, "size": size}


def plain_name(filename: str) -> str:
    """The last part of a name, without what a disk or a page cannot show."""
    base = filename.replace("\\", "/").rpartition("/")[2]
    base = re.sub(r"[\x00-\x1f\x7f]", "", base).encode("utf-8", "ignore").decode().strip().lstrip(".")
    if len(base.encode()) > MAX_NAME:
        base = base.encode()[-MAX_NAME:].decode("utf-8", "ignore")  # the end, for the ending
    return base or "file"


def _copy(stream: IO[bytes], path: Path) -> int:
    size = 0
    with path.open("xb") as out:
        path.chmod(0o600)
        while chunk := stream.read(CHUNK_BYTES):
            size += len(chunk)
            if size > MAX_UPLOAD_BYTES:
                raise too_big()
            out.write(chunk)
    return size


def _begins_right(path: Path, ending: str) -> bool:
    with path.open("rb") as file:
        begin = file.read(65536)
    if ending in BEGINNINGS:
        return begin.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(BEGINNINGS[ending])
    return b"\0" not in begin or begin.startswith((b"\xff\xfe", b"\xfe\xff"))  # text, or text in UTF-16


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(message, {field: message})
