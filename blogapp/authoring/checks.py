"""Checking a text before it is published: what is saved, or what stands in the editor."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only
from blogapp.authoring.blueprint import ID, bp
from blogapp.authoring.checklist import checklist_of_text
from blogapp.core.markup import render
from blogapp.posts.naming import text_for
from blogapp.posts.queries import read_post


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
    html = render(text, title=request.form.get("title", ""), format=post.format).html
    alone = request.headers.get("X-Requested-With") == "fetch"
    template = "authoring/_checklist.html" if alone else "authoring/checklist.html"
    return render_template(template, post=post, checklist=checklist_of_text(post, text, html))
