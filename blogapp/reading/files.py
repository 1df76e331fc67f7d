"""Members' files: private until a published post shows them, then public and validated on every use."""

from flask import abort, request, send_file
from flask.typing import ResponseReturnValue

from blogapp.auth.session import current_member
from blogapp.core.web import private
from blogapp.posts.attachments import open_attachment
from blogapp.posts.media import DOWNLOAD, INLINE
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
    file, path, public = open_attachment(attachment_id, current_member())
    if filename != file.filename:
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
