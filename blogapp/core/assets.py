"""Static files: their addresses hold their content's hash, so that they are cached for ever and changed at once."""

import hashlib
import mimetypes
from functools import cache

from flask import Response, request, url_for

from blogapp.core.codings import is_text
from blogapp.core.pagecache import offer
from blogapp.core.resources import resource_dir

FOR_EVER = "public, max-age=31536000, immutable"


@cache
def fingerprints() -> dict[str, str]:
    """The static files' names and the first 12 figures of their SHA-256."""
    folder = resource_dir("static")
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in files}


def asset(filename: str) -> str:
    """The address of a static file, with its content's hash."""
    return url_for("static", filename=filename, v=fingerprints()[filename])


def is_present(filename: str) -> bool:
    """Whether the request's address holds the hash of what we have.

    While a site is renewed host by host one may be asked for what only another has: that is not for ever.
    """
    given = request.args.get("v")
    return given is not None and given == fingerprints().get(filename)


def text_asset(filename: str) -> Response | None:
    """A style sheet, script or drawing under its hashed address, to be compressed; None for anything else."""
    mimetype = mimetypes.guess_type(filename)[0] or ""
    if not is_text(mimetype) or not is_present(filename):
        return None
    response = Response((resource_dir("static") / filename).read_bytes(), mimetype=mimetype)
    response.headers["Cache-Control"] = FOR_EVER
    return offer(response)
