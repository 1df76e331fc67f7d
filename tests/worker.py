"""A worker without its loop, and what must hold whenever it rests: for tests of sending."""

import threading
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.site import site_row
from blogapp.delivery.engine import Engine
from blogapp.delivery.owners import owner_name
from blogapp.digest import bitmap, planning
from blogapp.digest.instance import may_send, take_place
from blogapp.digest.models import Batch, Sending, SendingException
from blogapp.digest.progress import Progress, progress_of_post
from blogapp.digest.publishing import publish
from blogapp.digest.sending import send_some
from blogapp.posts.models import Post
from blogapp.subscribing.models import Subscriber
from tests import posts

ME = owner_name("test")


def draft(author: Member, week: int = 7, **given: Any) -> Post:
    """A week's note that is not public yet."""
    return posts.week(author, week, state="draft", **({"body": "We mended the *door*."} | given))


def publish_draft(author: Member, week: int = 7) -> Post:
    """The same, published by its author."""
    post = draft(author, week)
    return publish(post.id, post.version, author.id)


def many_subscribers(count: int) -> list[str]:
    """`r1@reader.test` … confirmed an hour before anything."""
    assert may_send()  # As a worker does when it starts: this host's file comes before the first sending.
    at = now() - timedelta(hours=1)
    addresses = [f"r{number}@reader.test" for number in range(1, count + 1)]
    with transaction() as session:
        session.add_all(
            Subscriber(address=address, state="confirmed", confirmed_at=at, created_at=at) for address in addresses
        )
    return addresses


def send_all(owner: str = ME, stop: threading.Event | None = None, engine: Engine | None = None) -> None:
    """Do what the worker does until nothing is left to do just now."""
    # A worker that was here from the beginning: commands that a test runs after it do not hold.
    take_place(site_row().instance)
    for _ in range(300):
        if not planning.begin_due(owner) and not send_some(owner, stop or threading.Event(), engine):
            return
    raise AssertionError("the loop finds no end")


def how_far(post: Post) -> Progress:
    """The progress, after checking that it accounts for everybody."""
    found = progress_of_post(post.id)
    assert found is not None
    assert found.candidates == found.accepted + found.refused + found.skipped + found.waiting + found.in_doubt
    assert min(found.accepted, found.refused, found.skipped, found.waiting, found.in_doubt) >= 0
    check_batches()
    return found


def check_batches() -> None:
    """Every settled batch accounts for each of its candidates exactly once; none holds anybody else."""
    db.session.rollback()
    for batch in db.session.execute(select(Batch)).scalars():
        query = select(SendingException.subscriber_id).where(SendingException.batch_id == batch.id)
        accepted, others = bitmap.to_ids(batch.accepted, batch.lo), list(db.session.execute(query).scalars())
        planned = bitmap.to_ids(batch.planned, batch.lo)
        assert len(set(accepted + others)) == len(accepted + others)
        assert set(accepted + others) <= set(planned)
        assert (len(planned), len(accepted)) == (batch.candidates, batch.accepted_count)
        if batch.state == "done":
            assert sorted(accepted + others) == planned
        assert (batch.owner is None) == (batch.state != "claimed")


def exceptions() -> dict[str, SendingException]:
    """Who was not simply accepted, by the address's local part."""
    db.session.rollback()
    query = select(Subscriber.address, SendingException).join(
        SendingException, SendingException.subscriber_id == Subscriber.id
    )
    return {address.partition("@")[0]: row for address, row in db.session.execute(query)}


def let_time_pass() -> None:
    """What is due later is due now."""
    with transaction() as session:
        session.execute(update(SendingException).where(SendingException.due_at.is_not(None)).values(due_at=now()))
        session.execute(update(Sending).where(Sending.resume_at.is_not(None)).values(resume_at=now()))
