"""What left on each day of the site, and what may leave today."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from blogapp.core import heartbeat
from blogapp.core.db import db, transaction
from blogapp.delivery import days
from blogapp.delivery.models import MailDay
from blogapp.delivery.outbox import deliver_outbox, queue_message
from blogapp.delivery.pace import Limits, Pace, Shares
from tests.relay import Relay
from tests.worker import ME

BEFORE_MIDNIGHT = datetime(2026, 6, 30, 22, 30, tzinfo=UTC)  # 23:30 in London
AFTER_MIDNIGHT = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)


@pytest.fixture
def chosen(relay: Relay) -> dict[str, Any]:
    return {"smtp_url": relay.url, "mail_warm_up": date(2026, 6, 29), "mail_quiet_hours": "22:00-07:00"}


def count(**what: int) -> None:
    with transaction() as session:
        days.count(session, **what)


def listed() -> list[tuple[Any, ...]]:
    db.session.rollback()
    query = select(MailDay.day, MailDay.accepted, MailDay.refused, MailDay.deferred).order_by(MailDay.day)
    return [tuple(row) for row in db.session.execute(query)]


def test_counts_add_up_by_the_sites_own_day(app: Flask) -> None:
    with time_machine.travel(BEFORE_MIDNIGHT, tick=False):
        count(accepted=3)
        count(accepted=2, refused=1)
        count()
        assert days.accepted_today() == 5
    with time_machine.travel(AFTER_MIDNIGHT, tick=False):
        assert days.accepted_today() == 0
        count(deferred=4)
    assert listed() == [(date(2026, 6, 30), 5, 1, 0), (date(2026, 7, 1), 0, 0, 4)]


def test_a_warm_up_goes_by_what_was_taken_and_the_pace_by_both(app: Flask) -> None:
    with time_machine.travel(BEFORE_MIDNIGHT, tick=False):
        heartbeat.beat("worker:one:1")
        heartbeat.beat("worker:two:1")
        count(accepted=400)
        assert days.shares() == Shares(2, date(2026, 6, 30), 500, 100)
        assert days.days_for(1000) == [(date(2026, 6, 30), 100), (date(2026, 7, 1), 900)]
        count(accepted=200)
        assert days.shares() == Shares(2, date(2026, 6, 30), 500, 0)
        rest = Pace(days.limits(), days.shares).rest()
        assert rest is not None
        assert rest.reason == "Quiet hours: goes on at 07:00"
    with time_machine.travel(datetime(2026, 7, 1, 12, tzinfo=UTC), tick=False):
        assert days.shares() == Shares(1, date(2026, 7, 1), 1200, 1200)
        assert Pace(days.limits(), days.shares).rest() is None
    with time_machine.travel(datetime(2026, 9, 1, tzinfo=UTC), tick=False):
        assert days.shares() == Shares(1, date(2026, 9, 1), None, 0)


@pytest.mark.parametrize("chosen", [{}])
def test_by_default_nothing_is_limited(app: Flask) -> None:
    assert days.limits() == Limits(zone=days.limits().zone)
    assert days.shares() == Shares(1, days.today(), None, 0)
    assert days.days_for(1_500_000) == [(days.today(), 1_500_000)]


def test_a_database_that_is_away_stops_nobody(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(heartbeat, "count_alive", away)
        assert days.shares() is None


def away(_: str) -> int:
    with db.engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT 1 FROM nowhere").scalar_one())


def test_single_mails_are_counted_and_never_held(app: Flask, relay: Relay) -> None:
    relay.at_rcpt["bea@reader.test"] = "550 5.7.1 no"
    relay.at_rcpt["cy@reader.test"] = "450 4.2.0 later"
    with time_machine.travel(BEFORE_MIDNIGHT, tick=True):
        count(accepted=500)
        with transaction() as session:
            for name in ("ann", "bea", "cy"):
                queue_message(session, "x", f"{name}@reader.test", "hello", b"Subject: hello\r\n\r\nHello.\r\n")
        deliver_outbox(ME)
    assert listed() == [(date(2026, 6, 30), 501, 1, 1)]
