"""Jobs, and what became of the documents that somebody has to look at."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, false
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.core.clock import now
from blogapp.core.db import Base, UTCDateTime

STATES = ("waiting", "running", "stopping", "stopped", "done", "failed")
# Somebody holds it: `owner` says who, until `lease_until`.
AT_WORK = ("running", "stopping")
OVER = ("stopped", "done", "failed")


class Job(Base):
    """Work that takes longer than a request. At most one of a site is at work at any moment (`claims.py`).

    A preview and the import that follows it are the same job: `dry_run` says which of the two it is at. `counts` are
    what its report counted; `found` is what a preview wants to ask (which column is what), `result` the name of the
    file that an export made.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'running', 'stopping', 'stopped', 'done', 'failed')", name="state"),
        CheckConstraint("(owner IS NOT NULL) = (state IN ('running', 'stopping'))", name="at_work_has_owner"),
        Index("ix_jobs_state", "state"),
        {"sqlite_autoincrement": True},  # an address that somebody noted never shows another job
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    # Its own folder within data_dir/jobs. Made before the job, so not named by its id.
    folder: Mapped[str] = mapped_column(unique=True)
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("members.id"))
    dry_run: Mapped[bool] = mapped_column(default=False, server_default=false())
    state: Mapped[str] = mapped_column(default="waiting")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    note: Mapped[str] = mapped_column(default="")
    counts: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    found: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    result: Mapped[str] = mapped_column(default="")
    error: Mapped[str] = mapped_column(default="")
    # How often in a row its worker died at it.
    deaths: Mapped[int] = mapped_column(default=0)
    owner: Mapped[str | None]
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    @property
    def at_work(self) -> bool:
        return self.state in AT_WORK

    @property
    def is_over(self) -> bool:
        return self.state in OVER


class JobOutcome(Base):
    """A document that somebody has to look at. `reason` holds a line for each thing that there is to say.

    `post_id` is a plain number: the post may be gone by the time that somebody looks.
    """

    __tablename__ = "job_outcomes"

    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str]
    result: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    post_id: Mapped[int | None]
