"""Members' files: private until a published post shows them, then public and validated on every use."""

from contextlib import suppress
from pathlib import Path

from flask import Response, abort, request, send_file
from flask.typing import ResponseReturnValue

from blogapp.auth.session import current_member
from blogapp.core import files, variants
from blogapp.core.media import DOWNLOAD, EXTENSIONS, INLINE
from blogapp.core.picturemarks import DIGITS, Mark, offers
from blogapp.core.web import private
from blogapp.posts.attachments import open_attachment
from blogapp.reading.blueprint import bp

# Nothing in a file may run or load anything, even where a browser would show it as a page.
CSP = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
# Chromium shows no PDF in a sandbox; its viewer runs no script of the document's in our name.
UNSANDBOXED = frozenset(["application/pdf"])


@bp.get("/files/<int:attachment_id>/<filename>")
def attachment(attachment_id: int, filename: str) -> ResponseReturnValue:
    """The file itself; what no browser should show from our address is only ever downloaded."""
    if attachment_id >= 2**31:
        abort(404)
    file, public = open_attachment(attachment_id, current_member(), request.args.get("share", ""))
    path = files.find(file.sha256) if filename == file.filename else None
    if path is None:
        abort(404)
    inline = file.media_type in INLINE
    response = send_file(
        path,
        mimetype=file.media_type if inline else DOWNLOAD,
        as_attachment=not inline,
        download_name=file.filename,
        etag=file.sha256,
        conditional=public,
        max_age=0,
    )
    response.headers["Content-Security-Policy"] = CSP if file.media_type in UNSANDBOXED else f"{CSP}; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    if not public:
        for validator in ("ETag", "Last-Modified", "Expires"):
            response.headers.pop(validator, None)
        return private(response)
    response.headers["Cache-Control"] = "public, no-cache"
    response.headers.pop("Expires", None)
    response.vary.add("Cookie")
    return response.make_conditional(request)


@bp.get("/media/<int:attachment_id>-<string(length=16):digest>/<int:width>.<kind>")
def picture(attachment_id: int, digest: str, width: int, kind: str) -> ResponseReturnValue:
    """A variant of an attached picture; the picture itself until the worker has made it."""
    if attachment_id >= 2**31:
        abort(404)
    file, public = open_attachment(attachment_id, current_member(), request.args.get("share", ""))
    mark = Mark(file.id, file.sha256, file.width or 0, EXTENSIONS.get(file.media_type, ""))
    if digest != file.sha256[:DIGITS] or not file.width or not offers(mark, width, kind):
        abort(404)
    if (width, kind) == (file.width, mark.kind):
        return send_picture(_original(file.sha256), file.media_type, public=public)
    return send_variant(file.sha256, width, kind, file.media_type, public=public)


def _original(sha256: str) -> Path:
    path = files.find(sha256)
    if path is None:
        abort(404)
    return path


def send_variant(
    sha256: str, width: int, kind: str, media_type: str, *, public: bool, ladder: str = "picture"
) -> Response:
    """The variant if it is made; else the original for this once, and a wish for the worker."""
    path = variants.path_of(sha256, width, kind)
    if path.is_file():
        return send_picture(path, variants.type_of(path), public=public)
    original = _original(sha256)
    with suppress(OSError):  # A full disk makes no variants, and takes no picture away.
        variants.wish(sha256, ladder)
    return send_picture(original, media_type, public=public, for_ever=False)


def send_picture(path: Path, media_type: str, *, public: bool, for_ever: bool = True) -> Response:
    """A picture that anybody may have, kept for ever by each browser; or a member's alone, kept by nobody.

    No cache that many share keeps it: it would go on giving out what was withdrawn (docs/pictures.md).
    """
    response = send_file(path, mimetype=media_type, conditional=False, etag=False, max_age=None)
    response.headers["Content-Security-Policy"] = f"{CSP}; sandbox"
    for validator in ("Last-Modified", "Expires"):
        response.headers.pop(validator, None)
    if not public:
        return private(response)
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable" if for_ever else "public, no-cache"
    return response
