"""The editor: typing, looking, attaching, saving. Whatever goes wrong, what was typed is on the page that says so."""

import re
from dataclasses import dataclass
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blogapp.auth.members import list_members
from blogapp.auth.permissions import demand, may
from blogapp.auth.session import asking, members_only, tell
from blogapp.authoring.blueprint import ID, bp
from blogapp.authoring.comparing import Piece, compare
from blogapp.authoring.forms import EditForm, show_problem, weeks_typed
from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.core.errors import BlogError, Conflict, Invalid, NotAllowed
from blogapp.core.markup import prefix_ids, render
from blogapp.core.web import local
from blogapp.digest.correcting import has_left, send_newest_correction
from blogapp.posts.attachments import attach, bring_back_attachment, line_for, remove_attachment
from blogapp.posts.glossary import resolving
from blogapp.posts.models import Post, Revision
from blogapp.posts.naming import text_for
from blogapp.posts.queries import list_attachments, newest_revision, read_format, read_post
from blogapp.posts.tags import names_typed, suggestions, tags_of
from blogapp.posts.writing import save_post

WORD = re.compile(r"\w+(?:['’-]\w+)*")
PREVIEW_IDS = "preview-"


@dataclass(frozen=True)
class Theirs:
    """What somebody else saved meanwhile. `text_changed`: not only its state, address or weeks."""

    post: Post
    revision: Revision | None
    text_changed: bool
    pieces: list[Piece]


@bp.route(f"/posts/{ID}/edit", methods=["GET", "POST"])
@members_only
def edit(post_id: int) -> ResponseReturnValue:
    """The editor. Its buttons all send the whole form, so that no text is ever left behind."""
    post = read_post(post_id)
    form = _form(post)
    closed = _why_closed(post)
    if closed is not None:
        return _closed(post, form, closed)
    if request.method == "GET":
        return _page(post, form)
    act, _, number = request.form.get("do", "save").partition(":")
    if not form.validate():
        return _page(post, form, unsaved=True), 422
    if act == "save":
        return _save(post, form)
    if act == "preview":
        return _page(post, form, unsaved=True, preview=True)
    return _files(post, form, act, number)


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
        if _wants_json():
            return _refused(why)
        return render_template("authoring/kept.html", post=post, form=form, why=why), why.status
    if isinstance(why, NotAllowed):
        raise why
    tell(str(why))
    return redirect(url_for("authoring.post", post_id=post.id), code=303)


def _form(post: Post) -> EditForm:
    newest = newest_revision(db.session(), post.id)
    form = EditForm(
        data={
            "title": post.title,
            "body": post.body,
            "kind": post.kind,
            "weeks": post.weeks.figure if post.weeks else "",
            "slug": post.slug,
            "author": post.author_id,
            "in_menu": post.in_menu,
            "tags": ", ".join(tags_of(post.id)),
            "version": post.version,
            "seen": _mark(newest),
        }
    )
    if may(asking(), "post.credit"):
        form.author.choices = [(m.id, m.name) for m in list_members() if m.active or m.id == post.author_id]
    else:
        del form.author
    return form


def _mark(revision: Revision | None) -> str:
    """What tells whether the text is still the one that the editor was opened with."""
    return f"{revision.number} {revision.updated_at.isoformat()}" if revision else ""


def _save(post: Post, form: EditForm) -> ResponseReturnValue:
    try:
        saved = save_post(
            post.id,
            form.version.data,
            asking().id,
            title=form.title.data or "",
            body=form.body.data or "",
            slug=_slug(post, form),
            weeks=weeks_typed(form) if form.kind.data in ("week", "links") else None,
            kind=form.kind.data,
            author_id=form.author.data if "author" in form else None,
            overwrites=bool(form.overwrites.data),
            in_menu=form.in_menu.data if form.kind.data == "page" and form.in_menu.raw_data else None,
            tags=names_typed(form.tags.data or "") if form.tags.raw_data else None,
            correction=_correction(form),
        )
    except Invalid as error:
        show_problem(form, error)
        return _refused(error) if _wants_json() else (_page(post, form, unsaved=True, problem=error), error.status)
    except Conflict as error:
        return _refused(error) if _wants_json() else (_conflict(post.id, form), error.status)
    words = f"Saved at {local(now()):%H:%M}{', and live' if saved.state == 'published' else ''}."
    if form.correction.data and form.correction_told.data == "mail":
        words += _send_correction(saved.id)
    if _wants_json():
        seen = _mark(newest_revision(db.session(), saved.id))
        return {"version": saved.version, "seen": seen, "slug": saved.slug, "message": words}
    tell(words)
    return redirect(url_for("authoring.edit", post_id=saved.id), code=303)


