"""A copied or restored site sends nothing by itself; one that is merely started again, renamed or upgraded does."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from blogapp.app import create_app
from blogapp.audit import AuditEntry
from blogapp.auth.models import Member
from blogapp.core import heartbeat, migrate
from blogapp.core.config import settings
from blogapp.core.db import db, transaction
from blogapp.core.errors import Conflict, NotAllowed
from blogapp.core.site import site_row
from blogapp.delivery.models import OutboxMail
from blogapp.delivery.outbox import queue_message
from blogapp.delivery.wake import DIGESTS, OUTBOX, Waker
from blogapp.digest import instance, planning
from blogapp.digest.models import Digest, Sending
from blogapp.digest.worker import run_digests, run_outbox
from tests.commands import Command, environment
from tests.conftest import make_settings
from tests.relay import Relay
from tests.worker import ME, many_subscribers, publish_draft, send_all

Elsewhere = Callable[..., Any]


@pytest.fixture
def chosen(relay: Relay) -> dict[str, Any]:
    return {"smtp_url": relay.url}


@pytest.fixture
def sent(app: Flask, bob: Member) -> Flask:
    """A site that has sent a digest, and in which another one and a single mail wait."""
    many_subscribers(2)
    publish_draft(bob, 7)
    send_all()
    wait_again(bob)
    return app


def wait_again(bob: Member, week: int = 8) -> None:
    publish_draft(bob, week)
    with transaction() as session:
        queue_message(session, "password-reset", "ada@reader.test", "hello", b"Subject: hello\r\n\r\nHello.\r\n")


def file() -> Path:
    return settings().data_dir / "instance"


def worked(app: Flask, relay: Relay, mails: int = 0) -> None:
    """Let both loops of a worker run until the relay has had so many mails; 0: for a moment."""
    stop = threading.Event()
    loops = [(run_digests, Waker(app, DIGESTS)), (run_outbox, Waker(app, OUTBOX))]
    threads = [threading.Thread(target=loop, args=(app, stop, waker)) for loop, waker in loops]
    for thread in threads:
        thread.start()
    until = time.monotonic() + (10.0 if mails else 0.3)
    while time.monotonic() < until and not 0 < mails <= relay.accepted.total():
        time.sleep(0.02)
    stop.set()
    for thread in threads:
        thread.join(10)


def copy_of(url: str, name: str, folder: Path) -> str:
    """The database as it is at this moment, under another name: what `cp` makes of a file, and pg_restore of a dump."""
    db.session.remove()
    db.engine.dispose()
    if url.startswith("sqlite"):
        there = folder / f"{name}.sqlite3"
        shutil.copy(url.removeprefix("sqlite:///"), there)
        return f"sqlite:///{there}"
    server, _, old = url.partition("?")[0].rpartition("/")
    ending = url.partition("?")[1] + url.partition("?")[2]
    with psycopg.connect(f"{server}/postgres{ending}", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{old}_{name}" TEMPLATE "{old}"'.encode())
    return f"{server}/{old}_{name}{ending}"


@pytest.fixture
def copied(database_url: str, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Copy the test's database."""
    made: list[str] = []

    def copy(name: str) -> str:
        made.append(copy_of(database_url, name, tmp_path))
        return made[-1]

    yield copy
    for url in made:
        if not url.startswith("sqlite"):
            server, _, name = url.partition("?")[0].rpartition("/")
            with psycopg.connect(f"{server}/postgres?{url.partition('?')[2]}", autocommit=True) as connection:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def at(chosen: dict[str, Any]) -> Elsewhere:
    """Go to another place: a data folder and a database."""

    @contextmanager
    def go(folder: Path, url: str) -> Iterator[Flask]:
        app = create_app(make_settings(folder, url, **chosen))
        with app.app_context():
            yield app
            db.session.remove()
            db.engine.dispose()

    return go


