"""How a job is doing, in words and figures."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from blogapp.porting.jobs.kinds import Kind
from blogapp.porting.jobs.models import Job
from blogapp.porting.jobs.registry import KINDS

# In the order in which a report tells them. What a preview says of them comes after "would be".
RESULTS = {
    "made": "new",
    "changed": "changed",
    "beside": "kept beside",
    "unchanged": "unchanged",
    "refused": "refused",
}
# How a result looks in the bar and the table; the words are always there too.
TONES = {"beside": "warn", "refused": "bad"}
# A guess at what is left is worth nothing before.
SETTLING = timedelta(seconds=3)
UNITS = (("hour", 3600), ("minute", 60), ("second", 1))


@dataclass(frozen=True)
class Figure:
    """One number of the report."""

    result: str
    words: str
    number: int
    tone: str = ""


@dataclass(frozen=True)
class Story:
    """What the page says and its script renews. `live`: it changes by itself."""

    state: str
    live: bool
    tone: str
    line: str
    details: list[str]
    done: int
    total: int


def kind_of(job: Job) -> Kind | None:
    """Its kind; None where this program knows it no more."""
    return KINDS.get(job.kind)


def title_of(job: Job) -> str:
    """`Snips: old-site.zip`."""
    kind = kind_of(job)
    label = kind.label if kind else job.kind
    name = job.options.get("files", {}).get("file", {}).get("name")
    return f"{label}: {name}" if name else label


def state_of(job: Job) -> tuple[str, str]:
    """Its state in a few words, and their tone."""
    if job.state == "done":
        if job.dry_run:
            return "previewed, not imported yet", "warn"
        refused = job.counts.get("refused", 0)
        return (f"done, {refused:,} refused", "warn") if refused else ("done", "good")
    return {
        "waiting": ("waits", ""),
        "running": ("at work", ""),
        "stopping": ("stopping", ""),
        "stopped": ("stopped", "warn"),
        "failed": ("failed", "bad"),
    }[job.state]


def story_of(job: Job, at: datetime, *, behind: bool) -> Story:
    """Its story at this moment.

    Args:
        behind: another job is at work, so this one waits for its turn.
    """
    live = not job.is_over
    line = _line(job, behind)
    details = [job.note] if job.note and job.at_work else []
    if job.state == "running" and (left := _left(job, at)):
        details.append(left)
    if job.state == "done" and job.started_at and job.finished_at:
        details.append(f"It took {_span(job.finished_at - job.started_at)}.")
    tone = "bad" if job.state == "failed" else ""
    return Story(job.state, live, tone, line, details, job.done, job.total)


def figures_of(job: Job) -> list[Figure]:
    """What the report counted, in order; zeros left out but for what everybody looks for."""
    kind = kind_of(job)
    known = {**(kind.words if kind else {}), **RESULTS}
    counts = {name: number for name, number in job.counts.items() if name != "warnings"}
    if not counts:
        return []
    order = [*known, *(name for name in counts if name not in known)]
    return [
        Figure(name, known.get(name, name), counts[name], TONES.get(name, "")) for name in order if counts.get(name)
    ]


def _line(job: Job, behind: bool) -> str:
    act = "The preview" if job.dry_run else "The import" if job.kind.startswith("import") else "The export"
    far = f"{job.done:,} of {job.total:,}" if job.total else ""
    if job.state == "waiting":
        return f"{act} waits until another job is over." if behind else f"{act} is about to begin."
    if job.state == "running":
        return f"{act} is at {far}." if far else f"{act} is at work."
    if job.state == "stopping":
        return f"{act} stops after the document that it is at."
    if job.state == "stopped":
        where = f" at {far}" if far else ""
        kept = "" if job.dry_run or not far else " What was done until then stays; going on takes up the rest."
        return f"{act} was stopped{where}.{kept}"
    if job.state == "failed":
        return f"{act} failed: {job.error}"
    if job.dry_run and job.found.get("refusal"):
        return "It cannot be imported like this. Nothing was changed."
    if job.dry_run:
        return "This is what an import would do. Nothing was changed yet."
    return "The file is ready." if job.result else f"{act} is done."


def _left(job: Job, at: datetime) -> str:
    """`About 2 minutes left`, once that can be told."""
    spent = at - job.started_at if job.started_at else timedelta()
    if not job.done or not job.total or spent < SETTLING:
        return ""
    return f"About {_span(spent * ((job.total - job.done) / job.done))} left."


def _span(time: timedelta) -> str:
    """`12 seconds`, `2 minutes`, `3 hours`."""
    seconds = max(1, round(time.total_seconds()))
    name, length = next((name, length) for name, length in UNITS if seconds >= 2 * length or length == 1)
    number = round(seconds / length)
    return f"{number} {name}{'' if number == 1 else 's'}"
