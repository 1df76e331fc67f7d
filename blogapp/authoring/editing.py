"""The editor: typing, looking, saving. Whatever goes wrong, what was typed is on the page that says so."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only, tell
from blogapp.authoring.answers import save_answer, settle_answer
from blogapp.authoring.attaching import files_answer
from blogapp.authoring.blueprint import ID, bp
from blogapp.authoring.forms import EditForm
from blogapp.authoring.sheet import count_words, editor_page, form_for, reading_minutes, refused, rendered, wants_json
from blogapp.core.errors import BlogError, Conflict, Invalid, NotAllowed
from blogapp.posts.models import Post
from blogapp.posts.presence import end_presence, note_presence, others_at
from blogapp.posts.queries import read_post


@bp.route(f"/posts/{ID}/edit", methods=["GET", "POST"])
@members_only
def edit(post_id: int) -> ResponseReturnValue:
    """The editor. Its buttons all send the whole form, so that no text is ever left behind."""
    post = read_post(post_id)
    form = form_for(post)
    closed = _why_closed(post)
    if closed is not None:
        return _closed(post, form, closed)
    if request.method == "GET":
        note_presence(post_id, asking().id)
        return editor_page(post, form)
    act, _, number = request.form.get("do", "save").partition(":")
    if not form.validate():
        return editor_page(post, form, unsaved=True), 422
    if act == "save":
        return save_answer(post, form)
    if act == "settle":
        return settle_answer(post, form)
    if act in ("preview", "back"):
        return editor_page(post, form, unsaved=True, preview=act == "preview")
    return files_answer(post, form, act, number)


def _why_closed(post: Post) -> BlogError | None:
    """Why the asker cannot edit this post, if so."""
    try:
        demand(asking(), "post.edit", owner_id=post.author_id, public=post.state == "published")
    except NotAllowed as error:
        return error
    deleted = "This post is deleted. Bring it back before you edit it."
    return Conflict(deleted) if post.deleted_at is not None else None


def _closed(post: Post, form: EditForm, why: BlogError) -> ResponseReturnValue:
    """It was published or deleted while somebody typed, or they may not edit it: a text that was sent is shown."""
    if request.method == "POST":
        if wants_json():
            return refused(why)
        return render_template("authoring/kept.html", post=post, form=form, why=why), why.status
    if isinstance(why, NotAllowed):
        raise why
    tell(str(why))
    return redirect(url_for("authoring.post", post_id=post.id), code=303)


@bp.post("/write/preview")
@members_only
def preview() -> ResponseReturnValue:
    """What a text would look like; nothing is kept."""
    demand(asking(), "post.write")
    text = request.form.get("body", "")
    words = count_words(text)
    try:
        html = rendered(request.form.get("title", ""), text, request.form.get("format", "markdown"))
        return {"html": html, "words": words, "minutes": reading_minutes(words)}
    except Invalid as error:
        return refused(error)


@bp.post(f"/posts/{ID}/presence")
@members_only
def presence(post_id: int) -> ResponseReturnValue:
    """An editor tells that it is open, or with `leave` that it is closed; who else is there, which version there is."""
    try:
        if request.form.get("leave"):
            end_presence(post_id, asking().id)
            return {"others": []}
        version = note_presence(post_id, asking().id)
        return {"version": version, "others": others_at(post_id, asking().id)}
    except BlogError as error:
        return refused(error)
