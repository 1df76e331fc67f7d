"""Signs of life: each long-lived process leaves one, and /readyz reads the worker's."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.core.clock import now
from blogapp.core.db import Base, UTCDateTime, db, transaction

INTERVAL_SECONDS = 10
# Three missed beats: the process is gone or stuck.
DEAD_AFTER = timedelta(seconds=3 * INTERVAL_SECONDS)


class Heartbeat(Base):
    """The last sign of life of a process: `worker:<host>:<pid>`."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)


def beat(name: str) -> None:
    """Say that `name` is alive, and forget processes that have been silent for a day."""
    with transaction() as session:
        session.execute(delete(Heartbeat).where(Heartbeat.at < now() - timedelta(days=1)))
        session.merge(Heartbeat(name=name, at=now()))


def alive(prefix: str) -> bool:
    """Whether some process whose name begins with `prefix` has given a sign of life lately."""
    query = select(Heartbeat.name).where(Heartbeat.name.startswith(prefix), Heartbeat.at > now() - DEAD_AFTER)
    return db.session.execute(query.limit(1)).first() is not None
