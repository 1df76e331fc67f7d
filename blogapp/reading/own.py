"""Files of the site's own, from `static` in the data folder: a style sheet, fonts, pictures."""

from flask import abort, request, send_file
from flask.typing import ResponseReturnValue

from blogapp.core.assets import content_mark
from blogapp.core.overrides import own_path
from blogapp.reading.blueprint import bp


@bp.get("/own/<path:name>")
def own(name: str) -> ResponseReturnValue:
    """The file; kept for ever where the address names its content."""
    path = own_path(name)
    if path is None:
        abort(404)
    response = send_file(path, conditional=True, etag=True, max_age=None)
    # After it was opened: if another file took its place meanwhile, the address does not name what is sent.
    lasting = request.args.get("v") == content_mark(path)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if lasting else "public, no-cache"
    return response
