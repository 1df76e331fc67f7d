"""What an admin does to subscribers. Each function is one transaction."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.db import transaction
from blogapp.core.errors import Conflict, TooMany
from blogapp.delivery.suppressions import lift, suppress, suppressed
from blogapp.subscribing import mails
from blogapp.subscribing.addresses import normalise_address
from blogapp.subscribing.leaving import leave
from blogapp.subscribing.models import Subscriber
from blogapp.subscribing.records import find

ACT = "subscriber.manage"
# Why an admin suppresses somebody, where nothing else is said; the subscriber may read it.
ASKED = "asked not to be mailed"


def unsubscribe_for(subscriber_id: int, by: int) -> Subscriber:
    """Take somebody off the list who asked in another way. Twice is once.

    Raises:
        NotAllowed: `by` may not.
        Gone: they were erased.
    """
    with transaction() as session:
        demand(session.get(Member, by), ACT)
        subscriber = find(subscriber_id, session, lock=True)
        leave(session, subscriber, "admin", by)
        return subscriber


def ask_for(subscriber_id: int, by: int) -> Subscriber:
    """Send another confirmation mail to somebody who has not confirmed.

    Raises:
        NotAllowed, Gone: as above.
        Conflict: they have confirmed, left, or must not be mailed.
        TooMany: the address got three mails today.
    """
    with transaction() as session:
        demand(session.get(Member, by), ACT)
        subscriber = find(subscriber_id, session, lock=True)
        if subscriber.state != "pending":
            raise Conflict("Only somebody who has not confirmed yet can be asked again.")
        if suppressed(session, subscriber.address) is not None:
            raise Conflict("This address must not be mailed. Lift the suppression first.")
        if not mails.may_mail(session, subscriber.address):
            raise TooMany("This address has had its three mails for today.", retry_after=mails.DAY)
        mails.queue_confirmation(session, subscriber)
        record(session, "subscriber.ask", f"subscriber:{subscriber.id}", by=by)
        return subscriber


def suppress_address(address: str, reason: str, by: int) -> str:
    """Never mail an address again, on the list or not, until that is lifted. Returns it as it is kept.

    Raises:
        NotAllowed: `by` may not.
        Invalid: it is no address.
    """
    normalised = normalise_address(address)
    with transaction() as session:
        demand(session.get(Member, by), ACT)
        suppress(session, normalised, reason, {"member": by})
        record(session, "subscriber.suppress", _subject(session, normalised), by=by)
    return normalised


def lift_suppression(address: str, by: int) -> None:
    """Let an address be mailed again. Raises NotAllowed."""
    with transaction() as session:
        demand(session.get(Member, by), ACT)
        if lift(session, address):
            record(session, "subscriber.lift", _subject(session, address), by=by)


def note_export(by: int | None) -> None:
    """Put on record that somebody took the whole list away; None is the program's operator. Raises NotAllowed."""
    with transaction() as session:
        if by is not None:
            demand(session.get(Member, by), ACT)
        record(session, "subscriber.export", "subscribers", by=by)


def _subject(session: Session, address: str) -> str:
    """What the audit trail calls an address: its subscriber's number, never the address itself."""
    number = session.execute(select(Subscriber.id).where(Subscriber.address == address)).scalar_one_or_none()
    return f"subscriber:{number}" if number is not None else "suppression"
