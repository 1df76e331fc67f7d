"""The subscribers of the tests: rows made directly, their links, and the tables that a GET must leave alone."""

from datetime import datetime
from typing import Any

from sqlalchemy import inspect, select, text

from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.site import link_key
from blogapp.delivery.headers import Mailbox
from blogapp.digest.compose import nobodys_values, personal_values
from blogapp.subscribing.models import Subscriber


def subscriber(address: str, state: str = "confirmed", **columns: Any) -> int:
    """A subscriber in `state`; returns the number."""
    moments: dict[str, datetime] = {}
    if state != "pending":
        moments["confirmed_at"] = now()
    if state == "unsubscribed":
        moments["unsubscribed_at"] = now()
    with transaction() as session:
        given = {"consent": {"source": "form"}} | moments | columns
        someone = Subscriber(address=address, state=state, **given)
        session.add(someone)
        session.flush()
        return someone.id


def reload(subscriber_id: int) -> Subscriber:
    """The subscriber as the database has them now."""
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(Subscriber, subscriber_id)


def find(address: str) -> Subscriber | None:
    """The subscriber with that address."""
    db.session.rollback()
    db.session.expire_all()
    return db.session.execute(select(Subscriber).where(Subscriber.address == address)).scalar_one_or_none()


def preferences(subscriber_id: int, rest: str = "") -> str:
    """The path of somebody's own page, as the foot of a digest has it."""
    return f"/preferences/{_token(subscriber_id, 'preferences')}{rest}"


def unsubscribe(subscriber_id: int) -> str:
    """The path that the foot of a digest leads to; of a test copy for number 0."""
    return f"/unsubscribe/{_token(subscriber_id, 'unsubscribe')}"


def _token(subscriber_id: int, purpose: str) -> str:
    if subscriber_id == 0:
        return nobodys_values(Mailbox("", "bob@blog.test"))[purpose]
    token = personal_values(link_key(), 1, subscriber_id, "")[purpose]
    return token if isinstance(token, str) else token.decode()


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, to compare before and after."""
    db.session.rollback()
    names = sorted(inspect(db.engine).get_table_names())
    return {name: sorted(map(tuple, db.session.execute(text(f'SELECT * FROM "{name}"'))), key=repr) for name in names}
