"""Exporting subscribers, and reading them back, on both databases."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete, select

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.errors import Conflict, NotAllowed
from blogapp.delivery.models import Suppression
from blogapp.delivery.suppressions import suppress
from blogapp.porting.lists import exporting as subscriber_export
from blogapp.porting.lists.exporting import ExportFailed, export_subscribers
from blogapp.porting.lists.importing import import_subscribers
from blogapp.subscribing.listing import COLUMNS
from blogapp.subscribing.models import Subscriber
from tests import readers
from tests.commands import Command
from tests.mailbox import outbox

# Links in mails name the number, which a list cannot bring along.
KEPT = [column for column in COLUMNS if column.key != "id"]


def people() -> list[tuple[object, ...]]:
    db.session.rollback()
    return [tuple(row) for row in db.session.execute(select(*KEPT).order_by(Subscriber.address))]


def suppressions() -> list[tuple[object, ...]]:
    columns = (Suppression.address, Suppression.reason, Suppression.evidence, Suppression.created_at)
    return [tuple(row) for row in db.session.execute(select(*columns).order_by(Suppression.address))]


@pytest.fixture
def everybody(app: Flask) -> None:
    """One subscriber of each kind, and an address of nobody that must not be mailed."""
    readers.subscriber("ann@example.org", name='Ann "the baker", Lee; of Leeds', paused_until=now() + timedelta(days=9))
    readers.subscriber("=bea@example.org", "unsubscribed", name="=1+1")
    readers.subscriber("dan@example.org", "pending", created_at=now() - timedelta(days=3))
    eve = readers.subscriber("eve@example.org")
    with transaction() as session:
        session.get_one(Subscriber, eve).consent = {
            "source": "import",
            "service": "ghost",
            "at": "2019-03-04T10:11:12Z",
        }
        suppress(session, "eve@example.org", "no such mailbox", {"reply": "550 5.1.1 unknown"})
        suppress(session, "stranger@example.org", "complaint")


def test_an_export_is_read_back_as_it_was(app: Flask, everybody: None, tmp_path: Path) -> None:
    before = people(), suppressions()
    assert export_subscribers(tmp_path / "all.csv") == 5
    with transaction() as session:
        session.execute(delete(Subscriber))
        session.execute(delete(Suppression))
    report = import_subscribers(tmp_path / "all.csv")
    assert report.wrong == []
    assert (people(), suppressions()) == before
    assert outbox() == []
    assert dict(import_subscribers(tmp_path / "all.csv").counts) == {"known": 5}


def test_an_export_lifts_nothing_where_it_is_read(app: Flask, everybody: None, tmp_path: Path) -> None:
    export_subscribers(tmp_path / "all.csv")
    ann = readers.find("ann@example.org")
    assert ann is not None
    with transaction() as session:
        suppress(session, "dan@example.org", "asked by mail")
        session.get_one(Subscriber, ann.id).unsubscribe(now())
    before = people(), suppressions()
    import_subscribers(tmp_path / "all.csv")
    assert (people(), suppressions()) == before


def test_many_suppressed_strangers_come_in_slices(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriber_export, "SLICE", 2)
    with transaction() as session:
        for number in range(5):
            suppress(session, f"s{number}@example.org", "complaint")
    assert export_subscribers(tmp_path / "all.csv") == 5


def test_the_file_is_its_owners_alone_and_never_written_over_unasked(
    app: Flask, everybody: None, tmp_path: Path
) -> None:
    file = tmp_path / "all.csv"
    export_subscribers(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(Conflict):
        export_subscribers(file)
    assert export_subscribers(file, force=True) == 5
    assert [path.name for path in tmp_path.glob("*all.csv*")] == ["all.csv"]
    with pytest.raises(ExportFailed):
        export_subscribers(tmp_path / "nowhere" / "all.csv")


def test_only_who_manages_subscribers_may_take_them_away(app: Flask, erin: Member, tmp_path: Path) -> None:
    with pytest.raises(NotAllowed):
        export_subscribers(tmp_path / "all.csv", by=erin.id)
    assert not (tmp_path / "all.csv").exists()


def test_the_command_writes_it(app: Flask, everybody: None, blogapp: Command, tmp_path: Path) -> None:
    assert blogapp("export subscribers all.csv").stdout == "all.csv: 5 addresses.\n"
    assert "--force" in blogapp.refused("export subscribers all.csv")
    assert "5 known already" in blogapp("import subscribers all.csv").stdout
