"""What a page's stamp is made of."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine

from blogapp.core.stamps import Day, Stamps


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database with a site's row; its name holds what an address would take for its own."""
    file = tmp_path / "a #1.sqlite3"
    run(file, "CREATE TABLE site (version INTEGER, instance TEXT)", "INSERT INTO site VALUES (7, 'here')")
    return file


@pytest.fixture
def stamps(file: Path) -> Iterator[Stamps]:
    made = Stamps(f"sqlite:///{file}", "Europe/London")
    yield made
    made.close()


def run(file: Path, *statements: str) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_a_write_a_restored_copy_and_a_new_day_each_change_the_stamp(file: Path, stamps: Stamps) -> None:
    with time_machine.travel(datetime(2018, 2, 5, 23, 59, 59, tzinfo=UTC), tick=False) as clock:
        seen = [stamps.now()]
        for statement in ("UPDATE site SET version = 8", "UPDATE site SET version = 7, instance = 'there'"):
            run(file, statement)
            seen.append(stamps.now())
        clock.shift(1)
        seen.append(stamps.now())
    today = date(2018, 2, 5).toordinal()
    assert seen == [(7, "here", today), (8, "here", today), (7, "there", today), (7, "there", today + 1)]


def test_the_day_is_the_site_s_own_through_summer_time_and_a_clock_put_back() -> None:
    london, auckland = Day(ZoneInfo("Europe/London")), Day(ZoneInfo("Pacific/Auckland"))
    with time_machine.travel(datetime(2018, 3, 25, 22, 59, tzinfo=UTC), tick=False) as clock:
        assert [day.today() for day in (london, auckland)] == [on(2018, 3, 25), on(2018, 3, 26)]
        clock.move_to(datetime(2018, 3, 25, 23, 0, tzinfo=UTC))  # Midnight: summer time began that morning.
        assert london.today() == on(2018, 3, 26)
        clock.move_to(datetime(2018, 3, 25, 10, 0, tzinfo=UTC))
        assert [day.today() for day in (london, auckland)] == [on(2018, 3, 25), on(2018, 3, 25)]


def on(year: int, month: int, day: int) -> int:
    return date(year, month, day).toordinal()


def test_a_database_that_is_gone_has_no_stamp_is_not_made_by_asking_and_may_come_back(
    file: Path, stamps: Stamps, caplog: pytest.LogCaptureFixture
) -> None:
    assert stamps.now() is not None
    away = file.with_name("away")
    stamps.close()
    file.rename(away)
    assert [stamps.now(), stamps.now()] == [None, None]
    assert not file.exists()
    assert len(caplog.records) == 1
    away.rename(file)
    assert stamps.now() is not None


def test_a_fork_opens_its_own_connection(stamps: Stamps, monkeypatch: pytest.MonkeyPatch) -> None:
    stamps.now()
    before = stamps._idle[0]
    monkeypatch.setattr(os, "getpid", lambda: 1)
    stamps.now()
    assert before not in stamps._idle
    before.close()


def test_there_are_no_more_connections_than_threads_that_ask_at_once(stamps: Stamps) -> None:
    threads = [threading.Thread(target=lambda: [stamps.now() for _ in range(50)]) for _ in range(20)]
    for thread in threads[:3]:
        thread.start()
    for thread in threads[:3]:
        thread.join()
    for thread in threads[3:]:  # one after the other
        thread.start()
        thread.join()
    assert 1 <= len(stamps._idle) <= 3