def _correction(form: EditForm) -> str | None:
    """What was wrong, if this is to go on record as a correction."""
    note = (form.correction_note.data or "").strip()
    if note and not form.correction.data:
        message = "Tick “This is a correction” as well, or empty its note."
        raise Invalid(message, {"correction_note": message})
    return note if form.correction.data else None


def _send_correction(post_id: int) -> str:
    """Have the correction that was just saved leave by mail. What to say of it."""
    try:
        send_newest_correction(post_id, asking().id)
    except BlogError as error:
        return f" The correction does not leave by mail: {error}"
    return " The correction leaves by mail now."


def _slug(post: Post, form: EditForm) -> str | None:
    """The address, if somebody typed another one than it has."""
    typed = (form.slug.data or "").strip().strip("/").lower()
    return None if typed in ("", post.slug) else typed


def _conflict(post_id: int, form: EditForm) -> str:
    """Both texts: one's own in the editor, the other's beside it. Saving again goes on from the other's version."""
    post = read_post(post_id)
    newest = newest_revision(db.session(), post_id)
    changed = _mark(newest) != form.seen.data
    pieces = compare(post.body, text_for(form.body.data or "")) if changed else []
    _put(form.version, str(post.version))
    _put(form.seen, _mark(newest))
    _put(form.overwrites, "1" if changed else "")
    return _page(post, form, unsaved=True, theirs=Theirs(post, newest, changed, pieces))


def _put(field: Any, value: str) -> None:
    """Set what a field shows; WTForms would show again what was sent."""
    field.data, field.raw_data = value, [value]


def _files(post: Post, form: EditForm, act: str, number: str) -> ResponseReturnValue:
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
        return _page(read_post(post.id), form, unsaved=True), error.status
    return _page(read_post(post.id), form, unsaved=True, said=said)


def _attach_all(post: Post, form: EditForm) -> list[str]:
    """Attach what was chosen; without JavaScript the lines for it stand at the end of the text."""
    body = (form.body.data or "").rstrip()
    said = []
    for upload in request.files.getlist("files"):
        if upload.filename:
            attachment = attach(post.id, upload.filename, upload.stream, asking().id)
            body += f"\n\n{line_for(attachment, post.format)}"
            _put(form.body, body + "\n")
            said.append(f"{attachment.filename} is attached; its line stands at the end of the text. Save to keep it.")
    if not said:
        raise Invalid("Choose a file first.", {"files": "Choose a file first."})
    return said


def _page(
    post: Post,
    form: EditForm,
    *,
    unsaved: bool = False,
    preview: bool = False,
    theirs: Theirs | None = None,
    problem: Invalid | None = None,
    said: list[str] | None = None,
) -> str:
    text = form.body.data or ""
    shown = None
    if preview:
        try:
            shown = _rendered(form.title.data or "", text, post.format, post.id)
        except Invalid as error:
            show_problem(form, error)
    return render_template(
        "authoring/edit.html",
        post=post,
        form=form,
        unsaved=unsaved,
        preview=shown,
        theirs=theirs,
        problem=problem,
        said=said or [],
        words=len(WORD.findall(text)),
        files=list_attachments(post.id),
        line_for=line_for,
        suggestions=suggestions(),
        left_by_mail=has_left(post.id),
    )


def _rendered(title: str, text: str, format: str, post_id: int | None) -> str:
    text = text_for(text)
    references = resolving(post_id, text)
    html = prefix_ids(render(text, title=title, format=format, references=references).html, PREVIEW_IDS)
    return render_template("authoring/_shown.html", html=html)


@bp.post("/write/preview")
@members_only
def preview() -> ResponseReturnValue:
    """What a text would look like; nothing is kept."""
    demand(asking(), "post.write")
    text = request.form.get("body", "")
    number = request.args.get("post", type=int)
    try:
        html = _rendered(request.form.get("title", ""), text, request.form.get("format", "markdown"), number)
        return {"html": html, "words": len(WORD.findall(text))}
    except Invalid as error:
        return _refused(error)


@bp.post(f"/posts/{ID}/files")
@members_only
def upload(post_id: int) -> ResponseReturnValue:
    """Attach one file, for the editor that puts its line where the cursor is."""
    file = request.files.get("file")
    try:
        if file is None or not file.filename:
            raise Invalid("Choose a file first.")
        attachment = attach(post_id, file.filename, file.stream, asking().id)
    except BlogError as error:
        return _refused(error)
    return {"line": line_for(attachment, read_format(post_id)), "name": attachment.filename}


def _refused(error: BlogError) -> ResponseReturnValue:
    return {"error": str(error)}, error.status


def _wants_json() -> bool:
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
