"""Double opt-in: somebody gives an address, its owner says yes from the mailbox. Each function is one transaction."""

from typing import Any

from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.core import tokens
from blogapp.core.clock import iso, now
from blogapp.core.db import transaction
from blogapp.core.errors import BlogError, Gone
from blogapp.subscribing import mails
from blogapp.subscribing.addresses import clean_page, network_of, normalise_address
from blogapp.subscribing.models import Subscriber
from blogapp.subscribing.records import find, find_or_add, throttle_from

CENTURY_SECONDS = 100 * 366 * 86400


def sign_up(address: str, *, page: str = "", address_from: str = "") -> str:
    """Somebody gave an address; its owner is asked. Does, and takes as long, whatever the address is to us.

    Args:
        page: the path that the form stood on.
        address_from: the IP address it came from.

    Returns:
        The address as it is kept.

    Raises:
        Invalid: it is no address. The field is `address`.
        TooMany: too many tries from there.
    """
    wanted = normalise_address(address)
    throttle_from(address_from)
    consent = {"source": "form", "page": clean_page(page), "at": iso(now()), "network": network_of(address_from)}
    with transaction() as session, mails.kept_only_if(session, mails.may_mail(session, wanted)):
        ask(session, find_or_add(session, wanted), consent)
    return wanted


def ask(session: Session, subscriber: Subscriber, consent: dict[str, Any] | None = None) -> None:
    """Send the mail that fits what the subscriber is, within the caller's transaction.

    Args:
        consent: how it was asked for this time; None leaves what is kept.
    """
    if subscriber.state == "confirmed":
        mails.queue_already(session, subscriber)
    else:
        subscriber.consent = consent or subscriber.consent
        if subscriber.state == "pending":
            subscriber.created_at = now()  # A request that nobody answers is forgotten; this one is new.
        mails.queue_confirmation(session, subscriber)
    page = (consent or {}).get("page", "")
    record(session, "subscriber.sign_up", f"subscriber:{subscriber.id}", by=None, page=page, state=subscriber.state)


def ask_again(token: str, *, address_from: str = "") -> str:
    """A new confirmation mail for a link that has expired, or was outlived by a departure. Returns the address.

    Raises:
        Gone: they were erased.
        NotFound: the link is not one of ours.
        TooMany: too many tries from there.
    """
    subscriber_id, _ = tokens.read("confirm", token, CENTURY_SECONDS)
    throttle_from(address_from)
    with transaction() as session:
        subscriber = find(subscriber_id, session, lock=True)
        with mails.kept_only_if(session, mails.may_mail(session, subscriber.address)):
            ask(session, subscriber)
        return subscriber.address


def confirmable(token: str, session: Session | None = None, *, lock: bool = False) -> Subscriber:
    """Whom a confirmation link speaks for, if it still does.

    Raises:
        Gone: it is more than seven days old, they left after it was sent, or were erased.
        NotFound: it is not one of ours.
    """
    subscriber_id, asked = tokens.read("confirm", token, int(mails.CONFIRM_WITHIN.total_seconds()))
    subscriber = find(subscriber_id, session, lock=lock)
    if subscriber.left_after(mails.asked_at(asked)):
        raise Gone("You have unsubscribed since this link was sent.")
    return subscriber


def confirm(token: str, *, address_from: str = "") -> Subscriber:
    """They said yes from their mailbox. Twice is once.

    Raises:
        Gone, NotFound: as for `confirmable`.
    """
    with transaction() as session:
        subscriber = confirmable(token, session, lock=True)
        if subscriber.state != "confirmed":
            mails.drop_later(session, subscriber)
            subscriber.confirm(now(), confirmed_at=iso(now()), confirmed_from=network_of(address_from))
            record(session, "subscriber.confirm", f"subscriber:{subscriber.id}", by=None)
        return subscriber


def state_behind(token: str) -> str:
    """What has become of the subscriber whose link came too late; nothing where they were erased or it was not ours."""
    try:
        return find(tokens.read("confirm", token, CENTURY_SECONDS)[0]).state
    except BlogError:
        return ""