def test_a_fresh_site_writes_its_file_silently_and_sends(
    app: Flask, bob: Member, relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    many_subscribers(2)
    wait_again(bob)
    worked(app, relay, 3)
    assert relay.accepted.total() == 3
    assert "no mail leaves" not in caplog.text
    found = json.loads(file().read_text())
    newest = db.session.execute(select(Sending.mark)).scalar_one()
    assert found == {"instance": site_row().instance, "mark": newest, "inode": file().stat().st_ino}
    assert list(file().parent.glob(".instance-*")) == []


def test_a_restart_a_crash_before_the_file_was_written_and_an_upgrade_do_not_hold(
    sent: Flask, bob: Member, relay: Relay
) -> None:
    before, author = file().read_bytes(), bob.id
    planning.begin_due(ME)  # A worker commits this, and is killed before it writes the file.
    assert file().read_bytes() == before
    worked(sent, relay, 5)
    assert relay.accepted.total() == 5
    assert file().read_bytes() != before
    file().unlink()
    db.session.remove()
    migrate.move_to("0013_nonce")
    migrate.move_to("head")
    wait_again(db.session.get_one(Member, author), 9)
    worked(sent, relay, 8)
    assert relay.accepted.total() == 8
    assert file().exists()


def test_the_file_tells_of_a_sending_before_its_first_mail_leaves(
    sent: Flask, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def look(*_: object) -> bool:
        newest = select(Sending.mark).order_by(Sending.id.desc()).limit(1)
        seen.append(json.loads(file().read_text())["mark"] == db.session.execute(newest).scalar_one())
        return False

    monkeypatch.setattr("blogapp.digest.worker.send_some", look)
    worked(sent, relay)
    assert seen
    assert all(seen)


def test_a_copied_database_holds_all_mail_and_says_so_once(
    sent: Flask, relay: Relay, copied: Callable[[str], str], at: Elsewhere, tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    url = copied("copy")
    with at(tmp_path / "elsewhere", url) as app:
        worked(app, relay)
        assert db.session.execute(select(Digest.state).order_by(Digest.id.desc()).limit(1)).scalar_one() == "waiting"
        assert db.session.execute(select(OutboxMail.state)).scalar_one() == "waiting"
    assert relay.accepted.total() == 2, "what left before"
    said = [record for record in caplog.records if record.message == "no mail leaves from here"]
    assert [(record.reason, record.way_out) for record in said] == [  # type: ignore[attr-defined]
        (instance.NOT_FROM_HERE, "blogapp resume-sending")
    ]
    worked(sent, relay, 5)
    assert relay.accepted.total() == 5, "the original goes on"


def test_a_copied_folder_holds(
    sent: Flask, relay: Relay, copied: Callable[[str], str], at: Elsewhere, tmp_path: Path
) -> None:
    url = copied("copy")
    shutil.copytree(settings().data_dir, tmp_path / "elsewhere")
    with at(tmp_path / "elsewhere", url) as app:
        assert instance.look() == instance.COPIED
        worked(app, relay)
    assert relay.accepted.total() == 2


def test_a_database_older_than_this_hosts_last_sending_holds(
    sent: Flask, relay: Relay, copied: Callable[[str], str], at: Elsewhere
) -> None:
    older, folder = copied("older"), settings().data_dir
    worked(sent, relay, 5)
    assert relay.accepted.total() == 5
    with at(folder, older) as app:
        assert instance.look() == instance.OLDER
        worked(app, relay)
    assert relay.accepted.total() == 5, "the digest that waited in it has left by now"
    assert instance.look() == ""


def test_a_folder_of_another_site_or_with_a_damaged_file_holds(sent: Flask) -> None:
    for content, why in (
        (file().read_text().replace(site_row().instance, "another"), instance.NOT_TOGETHER),
        ("", instance.DAMAGED),
        ("{}", instance.DAMAGED),
        ("[1]", instance.DAMAGED),
        ("\xff", instance.DAMAGED),
    ):
        file().write_text(content, encoding="latin-1")
        assert instance.look() == why
    file().unlink()
    file().mkdir()
    assert "cannot be read" in instance.look()


def test_a_full_disk_holds_until_the_file_can_be_written(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        assert instance.look() == "the file `instance` cannot be written to the data folder (No space left on device)"
        assert not file().exists()
        assert list(file().parent.glob(".instance-*")) == []
    assert instance.look() == ""


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_new_host_of_a_site_that_sends_joins_it_when_an_admin_says_so(
    sent: Flask, alice: Member, bob: Member, relay: Relay, database_url: str, at: Elsewhere, tmp_path: Path
) -> None:
    heartbeat.beat("worker:first:1")
    before, by = site_row().instance, alice.id
    with at(tmp_path / "second", database_url):
        assert instance.look() == instance.NOT_FROM_HERE
        heartbeat.beat("worker:second:1", instance.look())
        instance.resume_sending(by)
        assert instance.look() == ""
    assert site_row().instance == before
    assert instance.look() == "", "the first host is unaffected"


def test_resuming_makes_the_copy_a_site_of_its_own(
    sent: Flask, alice: Member, bob: Member, relay: Relay, copied: Callable[[str], str], at: Elsewhere, tmp_path: Path
) -> None:
    before, by, editor = site_row().instance, alice.id, bob.id
    url = copied("copy")
    with at(tmp_path / "elsewhere", url) as app:
        with pytest.raises(NotAllowed):
            instance.resume_sending(editor)
        instance.resume_sending(by)
        assert site_row().instance != before
        entry = db.session.execute(select(AuditEntry).where(AuditEntry.act == "site.resume_sending")).scalar_one()
        assert (entry.member_id, entry.detail) == (by, {"reason": instance.NOT_FROM_HERE, "joins": False})
        with pytest.raises(Conflict):
            instance.resume_sending(by)
        worked(app, relay, 5)
    assert relay.accepted.total() == 5
    with at(tmp_path / "elsewhere", copied("again")):
        assert instance.look() == instance.NOT_TOGETHER, "a later copy of the original, put in its place"
    assert instance.look() == "", "the original"


def test_the_command_says_what_would_leave_and_asks(
    sent: Flask, alice: Member, relay: Relay, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with transaction() as session:
        session.execute(update(Sending).values(state="sending"))
    there = environment(tmp_path / "new", BLOG_DATABASE_URL=database_url, BLOG_SMTP_URL=relay.url)
    blogapp = Command(there)
    refusal = blogapp.refused("digest send-due")
    assert instance.NOT_FROM_HERE in refusal
    assert "blogapp resume-sending" in refusal
    said = blogapp("resume-sending", stdin="n\n", code=1).output
    assert "1 sending that is under way, 1 digest that waits, 1 single mail that waits" in said
    assert instance.NOT_FROM_HERE in blogapp.refused("digest send-due")
    assert "Mail leaves from here." in blogapp("resume-sending --yes").stdout
    assert "Nothing to do" in blogapp("resume-sending").stdout
    blogapp("digest send-due")
    assert relay.accepted.total() == 4


def test_monitoring_and_pages_hear_of_it_while_that_worker_lives(app: Flask, reader: FlaskClient) -> None:
    heartbeat.beat("worker:one.example:1")
    assert (instance.held(), reader.get("/readyz").status_code) == ("", 200)
    heartbeat.beat("worker:two.example:7", instance.COPIED)
    assert instance.held() == f"The worker on two.example holds all mail: {instance.COPIED}."
    answer = reader.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert "blogapp resume-sending" in answer.json["checks"]["worker"]
    assert "two.example" not in answer.text
    heartbeat.beat("worker:two.example:7")
    assert instance.held() == ""


def test_marks_come_with_the_migration_and_no_two_are_alike(sent: Flask) -> None:
    db.session.remove()
    migrate.move_to("0013_nonce")
    with db.engine.begin() as connection:
        names = "subject, message, places, state, planned_at, last_subscriber_id, planned_to, candidates"
        connection.execute(
            text(
                f"INSERT INTO sendings ({names}, pause_reason, pauses)"
                f" SELECT {names}, pause_reason, pauses FROM sendings"
            )
        )
        connection.execute(text("INSERT INTO heartbeats (name, at) VALUES ('worker:x:1', CURRENT_TIMESTAMP)"))
    migrate.move_to("head")
    assert migrate.differences() == []
    marks = db.session.execute(select(Sending.mark)).scalars().all()
    assert len(set(marks)) == 2
    assert all(mark.startswith("before-") for mark in marks)
