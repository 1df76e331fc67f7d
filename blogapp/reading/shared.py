"""A draft as whoever has a link to it reads it: by nobody else, in no cache, and named to no other site."""

import re

from flask import Response, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blogapp.core.config import settings
from blogapp.core.sanitise import TAG
from blogapp.core.web import private
from blogapp.posts.sharelinks import open_link
from blogapp.reading import queries
from blogapp.reading.blueprint import bp

OWN_FILE = r"(?:/files/\d{1,10}/[^\"\s,?#]+|/media/\d{1,10}-[0-9a-f]{16}/\d{1,6}\.[a-z]{3,4})"
# Where the value, or a candidate of several, begins with it: within another site's address it would go there.
BEFORE = r'(?P<before>\s(?:src|href|poster|srcset)="|(?<=[\dwx]), )'


@bp.get("/shared/<token>")
def shared(token: str) -> ResponseReturnValue:
    """The draft; its page once it is published.

    Raises:
        NotFound: it is no link of ours, or the post is deleted.
        Gone: the link has expired, or was withdrawn.
    """
    post = open_link(token)
    if post.is_public:
        return _kept_to_oneself(make_response(redirect(url_for("reading.page", slug=post.slug), code=303)))
    whole = queries.post_at(post.slug)
    assert whole is not None
    page = render_template("reading/shared.html", post=whole, with_link=lambda html: with_link(html, token))
    return _kept_to_oneself(make_response(page))


def with_link(html: str, token: str) -> str:
    """The addresses of this site's files in a page's text, each with the link that lets its reader have them."""
    files = re.compile(rf'{BEFORE}(?:{re.escape(settings().base_url)})?(?P<file>{OWN_FILE})(?=[" ])')
    return TAG.sub(lambda tag: files.sub(lambda one: f"{one['before']}{one['file']}?share={token}", tag[0]), html)


def _kept_to_oneself(response: Response) -> Response:
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response.headers["Referrer-Policy"] = "no-referrer"
    return private(response)
