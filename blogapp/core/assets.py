"""Static files: their addresses hold their content's hash, so that they are cached for ever and changed at once."""

import hashlib
import mimetypes
from functools import cache, lru_cache
from pathlib import Path

from flask import Response, request, url_for

from blogapp.core.codings import is_text
from blogapp.core.pagecache import offer
from blogapp.core.resources import resource_dir

FOR_EVER = "public, max-age=31536000, immutable"


@cache
def _names() -> frozenset[str]:
    folder = resource_dir("static")
    return frozenset(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def content_mark(path: Path) -> str:
    """The first 12 figures of a file's SHA-256, read again when its time or size has changed.

    Raises:
        OSError: it went away.
    """
    now = path.stat()
    return _mark(path, now.st_mtime_ns, now.st_size)


@lru_cache(maxsize=1024)
def _mark(path: Path, _mtime_ns: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def asset(filename: str) -> str:
    """The address of a static file, with its content's hash."""
    return url_for("static", filename=filename, v=content_mark(resource_dir("static") / filename))


def is_present(filename: str) -> bool:
    """Whether the request's address holds the hash of what we have.

    While a site is renewed host by host one may be asked for what only another has: that is not for ever.
    """
    given = request.args.get("v")
    return given is not None and filename in _names() and given == content_mark(resource_dir("static") / filename)


def text_asset(filename: str) -> Response | None:
    """A style sheet, script or drawing under its hashed address, to be compressed; None for anything else."""
    mimetype = mimetypes.guess_type(filename)[0] or ""
    if not is_text(mimetype) or not is_present(filename):
        return None
    content = (resource_dir("static") / filename).read_bytes()
    if not is_present(filename):
        return None  # Another file took its place meanwhile.
    response = Response(content, mimetype=mimetype)
    response.headers["Cache-Control"] = FOR_EVER
    return offer(response)
