"""Sections of a draft: adding one's own beside others, changing it, its place, taking it away."""

from collections.abc import Callable

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only, tell
from blogapp.authoring.blueprint import ID, bp
from blogapp.authoring.contributions import SectionForm, sections_shown
from blogapp.authoring.forms import show_problem
from blogapp.core.errors import BlogError, Conflict, Invalid, NotFound
from blogapp.posts import contributing
from blogapp.posts.models import Post
from blogapp.posts.queries import read_post
from blogapp.posts.sections import Section

SECTION = "<int(max=2147483647):section_id>"


@bp.route(f"/posts/{ID}/sections", methods=["GET", "POST"])
@members_only
def add_section(post_id: int) -> ResponseReturnValue:
    """Add a section: a form of its own; nothing that others write is touched."""
    demand(asking(), "section.add", owner_id=(post := read_post(post_id)).author_id)
    form = SectionForm()
    if request.method == "GET":
        return _add_page(post, form)
    if not form.validate():
        return _answer(post, form, 422)
    try:
        contributing.add_section(post_id, asking().id, **_typed(form))
    except (Conflict, Invalid, NotFound) as error:
        _show(form, error)
        return _answer(read_post(post_id), form, error.status)
    if form.beside.data:
        return _list(read_post(post_id), "Added.")
    tell("Added, with your signature.")
    return redirect(url_for("authoring.post", post_id=post_id) + "#sections", code=303)


def _typed(form: SectionForm) -> dict[str, str]:
    return {"title": form.title.data or "", "url": form.url.data or "", "body": form.body.data or ""}


def _show(form: SectionForm, error: BlogError) -> None:
    show_problem(form, error if isinstance(error, Invalid) else Invalid(str(error)))


def _answer(post: Post, form: SectionForm, status: int) -> ResponseReturnValue:
    """The form again, with what was typed and what is wrong with it."""
    return _list(post, "", form, status) if form.beside.data else (_add_page(post, form), status)


def _add_page(post: Post, form: SectionForm) -> str:
    return render_template("authoring/section_new.html", post=post, form=form)


def _list(post: Post, said: str, form: SectionForm | None = None, status: int = 200) -> ResponseReturnValue:
    """The list alone, for a page that stays where it is."""
    shown = sections_shown(post, form)
    return render_template("authoring/_sections.html", post=post, said=said, beside=True, **shown), status


@bp.route(f"/sections/{SECTION}", methods=["GET", "POST"])
@members_only
def section(section_id: int) -> ResponseReturnValue:
    """Change a section. Where somebody else was faster, both are there."""
    found, post = contributing.find_section(section_id, asking())
    if not contributing.may_change(asking(), found, post):
        demand(asking(), "post.edit", owner_id=post.author_id, public=post.state == "published")
    if request.method == "GET" and (found.woven_at is not None or post.state == "published"):
        tell("This section is part of the text by now.")
        return redirect(url_for("authoring.post", post_id=post.id), code=303)
    values = {"title": found.title, "url": found.url, "body": found.body, "version": found.version}
    form = SectionForm(data=values)
    if request.method == "GET":
        return render_template("authoring/section.html", post=post, section=found, form=form, theirs=None)
    if not form.validate():
        return render_template("authoring/section.html", post=post, section=found, form=form, theirs=None), 422
    try:
        contributing.edit_section(section_id, form.version.data or 0, asking().id, **_typed(form))
    except (Conflict, Invalid, NotFound) as error:
        return _refused(section_id, form, error), error.status
    tell("Saved.")
    return redirect(url_for("authoring.post", post_id=post.id) + "#sections", code=303)


def _refused(section_id: int, form: SectionForm, error: BlogError) -> str:
    """The form with what was typed; with what somebody else saved meanwhile, and that version to save over."""
    found, post = contributing.find_section(section_id, asking())
    _show(form, error)
    theirs = found if isinstance(error, Conflict) and form.version.data != found.version else None
    if theirs is not None:
        form.version.data, form.version.raw_data = found.version, [str(found.version)]
    return render_template("authoring/section.html", post=post, section=found, form=form, theirs=theirs)


@bp.post(f"/sections/{SECTION}/place")
@members_only
def move_section(section_id: int) -> ResponseReturnValue:
    """Put it before the one above, or after the one below."""
    up = request.form.get("to") == "up"
    return _act(section_id, lambda: contributing.move_section(section_id, asking().id, up=up), "")


@bp.post(f"/sections/{SECTION}/removal")
@members_only
def remove_section(section_id: int) -> ResponseReturnValue:
    """Take it away; the list keeps a way back."""
    done = "Taken away. It can be brought back below."
    return _act(section_id, lambda: contributing.remove_section(section_id, asking().id), done)


@bp.post(f"/sections/{SECTION}/return")
@members_only
def return_section(section_id: int) -> ResponseReturnValue:
    """Bring it back to its place."""
    return _act(section_id, lambda: contributing.bring_back_section(section_id, asking().id), "It is back.")


def _act(section_id: int, act: Callable[[], Section], done: str) -> ResponseReturnValue:
    _, post = contributing.find_section(section_id, asking())
    number, status = post.id, 200
    try:
        act()
    except Conflict as error:
        done, status = str(error), error.status
    if request.form.get("beside"):
        return _list(read_post(number), done, status=status)
    if done:
        tell(done)
    return redirect(url_for("authoring.post", post_id=number) + "#sections", code=303)
