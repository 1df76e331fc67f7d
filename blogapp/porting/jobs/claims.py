"""Who is at a job: one worker at one job of a site at a time.

A claim ends with its lease, and at once where its holder is certainly dead (delivery/owners.py). Whoever takes a job up
again simply runs it again: its documents are a transaction each, and what is in already stays as it is.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, or_, select, text, update
from sqlalchemy.orm import Session, aliased

from blogapp.core.clock import now
from blogapp.core.db import db, on_sqlite, transaction
from blogapp.delivery.lease import LENGTH
from blogapp.delivery.owners import gone_among
from blogapp.porting.jobs.models import AT_WORK, Job

JOBS = "blogapp_jobs"
# After so many deaths it is the job that kills its workers.
MOST_DEATHS = 3
KILLED = f"Its worker died {MOST_DEATHS} times in a row while it was at this. The log of the system may say why."
# Of the transactions that claim, one at a time: else two that look at the same moment would each find nobody at work.
ADVISORY_LOCK = 7_306_020


def claim(owner: str) -> int | None:
    """Take the job whose turn it is: one whose worker died before one that waits. Its id, or None.

    None too while another job is at work.
    """
    if not db.session.execute(select(Job.id).where(Job.state.in_(("waiting", *AT_WORK))).limit(1)).first():
        return None  # An idle loop never waits for the write lock.
    with transaction() as session:
        if not on_sqlite(session):
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        owners = session.execute(select(Job.owner).where(Job.state.in_(AT_WORK))).scalars()
        lost = [owner, *gone_among(owners)]
        _end_lost(session, lost)
        other = aliased(Job)
        busy = exists().where(other.state.in_(AT_WORK), ~_is_lost(other, lost))
        turn = (
            select(Job.id)
            .where(or_(Job.state == "waiting", and_(Job.state == "running", _is_lost(Job, lost))), ~busy)
            .order_by(case((Job.state == "running", 0), else_=1), Job.id)
            .limit(1)
            .with_for_update(skip_locked=True)
            .cte("turn")
        )
        at = now()
        taken = update(Job).where(Job.id.in_(select(turn.c.id))).values(
            state="running",
            owner=owner,
            lease_until=at + LENGTH,
            deaths=case((Job.state == "running", Job.deaths + 1), else_=0),
            started_at=at,
            finished_at=None,
            error="",
        )  # fmt: skip
        statement = taken.returning(Job.id)
        return session.execute(statement, execution_options={"synchronize_session": False}).scalar_one_or_none()


def hold(session: Session, job_id: int, owner: str, until: datetime, values: dict[str, Any]) -> str | None:
    """Write how far it is and renew the lease. Its state, or None when the job is somebody else's by now."""
    ours = update(Job).where(Job.id == job_id, Job.owner == owner).values(lease_until=until, **values)
    return session.execute(ours.returning(Job.state)).scalar_one_or_none()


def settle(session: Session, job_id: int, owner: str, state: str, **values: Any) -> bool:
    """Let go of it; whether it was ours. `interrupted`: it waits again, unless somebody asked it to stop."""
    wanted: Any = state
    ended: Any = now()
    if state == "interrupted":
        asked = Job.state == "stopping"
        wanted, ended = case((asked, "stopped"), else_="waiting"), case((asked, ended), else_=None)
    ours = update(Job).where(Job.id == job_id, Job.owner == owner)
    settled = ours.values(state=wanted, owner=None, lease_until=None, finished_at=ended, **values)
    return session.execute(settled.returning(Job.id)).scalar_one_or_none() is not None


def _end_lost(session: Session, lost: list[str]) -> None:
    """What was to stop when its worker died has stopped; what has killed three workers gets no fourth."""
    ended = {"owner": None, "lease_until": None, "finished_at": now()}
    mine = _is_lost(Job, lost)
    stopped = update(Job).where(Job.state == "stopping", mine).values(state="stopped", **ended)
    killed = update(Job).where(Job.state == "running", mine, Job.deaths >= MOST_DEATHS - 1)
    for statement in (stopped, killed.values(state="failed", error=KILLED, **ended)):
        session.execute(statement, execution_options={"synchronize_session": False})


def _is_lost(job: type[Job], lost: list[str]) -> ColumnElement[bool]:
    return or_(job.lease_until < now(), job.owner.in_(lost))
