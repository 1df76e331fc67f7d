"""The single mails that subscribers get, and how often one address can be made to get them."""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from blogapp.core import throttle, tokens
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.delivery.models import OutboxMail
from blogapp.delivery.outbox import queue_mail
from blogapp.delivery.suppressions import suppressed
from blogapp.subscribing.links import preferences_token
from blogapp.subscribing.models import Subscriber

DAY = 86400
CONFIRM_WITHIN = timedelta(days=7)
PENDING_KEPT = timedelta(days=30)
# However often anybody types an address into the form, its owner gets no more than this in a day.
MAILS_A_DAY = 3
CONFIRMATION, ALREADY, NEW_ADDRESS, MOVED = "confirmation", "already-subscribed", "new-address", "address-changed"
PURPOSES = (CONFIRMATION, ALREADY, NEW_ADDRESS, MOVED)


@contextmanager
def kept_only_if(session: Session, wanted: bool) -> Iterator[None]:
    """Do the same work either way, and undo it at the end where it is not wanted.

    What the form answers must not tell whose address is on the list, and neither may the time that it takes.
    """
    with session.begin_nested() as savepoint:
        yield
        session.flush()
        if not wanted:
            savepoint.rollback()


def may_mail(session: Session, address: str) -> bool:
    """Count one mail that somebody wants sent to `address`; whether it may leave."""
    name = hmac.digest(settings().secret_key.encode(), address.encode(), hashlib.sha256).hex()[:32]
    used, _ = throttle.count(session, f"subscriber mail:{name}", DAY)
    return used <= MAILS_A_DAY and suppressed(session, address) is None


def queue_confirmation(session: Session, subscriber: Subscriber, due_at: datetime | None = None) -> None:
    """Ask whether they meant it; the link is good for seven days.

    Args:
        due_at: when the mail may leave, and the seven days begin; None: at once.
    """
    if due_at is None:
        drop_later(session, subscriber)
    token = tokens.sign("confirm", [subscriber.id, int((due_at or now()).timestamp() * 1000)], at=due_at)
    asked = {k: subscriber.consent.get(k, "") for k in ("source", "page", "network", "service")}
    pending = subscriber.state == "pending"
    _queue(session, CONFIRMATION, subscriber, due_at=due_at, token=token, asked_at=now(), pending=pending, **asked)


def due_times(session: Session, an_hour: int) -> Iterator[datetime]:
    """When the next confirmations may leave, at most so many an hour, after all that are waiting already."""
    last, gap = last_due(session), timedelta(hours=1) / an_hour
    due = max(now(), last + gap) if last else now()
    while True:
        yield due
        due += gap


def last_due(session: Session) -> datetime | None:
    """When the last of the confirmations that are waiting may leave."""
    waiting = (OutboxMail.state == "waiting") & (OutboxMail.purpose == CONFIRMATION)
    query = select(OutboxMail.due_at).where(waiting).order_by(OutboxMail.due_at.desc()).limit(1)
    return session.execute(query).scalar_one_or_none()


def drop_later(session: Session, subscriber: Subscriber) -> None:
    """Take back a confirmation mail that was to leave later: they are asked now, or have answered in another way."""
    later = (OutboxMail.state == "waiting") & (OutboxMail.due_at > now()) & (OutboxMail.purpose == CONFIRMATION)
    session.execute(delete(OutboxMail).where(later, OutboxMail.recipient == subscriber.address))


def queue_already(session: Session, subscriber: Subscriber) -> None:
    """Tell somebody who signed up again that they are on the list."""
    paused_until = subscriber.paused_until if subscriber.paused else None
    preferences = preferences_token(subscriber.id)
    _queue(session, ALREADY, subscriber, preferences=preferences, paused_until=paused_until)


def queue_new_address(session: Session, subscriber: Subscriber, address: str) -> None:
    """Ask at the new address whether digests should come there."""
    token = tokens.sign("new-address", [subscriber.id, mark(address)])
    _queue(session, NEW_ADDRESS, subscriber, to=address, token=token, asked_at=now())


def queue_moved(session: Session, subscriber: Subscriber, old: str) -> None:
    """Tell the old address that digests go elsewhere, in case it was not them."""
    _queue(session, MOVED, subscriber, to=old, preferences=preferences_token(subscriber.id))


def mark(address: str) -> str:
    """What stands for an address within a token, so that none is written into links and logs."""
    return hashlib.sha256(address.encode()).hexdigest()[:24]


def asked_at(epoch_milliseconds: int) -> datetime:
    """When a confirmation was asked for, from its token."""
    return datetime.fromtimestamp(epoch_milliseconds / 1000, tz=UTC)


def _queue(
    session: Session,
    purpose: str,
    subscriber: Subscriber,
    to: str = "",
    due_at: datetime | None = None,
    **context: Any,
) -> None:
    to = to or subscriber.address
    # A confirmation that cannot be delivered while its link is good is no use to anybody.
    expires_at = (due_at or now()) + CONFIRM_WITHIN
    whole = {"address": to, **context}
    queue_mail(session, purpose, to, context=whole, to_name=subscriber.name, due_at=due_at, expires_at=expires_at)
