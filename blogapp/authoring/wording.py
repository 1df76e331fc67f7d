"""States as words: what a list says about a post and its digest. Pure functions of plain values."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from blogapp.core.web import local
from blogapp.posts.deleted import gone_on


@dataclass(frozen=True)
class State:
    """A sentence fragment and its tone: "", good, warn or bad."""

    words: str
    tone: str = ""


@dataclass(frozen=True)
class DigestFacts:
    """What a list needs to know of a digest. Counts are subscribers."""

    state: str
    due_at: datetime
    accepted: int = 0
    candidates: int = 0
    paused: bool = False


@dataclass(frozen=True)
class PostFacts:
    """What a list needs to know of a post. All moments are aware. `circle`: who may read it, if not everybody."""

    state: str
    created_at: datetime
    published_at: datetime | None
    first_published_at: datetime | None
    deleted_at: datetime | None
    circle: str = ""
    # When it is to be published by itself, and whether that was tried in vain.
    publish_at: datetime | None = None
    stopped: bool = False


def state_of(post: PostFacts, digest: DigestFacts | None, at: datetime) -> State:
    """`draft since Tuesday`, `held, leaves 14:32`, `sent to 812`, `withdrawn`, `deleted, gone on 3 May`.

    What not everybody may read says who may: `published Tuesday, members only`.
    """
    if not post.circle:
        return _state_of(post, digest, at)
    state = _state_of(post, None, at)
    return State(f"{state.words}, {post.circle}", state.tone)


def _state_of(post: PostFacts, digest: DigestFacts | None, at: datetime) -> State:
    if post.deleted_at is not None:
        return State(f"deleted, gone on {plain_day(gone_on(post.deleted_at), at)}", "bad")
    if post.state == "draft":
        if post.publish_at is not None:
            return _plan(post.publish_at, at, stopped=post.stopped)
        if post.first_published_at is not None:
            return State("withdrawn", "warn")
        return State(f"draft since {since(post.created_at, at)}")
    if digest is not None and digest.state != "withdrawn":
        return _digest_state(digest, at)
    published = post.published_at or at
    return State(f"published {since(published, at)}", "good")


def _plan(publish_at: datetime, at: datetime, *, stopped: bool) -> State:
    if stopped:
        return State(f"was not published {on_a_day(publish_at, at)}", "bad")
    return State(
        f"leaves for the site {on_a_day(publish_at, at)}" if publish_at > at else "about to be published", "warn"
    )


def _digest_state(digest: DigestFacts, at: datetime) -> State:
    if digest.state == "waiting":
        return State(f"held, leaves {clock_time(digest.due_at, at)}" if digest.due_at > at else "leaving now", "warn")
    if digest.state == "held":
        return State("digest held", "warn")
    if digest.state == "cancelled":
        return State("published, digest cancelled", "good")
    if digest.state == "sending" and digest.paused:
        return State(f"paused at {count(digest.accepted)} of {count(digest.candidates)}", "bad")
    if digest.state == "sending":
        return State(f"sending, {count(digest.accepted)} of {count(digest.candidates)}", "warn")
    return State(f"sent to {count(digest.accepted)}", "good")


def since(moment: datetime, at: datetime) -> str:
    """`14:32` today, `yesterday`, `Tuesday` within the week, `3 May`, `3 May 2017`."""
    here, today = local(moment), local(at).date()
    days = (today - here.date()).days
    if days <= 0:
        return f"{here:%H:%M}"
    if days == 1:
        return "yesterday"
    return f"{here:%A}" if days < 7 else _day_and_month(here.date(), today)


def clock_time(moment: datetime, at: datetime) -> str:
    """`14:32` today, `tomorrow 09:00`, `Tuesday 09:00` within the week, `3 May 09:00`."""
    here, today = local(moment), local(at).date()
    days = (here.date() - today).days
    if days <= 0:
        return f"{here:%H:%M}"
    word = "tomorrow" if days == 1 else f"{here:%A}" if days < 7 else _day_and_month(here.date(), today)
    return f"{word} {here:%H:%M}"


def on_a_day(moment: datetime, at: datetime) -> str:
    """`today at 16:00`, `tomorrow at 16:00`, `on Friday at 16:00` within the week, `on 3 May at 16:00`."""
    here, today = local(moment), local(at).date()
    days = (here.date() - today).days
    words = {-1: "yesterday", 0: "today", 1: "tomorrow"}
    on = words.get(days) or (f"on {here:%A}" if 1 < days < 7 else f"on {_day_and_month(here.date(), today)}")
    return f"{on} at {here:%H:%M}"


def plain_day(moment: datetime, at: datetime) -> str:
    """`3 May`, with the year where it is another one."""
    return _day_and_month(local(moment).date(), local(at).date())


def _day_and_month(day: date, today: date) -> str:
    year = f" {day.year}" if day.year != today.year else ""
    return f"{day.day} {day:%B}{year}"


def count(number: int) -> str:
    """`1,500,000`."""
    return f"{number:,}"


def people(number: int) -> str:
    """`nobody`, `1 person`, `812 people`."""
    return "nobody" if number == 0 else "1 person" if number == 1 else f"{count(number)} people"


def span(duration: timedelta) -> str:
    """`15 minutes`, `2 hours`, `3 days`: as long as it is read, not as long as it is."""
    seconds = int(duration.total_seconds())
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = round(seconds / size)
            return f"{number} {word}{'s' if number != 1 else ''}"
    return f"{seconds} seconds"


def size(size_bytes: int) -> str:
    """`830 bytes`, `12 kB`, `3.4 MB`."""
    if size_bytes < 1000:
        return f"{size_bytes} bytes"
    return f"{size_bytes / 1000:.0f} kB" if size_bytes < 1_000_000 else f"{size_bytes / 1_000_000:.1f} MB"
