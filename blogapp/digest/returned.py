"""What came back after the mail server had taken it: hard and soft bounces, and complaints."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from blogapp.subscribing.models import Bounce as Row


class Bounce(NamedTuple):
    """A mail that came back, or that was complained about: when, and in the other server's words."""

    at: datetime
    words: str


def bounced(session: Session, sending_ids: Sequence[int]) -> dict[int, int]:
    """How many readers each sending came back from, or was complained about by."""
    query = select(Row.sending_id, func.count(Row.subscriber_id.distinct())).where(Row.sending_id.in_(sending_ids))
    return {number: count for number, count in session.execute(query.group_by(Row.sending_id)) if number is not None}


def bounces_of(session: Session, subscriber_id: int, sending_ids: Sequence[int]) -> dict[int, Bounce]:
    """What came back from one subscriber, by sending; where several things did, the last."""
    query = select(Row.sending_id, Row.at, Row.kind, Row.diagnostic)
    query = query.where(Row.subscriber_id == subscriber_id, Row.sending_id.in_(sending_ids)).order_by(Row.at)
    found: dict[int, Bounce] = {}
    for number, at, kind, words in session.execute(query):
        if number is not None:
            found[number] = Bounce(at, words or ("reported as spam" if kind == "complaint" else ""))
    return found
