"""A subscriber's new address: asked for on the preferences page, confirmed from the new mailbox."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.audit import AuditEntry, record
from blogapp.core import tokens
from blogapp.core.clock import iso, now
from blogapp.core.db import db, transaction
from blogapp.core.errors import Gone, Invalid
from blogapp.core.throttle import count_try
from blogapp.delivery.suppressions import suppressed
from blogapp.subscribing import mails
from blogapp.subscribing.addresses import normalise_address
from blogapp.subscribing.models import Subscriber
from blogapp.subscribing.records import find, throttle_from

MOVES_A_DAY = 5


def change_address(subscriber_id: int, address: str, *, address_from: str = "") -> str:
    """Ask at the new address; nothing changes until its owner says yes. Returns it as it is kept.

    It tells nobody whether the new address is known here: the mail is the same.

    Raises:
        Invalid: it is no address, or theirs already. The field is `address`.
        Gone: they were erased.
        TooMany: too many tries.
    """
    wanted = normalise_address(address)
    throttle_from(address_from)
    count_try(f"subscriber move:{subscriber_id}", MOVES_A_DAY, mails.DAY, "That was tried too often today.")
    with transaction() as session:
        subscriber = find(subscriber_id, session, lock=True)
        if wanted == subscriber.address:
            message = "That is your address already."
            raise Invalid(message, {"address": message})
        subscriber.new_address = wanted
        record(session, "subscriber.ask_new_address", f"subscriber:{subscriber.id}", by=None)
        with mails.kept_only_if(session, mails.may_mail(session, wanted)):
            mails.queue_new_address(session, subscriber, wanted)
    return wanted


def keep_address(subscriber_id: int) -> Subscriber:
    """They no longer want to move: the link at the new address is dead. Raises Gone."""
    with transaction() as session:
        subscriber = find(subscriber_id, session, lock=True)
        if subscriber.new_address is not None:
            subscriber.new_address = None
            record(session, "subscriber.keep_address", f"subscriber:{subscriber.id}", by=None)
        return subscriber


def moving(token: str, session: Session | None = None, *, lock: bool = False) -> tuple[Subscriber, str]:
    """Whom a new-address link speaks for, and the address that its owner is asked about.

    Raises:
        Gone: it is too old, another address was asked for since, or they were erased.
        NotFound: it is not one of ours.
    """
    subscriber_id, mark = tokens.read("new-address", token, int(mails.CONFIRM_WITHIN.total_seconds()))
    subscriber = find(_kept(subscriber_id, session or db.session()), session, lock=lock)
    for address in (subscriber.new_address, subscriber.address):
        if address and mails.mark(address) == mark:
            return subscriber, address
    raise Gone("This link has been replaced by a newer one, or the change is no longer wanted.")


def confirm_address(token: str) -> Subscriber:
    """The owner of the new address said yes. Twice is once; the old address is told.

    Whoever else was known under the new address is the same person, so the two become one: the one that the mailbox
    agreed to before, since the other's links may be with a stranger.

    Returns:
        The subscriber who has the new address now.

    Raises:
        Gone, NotFound: as for `moving`.
        Conflict: somebody signed the new address up at the same moment.
    """
    with transaction() as session:
        subscriber, address = moving(token, session, lock=True)
        if address == subscriber.address:
            return subscriber
        old = subscriber.address
        # Past the daily limit too: else three sign-ups beforehand would keep a theft quiet.
        if suppressed(session, old) is None:
            mails.queue_moved(session, subscriber, old)
        query = select(Subscriber).where(Subscriber.address == address).with_for_update(of=Subscriber)
        other = session.execute(query).scalar_one_or_none()
        if other is not None:
            return _merge(session, subscriber, other)
        subscriber.address, subscriber.new_address = address, None
        record(session, "subscriber.change_address", f"subscriber:{subscriber.id}", by=None)
        _agree(session, subscriber)
        return subscriber


def _merge(session: Session, mover: Subscriber, other: Subscriber) -> Subscriber:
    """Let `other` be the one that stays, with what was chosen there; what it never chose comes from the mover.

    The mover's number is never used again, so that all links to it are dead.
    """
    other.name = other.name or mover.name
    if _agree(session, other):
        other.paused_until, other.frequency = mover.paused_until, mover.frequency
    record(session, "subscriber.merge", f"subscriber:{mover.id}", by=None, into=other.id)
    session.delete(mover)
    return other


def _agree(session: Session, subscriber: Subscriber) -> bool:
    """The button says that digests will come, so whoever got none is confirmed. Returns whether that is news."""
    if subscriber.state == "confirmed":
        return False
    subscriber.confirm(now(), confirmed_at=iso(now()))
    record(session, "subscriber.confirm", f"subscriber:{subscriber.id}", by=None)
    return True


def _kept(subscriber_id: int, session: Session) -> int:
    """The number that stayed where two became one; else the same."""
    merged = (AuditEntry.subject == f"subscriber:{subscriber_id}", AuditEntry.act == "subscriber.merge")
    detail = session.execute(select(AuditEntry.detail).where(*merged)).scalar_one_or_none()
    return int(detail["into"]) if detail else subscriber_id
