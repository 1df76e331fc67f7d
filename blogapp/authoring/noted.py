"""The notes on a post as its page for members shows them: its text, each passage with what was said about it."""

from dataclasses import dataclass
from typing import Any

from blogapp.auth.permissions import may
from blogapp.auth.session import asking
from blogapp.core.db import db
from blogapp.core.markup import prefix_ids
from blogapp.posts.models import Post
from blogapp.posts.notes import NoteThread, approvals_of, fingerprint, threads_of, where_now
from blogapp.posts.noting import LONGEST_NOTE
from blogapp.posts.passages import Passage, passages_of

# Stands between two passages while the text as a whole is made ready for the page; no author's text holds a comment.
BETWEEN = "<!--passage-->"
# As many passages as notes may stand beside, each a class of static/notes.css.
MOST_ROWS = 12


@dataclass(frozen=True)
class Noted:
    """A passage and what was said about it. `rows`: beside how many passages that may stand, this one the first."""

    passage: Passage
    place: int
    threads: list[NoteThread]
    rows: int


def notes_shown(post: Post) -> dict[str, Any]:
    """What templates/authoring/_noted.html needs: of a draft its text too; of another post the notes that it has."""
    session = db.session()
    threads = threads_of(session, post.id)
    draft = post.state == "draft" and post.deleted_at is None
    passages = passages_of(prefix_ids(post.html, "t-")) if draft else []
    placed = where_now(threads, [passage.words for passage in passages])
    return {
        "noted": _beside(passages, placed),
        "noted_html": BETWEEN.join(passage.html for passage in passages),
        "between": BETWEEN,
        "open_notes": [thread for thread in threads if thread.done_at is None],
        "lost": [thread for thread, place in placed if place is None],
        "approvals": approvals_of(session, post) if draft else [],
        "text_seen": fingerprint(session, post) if draft else "",
        "takes_notes": draft and may(asking(), "note.add", owner_id=post.author_id),
        "longest_note": LONGEST_NOTE,
    }


def _beside(passages: list[Passage], placed: list[tuple[NoteThread, int | None]]) -> list[Noted]:
    found: dict[int, list[NoteThread]] = {}
    for thread, place in placed:
        if place is not None:
            found.setdefault(place, []).append(thread)
    starts = sorted(found)
    until = dict(zip(starts, [*starts[1:], len(passages)], strict=False))
    return [
        Noted(passage, n, found.get(n, []), min(until.get(n, n + 1) - n, MOST_ROWS))
        for n, passage in enumerate(passages)
    ]
