"""Leaving the list, within the caller's transaction."""

from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.core.clock import now
from blogapp.subscribing import mails
from blogapp.subscribing.models import Subscriber


def leave(session: Session, subscriber: Subscriber, how: str, by: int | None = None) -> bool:
    """Take a subscriber, whom the caller has locked, off the list. Returns whether they were on it.

    Args:
        how: `one-click`, `page`, `preferences`, `mail`, `complaint`, `admin`.
    """
    if subscriber.state == "unsubscribed":
        return False
    mails.drop_later(session, subscriber)
    subscriber.unsubscribe(now())
    record(session, "subscriber.unsubscribe", f"subscriber:{subscriber.id}", by=by, how=how)
    return True
