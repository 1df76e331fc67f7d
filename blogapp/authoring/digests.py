"""Reading a digest before it leaves, and watching it leave."""

from flask import Response, make_response, render_template
from flask.typing import ResponseReturnValue

from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only
from blogapp.authoring.blueprint import ID, bp
from blogapp.authoring.showing import GONE, told
from blogapp.authoring.wording import size
from blogapp.core.clock import now
from blogapp.core.errors import NotFound
from blogapp.digest.compose import preview
from blogapp.digest.outlook import look
from blogapp.digest.progress import progress_of_post
from blogapp.posts.queries import read_post

# A mail styles itself inline and may show pictures from anywhere; it runs nothing and reaches nothing of ours.
MAIL_CSP = (
    "default-src 'none'; img-src 'self' https: data:; style-src 'unsafe-inline'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)


@bp.get(f"/posts/{ID}/digest")
@members_only
def digest(post_id: int) -> ResponseReturnValue:
    """The digest as a subscriber would get it now: the HTML part in a frame, the plain part beside it."""
    demand(asking(), "digest.see")
    mail = preview(post_id)
    progress = progress_of_post(post_id)
    return render_template(
        "authoring/digest.html",
        post=read_post(post_id),
        mail=mail,
        size=size(mail.size_bytes),
        audience=look(),
        left=progress is not None and progress.state in GONE,
    )


@bp.get(f"/posts/{ID}/digest/html")
@members_only
def digest_html(post_id: int) -> Response:
    """The HTML part by itself, for the frame."""
    demand(asking(), "digest.see")
    response = make_response(preview(post_id).html)
    response.headers["Content-Security-Policy"] = MAIL_CSP
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@bp.get(f"/posts/{ID}/digest/progress")
@members_only
def digest_progress(post_id: int) -> ResponseReturnValue:
    """How far the digest is, for the page that watches it."""
    demand(asking(), "digest.see")
    progress = progress_of_post(post_id)
    if progress is None:
        raise NotFound("This post has no digest.")
    story = told(progress, now())
    return {
        "state": story.state,
        "line": story.line,
        "details": story.details,
        "done": story.done,
        "total": story.total,
        "live": story.live,
    }
