"""Who has been sent what, and who misses what: read from the batches' bitmaps, a slice of ids at a time.

Somebody has been sent a digest if the relay accepted any sending that carries it for them and it did not come back.
While a mail to them may still leave, they miss nothing: that is what keeps anybody from getting something twice.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, aliased

from blogapp.digest import gaps
from blogapp.digest.models import WIDEST, Batch, Digest, Sending, SendingException, sending_digests
from blogapp.posts.models import Post
from blogapp.subscribing.models import Bounce, Subscriber

# How far back a digest is made up for: with the next one, and with what goes out once a month.
WINDOW = timedelta(weeks=8)
MONTHLY_WINDOW = timedelta(days=92)
# A mail in such a state may arrive still, or has.
MAY_ARRIVE = ("accepted", "deferred", "in_doubt")


@dataclass(frozen=True)
class Sent:
    """A digest that may have to be made up for.

    Args:
        over_at: when it had left altogether: who joined later is not owed it. None: it is leaving.
        sendings: those that carry it, each with the id up to which its audience is planned (None: all of it).
    """

    digest_id: int
    post_id: int
    over_at: datetime | None
    sendings: tuple[tuple[int, int | None], ...]


def window(session: Session, at: datetime, length: timedelta, main_id: int | None = None) -> list[Sent]:
    """The digests that began to leave so lately and whose post is still public.

    Args:
        main_id: the sending that makes up for them: only those that began before it count, and not what it carries.
    """
    main = aliased(Sending)
    columns = (Sending.id, Sending.main_id, Sending.planned_to, Sending.last_subscriber_id, Sending.gaps)
    query = (
        select(Digest.id, Digest.post_id, main.sent_at, *columns, Sending.editions_to)
        .select_from(Digest)
        .join(Post, Post.id == Digest.post_id)
        .join(main, main.id == Digest.sending_id)
        .join(sending_digests, sending_digests.c.digest_id == Digest.id)
        .join(Sending, Sending.id == sending_digests.c.sending_id)
        .where(Post.state == "published", Post.visibility == "public", main.planned_at >= at - length)
        .order_by(Digest.id, Sending.id)
    )
    if main_id is not None:
        query = query.where(main.id < main_id, func.coalesce(Sending.main_id, Sending.id) != main_id)
    found: dict[int, Sent] = {}
    for digest_id, post_id, over_at, *sending in session.execute(query):
        known = found.get(digest_id) or Sent(digest_id, post_id, over_at, ())
        found[digest_id] = Sent(digest_id, post_id, over_at, (*known.sendings, _frontier(*cast(Any, sending))))
    return list(found.values())


def _frontier(
    number: int, main_id: int | None, planned_to: int, last: int, kept: dict[str, int], editions_to: int | None
) -> tuple[int, int | None]:
    """The sending, and how far it is decided who gets it; beyond that it may be anybody."""
    reached = (editions_to or 0) if kept and main_id is None else planned_to
    return number, None if reached >= last else reached


def missing(session: Session, sent: Sequence[Sent], lo: int, hi: int, readers: int) -> dict[int, int]:
    """Digest -> which of the readers (bit 0 is `lo`) are owed it and have not been sent it."""
    if not sent or not readers:
        return {}
    everybody = (1 << (hi - lo + 1)) - 1
    reached = had(session, {number for digest in sent for number, _ in digest.sendings}, lo, hi)
    found = {}
    for digest in sent:
        without = readers
        for number, planned_to in digest.sendings:
            without &= ~reached[number]
            if planned_to is not None and planned_to < hi:
                without &= ~(everybody ^ ((1 << max(planned_to + 1 - lo, 0)) - 1))
        if without:
            found[digest.digest_id] = without
    # Asked only where somebody may miss something: it looks at every reader of the slice.
    over = {digest.digest_id: digest.over_at for digest in sent if digest.over_at and digest.digest_id in found}
    late = _joined_after(session, set(over.values()), lo, hi)
    owed = {number: bits & ~(late[over[number]] if number in over else 0) for number, bits in found.items()}
    return {number: bits for number, bits in owed.items() if bits}


def had(session: Session, sendings: Collection[int], lo: int, hi: int, *, may: bool = True) -> dict[int, int]:
    """Sending -> whom from `lo` to `hi` it has reached.

    Args:
        may: whoever may still get it counts as well.
    """
    found = dict.fromkeys(sendings, 0)
    for number, low, state, planned, accepted in _batches(session, sendings, lo, hi):
        reached = planned if may and state != "done" else accepted
        found[number] |= moved(reached or b"", low - lo)
    columns = (SendingException.sending_id, SendingException.subscriber_id, SendingException.state)
    query = select(*columns).where(
        SendingException.sending_id.in_(sendings), SendingException.subscriber_id.between(lo, hi)
    )
    for number, subscriber_id, state in session.execute(query):
        bit = 1 << (subscriber_id - lo)
        counts = state in MAY_ARRIVE if may else state == "accepted"
        found[number] = found[number] | bit if counts else found[number] & ~bit
    for number, subscriber_id in not_arrived(session, sendings, lo, hi):
        found[number] &= ~(1 << (subscriber_id - lo))
    everybody = (1 << (hi - lo + 1)) - 1
    return {number: bits & everybody for number, bits in found.items()}


def had_elsewhere(session: Session, main_id: int, lo: int, hi: int) -> int:
    """Who from `lo` to `hi` gets what a sending carries by another one: somebody who no longer wants it monthly."""
    own = select(sending_digests.c.digest_id).where(sending_digests.c.sending_id == main_id)
    query = (
        select(sending_digests.c.sending_id)
        .join(Sending, Sending.id == sending_digests.c.sending_id)
        .where(sending_digests.c.digest_id.in_(own), func.coalesce(Sending.main_id, Sending.id) != main_id)
    )
    others = set(session.execute(query).scalars())
    found = 0
    for bits in had(session, others, lo, hi).values() if others else ():
        found |= bits
    return found


def candidates(session: Session, sendings: Collection[int], lo: int, hi: int) -> int:
    """Who from `lo` to `hi` is in a batch of one of the sendings."""
    found = 0
    for _, low, _, planned, _ in _batches(session, sendings, lo, hi):
        found |= moved(planned, low - lo)
    return found


def not_arrived(session: Session, sendings: Collection[int], lo: int, hi: int) -> set[tuple[int, int]]:
    """Of mails that were accepted, those that came back: (sending, subscriber)."""
    query = select(Bounce.sending_id, Bounce.subscriber_id).where(
        Bounce.sending_id.in_(sendings), Bounce.subscriber_id.between(lo, hi), Bounce.kind.in_(("hard", "soft"))
    )
    return {(number, subscriber) for number, subscriber in session.execute(query) if number is not None}


def moved(bits: bytes, by: int) -> int:
    """A bitmap as a number, moved to where its first id is bit `by`; what lies before bit 0 falls off."""
    number = int.from_bytes(bits, "little")
    return number << by if by >= 0 else number >> -by


def _batches(session: Session, sendings: Collection[int], lo: int, hi: int) -> Any:
    columns = (Batch.sending_id, Batch.lo, Batch.state, Batch.planned, Batch.accepted)
    near = (Batch.sending_id.in_(sendings), Batch.lo > lo - WIDEST, Batch.lo <= hi)
    return session.execute(select(*columns).where(*near))


def _joined_after(session: Session, moments: set[datetime], lo: int, hi: int) -> dict[datetime | None, int]:
    """Moment -> who joined only after it."""
    late: dict[datetime | None, list[int]] = {moment: [] for moment in moments}
    ordered = sorted(moments)
    if not ordered:
        return {}
    # A count rather than the moment itself: reading 1.5 million moments from SQLite takes seconds.
    passed = sum((case((Subscriber.owed_from > moment, 1), else_=0) for moment in ordered[1:]), start=_one())
    query = select(Subscriber.id, passed).where(Subscriber.id.between(lo, hi), Subscriber.owed_from > ordered[0])
    for number, count in session.execute(query.order_by(Subscriber.id)):
        for moment in ordered[:count]:
            late[moment].append(number)
    return {moment: gaps.to_bits(ids, lo) for moment, ids in late.items()}


def _one() -> Any:
    return case((Subscriber.id > 0, 1), else_=0)
