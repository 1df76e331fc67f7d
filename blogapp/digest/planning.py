"""What is due begins to leave, and its audience is cut into batches (slices.py) while mails leave already."""

import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import db, take_turns, transaction
from blogapp.digest import beginning, correcting, gaps, monthly, slices
from blogapp.digest.beginning import tried, unchanged
from blogapp.digest.compose import Composed, compose_posts
from blogapp.digest.family import add_sending, carried_by, newest_first
from blogapp.digest.gaps import Gap
from blogapp.digest.models import Digest, Sending
from blogapp.digest.told import told_in
from blogapp.posts.models import Post

# Readers a batch: to claim and settle one costs some 3 ms, and what it has read and made some MB.
BATCH = 2000
# Readers planned in one transaction (some 20 ms): SQLite's write lock may be held for 200 ms at most.
SLICE = 10_000
# Of the distinct gaps these many get a mail of their own; the rest of the readers get the largest that fits theirs.
EDITIONS = 12


def begin_due(owner: str) -> int:
    """Begin what is to leave now: digests, corrections to be told at once, the month's catch-up. Returns how many."""
    return beginning.begin_waiting(owner) + correcting.begin_approved() + monthly.begin_month()


def next_due() -> datetime | None:
    """When the next waiting digest leaves."""
    return beginning.next_due()


def plan(sending_id: int, seconds: float = float("inf")) -> bool:
    """Cut a sending's audience into batches, slice by slice, for at most so many seconds; whether that is done."""
    until = time.monotonic() + seconds
    while _plan_next(sending_id):
        if time.monotonic() >= until:
            return False
    return True


def plan_some(seconds: float) -> bool:
    """Plan what is to be planned, the oldest first, for about so long; whether there was anything."""
    # Editions are planned with their main sending; each correction has an audience of its own.
    apart = Sending.main_id.is_(None) | (Sending.kind == "correction")
    query = select(Sending.id).where(Sending.state == "planning", apart).order_by(Sending.id)
    todo = list(db.session.execute(query).scalars())
    until = time.monotonic() + seconds
    for number in todo:
        if not plan(number, until - time.monotonic()):
            break
    return bool(todo)


def _plan_next(sending_id: int) -> bool:
    """Plan the next few thousand readers, or make the editions; whether there may be more."""
    if _wants_editions(sending_id):
        _begin_editions(sending_id)
        return True
    with transaction() as session:
        # One slice at a time, of whatever sending: who gets one thing decides about who misses it.
        take_turns(session)
        sending = session.get(Sending, sending_id, with_for_update=True, populate_existing=True)
        if sending is None or sending.state != "planning" or _waits(session, sending_id):
            return False
        sizes = slices.Sizes(SLICE, BATCH, settings().mail_connections)
        if sending.planned_to < sending.last_subscriber_id:
            slices.first_pass(session, sending, sizes)
        elif not sending.is_planned and sending.editions_to is not None:
            slices.second_pass(session, sending, sizes)
        if sending.is_planned:
            sending.state = "sending"
        return not sending.is_planned


def _waits(session: Session, sending_id: int) -> bool:
    """Whether an older sending is still being planned."""
    older = exists().where(Sending.id < sending_id, Sending.state == "planning", Sending.main_id.is_(None))
    return bool(session.execute(select(older)).scalar())


def _wants_editions(sending_id: int) -> bool:
    sending = db.session.get(Sending, sending_id, populate_existing=True)
    wants = (
        sending is not None
        and sending.state == "planning"
        and sending.planned_to >= sending.last_subscriber_id
        and bool(sending.gaps)
        and sending.editions_to is None
    )
    db.session.rollback()
    return wants


def _begin_editions(main_id: int) -> None:
    """Compose a mail for each of the gaps that most readers have. A gap without one waits for the next digest."""

    def write(session: Session, made: list[tuple[Gap, Composed]]) -> bool:
        main = session.get(Sending, main_id, with_for_update=True, populate_existing=True)
        if main is None or main.state != "planning" or main.editions_to is not None:
            return False
        shared = {"planned_at": main.planned_at, "last_subscriber_id": main.last_subscriber_id}
        for carries, composed in made:
            add_sending(session, composed, carries, kind=main.kind, main_id=main.id, **shared)
        main.editions_to = 0
        return True

    unchanged(lambda session: _compose_editions(session, main_id), write)


def _compose_editions(session: Session, main_id: int) -> list[tuple[Gap, Composed]]:
    main = session.get_one(Sending, main_id, populate_existing=True)
    new = carried_by(session, [main_id])[main_id]
    counts = {gaps.heard(name): count for name, count in main.gaps.items()}
    wanted = gaps.choose(counts, EDITIONS)
    posts = _public_posts(session, new.union(*wanted))
    # Where what is new was withdrawn since it began to leave, no further mail is made of it.
    found = [gap for gap in wanted if all(number in posts for number in gap | new)]
    made = []
    for gap in found:
        ordered = newest_first(session, [posts[number] for number in gap | new])
        fresh, told = [posts[number] for number in new], told_in(session, main_id)
        make = partial(compose_posts, session, ordered, date=now(), new=fresh, told=told)
        if (composed := tried(make, sending=main_id)) is not None:
            made.append((gap | new, composed))
    return made


def _public_posts(session: Session, digest_ids: Sequence[int] | Gap) -> dict[int, int]:
    """Digest -> its post, of those that are public."""
    query = select(Digest.id, Post.id).join(Post, Post.id == Digest.post_id)
    public = (Post.state == "published", Post.visibility == "public")
    return dict(session.execute(query.where(Digest.id.in_(digest_ids), *public)).all())
