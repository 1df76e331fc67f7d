"""Leaving notes on a draft, answering them, marking them as done; and saying that a draft looks good.

Nobody gets a mail of it, and the draft stays as it is: no use case here touches the post's row or what readers see.
"""

import re
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import now
from blogapp.core.db import transaction
from blogapp.core.errors import Conflict, Invalid, NotAllowed, NotFound
from blogapp.posts.models import Post
from blogapp.posts.naming import text_for
from blogapp.posts.notes import Approval, Note, NoteThread, fingerprint, threads_of
from blogapp.posts.passages import MOST_CHARACTERS, find_passage, passages_of
from blogapp.posts.queries import find_post

LONGEST_NOTE = 5000
MOST_THREADS = 300
MOST_NOTES = 100
# How soon the same words again are the same click, or its repetition after an answer that got lost.
TWICE = timedelta(minutes=1)
SHA256 = re.compile(r"[0-9a-f]{64}")


def add_note(post_id: int, by: int, *, words: str, place: int, body: str) -> Note:
    """Leave a note beside a passage of a draft. Pressed twice it is one.

    Args:
        words: of the passage as whoever writes saw it. If it was edited since, the note stands beside what became of
            it; if it is gone, among the notes on what is no longer there.
        place: which passage it was, from 0.

    Raises:
        NotFound: there is no such post, or none that `by` may know of.
        NotAllowed: `by` is no member who works here.
        Conflict: the post is published by now.
        Invalid: the note is empty or too long, or there are too many (`fields` says what).
    """
    said, quote = _checked(body), " ".join(text_for(words).split())[:MOST_CHARACTERS].strip()
    if not quote:
        raise Invalid("Say which paragraph the note is about.", {"words": "Say which paragraph the note is about."})
    with transaction() as session:
        post = _open_post(session, post_id, by)
        threads = threads_of(session, post_id)
        passages = [passage.words for passage in passages_of(post.html)]
        found = find_passage(quote, place, passages)
        seen = (quote, place) if found is None else (passages[found], found)
        for thread in threads:
            if (thread.words, thread.place) == seen and _is_repeated(thread, by, said):
                return thread.notes[-1]
        if len(threads) >= MOST_THREADS:
            raise Invalid(f"This draft has {MOST_THREADS} notes, and that is the most. Answer one of them instead.")
        thread = NoteThread(post_id=post_id, quote=quote, words=seen[0], place=seen[1])
        session.add(thread)
        return _say(session, thread, by, said, "note.add")


def answer_note(post_id: int, thread_id: int, by: int, *, body: str) -> Note:
    """Answer in a thread. One that was done is taken up again by it.

    Raises:
        NotFound, NotAllowed, Conflict, Invalid: as for `add_note`; somebody took the notes away.
    """
    said = _checked(body)
    with transaction() as session:
        _open_post(session, post_id, by)
        thread = _find_thread(session, post_id, thread_id)
        if _is_repeated(thread, by, said):
            return thread.notes[-1]
        if len(thread.notes) >= MOST_NOTES:
            raise Invalid(f"There are {MOST_NOTES} notes on this already, and that is the most.")
        thread.done_at = None
        return _say(session, thread, by, said, "note.answer")


def delete_note(post_id: int, note_id: int, by: int) -> None:
    """Delete one's own note for good, published or not. The last of a thread takes it along.

    Raises:
        NotFound: there is none, or none that `by` may know of.
        NotAllowed: somebody else wrote it.
    """
    with transaction() as session:
        post = find_post(session, post_id, by=by)
        demand(session.get(Member, by), "note.add", owner_id=post.author_id)
        note = session.get(Note, note_id, populate_existing=True)
        if note is None:
            raise NotFound("There is no such note.")
        thread = _find_thread(session, post_id, note.thread_id)
        if note.member_id != by:
            raise NotAllowed("Only whoever wrote a note can delete it. You can mark it as done.")
        if len(thread.notes) == 1:
            session.delete(thread)
        else:
            thread.notes.remove(note)
        record(session, "note.delete", f"post:{post_id}", by=by, note=note_id)


def settle_thread(post_id: int, thread_id: int, by: int, *, done: bool) -> None:
    """Mark a thread as done, or take it up again. Anybody who may leave a note may.

    Raises:
        NotFound, NotAllowed: as for `add_note`.
    """
    with transaction() as session:
        post = find_post(session, post_id, by=by)
        demand(session.get(Member, by), "note.add", owner_id=post.author_id)
        thread = _find_thread(session, post_id, thread_id)
        if done == (thread.done_at is not None):
            return
        thread.done_at = now() if done else None
        record(session, "note.done" if done else "note.reopen", f"post:{post_id}", by=by, thread=thread_id)


def say_looks_good(post_id: int, by: int, *, text: str = "") -> None:
    """Say that a draft looks good. It informs and never stops anybody from publishing.

    Args:
        text: the `fingerprint` of the text that `by` saw; that one is what they said it of. "": the present one.

    Raises:
        NotFound, NotAllowed, Conflict: as for `add_note`.
    """
    with transaction() as session:
        post = _open_post(session, post_id, by)
        seen = text if SHA256.fullmatch(text) else fingerprint(session, post)
        session.merge(Approval(post_id=post_id, member_id=by, text_sha256=seen, said_at=now()))
        record(session, "post.approve", f"post:{post_id}", by=by)


def take_back_looks_good(post_id: int, by: int) -> None:
    """Say it no longer.

    Raises:
        NotFound, NotAllowed, Conflict: as for `add_note`.
    """
    with transaction() as session:
        _open_post(session, post_id, by)
        approval = session.get(Approval, (post_id, by))
        if approval is not None:
            session.delete(approval)
            record(session, "post.unapprove", f"post:{post_id}", by=by)


def _open_post(session: Session, post_id: int, by: int) -> Post:
    post = find_post(session, post_id, by=by)
    demand(session.get(Member, by), "note.add", owner_id=post.author_id)
    if post.state == "published":
        raise Conflict("This post is published by now, so it takes no more notes. What you typed is still here.")
    return post


def _find_thread(session: Session, post_id: int, thread_id: int) -> NoteThread:
    query = select(NoteThread).where(NoteThread.id == thread_id, NoteThread.post_id == post_id)
    thread = session.execute(query.execution_options(populate_existing=True)).scalar_one_or_none()
    if thread is None:
        raise NotFound("These notes are gone: whoever wrote them deleted them.")
    return thread


def _is_repeated(thread: NoteThread, by: int, said: str) -> bool:
    """Whether it was said just now already: somebody pressed twice. What is done, or a while ago, may be said again."""
    if not thread.notes or thread.done_at is not None:
        return False
    last = thread.notes[-1]
    return (last.member_id, last.body) == (by, said) and last.created_at > now() - TWICE


def _say(session: Session, thread: NoteThread, by: int, said: str, act: str) -> Note:
    note = Note(member_id=by, body=said)
    thread.notes.append(note)
    session.flush()
    record(session, act, f"post:{thread.post_id}", by=by, note=note.id)
    return note


def _checked(body: str) -> str:
    """
    Raises:
        Invalid: there is none, or it is too long. The field is `body`.
    """
    said = text_for(body).strip()
    if not said:
        message = "The note is empty. Write something first."
    elif len(said) > LONGEST_NOTE:
        message = f"The note is too long: {len(said):,} characters, and {LONGEST_NOTE:,} is the most."
    else:
        return said
    raise Invalid(message, {"body": message})
