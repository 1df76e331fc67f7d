"""What is held about a subscriber, and forgetting it."""

from collections.abc import Callable
from typing import Any

from flask import Flask, current_app
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from blogapp.audit import AuditEntry, record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import iso, now
from blogapp.core.db import db, transaction
from blogapp.delivery.models import OutboxMail
from blogapp.delivery.suppressions import suppressed
from blogapp.subscribing import mails
from blogapp.subscribing.models import Bounce, Subscriber
from blogapp.subscribing.records import find

EXTENSION = "blogapp.also_held"
# How many are forgotten in one transaction, so that nobody waits long for the write lock.
SLICE = 1000


def also_hold(app: Flask, name: str, held: Callable[[int], Any]) -> None:
    """Have `data_held` say under `name` what a floor above this one keeps about a subscriber, ready for JSON."""
    app.extensions.setdefault(EXTENSION, {})[name] = held


def data_held(subscriber_id: int) -> dict[str, Any]:
    """All that is kept about one subscriber, ready for JSON; moments in RFC 3339, UTC. Reads only.

    Raises:
        Gone: they were erased.
    """
    session = db.session()
    subscriber = find(subscriber_id)
    suppression = suppressed(session, subscriber.address)
    return {
        "number": subscriber.id,
        "address": subscriber.address,
        "name": subscriber.name,
        "state": subscriber.state,
        **{
            name: iso(value) if (value := getattr(subscriber, name)) else None
            for name in ("created_at", "confirmed_at", "unsubscribed_at", "paused_until")
        },
        "frequency": subscriber.frequency,
        "new_address": subscriber.new_address,
        "consent": subscriber.consent,
        "suppression": {"reason": suppression.reason, "since": iso(suppression.created_at)} if suppression else None,
        "bounces": [
            {
                "at": iso(row.at),
                "kind": row.kind,
                "status": row.status,
                "reply": row.diagnostic,
                "sending": row.sending_id,
            }
            for row in bounces(subscriber_id)
        ],
        "log": [{"at": iso(entry.at), "act": entry.act, **entry.detail} for entry in events(subscriber_id)],
        "mails": [
            {"written_at": iso(written), "sent_at": iso(sent) if sent else None, "subject": subject}
            for written, sent, subject in _mails(session, subscriber)
        ],
        **{name: held(subscriber_id) for name, held in current_app.extensions.get(EXTENSION, {}).items()},
    }


def events(subscriber_id: int) -> list[AuditEntry]:
    """What happened to a subscriber, oldest first."""
    query = select(AuditEntry).where(AuditEntry.subject == f"subscriber:{subscriber_id}")
    return list(db.session.execute(query.order_by(AuditEntry.at, AuditEntry.id)).scalars())


def bounces(subscriber_id: int) -> list[Bounce]:
    """What came back of the mails to a subscriber, oldest first."""
    query = select(Bounce).where(Bounce.subscriber_id == subscriber_id).order_by(Bounce.at, Bounce.id)
    return list(db.session.execute(query).scalars())


def who(entries: list[AuditEntry]) -> dict[int, str]:
    """The names of the members who did these things."""
    numbers = {entry.member_id for entry in entries if entry.member_id is not None}
    return dict(db.session.execute(select(Member.id, Member.name).where(Member.id.in_(numbers))).all())


def erase(subscriber_id: int, by: int | None = None) -> None:
    """Forget a subscriber: their row, what came back of their mails, the single mails to them. Twice is once.

    A suppression stays, since it is what keeps us from mailing them; so does the audit trail, which knows numbers only.

    Args:
        by: the member who does it; None: the subscriber.

    Raises:
        NotAllowed: `by` may not.
    """
    with transaction() as session:
        if by is not None:
            demand(session.get(Member, by), "subscriber.manage")
        subscriber = session.get(Subscriber, subscriber_id, with_for_update={"of": Subscriber})
        if subscriber is not None:
            # The new address may be a stranger's, whose other mails are theirs.
            asked = (OutboxMail.recipient == subscriber.new_address) & (OutboxMail.purpose == mails.NEW_ADDRESS)
            session.execute(delete(OutboxMail).where(_to([subscriber.address]) | asked))
            session.delete(subscriber)
            record(session, "subscriber.erase", f"subscriber:{subscriber_id}", by=by)


def forget_pending() -> int:
    """Forget those who were asked more than 30 days ago and never answered; the worker calls it daily.

    Returns:
        How many they were.
    """
    total = 0
    while True:
        with transaction() as session:
            old = (Subscriber.state == "pending") & (Subscriber.created_at < now() - mails.PENDING_KEPT)
            some = select(Subscriber.id).where(old).limit(SLICE).with_for_update(skip_locked=True)
            gone = session.execute(delete(Subscriber).where(Subscriber.id.in_(some)).returning(Subscriber.address))
            addresses = list(gone.scalars())
            session.execute(delete(OutboxMail).where(_to(addresses)))
        total += len(addresses)
        if len(addresses) < SLICE:
            return total


def _to(addresses: list[str]) -> Any:
    return OutboxMail.recipient.in_(addresses) & OutboxMail.purpose.in_(mails.PURPOSES)


def _mails(session: Session, subscriber: Subscriber) -> Any:
    columns = (OutboxMail.created_at, OutboxMail.sent_at, OutboxMail.subject)
    return session.execute(select(*columns).where(_to([subscriber.address])).order_by(OutboxMail.id)).all()
