"""What a job has counted so far: written by its thread, kept in the database by another one.

The job's own thread may be inside a transaction, or have no time; so it only ever changes this.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from blogapp.porting.jobs.models import JobOutcome
from blogapp.porting.report import Outcome

# So many documents that somebody has to look at are named; the others are counted.
NAMED = 10_000
# Results that have changed the site: when a job is taken up again they are not counted a second time, as unchanged.
ACTS = ("made", "changed", "beside")
MAX_REASON = 4000


class Tally:
    """Progress, counts and outcomes of one attempt at a job, on top of what earlier attempts did.

    Args:
        earlier: the counts that earlier attempts left.
        named: the paths that they left in the report.
        seq: the number of its next row.
    """

    def __init__(self, job_id: int, earlier: Mapping[str, int], named: Iterable[str] = (), seq: int = 1) -> None:
        self.job_id = job_id
        self.done = self.total = 0
        self.note = ""
        self._earlier = {name: earlier.get(name, 0) for name in (*ACTS, "warnings")}
        self._named = frozenset(named)
        self._seq = seq
        self._now: Counter[str] = Counter()
        self._rows: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._changed = True

    def move(self, done: int, total: int) -> None:
        """So far it is."""
        with self._lock:
            self.done, self.total, self._changed = done, total, True

    def say(self, note: str) -> None:
        """What it is at, in one line."""
        with self._lock:
            self.note, self._changed = " ".join(note.split())[:300], True

    def add(self, outcome: Outcome) -> None:
        """Count what became of a document, and name it where somebody has to look."""
        with self._lock:
            self._changed = True
            self._now[outcome.result] += 1
            if not outcome.needs_eyes or outcome.path in self._named:
                return
            self._now["warnings"] += len(outcome.warnings)
            if self._seq <= NAMED:
                self._rows.append(_row(self.job_id, self._seq, outcome))
                self._seq += 1

    def count(self, name: str, number: int) -> None:
        """Set a count of one's own, for jobs whose report is not about documents."""
        with self._lock:
            self._now[name], self._changed = number, True

    @property
    def has_news(self) -> bool:
        return self._changed

    def write(self, session: Session) -> dict[str, Any]:
        """Write the outcomes that are new; returns the job's columns. Say `written` after the commit."""
        with self._lock:
            self._changed = False
            self._writing = len(self._rows)
            rows = self._rows[: self._writing]
            values = {"done": self.done, "total": self.total, "note": self.note, "counts": self.counts()}
        if rows:
            session.execute(insert(JobOutcome), rows)
        return values

    def written(self) -> None:
        """They are safe."""
        with self._lock:
            del self._rows[: self._writing]

    def not_written(self) -> None:
        """The transaction failed: they are news again."""
        self._changed = True

    def counts(self) -> dict[str, int]:
        """All attempts together: what an earlier one made is met again as unchanged."""
        found = Counter(self._now)
        acts = sum(self._earlier[name] for name in ACTS)
        found.update(self._earlier)
        if "unchanged" in found:
            found["unchanged"] = max(0, found["unchanged"] - acts)
        return {name: number for name, number in found.items() if number}


def take_up(session: Session, job_id: int, counts: Mapping[str, int], *, afresh: bool) -> Tally:
    """The tally of a new attempt. What earlier ones refused is tried again, so it leaves the report.

    Args:
        afresh: nothing of earlier attempts counts: they changed nothing.
    """
    gone = delete(JobOutcome).where(JobOutcome.job_id == job_id)
    session.execute(gone if afresh else gone.where(JobOutcome.result.not_in(ACTS)))
    if afresh:
        return Tally(job_id, {})
    ours = JobOutcome.job_id == job_id
    last = session.execute(select(func.max(JobOutcome.seq)).where(ours)).scalar()
    return Tally(job_id, counts, session.execute(select(JobOutcome.path).where(ours)).scalars(), (last or 0) + 1)


def _row(job_id: int, seq: int, outcome: Outcome) -> dict[str, Any]:
    reason = "\n".join(line for line in (outcome.reason, *outcome.warnings) if line)[:MAX_REASON]
    # PostgreSQL keeps no NUL, and neither database a half of a surrogate pair: what was refused may be called anything.
    path, reason = (part.replace("\0", "�").encode("utf-8", "replace").decode() for part in (outcome.path, reason))
    return {
        "job_id": job_id,
        "seq": seq,
        "path": path,
        "result": outcome.result,
        "reason": reason,
        "post_id": outcome.post_id,
    }
