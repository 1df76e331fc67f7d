"""What a page's stamp is made of."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine

from blogapp.core.stamps import Day, Stamps, _forked


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database with a site's row; its name holds what an address would take for its own."""
    file = tmp_path / "a #1.sqlite3"
    run(
        file,
        "PRAGMA journal_mode = WAL",
        "CREATE TABLE site (version INTEGER, nonce INTEGER)",
        "INSERT INTO site VALUES (7, 11)",
    )
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
        for statement in ("UPDATE site SET version = 8", "UPDATE site SET version = 7, nonce = 12"):
            run(file, statement)
            seen.append(stamps.now())
        clock.shift(1)
        seen.append(stamps.now())
    today = date(2018, 2, 5).toordinal()
    assert seen == [(7, 11, today), (8, 11, today), (7, 12, today), (7, 12, today + 1)]


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


def test_a_fork_opens_its_own_connection(stamps: Stamps) -> None:
    stamps.now()
    before = stamps._idle[0]
    _forked()
    stamps.now()
    assert before not in stamps._idle
    before.close()


def test_who_watches_asks_once_a_commit_whichever_process_makes_it(stamps: Stamps, file: Path) -> None:
    stamps.watch()
    asked: list[int] = []
    ask = stamps._source.ask
    stamps._source.ask = lambda connection: asked.append(1) or ask(connection)  # type: ignore[method-assign,func-returns-value]
    first = stamps.now()
    assert first is not None
    assert [stamps.now() for _ in range(5)] == [first] * 5
    assert len(asked) == 1
    for number, act in enumerate(("UPDATE site SET version = 70", "PRAGMA wal_checkpoint(TRUNCATE)",
                                  "UPDATE site SET version = 71", "CREATE TABLE other (x)"), 2):  # fmt: skip
        code = f"import sqlite3; c = sqlite3.connect({str(file)!r}); c.execute({act!r}); c.commit(); c.close()"
        subprocess.run([sys.executable, "-c", code], check=True)
        found = stamps.now()
        assert found is not None
        assert found[0] == (70 if number < 4 else 71), act
        assert stamps.now() == found
    assert len(asked) <= 5
    stamps.close()
    assert stamps.now() is not None, "asks each time again"


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
