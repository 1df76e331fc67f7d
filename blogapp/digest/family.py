"""The sendings of one publication: the main one, and its editions for those who missed something."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select
from sqlalchemy.orm import Session

from blogapp.digest.compose import Composed
from blogapp.digest.models import Digest, Sending, sending_digests
from blogapp.posts.models import Post
from blogapp.subscribing.models import Subscriber

DAY = 86400.0


def add_sending(session: Session, composed: Composed, digests: Iterable[int] = (), **columns: Any) -> Sending:
    """A sending with that message, which carries those digests; its audience is still to be planned."""
    last = columns.pop("last_subscriber_id", None)
    sending = Sending(
        subject=composed.subject,
        message=composed.template.message,
        places=composed.template.to_json(),
        last_subscriber_id=last_subscriber(session) if last is None else last,
        **columns,
    )
    session.add(sending)
    session.flush()
    rows = [{"sending_id": sending.id, "digest_id": digest} for digest in digests]
    if rows:
        session.execute(insert(sending_digests), rows)
    return sending


def last_subscriber(session: Session) -> int:
    """The highest id that there is."""
    return session.execute(select(func.max(Subscriber.id))).scalar() or 0


def family_of(session: Session | Connection, main_id: int) -> list[int]:
    """The main sending and its editions."""
    query = select(Sending.id).where(or_(Sending.id == main_id, Sending.main_id == main_id)).order_by(Sending.id)
    return list(session.execute(query).scalars())


def carried_by(session: Session, sending_ids: Iterable[int]) -> dict[int, frozenset[int]]:
    """Sending -> the digests that it carries."""
    found: dict[int, set[int]] = {number: set() for number in sending_ids}
    query = select(sending_digests).where(sending_digests.c.sending_id.in_(found))
    for number, digest in session.execute(query):
        found[number].add(digest)
    return {number: frozenset(digests) for number, digests in found.items()}


def digests_of(session: Session, sending: Sending) -> list[Digest]:
    """The digests whose way out a sending belongs to; none for a catch-up or a correction."""
    query = select(Digest).where(Digest.sending_id == (sending.main_id or sending.id)).order_by(Digest.id)
    return list(session.execute(query).scalars())


def newest_first(session: Session, post_ids: Iterable[int]) -> list[int]:
    """Posts by the day on which they were first published; of one day the later week first, in whatever order they were
    caught up on.
    """
    columns = (Post.id, Post.first_published_at, Post.week_to)
    rows = session.execute(select(*columns).where(Post.id.in_(list(post_ids)))).all()

    def age(row: Any) -> tuple[int, int, float, int]:
        at = row.first_published_at.timestamp() if row.first_published_at else 0.0
        return (int(at // DAY), -1 if row.week_to is None else row.week_to, at, row.id)

    return [row.id for row in sorted(rows, key=age, reverse=True)]
