"""Notes on a draft, each beside a passage of it, and who said that it looks good. For members only, always.

Nothing that readers get, no export and no mail reads these tables.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import Base, UTCDateTime, db
from blogapp.posts.models import Post
from blogapp.posts.passages import Finder, passages_of
from blogapp.posts.sections import text_of


class NoteThread(Base):
    """What was said about one passage. `quote`: the passage as it was when the first note was left.

    `words` and `place` are how the passage was seen last; they follow each edit (`follow_edit`). Of a passage that is
    gone they stay as they were, so that it is found again when it comes back.
    """

    __tablename__ = "note_threads"

    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), index=True)
    quote: Mapped[str]
    words: Mapped[str]
    place: Mapped[int]
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    notes: Mapped[list["Note"]] = relationship(
        order_by="Note.id", cascade="all, delete-orphan", passive_deletes=True, lazy="selectin"
    )


class Note(Base):
    """What a member said, as plain text. The first one of a thread opened it; the others answer."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("note_threads.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    member: Mapped[Member] = relationship(lazy="joined")


class Approval(Base):
    """A member says that a draft looks good. `text_sha256`: the text that they said it of (`fingerprint`)."""

    __tablename__ = "approvals"

    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"), primary_key=True)
    text_sha256: Mapped[str]
    said_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    member: Mapped[Member] = relationship(lazy="joined")


@dataclass(frozen=True)
class Said:
    """Somebody's "looks good". `current`: the text is the one that they said it of."""

    member: Member
    current: bool


def fingerprint(session: Session, post: Post) -> str:
    """What tells one text of a post from another: its title and all that it says, not its tags or address."""
    said = f"{post.title}\0{text_of(session, post.id, post.body)}"
    return hashlib.sha256(said.encode()).hexdigest()


def threads_of(session: Session, post_id: int) -> list[NoteThread]:
    """What was said about a post, the oldest thread first."""
    query = select(NoteThread).where(NoteThread.post_id == post_id).order_by(NoteThread.id)
    return list(session.execute(query.execution_options(populate_existing=True)).scalars())


def approvals_of(session: Session, post: Post) -> list[Said]:
    """Who said that it looks good, in the order in which they did."""
    query = select(Approval).where(Approval.post_id == post.id).order_by(Approval.said_at, Approval.member_id)
    found = session.execute(query.execution_options(populate_existing=True)).scalars().all()
    text = fingerprint(session, post) if found else ""
    return [Said(one.member, one.text_sha256 == text) for one in found]


def count_open(post_ids: Sequence[int]) -> dict[int, int]:
    """How many notes wait to be done, by post; an answer is none of its own."""
    if not post_ids:
        return {}
    query = select(NoteThread.post_id, func.count()).where(
        NoteThread.post_id.in_(post_ids), NoteThread.done_at.is_(None)
    )
    return {row[0]: row[1] for row in db.session.execute(query.group_by(NoteThread.post_id))}


def follow_edit(session: Session, post_id: int | None, before: str, after: str) -> None:
    """Let the notes on a post follow their passages, in the transaction that gives it other HTML."""
    if post_id is None or before == after:
        return
    threads = threads_of(session, post_id)
    if not threads:
        return
    passages = [passage.words for passage in passages_of(after)]
    finder = Finder(passages, known={passage.words for passage in passages_of(before)})
    for thread in threads:
        found = finder.find(thread.words, thread.place)
        if found is not None:
            thread.words, thread.place = passages[found], found


def move_notes(session: Session, old_id: int, new_id: int) -> None:
    """Let the notes on one draft stand beside the same passages of another one that takes in its text."""
    session.execute(update(NoteThread).where(NoteThread.post_id == old_id).values(post_id=new_id))


def where_now(threads: Iterable[NoteThread], passages: Sequence[str]) -> list[tuple[NoteThread, int | None]]:
    """Each thread with the passage that it is about; None: that is gone."""
    # What is similar was found when the text was saved. Here only what is the same counts.
    finder = Finder(passages, known=frozenset(passages))
    return [(one, finder.find(one.words, one.place)) for one in threads]
