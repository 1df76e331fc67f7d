"""Corrections of what has left by mail: told in the next digest, or sent at once to those who got the post.

One sending for each that carried the post, since a correction is threaded to the very mail that its reader has.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.errors import Conflict
from blogapp.delivery.wake import DIGESTS, notify
from blogapp.digest.beginning import tried, unchanged
from blogapp.digest.compose import Composed, compose_correction
from blogapp.digest.family import add_sending
from blogapp.digest.models import Batch, Digest, Sending, sending_digests
from blogapp.digest.progress import reached_by_sending
from blogapp.posts.corrections import Correction
from blogapp.posts.models import Post
from blogapp.posts.queries import find_post


@dataclass(frozen=True)
class Known:
    """A correction of a post that has left by mail, and how those who got it hear of it.

    `state`: `next` (the next digest tells it), `told` (a digest did), `approved` (it leaves at once), `begun`, `sent`;
    `only here`: nobody is told, as it came before there was a way.
    """

    id: int
    at: datetime
    note: str
    state: str
    accepted: int = 0
    candidates: int = 0

    @property
    def words(self) -> str:
        """What a member reads."""
        return {
            "next": "Those who got the post by mail are told in the next digest, or at once if you send it now.",
            "told": "A digest has told of it.",
            "approved": "It leaves by mail as soon as the digest itself is out.",
            "begun": f"It leaves by mail: {self.accepted:,} of {self.candidates:,} are done.",
            "sent": f"Sent by mail to {'1 person' if self.accepted == 1 else f'{self.accepted:,} people'}.",
            "only here": "Told on the page only.",
        }[self.state]


def corrections_that_left(post_id: int) -> list[Known]:
    """The corrections of a post made after its digest began to leave, the newest first."""
    query = select(Correction).where(Correction.post_id == post_id, _after_the_mail())
    found = db.session.execute(query.order_by(Correction.at.desc(), Correction.id.desc())).scalars().all()
    begun = {one.told_in for one in found if one.told_in and one.told == "mail"}
    reached = reached_by_sending(db.session(), begun)
    main = func.coalesce(Sending.main_id, Sending.id)
    leaving = set(db.session.execute(select(main).where(main.in_(begun), Sending.state != "sent")).scalars())
    return [Known(one.id, one.at, one.note, _state(one, leaving), *reached.get(one.told_in or 0, ())) for one in found]


def has_left(post_id: int) -> bool:
    """Whether the post's digest has begun to leave, so that a correction may concern somebody's mailbox."""
    query = select(Digest.id).where(Digest.post_id == post_id, Digest.sending_id.is_not(None))
    return db.session.execute(query).first() is not None


def send_correction(post_id: int, correction_id: int, by: int) -> Correction:
    """Have a correction leave at once, to those who got the post and still want mail. Twice is once.

    Raises:
        NotFound: there is no such post.
        NotAllowed: `by` may not publish it.
        Conflict: it has no such correction, has not left by mail or is not public, or a digest has told of it.
    """
    with transaction() as session:
        post = find_post(session, post_id, by=by)
        demand(session.get(Member, by), "post.publish", owner_id=post.author_id)
        correction = session.get(Correction, correction_id, with_for_update=True, populate_existing=True)
        if correction is None or correction.post_id != post.id:
            raise Conflict("This post has no such correction.")
        if correction.told == "mail":
            return correction
        if correction.told_in is not None:
            raise Conflict("A digest has told of this correction already.")
        left = select(Correction.id).where(Correction.id == correction_id, _after_the_mail())
        if not post.is_public or session.execute(left).first() is None:
            raise Conflict("Nobody got this post by mail before it was corrected, so there is nobody to write to.")
        correction.told = "mail"
        record(session, "correction.send", f"post:{post.id}", by=by, correction=correction_id)
        notify(session, DIGESTS)
        return correction


def send_newest_correction(post_id: int, by: int) -> Correction:
    """The same for the correction that was just recorded. Raises as above."""
    query = select(Correction.id).where(Correction.post_id == post_id)
    number = db.session.execute(query.order_by(Correction.at.desc(), Correction.id.desc()).limit(1)).scalar()
    return send_correction(post_id, number or 0, by)


def begin_approved() -> int:
    """Begin what was approved, once the mails that it goes after are out. Returns how many corrections began."""
    query = (
        select(Correction.id, Correction.post_id, Correction.note)
        .join(Post, Post.id == Correction.post_id)
        .where(Correction.told == "mail", Correction.told_in.is_(None))
        .where(Post.state == "published", Post.visibility == "public")
        .order_by(Correction.id)
    )
    waiting = db.session.execute(query).all()
    return sum(_begin(*row) for row in waiting if not _is_leaving(db.session(), row.post_id))


def _begin(correction_id: int, post_id: int, note: str) -> bool:
    def make(session: Session) -> list[tuple[int, Composed]]:
        made = []
        for number, message in _originals(session, post_id):
            one = tried(partial(compose_correction, session, post_id, note, message, date=now()), post=post_id)
            if one is not None:
                made.append((number, one))
        return made

    def write(session: Session, made: Sequence[tuple[int, Composed]]) -> bool:
        post = session.get(Post, post_id, populate_existing=True)
        if post is None or not post.is_public:
            return False  # Withdrawn or limited a moment ago.
        correction = session.get(Correction, correction_id, with_for_update=True, populate_existing=True)
        if correction is None or correction.told != "mail" or correction.told_in is not None:
            return False
        first: int | None = None
        for number, composed in made:
            last = session.get_one(Sending, number).last_subscriber_id
            once = {"occasion": f"correction:{correction_id}"} if first is None else {"main_id": first}
            sending = add_sending(
                session, composed, kind="correction", original_id=number, last_subscriber_id=last, **once
            )
            first = first or sending.id
        # Where there was no mail after all, or none can be made of it, the page alone tells.
        correction.told, correction.told_in = ("mail" if first else None), first
        record(session, "correction.begin", f"post:{post_id}", by=None, correction=correction_id, sending=first)
        return first is not None

    return unchanged(make, write)


def _originals(session: Session, post_id: int) -> list[tuple[int, bytes]]:
    """The sendings that carried the post to anybody, and their frozen messages."""
    query = _carrying(post_id).where(Sending.candidates > 0).with_only_columns(Sending.id, Sending.message)
    return [(number, bytes(message)) for number, message in session.execute(query.order_by(Sending.id))]


def _is_leaving(session: Session, post_id: int) -> bool:
    """Whether somebody is still to get the post for the first time; a few who are tried again later do not count."""
    unfinished = exists().where(Batch.sending_id == Sending.id, Batch.state != "done")
    planning = Sending.planned_to < Sending.last_subscriber_id
    query = _carrying(post_id).where((Sending.state == "planning") | planning | unfinished)
    return session.execute(query.with_only_columns(Sending.id).limit(1)).first() is not None


def _carrying(post_id: int) -> Select[Sending]:
    carries = sending_digests.c.sending_id == Sending.id
    return (
        select(Sending)
        .join(sending_digests, carries)
        .join(Digest, Digest.id == sending_digests.c.digest_id)
        .where(Digest.post_id == post_id)
    )


def _after_the_mail() -> ColumnElement[bool]:
    """Of a correction: the post's digest had begun to leave before it."""
    return exists().where(
        Digest.post_id == Correction.post_id, Sending.id == Digest.sending_id, Sending.planned_at < Correction.at
    )


def _state(correction: Correction, leaving: Collection[int | None]) -> str:
    if correction.told is None:
        return "only here"
    if correction.told == "digest":
        return "next" if correction.told_in is None else "told"
    if correction.told_in is None:
        return "approved"
    return "begun" if correction.told_in in leaving else "sent"
