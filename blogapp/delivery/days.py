"""What the relay took on each day of the site: for a warm-up's limit, and for charts that need no spying."""

import logging
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from blogapp.core import heartbeat
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import db, on_sqlite
from blogapp.core.quiet import parse_quiet_hours
from blogapp.delivery.models import MailDay
from blogapp.delivery.pace import Limits, Shares
from blogapp.delivery.warmup import limit_of, warm_up_plan

log = logging.getLogger(__name__)


def day_of(at: datetime) -> date:
    """The site's day at that moment."""
    return at.astimezone(ZoneInfo(settings().site_timezone)).date()


def today() -> date:
    """The site's day now."""
    return day_of(now())


def count(session: Session, *, accepted: int = 0, refused: int = 0, deferred: int = 0) -> None:
    """Add to today's counts: mails taken, refused for good, and tries put off. Joins the caller's transaction.

    One statement, and none for nothing. Call it last: on PostgreSQL it holds the day's row until the commit.
    """
    counts = {"accepted": accepted, "refused": refused, "deferred": deferred}
    if not any(counts.values()):
        return
    insert = sqlite.insert if on_sqlite(session) else postgresql.insert
    row = insert(MailDay).values(day=today(), **counts)
    more = {name: getattr(MailDay, name) + row.excluded[name] for name in counts}
    session.execute(row.on_conflict_do_update(index_elements=["day"], set_=more))


def accepted_today() -> int:
    """How many mails the relay has taken today, single ones too."""
    return _accepted_on(today())


def limits() -> Limits:
    """What the settings say about the pace of digests. Single mails keep to none of it: `Limits()` is theirs."""
    s = settings()
    return Limits(
        per_second=s.mail_per_second,
        per_domain=s.mail_per_domain,
        quiet=parse_quiet_hours(s.mail_quiet_hours),
        warms_up=s.mail_warm_up is not None,
        zone=ZoneInfo(s.site_timezone),
    )


def shares() -> Shares | None:
    """What the living workers share at this moment, read on a connection of its own; None: the database is away."""
    try:
        workers, day = heartbeat.count_alive("worker:"), today()
        limit = limit_of(settings().mail_warm_up, day, _most_before(day))
        left = 0 if limit is None else max(limit - _accepted_on(day), 0)
    except DBAPIError as error:
        log.warning("what the workers share cannot be read", extra={"error": str(error.orig)})
        return None
    return Shares(max(workers, 1), day, limit, left)


def days_for(total: int) -> list[tuple[date, int]]:
    """On which days a digest to so many readers would leave if it began now, and how many mails on each."""
    day = today()
    return warm_up_plan(settings().mail_warm_up, day, total, most=_most_before(day), used=_accepted_on(day))


def _accepted_on(day: date) -> int:
    with db.engine.connect() as connection:
        return connection.execute(select(MailDay.accepted).where(MailDay.day == day)).scalar() or 0


def _most_before(day: date) -> int:
    """The most that was accepted on one day of the warm-up, before that one."""
    begins_on = settings().mail_warm_up
    if begins_on is None:
        return 0
    query = select(func.max(MailDay.accepted)).where(MailDay.day >= begins_on, MailDay.day < day)
    with db.engine.connect() as connection:
        return connection.execute(query).scalar() or 0
