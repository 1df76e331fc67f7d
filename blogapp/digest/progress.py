"""How far a digest is: what its page shows, and `candidates = accepted + refused + skipped + waiting + in doubt`."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select
from sqlalchemy.orm import Session

from blogapp.core.db import db
from blogapp.core.errors import NotFound
from blogapp.digest import bitmap
from blogapp.digest.family import family_of
from blogapp.digest.groups import group_of
from blogapp.digest.journal import read_entries
from blogapp.digest.models import Batch, Digest, Sending, SendingException
from blogapp.posts.models import Post

MOST_REASONS = 20
COLUMNS = (
    Sending.state,
    Sending.candidates,
    Sending.pause_reason,
    Sending.paused_at,
    Sending.resume_at,
    Sending.sent_at,
)


@dataclass(frozen=True)
class Progress:
    """One digest's way out, in numbers of subscribers.

    `state`: the digest's (waiting, held, cancelled, withdrawn, sending, sent), or `paused` while the relay cannot be
    used; then `pause_reason` says why. While the audience is being planned (seconds) `candidates` still grows.
    `reasons`: why somebody was skipped or refused, and how many; the most frequent first. `held_back`: those in doubt
    that wait for a person. `together`: the posts whose digests leave in the same mail; `due_at` is then when that
    leaves. A digest that has begun is the main sending and its editions, in one.
    """

    digest_id: int
    state: str
    due_at: datetime
    candidates: int = 0
    accepted: int = 0
    refused: int = 0
    skipped: int = 0
    waiting: int = 0
    in_doubt: int = 0
    held_back: int = 0
    held_reason: str = ""
    pause_reason: str = ""
    paused_at: datetime | None = None
    resume_at: datetime | None = None
    sent_at: datetime | None = None
    reasons: list[tuple[str, int]] = field(default_factory=list)
    together: list[str] = field(default_factory=list)


def progress(digest_id: int) -> Progress:
    """How far a digest is, live: acceptances show the moment they happen, before anything is settled.

    Reads on a connection of its own, so that the numbers are of this moment whatever the caller has read before.

    Raises:
        NotFound: there is no such digest.
    """
    with db.engine.connect() as connection:
        return _progress(connection, digest_id)


def progress_of_post(post_id: int) -> Progress | None:
    """The same for a post; None when it has no digest."""
    with db.engine.connect() as connection:
        number = connection.execute(select(Digest.id).where(Digest.post_id == post_id)).scalar_one_or_none()
        return None if number is None else _progress(connection, number)


def progress_of_sending(main_id: int) -> Progress:
    """The same for a main sending with its editions, of whatever kind: a month's catch-up, a correction."""
    with db.engine.connect() as connection:
        at = connection.execute(select(Sending.planned_at).where(Sending.id == main_id)).scalar_one()
        return _leaving(connection, main_id, 0, "sending", at)


def _progress(connection: Connection, digest_id: int) -> Progress:
    query = select(Digest.sending_id, Digest.state, Digest.due_at, Digest.held_reason).where(Digest.id == digest_id)
    digest = connection.execute(query).one_or_none()
    if digest is None:
        raise NotFound("There is no such digest.")
    if digest.sending_id is None:
        return _before(connection, digest_id, digest)
    return _leaving(connection, digest.sending_id, digest_id, digest.state, digest.due_at)


def _leaving(connection: Connection, main_id: int, digest_id: int, state: str, due_at: datetime) -> Progress:
    """What has begun to leave: a main sending and its editions, in one."""
    family = family_of(connection, main_id)
    accepted = _accepted_at_once(connection, family)
    exceptions = _exceptions(connection, family)
    accepted += exceptions.get("accepted", 0)
    # The candidates last: they only grow, so what is left of them is never less than nothing.
    sendings = connection.execute(select(*COLUMNS).where(Sending.id.in_(family)).order_by(Sending.id)).all()
    paused = next((sending for sending in sendings if sending.state == "paused"), None)
    sent = all(sending.state == "sent" for sending in sendings)
    candidates = sum(sending.candidates for sending in sendings)
    return Progress(
        digest_id,
        "paused" if paused else "sent" if sent else state,
        due_at,
        candidates=candidates,
        waiting=candidates - accepted - sum(exceptions.get(state, 0) for state in ("refused", "skipped", "in_doubt")),
        held_back=_held_back(connection, family),
        pause_reason=paused.pause_reason if paused else "",
        paused_at=paused.paused_at if paused else None,
        resume_at=paused.resume_at if paused else None,
        sent_at=max((sending.sent_at for sending in sendings if sending.sent_at), default=None) if sent else None,
        reasons=_reasons(connection, family),
        accepted=accepted,
        refused=exceptions.get("refused", 0),
        skipped=exceptions.get("skipped", 0),
        in_doubt=exceptions.get("in_doubt", 0),
    )


