"""Files in the editor: attach, put away, bring back. The text stays as it was typed."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from blogapp.auth.session import asking, members_only
from blogapp.authoring.blueprint import ID, bp
from blogapp.authoring.forms import EditForm
from blogapp.authoring.sheet import editor_page, put, refused
from blogapp.core.errors import BlogError, Invalid
from blogapp.posts.attachments import attach, bring_back_attachment, line_for, remove_attachment
from blogapp.posts.models import Post
from blogapp.posts.queries import list_attachments, read_post


@bp.post(f"/posts/{ID}/files")
@members_only
def upload(post_id: int) -> ResponseReturnValue:
    """Attach one file, for the editor that puts its line where the cursor is and shows the list anew."""
    file = request.files.get("file")
    try:
        if file is None or not file.filename:
            raise Invalid("Choose a file first.")
        attachment = attach(post_id, file.filename, file.stream, asking().id)
    except BlogError as error:
        return refused(error)
    post = read_post(post_id)
    files = render_template("authoring/_file_list.html", post=post, files=list_attachments(post_id), line_for=line_for)
    return {"line": line_for(attachment, post.format), "name": attachment.filename, "files": files}


def files_answer(post: Post, form: EditForm, act: str, number: str) -> ResponseReturnValue:
    """Attach, put away or bring back a file; the text stays as typed, and unsaved."""
    said: list[str] = []
    try:
        if act == "attach":
            said = _attach_all(post, form)
        elif number.isascii() and number.isdigit() and len(number) < 10:
            change = remove_attachment if act == "remove" else bring_back_attachment
            file = change(post.id, int(number), asking().id)
            away = "put away, and gone for good in 30 days" if file.removed_at else "put away here; other posts keep it"
            said = [f"{file.filename} is {away if act == 'remove' else 'back'}."]
    except BlogError as error:
        form.form_errors.append(str(error))
        return editor_page(read_post(post.id), form, unsaved=True), error.status
    return editor_page(read_post(post.id), form, unsaved=True, said=said)


def _attach_all(post: Post, form: EditForm) -> list[str]:
    """Attach what was chosen; without JavaScript the lines for it stand at the end of the text."""
    body = (form.body.data or "").rstrip()
    said = []
    for chosen in request.files.getlist("files"):
        if chosen.filename:
            attachment = attach(post.id, chosen.filename, chosen.stream, asking().id)
            body += f"\n\n{line_for(attachment, post.format)}"
            put(form.body, body + "\n")
            said.append(f"{attachment.filename} is attached; its line stands at the end of the text. Save to keep it.")
    if not said:
        raise Invalid("Choose a file first.", {"files": "Choose a file first."})
    return said
