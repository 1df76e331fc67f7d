"""From a digest that is due to a sending with batches. Here "never again" begins."""

import logging
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.site import site_version
from blogapp.digest import bitmap, notices, outlook
from blogapp.digest.audience import eligible
from blogapp.digest.compose import Composed, compose
from blogapp.digest.models import Batch, Digest, Sending
from blogapp.posts.models import Post
from blogapp.subscribing.models import Subscriber

log = logging.getLogger(__name__)

BATCH = 500
# Where few of the ids are candidates a batch ends sooner: its bitmaps stay within 1 kB.
WIDEST = 8192
# Candidates planned in one transaction (some 10 ms): SQLite's write lock may be held for 200 ms at most.
SLICE = 2500
COMPOSE_AGAIN_AFTER = timedelta(minutes=5)
TRIES = 5


def begin_due(owner: str) -> int:
    """Begin the sending of every digest whose time has come. Returns how many began.

    The message is composed before the transaction that begins it, and thrown away if anything that readers can see has
    changed in between. That transaction locks post and digest, in the order in which `publishing` does, and looks
    again: a withdrawal comes either before it, and nothing leaves, or after it, and changes nothing.
    """
    query = (
        select(Digest.id, Digest.post_id)
        .join(Post, Post.id == Digest.post_id)
        .where(Digest.state == "waiting", Digest.due_at <= now(), Post.state == "published")
        .order_by(Digest.due_at, Digest.id)
    )
    due = db.session.execute(query).all()
    return sum(_begin(digest_id, post_id, owner) for digest_id, post_id in due)


def next_due() -> datetime | None:
    """When the next waiting digest is due."""
    query = select(func.min(Digest.due_at)).where(Digest.state == "waiting")
    return db.session.execute(query).scalar()


def plan(sending_id: int, seconds: float = float("inf")) -> bool:
    """Cut a sending's audience into batches, slice by slice, for at most so many seconds; whether that is done."""
    until = time.monotonic() + seconds
    while _plan_slice(sending_id):
        if time.monotonic() >= until:
            return False
    return True


def plan_some(seconds: float) -> bool:
    """Plan what is to be planned, for about so long; whether there was anything."""
    numbers = db.session.execute(select(Sending.id).where(Sending.state == "planning").order_by(Sending.id)).scalars()
    todo = list(numbers)
    for number in todo:
        plan(number, seconds)
    return bool(todo)


def _begin(digest_id: int, post_id: int, owner: str) -> bool:
    if _holds(digest_id, post_id):
        return False
    for _ in range(TRIES):
        db.session.rollback()  # Look at the present.
        seen = site_version()
        try:
            composed = compose(db.session(), post_id, date=now())
        except DBAPIError:
            raise  # It is not the digest's fault: the loop comes back in a moment.
        except Exception as error:
            # Whatever else it is, it must not keep the other digests from leaving.
            log.exception("a digest cannot be composed", extra={"digest": digest_id})
            _postpone(digest_id, post_id, error)
            return False
        finally:
            db.session.rollback()
        with transaction() as session:
            digest = _lock(session, digest_id, post_id)
            if digest is None:
                return False
            if site_version() == seen:
                _start(session, digest, composed)
                record(session, "digest.begin", f"digest:{digest_id}", by=None, worker=owner)
                return True
    return False  # Very busy: the loop comes back at once.


def _holds(digest_id: int, post_id: int) -> bool:
    """Whether the digest is held, because its audience is not at all what its author was told of."""
    db.session.rollback()
    seen = outlook.to_hold(digest_id)
    if seen is None:
        return False
    with transaction() as session:
        digest = _lock(session, digest_id, post_id)
        if digest is not None:
            outlook.hold(session, digest, seen)
    return True


def _lock(session: Session, digest_id: int, post_id: int) -> Digest | None:
    """The digest, if it is to leave now: post published, digest waiting and due."""
    post = session.get(Post, post_id, with_for_update={"of": Post}, populate_existing=True)
    digest = session.get(Digest, digest_id, with_for_update={"of": Digest}, populate_existing=True)
    if post is None or digest is None or post.state != "published" or post.deleted_at is not None:
        return None
    return digest if digest.state == "waiting" and digest.due_at <= now() else None


def _start(session: Session, digest: Digest, composed: Composed) -> None:
    last = session.execute(select(func.max(Subscriber.id))).scalar()
    sending = Sending(
        subject=composed.subject,
        message=composed.template.message,
        places=composed.template.to_json(),
        last_subscriber_id=last or 0,
    )
    session.add(sending)
    session.flush()
    digest.state, digest.sending_id = "sending", sending.id


def _postpone(digest_id: int, post_id: int, error: Exception) -> None:
    db.session.rollback()
    with transaction() as session:
        digest = _lock(session, digest_id, post_id)
        if digest is None:
            return
        digest.due_at = now() + COMPOSE_AGAIN_AFTER
        notices.cannot_compose(session, digest, f"{type(error).__name__}: {error}")


def _plan_slice(sending_id: int) -> bool:
    """Plan the next few thousand candidates; whether there may be more."""
    with transaction() as session:
        sending = session.get(Sending, sending_id, with_for_update=True, populate_existing=True)
        if sending is None or sending.state != "planning":
            return False
        query = (
            select(Subscriber.id)
            .where(eligible(sending.planned_at))
            .where(Subscriber.id > sending.planned_to, Subscriber.id <= sending.last_subscriber_id)
            .order_by(Subscriber.id)
            .limit(SLICE)
        )
        ids = session.execute(query).scalars().all()
        if ids:
            session.execute(insert(Batch), [_batch(sending_id, chunk) for chunk in cut(ids)])
            sending.candidates += len(ids)
        if len(ids) < SLICE:
            sending.planned_to, sending.state = sending.last_subscriber_id, "sending"
            return False
        sending.planned_to = ids[-1]
        return True


def cut(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Ascending ids in chunks of at most BATCH, each spanning at most WIDEST."""
    start = 0
    for index, number in enumerate(ids):
        if index - start == BATCH or number - ids[start] >= WIDEST:
            yield ids[start:index]
            start = index
    if start < len(ids):
        yield ids[start:]


def _batch(sending_id: int, ids: Sequence[int]) -> dict[str, object]:
    lo, hi = ids[0], ids[-1]
    planned = bitmap.from_ids(ids, lo, hi)
    return {"sending_id": sending_id, "lo": lo, "hi": hi, "candidates": len(ids), "planned": planned}
