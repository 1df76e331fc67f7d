"""What goes out once a month, on its first Monday at nine, to those who asked for it: all they missed, in one mail."""

from collections import Counter
from datetime import date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from blogapp.audit import AuditEntry, record
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.errors import Conflict
from blogapp.digest import gaps, owed, slices
from blogapp.digest.beginning import tried, unchanged
from blogapp.digest.compose import Composed, compose_posts
from blogapp.digest.family import add_sending, last_subscriber, newest_first
from blogapp.digest.gaps import Gap
from blogapp.digest.models import Sending
from blogapp.digest.told import told_lately

AT = time(9)
EDITIONS = 13
SLICE = 10_000
Made = tuple[dict[str, int], list[tuple[Gap, Composed]], datetime]


def begin_month() -> int:
    """Begin the month's catch-up if its time has come and nobody has. Returns how many began (one at most).

    Where the worker was down at that time, it is made up for once.
    """
    occasion = f"monthly:{month_begun(now().astimezone(ZoneInfo(settings().site_timezone))):%Y-%m}"
    # Asked many times a second while a digest leaves: once it is known to be done there is nothing to look up.
    known: set[str] = current_app.extensions.setdefault("months_begun", set())
    if occasion in known:
        return 0
    if _done(db.session(), occasion):
        known.add(occasion)
        return 0

    def write(session: Session, made: Made) -> bool:
        counts, editions, planned_at = made
        if _done(session, occasion):
            return False
        last = last_subscriber(session)
        first = None
        for carries, composed in editions:
            columns = {"kind": "catch-up", "planned_at": planned_at, "last_subscriber_id": last}
            if first is None:
                # All of them miss something, so there is nobody for the first pass.
                again = {"occasion": occasion, "planned_to": last, "gaps": counts, "editions_to": 0}
                first = add_sending(session, composed, carries, **columns, **again).id
            else:
                add_sending(session, composed, carries, main_id=first, **columns)
        record(session, "digest.month", occasion, by=None, sending=first, editions=len(editions))
        return first is not None

    try:
        return int(unchanged(_make, write))
    except Conflict:
        return 0  # Another worker was faster.


def month_begun(here: datetime) -> date:
    """The month whose first Monday at nine was the last one to pass, where the site is."""
    for day in (here.date().replace(day=1), (here.date().replace(day=1) - timedelta(days=1)).replace(day=1)):
        monday = day + timedelta(days=-day.weekday() % 7)
        if here.replace(tzinfo=None) >= datetime.combine(monday, AT):
            return day
    raise AssertionError("last month's first Monday has passed")


def _done(session: Session, occasion: str) -> bool:
    noted = exists().where(AuditEntry.subject == occasion, AuditEntry.act == "digest.month")
    return bool(session.execute(select(noted)).scalar())


def _make(session: Session) -> Made:
    """Count what the readers miss, and compose a mail for each of the gaps that most of them have."""
    planned_at = now()
    sent = owed.window(session, planned_at, owed.MONTHLY_WINDOW)
    counts: Counter[Gap] = Counter()
    whole = Sending(kind="catch-up", planned_at=planned_at, last_subscriber_id=last_subscriber(session))
    after = 0 if sent else whole.last_subscriber_id
    while after < whole.last_subscriber_id:
        found = slices.read_slice(session, whole, after, SLICE)
        for gap, readers in gaps.split(found.bits, owed.missing(session, sent, found.lo, found.hi, found.bits)).items():
            counts[gap] += readers.bit_count()
        after = found.hi
    post_of = {one.digest_id: one.post_id for one in sent}
    editions = []
    for gap in gaps.choose(counts, EDITIONS):
        ordered = newest_first(session, [post_of[number] for number in gap])
        told = told_lately(session, planned_at, ordered)
        make = partial(compose_posts, session, ordered, date=planned_at, kind="catch-up", told=told)
        if (composed := tried(make, month=f"{planned_at:%Y-%m}")) is not None:
            editions.append((gap, composed))
    kept = dict(counts.most_common(slices.GAPS_COUNTED))
    return {gaps.said(gap): count for gap, count in kept.items() if gap}, editions, planned_at
