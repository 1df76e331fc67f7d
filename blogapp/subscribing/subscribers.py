"""What subscribers do with their subscription, by links that only went to them. Each function is one transaction.

Signing up, moving, adding many and listing have modules of their own; this one is where the others look for them.
"""

from datetime import datetime

from blogapp.audit import record
from blogapp.core.clock import iso, now
from blogapp.core.db import transaction
from blogapp.core.errors import Invalid
from blogapp.subscribing.adding import Report, add_subscribers
from blogapp.subscribing.addresses import normalise_address
from blogapp.subscribing.leaving import leave
from blogapp.subscribing.listing import count_states, each_subscriber, list_subscribers
from blogapp.subscribing.models import FREQUENCIES, Subscriber
from blogapp.subscribing.moving import change_address, confirm_address, keep_address
from blogapp.subscribing.privacy import data_held, erase, forget_pending
from blogapp.subscribing.records import find
from blogapp.subscribing.signing_up import ask_again, confirm, sign_up

__all__ = [
    "Report",
    "add_subscribers",
    "ask_again",
    "change_address",
    "choose_frequency",
    "come_back",
    "confirm",
    "confirm_address",
    "count_states",
    "data_held",
    "each_subscriber",
    "erase",
    "forget_pending",
    "keep_address",
    "list_subscribers",
    "normalise_address",
    "pause",
    "resume",
    "sign_up",
    "unsubscribe",
]


def unsubscribe(subscriber_id: int, how: str) -> Subscriber:
    """No digest leaves to them from here on. Twice is once.

    Args:
        how: `one-click`, `page`, `preferences`.

    Raises:
        Gone: they were erased.
    """
    with transaction() as session:
        subscriber = find(subscriber_id, session, lock=True)
        leave(session, subscriber, how)
        return subscriber


def come_back(subscriber_id: int) -> Subscriber:
    """They changed their mind about leaving. Twice is once.

    Raises:
        Gone: they were erased.
    """
    with transaction() as session:
        subscriber = find(subscriber_id, session, lock=True)
        if subscriber.state != "confirmed":
            subscriber.come_back(now(), returned_at=iso(now()))
            record(session, "subscriber.come_back", f"subscriber:{subscriber.id}", by=None)
        return subscriber


def choose_frequency(subscriber_id: int, frequency: str) -> Subscriber:
    """Every digest (`every`), or what there was once a month (`monthly`). Twice is once.

    Raises:
        Gone: they were erased.
        Invalid: there is no such choice. The field is `frequency`.
    """
    with transaction() as session:
        subscriber = find(subscriber_id, session, lock=True)
        if frequency not in FREQUENCIES:
            message = "Choose every digest or once a month."
            raise Invalid(message, {"frequency": message})
        if subscriber.frequency != frequency:
            subscriber.frequency = frequency
            record(session, "subscriber.frequency", f"subscriber:{subscriber.id}", by=None, frequency=frequency)
        return subscriber


def pause(subscriber_id: int, until: datetime) -> Subscriber:
    """Hold digests back until then; the first one after it brings what was missed.

    Raises:
        Gone: they were erased.
        Conflict: no digests go to them.
        Invalid: the date is not ahead, or too far. The field is `until`.
    """
    with transaction() as session:
        subscriber = find(subscriber_id, session, lock=True)
        subscriber.pause(until, now())
        record(session, "subscriber.pause", f"subscriber:{subscriber.id}", by=None, until=iso(until))
        return subscriber


def resume(subscriber_id: int) -> Subscriber:
    """End a pause before its time. Raises Gone."""
    with transaction() as session:
        subscriber = find(subscriber_id, session, lock=True)
        if subscriber.paused_until is not None:
            subscriber.paused_until = None
            record(session, "subscriber.resume", f"subscriber:{subscriber.id}", by=None)
        return subscriber
