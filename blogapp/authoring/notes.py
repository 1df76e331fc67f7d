"""Notes on a draft: leaving one beside a passage, answering, deleting one's own, marking as done; "looks good"."""

from collections.abc import Callable

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blogapp.auth.session import asking, members_only
from blogapp.authoring.blueprint import ID, bp
from blogapp.authoring.showing import post_page
from blogapp.core.errors import Conflict, Invalid, NotFound
from blogapp.posts import noting

THREAD = "<int(max=2147483647):thread_id>"
NOTE = "<int(max=2147483647):note_id>"


@bp.post(f"/posts/{ID}/notes")
@members_only
def add_note(post_id: int) -> ResponseReturnValue:
    """Leave a note beside a passage."""
    words, body = request.form.get("words", ""), request.form.get("body", "")
    return _say(
        post_id, lambda: noting.add_note(post_id, asking().id, words=words, place=_place(), body=body).thread_id
    )


def _place() -> int:
    text = request.form.get("place", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


@bp.post(f"/posts/{ID}/threads/{THREAD}")
@members_only
def answer_note(post_id: int, thread_id: int) -> ResponseReturnValue:
    """Answer in a thread."""
    body = request.form.get("body", "")
    return _say(post_id, lambda: noting.answer_note(post_id, thread_id, asking().id, body=body).thread_id)


@bp.post(f"/posts/{ID}/threads/{THREAD}/state")
@members_only
def settle_thread(post_id: int, thread_id: int) -> ResponseReturnValue:
    """Mark a thread as done, or take it up again."""
    noting.settle_thread(post_id, thread_id, asking().id, done=request.form.get("done") == "yes")
    return _back(post_id, f"thread-{thread_id}")


@bp.post(f"/posts/{ID}/notes/{NOTE}/removal")
@members_only
def delete_note(post_id: int, note_id: int) -> ResponseReturnValue:
    """Delete one's own note."""
    noting.delete_note(post_id, note_id, asking().id)
    return _back(post_id, "text")


@bp.post(f"/posts/{ID}/approval")
@members_only
def looks_good(post_id: int) -> ResponseReturnValue:
    """Say that it looks good, or take that back."""

    def act() -> None:
        if request.form.get("said") == "no":
            noting.take_back_looks_good(post_id, asking().id)
        else:
            noting.say_looks_good(post_id, asking().id, text=request.form.get("text", ""))

    return _say(post_id, act)


def _say(post_id: int, act: Callable[[], int | None]) -> ResponseReturnValue:
    """Back to the place in the text; where it was refused the page says why, and still has what was typed."""
    asking()
    try:
        thread = act()
    except (Conflict, Invalid, NotFound) as problem:
        page = render_template(
            "authoring/post.html", **post_page(post_id), problem=problem, typed=request.form.get("body", "")
        )
        return page, problem.status
    return _back(post_id, "looks-good" if thread is None else f"thread-{thread}")


def _back(post_id: int, anchor: str) -> ResponseReturnValue:
    return redirect(url_for("authoring.post", post_id=post_id, _anchor=anchor), code=303)
