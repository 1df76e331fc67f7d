"""The editor's page: its form, and what stands around it."""

import re
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from blogapp.auth.members import list_members
from blogapp.auth.permissions import may
from blogapp.auth.session import asking
from blogapp.authoring.circles import offer_circle
from blogapp.authoring.contributions import sections_shown
from blogapp.authoring.forms import EditForm, show_problem
from blogapp.authoring.saving import base_of, fields_of
from blogapp.authoring.showing import circle_of_post
from blogapp.core.db import db
from blogapp.core.errors import BlogError, Invalid
from blogapp.core.markup import prefix_ids, render
from blogapp.digest.correcting import has_left
from blogapp.posts.attachments import line_for
from blogapp.posts.glossary import resolving
from blogapp.posts.models import Post
from blogapp.posts.naming import text_for
from blogapp.posts.presence import others_at
from blogapp.posts.queries import list_attachments
from blogapp.posts.sections import text_of
from blogapp.posts.tags import suggestions

WORD = re.compile(r"\w+(?:['’-]\w+)*")
PREVIEW_IDS = "preview-"
# Silent reading of English prose, words a minute (Brysbaert 2019, doi 10.1016/j.jml.2019.104047).
READ_PER_MINUTE = 238


def form_for(post: Post) -> EditForm:
    """The form with the post in it, or with what was sent."""
    fields = {name: value for name, value in fields_of(post).items() if name not in ("readers", "viewers")}
    form = EditForm(
        data={
            **fields,
            "author": post.author_id,
            "in_menu": post.in_menu,
            "version": post.version,
            "base": base_of(post),
        }
    )
    offer_circle(form, post)
    if may(asking(), "post.credit"):
        form.author.choices = [(m.id, m.name) for m in list_members() if m.active or m.id == post.author_id]
    else:
        del form.author
    return form


def put(field: Any, value: str) -> None:
    """Set what a field shows; WTForms would show again what was sent."""
    field.data, field.raw_data = value, [value]


def count_words(text: str) -> int:
    """As the editor counts them while somebody types."""
    return len(WORD.findall(text))


def reading_minutes(words: int) -> int:
    """How long reading takes, in whole minutes, at least one."""
    return max(1, round(words / READ_PER_MINUTE))


def editor_page(
    post: Post,
    form: EditForm,
    *,
    unsaved: bool = False,
    preview: bool = False,
    changed: str = "",
    problem: Invalid | None = None,
    said: list[str] | None = None,
) -> str:
    """The page.

    Args:
        unsaved: it holds what nobody has saved yet.
        changed: why it was not saved although nothing is wrong with it.
        said: what was done, a line each.
    """
    text = form.body.data or ""
    shown = None
    if preview:
        try:
            shown = rendered(form.title.data or "", text, post.format, post.id)
        except Invalid as error:
            show_problem(form, error)
    words = count_words(text)
    return render_template(
        "authoring/edit.html",
        post=post,
        circle=circle_of_post(post),
        form=form,
        unsaved=unsaved,
        preview=shown,
        changed=changed,
        problem=problem,
        said=said or [],
        words=words,
        minutes=reading_minutes(words),
        files=list_attachments(post.id),
        line_for=line_for,
        suggestions=suggestions(),
        left_by_mail=has_left(post.id),
        others=others_at(post.id, asking().id),
        **sections_shown(post),
    )


def rendered(title: str, text: str, format: str, post_id: int | None = None) -> str:
    """A text as its page would show it, with the sections that wait to become part of the post's text."""
    text = text_for(text) if post_id is None else text_of(db.session(), post_id, text_for(text))
    references = resolving(post_id, text) if format == "markdown" else {}
    html = prefix_ids(render(text, title=title, format=format, references=references).html, PREVIEW_IDS)
    return render_template("authoring/_shown.html", html=html)


def refused(error: BlogError) -> ResponseReturnValue:
    """What the editor is told that saves without loading anew."""
    return {"error": str(error)}, error.status


def wants_json() -> bool:
    """Whether the editor's script asks rather than a plain form."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
