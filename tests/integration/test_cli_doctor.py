"""`blogapp doctor` on a site that works, and on one where everything is wrong."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text, update
from werkzeug.serving import make_server

from blogapp.auth.models import Member
from blogapp.core import heartbeat
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.delivery.models import OutboxMail
from blogapp.digest.doctor import examining
from blogapp.digest.doctor.tools import Tools
from blogapp.digest.models import Digest, Sending
from tests import posts
from tests.certificate import server_context
from tests.commands import Command
from tests.dkimkeys import keep, key
from tests.relay import Relay
from tests.world import world

Rows = dict[str, dict[str, str]]


@pytest.fixture
def base_url(app: Flask) -> Iterator[str]:
    """The site, served."""
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def doctor(blogapp: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """The command, in a world where the sender's domain is as it should be."""
    records = {
        "blog.test MX": "10 mail.blog.test.",
        "mail.blog.test A": "9.9.9.9",
        "blog.test TXT": "v=spf1 mx -all",
        "_dmarc.blog.test TXT": "v=DMARC1; p=quarantine",
        "9.9.9.9.in-addr.arpa PTR": "mail.blog.test.",
    } | {f"{found.record('blog.test').name} TXT": found.record("blog.test").value for found in (key("ed25519"),)}
    tools = Tools(names=world(records), own_addresses=lambda: ["9.9.9.9"])
    monkeypatch.setattr(examining, "Tools", lambda: tools)
    (tmp_path / "data").chmod(0o700)
    return blogapp


def rows(doctor: Command, code: int = 0) -> Rows:
    """What was found; of several findings of one check the worst."""
    order = ["ok", "cannot tell", "warning", "failed"]
    found: Rows = {}
    doctor_said = doctor("doctor --json", code=code)
    for row in json.loads(doctor_said.stdout):
        if row["check"] not in found or order.index(row["verdict"]) > order.index(found[row["check"]]["verdict"]):
            found[row["check"]] = row
    return found


def test_a_site_that_works(doctor: Command, relay: Relay, base_url: str, tmp_path: Path) -> None:
    heartbeat.beat("worker:host.example:1")
    entry = f"sel-ed25519:{keep(key('ed25519'), tmp_path)}"
    doctor.environ = {
        **doctor.environ,
        "BLOG_SMTP_URL": relay.url,
        "BLOG_BASE_URL": base_url,
        "BLOG_DKIM_KEYS": entry,
    }
    found = rows(doctor)
    doubtful = {name: row["finding"] for name, row in found.items() if row["verdict"] != "ok"}
    # All that is not as it should be comes of http.
    assert doubtful.keys() == {"settings", "base URL", "unsubscribe"}
    assert all("without https" in finding for finding in doubtful.values())
    assert {"SPF", "DKIM", "DMARC", "alignment", "PTR", "MX", "DNS"} <= found.keys()
    assert "PIPELINING" in found["abilities"]["finding"]
    assert "agrees with the web server" in found["clock"]["finding"]
    assert not relay.accepted


def test_a_site_where_nothing_works_is_told_what_to_do(doctor: Command, app: Flask, alice: Member) -> None:
    with transaction() as session:
        session.add(OutboxMail(purpose="x", recipient="ann@example.org", subject="x", message=b"x"))
        session.execute(update(OutboxMail).values(due_at=now() - timedelta(hours=3)))
    doctor.environ = {**doctor.environ, "BLOG_BASE_URL": "http://127.0.0.1:1"}
    found = rows(doctor, code=1)
    failed = {name: row for name, row in found.items() if row["verdict"] == "failed"}
    assert failed.keys() == {"worker", "single mails", "log-in", "base URL"}
    assert "Nothing listens there" in failed["log-in"]["advice"]
    assert found["unsubscribe"]["verdict"] == "cannot tell"


def test_people_get_headings_and_a_sum(doctor: Command) -> None:
    said = doctor("doctor", code=1).stdout
    assert said.startswith("Site\n  ")
    assert "\n  failed       log-in             No mail can leave by 127.0.0.1:1" in said
    assert said.splitlines()[-1].startswith("3 failed, ")


def test_a_setting_that_stops_the_start_is_a_finding(doctor: Command) -> None:
    doctor.environ = {**doctor.environ, "BLOG_DKIM_KEYS": "x:nowhere.pem"}
    ((name, row),) = rows(doctor, code=1).items()
    assert (name, row["verdict"]) == ("settings", "failed")
    assert "cannot read" in row["finding"]


def test_an_old_schema_keeps_nobody_from_being_examined(doctor: Command) -> None:
    with transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001_core'"))
        session.execute(text("DROP TABLE heartbeats"))
    found = rows(doctor, code=1)
    assert found["database"]["advice"] == "Run `blogapp upgrade`."
    assert found["worker"]["finding"].startswith("The database does not answer as it should")
    assert found["SPF"]["verdict"] == "ok"


def test_what_is_held_up_is_said_with_since_when_and_why(doctor: Command, app: Flask, alice: Member) -> None:
    held, late = posts.week(alice, 5), posts.week(alice, 6)
    with transaction() as session:
        paused = {"message": b"x", "last_subscriber_id": 0, "state": "paused", "pause_reason": "454 4.7.0 no"}
        session.add(Sending(subject="Week 3", paused_at=now(), resume_at=now() + timedelta(minutes=1), **paused))
        session.add(Sending(subject="Week 4", paused_at=now(), **paused))
        session.add(Digest(post_id=held.id, state="held", due_at=now()))
        session.add(Digest(post_id=late.id, state="waiting", due_at=now() - timedelta(hours=1)))
    doctor_said = doctor("doctor", code=1).stdout
    assert "“Week 3” has been paused since " in doctor_said
    assert "It tries again by itself at " in doctor_said
    assert "“Week 4” has been paused since " in doctor_said
    assert "454 4.7.0 no" in doctor_said
    assert f"“{held.title}” is held by a person" in doctor_said
    assert f"“{late.title}” should have left at " in doctor_said
    db.session.rollback()


def test_a_relays_encryption_is_looked_at(doctor: Command, tmp_path: Path) -> None:
    with Relay(tls=server_context(tmp_path)) as relay:
        doctor.environ = {**doctor.environ, "BLOG_SMTP_URL": relay.url.replace("never", "opportunistic")}
        found = rows(doctor, code=1)
    assert found["encryption"]["finding"] == "TLSv1.3; nobody checks whose certificate it is."
    assert found["relay certificate"]["finding"].startswith("It holds for ")


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_wrong_password_is_found_and_not_shown(doctor: Command) -> None:
    with Relay(login=("blog", "right")) as relay:
        doctor.environ = {**doctor.environ, "BLOG_SMTP_URL": relay.url.replace("//", "//blog:wr0ng@")}
        result = doctor("doctor", code=1)
    assert "does not accept the name or password" in result.stdout
    assert "wr0ng" not in result.output
