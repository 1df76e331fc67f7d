"""Finding and making subscribers' rows within the caller's transaction, and limits on who may try."""

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from blogapp.core.clock import now
from blogapp.core.db import db, on_sqlite
from blogapp.core.errors import Gone
from blogapp.core.throttle import count_try
from blogapp.subscribing.addresses import network_of
from blogapp.subscribing.models import Subscriber

HOUR = 3600
# Tries an hour. An office shares one address and signs up together; nobody types hundreds.
ADDRESS_LIMIT, NETWORK_LIMIT = 20, 60
TOO_OFTEN = "That was tried too often from here. Nothing was changed."
NOTHING_HELD = "Nothing is held about you here any more, and nothing will be sent."


def find(subscriber_id: int, session: Session | None = None, *, lock: bool = False) -> Subscriber:
    """The subscriber as they are now; `lock` keeps other writers out until the caller's transaction ends.

    Raises:
        Gone: they were erased.
    """
    subscriber = (session or db.session()).get(
        Subscriber, subscriber_id, with_for_update={"of": Subscriber} if lock else None, populate_existing=lock
    )
    if subscriber is None:
        raise Gone(NOTHING_HELD)
    return subscriber


def find_or_add(session: Session, address: str) -> Subscriber:
    """The subscriber with that address, locked; a pending one is made where there is none."""
    insert = sqlite.insert if on_sqlite(session) else postgresql.insert
    row = {"address": address, "name": "", "state": "pending", "created_at": now(), "consent": {}}
    # Not "look, then add": two who sign the same address up at once would both find none. And not "add, then look": it
    # may be erased in between. What changes nothing locks the row that is there.
    either = insert(Subscriber).values(row).on_conflict_do_update(index_elements=["address"], set_={"address": address})
    query = select(Subscriber).from_statement(either.returning(Subscriber))
    found: Subscriber = session.execute(query.execution_options(populate_existing=True)).scalar_one()
    return found


def throttle_from(address: str) -> None:
    """Count a try from an IP address and from its network; nothing where the address is unknown.

    Raises:
        TooMany: there were too many this hour.
    """
    if network := network_of(address):
        count_try(f"subscriber from:{address}", ADDRESS_LIMIT, HOUR, TOO_OFTEN)
        count_try(f"subscriber from:{network}", NETWORK_LIMIT, HOUR, TOO_OFTEN)
