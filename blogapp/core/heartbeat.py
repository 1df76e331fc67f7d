"""Signs of life: each long-lived process leaves one, and /readyz reads the worker's."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.core.clock import now
from blogapp.core.db import Base, UTCDateTime, db, transaction

INTERVAL_SECONDS = 10
# Three missed beats: the process is gone or stuck.
DEAD_AFTER = timedelta(seconds=3 * INTERVAL_SECONDS)


class Heartbeat(Base):
    """The last sign of life of a process: `worker:<host>:<pid>`. `note`: what keeps it from its work, or nothing."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    note: Mapped[str] = mapped_column(default="")


def beat(name: str, note: str = "") -> None:
    """Say that `name` is alive, and what keeps it from its work; forget processes that have been silent for a day."""
    with transaction() as session:
        session.execute(delete(Heartbeat).where(Heartbeat.at < now() - timedelta(days=1)))
        session.merge(Heartbeat(name=name, at=now(), note=note))


def alive(prefix: str) -> bool:
    """Whether some process whose name begins with `prefix` has given a sign of life lately."""
    return db.session.execute(select(Heartbeat.name).where(_living(prefix)).limit(1)).first() is not None


def count_alive(prefix: str) -> int:
    """How many such processes there are. Read on a connection of its own."""
    with db.engine.connect() as connection:
        return connection.execute(select(func.count()).where(_living(prefix))).scalar_one()


def notes(prefix: str) -> dict[str, str]:
    """What each such process says about its work, by its name."""
    return dict(db.session.execute(select(Heartbeat.name, Heartbeat.note).where(_living(prefix))).all())


def _living(prefix: str) -> ColumnElement[bool]:
    return and_(Heartbeat.name.startswith(prefix), Heartbeat.at > now() - DEAD_AFTER)
