"""The moment at which a digest begins to leave. Here "never again" begins.

The message is composed before the transaction that begins it, and thrown away if anything that readers can see has
changed in between. That transaction locks posts and digests, in the order in which `publishing` does, and looks again:
a withdrawal comes either before it, and nothing leaves, or after it, and changes nothing.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.site import site_version
from blogapp.digest import notices, outlook
from blogapp.digest.compose import Composed, compose_posts
from blogapp.digest.family import add_sending
from blogapp.digest.groups import Group, waiting_groups
from blogapp.digest.models import Digest
from blogapp.posts.corrections import Correction
from blogapp.posts.models import Post

log = logging.getLogger(__name__)

COMPOSE_AGAIN_AFTER = timedelta(minutes=5)
TRIES = 5
Made = TypeVar("Made")


def begin_waiting(owner: str) -> int:
    """Begin the sending of every digest whose time has come. Returns how many mails that makes."""
    due = [group for group in waiting_groups(db.session()) if group.leaves_at <= now()]
    return sum(_begin(group, owner) for group in due)


def next_due() -> datetime | None:
    """When the next waiting digest leaves."""
    return min((group.leaves_at for group in waiting_groups(db.session())), default=None)


def unchanged(make: Callable[[Session], Made], write: Callable[[Session, Made], bool]) -> bool:
    """Make something of what readers see, and write it in a transaction in which all is still as it was.

    Args:
        make: outside of any transaction; takes its time.
        write: returns whether it has written.
    """
    for _ in range(TRIES):
        db.session.rollback()  # Look at the present.
        seen = site_version()
        try:
            made = make(db.session())
        finally:
            db.session.rollback()
        with transaction() as session:
            if site_version() == seen:
                return write(session, made)
    return False  # Very busy: the loop comes back at once.


def tried(make: Callable[[], Composed], **about: Any) -> Composed | None:
    """What `make` composes; None where it cannot be composed, which must not keep anything else from leaving."""
    try:
        return make()
    except DBAPIError:
        raise  # That is not the mail's fault.
    except Exception:
        log.exception("a mail cannot be composed", extra=about)
        db.session.rollback()
        return None


def _begin(group: Group, owner: str) -> bool:
    if _holds(group):
        return False

    def write(session: Session, composed: Composed) -> bool:
        digests = _lock(session, group)
        if not digests:
            return False
        sending = add_sending(session, composed, group.digests)
        for digest in digests:
            digest.state, digest.sending_id = "sending", sending.id
            record(session, "digest.begin", f"digest:{digest.id}", by=None, worker=owner)
        told = update(Correction).where(Correction.id.in_(composed.told), Correction.told_in.is_(None))
        session.execute(told.values(told_in=sending.id), execution_options={"synchronize_session": False})
        return True

    try:
        return unchanged(lambda session: compose_posts(session, group.posts, date=now()), write)
    except DBAPIError:
        raise  # It is not the digest's fault: the loop comes back in a moment.
    except Exception as error:
        # Whatever else it is, it must not keep the other digests from leaving.
        log.exception("a digest cannot be composed", extra={"digests": group.digests})
        _postpone(group, error)
        return False


def _holds(group: Group) -> bool:
    """Whether one of them is held, because its audience is not at all what its author was told of.

    The others of the group are looked at again without it.
    """
    db.session.rollback()
    seen = {number: look for number in group.digests if (look := outlook.to_hold(number)) is not None}
    if not seen:
        return False
    with transaction() as session:
        for digest in _lock(session, group):
            if digest.id in seen:
                outlook.hold(session, digest, seen[digest.id])
    return True


def _lock(session: Session, group: Group) -> list[Digest]:
    """The digests of the group, if these are still the ones that leave together, and now; else none."""
    posts, digests = sorted(group.posts), sorted(group.digests)
    for table, numbers in ((Post, posts), (Digest, digests)):
        locked = select(table).where(table.id.in_(numbers)).order_by(table.id).with_for_update(of=table)
        session.execute(locked.execution_options(populate_existing=True)).scalars().all()
    now_waiting = [found for found in waiting_groups(session) if found.leaves_at <= now()]
    if group.digests not in [found.digests for found in now_waiting]:
        return []
    return [session.get_one(Digest, number) for number in group.digests]


def _postpone(group: Group, error: Exception) -> None:
    """Try again later, and tell the author; of several each leaves by itself from now on, so that the others can."""
    db.session.rollback()
    with transaction() as session:
        digests = _lock(session, group)
        for digest in digests:
            if len(digests) > 1:
                digest.alone = True
            else:
                digest.due_at = now() + COMPOSE_AGAIN_AFTER
                notices.cannot_compose(session, digest, f"{type(error).__name__}: {error}")
