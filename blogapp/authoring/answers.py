"""What the editor is told when it saves: done, done together with others, or both texts to choose from."""

from collections.abc import Callable
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blogapp.auth.session import asking, tell
from blogapp.authoring.comparing import compare
from blogapp.authoring.forms import EditForm, show_problem
from blogapp.authoring.saving import (
    Clashing,
    Saved,
    StateChanged,
    base_of,
    fields_of,
    read_typed,
    save,
    settle,
    with_state,
)
from blogapp.authoring.sheet import editor_page, put, refused, wants_json
from blogapp.authoring.together import FIELDS, edits
from blogapp.core.clock import now
from blogapp.core.errors import BlogError, Conflict, Invalid
from blogapp.core.web import local
from blogapp.digest.correcting import send_newest_correction
from blogapp.posts.models import Post
from blogapp.posts.naming import text_for
from blogapp.posts.queries import read_post


def save_answer(post: Post, form: EditForm) -> ResponseReturnValue:
    """Save what was sent, and say what became of it."""
    return _answer(post.id, form, lambda: save(post.id, read_typed(form, _correction(form)), asking().id))


def settle_answer(post: Post, form: EditForm) -> ResponseReturnValue:
    """Save what was sent with its clashes settled as chosen (`choice-0` and so on)."""
    chosen = [value for name, value in sorted(request.form.items(), key=_number) if name.startswith("choice-")]
    held = form.held.data or 0

    def act() -> Saved:
        return settle(post.id, read_typed(form, _correction(form)), held, chosen, asking().id)

    return _answer(post.id, form, act, anchor="settled")


def _number(pair: tuple[str, str]) -> int:
    number = pair[0].removeprefix("choice-")
    return int(number) if number.isdecimal() and len(number) < 6 else -1


def _answer(
    post_id: int, form: EditForm, act: Callable[[], Saved], *, anchor: str | None = None
) -> ResponseReturnValue:
    """
    Args:
        anchor: where the editor opens. `settled`: what the browser kept of it is not needed any more (keeping.js).
    """
    try:
        saved = act()
    except Clashing as clash:
        return ({"error": str(clash), "clash": True}, 409) if wants_json() else (_clash_page(form, clash), 409)
    except StateChanged as error:
        return refused(error) if wants_json() else (_look_again(post_id, form, error), error.status)
    except Invalid as error:
        show_problem(form, error)
        page = refused(error) if wants_json() else None
        return page or (editor_page(read_post(post_id), form, unsaved=True, problem=error), error.status)
    except Conflict as error:
        return refused(error) if wants_json() else (_look_again(post_id, form, error), error.status)
    words = _said(saved)
    if form.correction.data and form.correction_told.data == "mail":
        words += _send_correction(saved.post.id)
    if wants_json():
        return _as_json(form, saved, words)
    tell(words)
    return redirect(url_for("authoring.edit", post_id=saved.post.id, _anchor=anchor), code=303)


def _said(saved: Saved) -> str:
    live = ", and live" if saved.post.is_public else ""
    together = f" {saved.others} are in it, too." if saved.others else ""
    return f"Saved at {local(now()):%H:%M}{live}.{together}"


def _as_json(form: EditForm, saved: Saved, words: str) -> dict[str, Any]:
    """The post as it is now, and what turns the text that was sent into it."""
    sent = (form.body.data or "").replace("\r\n", "\n")
    body = saved.fields["body"]
    answer: dict[str, Any] = {
        "version": saved.post.version,
        "base": base_of(saved.post),
        "fields": {name: value for name, value in saved.fields.items() if name != "body"},
        "taken": list(saved.taken),
        "edits": edits(sent, body) if sent != body else [],
        "message": words,
    }
    if saved.others:
        pieces = compare(text_for(sent), body)
        answer["others"] = saved.others
        answer["changes"] = render_template("authoring/_pieces.html", pieces=pieces) if pieces else ""
    return answer


def _look_again(post_id: int, form: EditForm, why: BlogError) -> str:
    """The editor with what was typed; saving again means the post as it is now."""
    post = read_post(post_id)
    put(form.base, with_state(form.base.data or "", post))
    return editor_page(post, form, unsaved=True, changed=str(why))


def _clash_page(form: EditForm, clash: Clashing) -> str:
    """Both texts where they clash, to choose from; everything that was typed travels along."""
    kept = [(name, value) for name, value in request.form.items(multi=True) if _travels(name)]
    labels = {name: form[name].label.text for name in FIELDS if name in form}
    return render_template(
        "authoring/clash.html",
        post=clash.post,
        newest=clash.newest,
        clashes=clash.together.clashes,
        kept=kept,
        labels=labels,
        theirs=fields_of(clash.post),
        mine={"title": form.title.data or "", "body": text_for(form.body.data or "")},
    )


def _travels(name: str) -> bool:
    return name not in ("do", "held", "csrf_token", "auto") and not name.startswith("choice-")


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