def _before(connection: Connection, digest_id: int, digest: Any) -> Progress:
    """A digest that has not begun to leave, and what it is to leave together with."""
    state, due_at = digest.state, digest.due_at
    with Session(connection) as session:
        group = group_of(session, digest_id) if state == "waiting" else None
        if group is None or len(group.digests) == 1:
            return Progress(digest_id, state, due_at, held_reason=digest.held_reason)
        others = [number for number in group.digests if number != digest_id]
        query = select(Digest.id, Post.title).join(Post, Post.id == Digest.post_id).where(Digest.id.in_(others))
        titles = dict(session.execute(query).all())
        return Progress(digest_id, state, group.leaves_at, together=[titles[number] for number in others])


def _accepted_at_once(connection: Connection, sendings: Sequence[int]) -> int:
    """Accepted at the first try: settled, or journalled in a batch that is being sent."""
    columns = (Batch.id, Batch.lo, Batch.accepted)
    claimed = select(*columns).where(Batch.sending_id.in_(sendings), Batch.state == "claimed").order_by(Batch.id)
    settled = select(func.sum(Batch.accepted_count)).where(Batch.sending_id.in_(sendings), Batch.state != "claimed")
    total = 0
    for _ in range(5):
        connection.rollback()  # A new look at the database: the journals are not part of its snapshot.
        batches = connection.execute(claimed).all()
        entries = read_entries(connection, [batch.id for batch in batches])
        total = sum(len(entries.get(b.id, set()).union(bitmap.to_ids(b.accepted, b.lo))) for b in batches)
        total += connection.execute(settled).scalar_one() or 0
        connection.rollback()
        if batches == connection.execute(claimed).all():
            break  # Nothing was settled, and no journal cleared, while we read.
    return int(total)


def _exceptions(connection: Connection, sendings: Sequence[int]) -> dict[str, int]:
    query = (
        select(SendingException.state, func.count())
        .where(SendingException.sending_id.in_(sendings))
        .group_by(SendingException.state)
    )
    return dict(connection.execute(query).all())


def _held_back(connection: Connection, sendings: Sequence[int]) -> int:
    query = select(func.count()).where(
        SendingException.sending_id.in_(sendings),
        SendingException.state == "in_doubt",
        SendingException.due_at.is_(None),
    )
    return connection.execute(query).scalar_one()


def _reasons(connection: Connection, sendings: Sequence[int]) -> list[tuple[str, int]]:
    query = (
        select(SendingException.reply, func.count())
        .where(SendingException.sending_id.in_(sendings), SendingException.state.in_(("skipped", "refused")))
        .group_by(SendingException.reply)
        .order_by(func.count().desc(), SendingException.reply)
        .limit(MOST_REASONS)
    )
    return list(connection.execute(query).all())


def reached_by_sending(session: Session, sending_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """Of main sendings with their editions: how many mails the relay has taken and we have settled, and how many
    there are to be. For lists: three queries.
    """
    main = func.coalesce(Sending.main_id, Sending.id)
    ours = or_(Sending.id.in_(sending_ids), Sending.main_id.in_(sending_ids))
    at_once = (
        select(main, func.sum(Batch.accepted_count))
        .join(Batch, Batch.sending_id == Sending.id)
        .where(ours)
        .group_by(main)
    )
    later = (
        select(main, func.count())
        .join(SendingException, SendingException.sending_id == Sending.id)
        .where(ours, SendingException.state == "accepted")
        .group_by(main)
    )
    wanted = select(main, func.sum(Sending.candidates)).where(ours).group_by(main)
    accepted: Counter[int] = Counter()
    if not sending_ids:
        return {}
    for query in (at_once, later):
        for number, count in session.execute(query):
            accepted[number] += int(count or 0)
    return {number: (accepted[number], int(count or 0)) for number, count in session.execute(wanted)}
