"""How a digest is doing, in words: the same for the page and for the few lines of JavaScript that renew it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from blogapp.authoring.wording import clock_time, count, people, plain_day, span
from blogapp.core.web import local
from blogapp.digest.figures import Figures
from blogapp.digest.progress import Progress

# With less left than that nobody needs to be told when it ends.
SOON = timedelta(minutes=1)


@dataclass(frozen=True)
class Story:
    """`done` of `total` recipients are settled one way or another; `live`: it changes by itself, so look again."""

    state: str
    line: str
    details: list[str] = field(default_factory=list)
    done: int = 0
    total: int = 0
    live: bool = False
    tone: str = ""


def story_of(progress: Progress, at: datetime, per_second: float = 0.0, figures: Figures | None = None) -> Story:
    """A digest's state as sentences.

    Args:
        per_second: how fast it leaves; 0.0: nobody knows.
        figures: how it fared.
    """
    state = progress.state
    if state == "waiting":
        return _waiting(progress, at)
    if state == "held":
        if progress.held_reason:
            return Story(state, f"The digest is held: nothing has left. {progress.held_reason}", tone="bad")
        return Story(state, "The digest is held. It leaves when somebody sends it.", tone="warn")
    if state == "cancelled":
        return Story(state, "The digest is cancelled: the post is public, and no mail leaves.")
    if state == "withdrawn":
        return Story(state, "The digest has not left. It waits until the post is published again.")
    done, total, details = progress.candidates - progress.waiting, progress.candidates, _details(progress, figures)
    if state == "paused":
        return Story(state, _paused(progress, at), details, done, total, live=True, tone="bad")
    if state == "sending":
        line = f"{count(done)} of {count(total)} are done." if total else "It is leaving."
        details += _pace(progress.waiting, per_second, at)
        return Story(state, line, details, done, total, live=True, tone="warn")
    when = f" {_when(progress.sent_at, at)}" if progress.sent_at else ""
    return Story(state, f"The digest was sent to {people(progress.accepted)}{when}.", details, done, total, tone="good")


def _waiting(progress: Progress, at: datetime) -> Story:
    if progress.due_at <= at:
        return Story("waiting", "The digest is about to leave.", live=True, tone="warn")
    left = span(progress.due_at - at)
    company = f" together with {' and '.join(progress.together)}" if progress.together else ""
    leaves = f"{clock_time(progress.due_at, at)}{company}, in {left}"
    line = f"The digest leaves at {leaves}. Until then it can be held or cancelled."
    return Story("waiting", line, tone="warn")


def _paused(progress: Progress, at: datetime) -> str:
    began = f" since {clock_time(progress.paused_at, at)}" if progress.paused_at else ""
    reason = progress.pause_reason.rstrip(".") or "the mail server cannot be used"
    again = f" It tries again at {clock_time(progress.resume_at, at)}." if progress.resume_at else ""
    return f"Paused{began}: {reason}.{again} Nobody is lost."


def _pace(waiting: int, per_second: float, at: datetime) -> list[str]:
    """`4,200 a second, done at about 14:32`; nothing while nobody knows."""
    if per_second <= 0 or not waiting:
        return []
    speed = f"{count(round(per_second))} a second" if per_second >= 1 else f"{count(round(per_second * 60))} a minute"
    left = timedelta(seconds=waiting / per_second)
    return [speed if left < SOON else f"{speed}, done at about {clock_time(at + left, at)}"]


def _details(progress: Progress, figures: Figures | None) -> list[str]:
    """What became of those who were not simply accepted, and what came after."""
    lines = []
    if progress.accepted:
        lines.append(f"{count(progress.accepted)} taken by the mail server")
    if progress.refused:
        lines.append(f"{count(progress.refused)} refused")
    if progress.skipped:
        lines.append(f"{count(progress.skipped)} skipped")
    if progress.in_doubt:
        lines.append(f"{count(progress.in_doubt)} in doubt: the connection broke after the mail was handed over")
    if progress.waiting and progress.state == "sent":
        lines.append(f"{count(progress.waiting)} still to be tried")
    if figures and figures.bounced:
        lines.append(f"{count(figures.bounced)} bounced later")
    if figures and figures.left:
        lines.append(f"{count(figures.left)} unsubscribed {'within a week' if figures.week_over else 'since'}")
    return lines


def _when(moment: datetime, at: datetime) -> str:
    here = local(moment)
    return f"at {here:%H:%M}" if here.date() == local(at).date() else f"on {plain_day(moment, at)} at {here:%H:%M}"
