"""Checking a text before it is published: what is saved, or what stands in the editor."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only
from blogapp.authoring.blueprint import ID, bp
from blogapp.authoring.checklist import checklist_of_text
from blogapp.core.db import db
from blogapp.core.markup import render
from blogapp.posts.glossary import resolving
from blogapp.posts.naming import text_for
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
    text = text_for(request.form.get("body", ""))
    whole = text_of(db.session(), post_id, text)
    references = resolving(post_id, whole) if post.format == "markdown" else {}
    html = render(whole, title=request.form.get("title", ""), format=post.format, references=references).html
    alone = request.headers.get("X-Requested-With") == "fetch"
    template = "authoring/_checklist.html" if alone else "authoring/checklist.html"
    return render_template(template, post=post, checklist=checklist_of_text(post, text, html))
