"""Rate limits kept in the database, so that they hold over restarts, processes and hosts."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from blogapp.core.clock import now
from blogapp.core.db import Base, UTCDateTime, on_sqlite, transaction
from blogapp.core.errors import TooMany


class Throttle(Base):
    """How often something was tried in the present window. Fixed windows: simple, one row a key."""

    __tablename__ = "throttles"

    key: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int]
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


def count_try(key: str, limit: int, seconds: int, message: str) -> None:
    """Count one try of `key` and refuse it when it is more than `limit` in a window of `seconds`. Its own transaction.

    Raises:
        TooMany: with `message` and the seconds until the window ends.
    """
    with transaction() as session:
        used, ends_at = count(session, key, seconds)
    if used > limit:
        raise TooMany(message, retry_after=max(1, int((ends_at - now()).total_seconds())))


def forgive(key: str) -> None:
    """Forget the tries of `key`, after one that succeeded."""
    with transaction() as session:
        session.execute(delete(Throttle).where(Throttle.key == key))


def sweep() -> int:
    """Delete the windows that have ended; the worker calls it hourly. Returns how many."""
    with transaction() as session:
        ended = session.execute(delete(Throttle).where(Throttle.ends_at < now()).returning(Throttle.key))
        return len(ended.all())


def count(session: Session, key: str, seconds: int) -> tuple[int, datetime]:
    """Count one try in the caller's transaction; how many there are now in the window, and when that ends."""
    moment = now()
    slot = int(moment.timestamp()) // seconds
    ends_at = datetime.fromtimestamp((slot + 1) * seconds, tz=moment.tzinfo)
    insert = sqlite.insert if on_sqlite(session) else postgresql.insert
    statement = (
        insert(Throttle)
        .values(key=key, slot=slot, count=1, ends_at=ends_at)
        .on_conflict_do_update(index_elements=["key", "slot"], set_={"count": Throttle.count + 1})
        .returning(Throttle.count)
    )
    return session.execute(statement).scalar_one(), ends_at
