"""What waits to leave, since when, and why."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import func, select

from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.core.web import local
from blogapp.delivery.models import OutboxMail
from blogapp.digest.doctor.findings import Finding, failed, ok, warning
from blogapp.digest.doctor.tools import Tools
from blogapp.digest.instance import WAY_OUT, look
from blogapp.digest.models import Digest, Sending
from blogapp.posts.models import Post

# A worker that lives takes a due mail up within seconds.
LATE = timedelta(minutes=10)
DAY = timedelta(days=1)


def singles(tools: Tools) -> Iterator[Finding]:
    """Confirmations, invitations, password links: the oldest that waits, and those given up."""
    at = now()
    waiting = OutboxMail.state == "waiting"
    query = select(func.count(), func.min(OutboxMail.created_at), func.min(OutboxMail.due_at))
    count, oldest, due = db.session.execute(query.where(waiting, OutboxMail.created_at <= at)).one()
    if not count:
        yield ok("single mails", "None waits.")
    elif due < at - LATE:
        yield failed("single mails", f"{_many(count, at - oldest)} It should have left at {_time(due)}.", "See worker.")
    elif oldest < at - LATE:
        newest = select(OutboxMail.reply).where(waiting, OutboxMail.reply != "").order_by(OutboxMail.id.desc())
        reply = db.session.execute(newest.limit(1)).scalar() or "nothing yet"
        yield warning("single mails", f"{_many(count, at - oldest)} The relay's last word: {reply}.")
    else:
        yield ok("single mails", f"{count} waiting, none for long.")
    given_up = select(func.count()).where(OutboxMail.state == "failed", OutboxMail.created_at > at - DAY)
    if failures := db.session.execute(given_up).scalar_one():
        yield warning("single mails", f"{failures} of the last day could not be delivered at all.")


def this_copy(tools: Tools) -> Iterator[Finding]:
    """Whether the database and this host belong together, so that mail may leave from here (decision 14)."""
    if why := look():
        yield failed("this copy", f"All mail is held: {why}.", f"If no other copy of this site sends, run `{WAY_OUT}`.")
    else:
        yield ok("this copy", "Database and data folder belong together.")


def digests(tools: Tools) -> Iterator[Finding]:
    """Digests that should be on their way and are not."""
    found = [*_paused(), *_kept()]
    yield from found or [ok("digests", "None is held up.")]


def _paused() -> Iterator[Finding]:
    query = select(Sending).where(Sending.state == "paused").order_by(Sending.id)
    for sending in db.session.execute(query).scalars():
        since = f" since {_time(sending.paused_at)}" if sending.paused_at else ""
        text = f"“{sending.subject}” has been paused{since}: {sending.pause_reason}."
        if sending.resume_at is None:
            page = "its post's page" if sending.kind == "digest" else "Admin, Mail"
            yield failed("digests", text, f"It waits for a person: {page} has a button to go on.")
        else:
            yield warning("digests", text, f"It tries again by itself at {_time(sending.resume_at)}.")


def _kept() -> Iterator[Finding]:
    query = (
        select(Post.title, Digest.state, Digest.due_at, Digest.held_reason).join(Digest.post).order_by(Digest.due_at)
    )
    for title, state, due, why in db.session.execute(query.where(Digest.state.in_(("held", "waiting")))):
        if state == "held":
            held = f"held by itself: {why}" if why else f"held by a person; it was to leave at {_time(due)}."
            text = f"“{title}” is {held}"
            yield warning("digests", text, "Its post's page has a button to let it go.")
        elif due < now() - LATE:
            yield failed("digests", f"“{title}” should have left at {_time(due)}.", "See worker, and its log.")


def _many(count: int, age: timedelta) -> str:
    return f"{count} waiting, the oldest for {_age(age)}."


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 2880 else f"{minutes // 1440} days"


def _time(moment: datetime) -> str:
    return f"{local(moment):%Y-%m-%d %H:%M}"
