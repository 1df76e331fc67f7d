"""Checking a text before it is published: what is saved, or what stands in the editor."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only
from blogapp.authoring.blueprint import ID, bp
from blogapp.authoring.checklist import checklist_of_text
from blogapp.core.db import db
from blogapp.core.markup import render
from blogapp.posts.glossary import resolving
from blogapp.posts.models import Post
from blogapp.posts.naming import text_for
from blogapp.posts.outside import ask_outside
from blogapp.posts.queries import read_post
from blogapp.posts.sections import text_of


@bp.post(f"/posts/{ID}/checklist")
@members_only
def check_text(post_id: int) -> ResponseReturnValue:
    """What may be overlooked in a text as it stands in the editor; nothing is saved.

    A page of its own, or, for a script that asks so, only the list.

    Raises:
        Invalid: the text is too long.
    """
    demand(asking(), "post.see")
    post = read_post(post_id)
    return _checked(post, *_typed(post))


@bp.post(f"/posts/{ID}/outside-links")
@members_only
def check_outside(post_id: int) -> ResponseReturnValue:
    """Have the worker look at the links to other sites: of the text as it stands in the editor, or of the saved one.

    Raises:
        NotAllowed: they may not edit it.
        Invalid: the text is too long.
    """
    post = read_post(post_id)
    if "body" not in request.form:
        ask_outside(post_id, asking().id, post.html)
        return redirect(url_for("authoring.post", post_id=post_id, _anchor="publish-title"), code=303)
    text, html = _typed(post)
    ask_outside(post_id, asking().id, html)
    return _checked(post, text, html)


def _typed(post: Post) -> tuple[str, str]:
    """The text as it stands in the editor, and with the post's sections rendered."""
    text = text_for(request.form.get("body", ""))
    whole = text_of(db.session(), post.id, text)
    references = resolving(post.id, whole) if post.format == "markdown" else {}
    return text, render(whole, title=request.form.get("title", ""), format=post.format, references=references).html


def _checked(post: Post, text: str, html: str) -> ResponseReturnValue:
    alone = request.headers.get("X-Requested-With") == "fetch"
    template = "authoring/_checklist.html" if alone else "authoring/checklist.html"
    checklist = checklist_of_text(post, asking(), text, html)
    typed = {"title": request.form.get("title", ""), "body": text}
    return render_template(template, post=post, checklist=checklist, typed=typed, alone=alone)
