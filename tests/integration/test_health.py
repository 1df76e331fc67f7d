"""Health checks and the log of requests."""

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from blogapp.auth.models import Member
from blogapp.core import heartbeat, migrate
from blogapp.core.db import db, transaction
from blogapp.core.logs import JsonFormatter, TextFormatter

BEAT = "worker:host.example:1"


def checks(client: FlaskClient, status: int) -> dict[str, str]:
    response = client.get("/readyz")
    assert response.status_code == status
    assert response.headers["Cache-Control"] == "no-store"
    assert response.json is not None
    assert response.json["ready"] is (status == 200)
    found: dict[str, str] = response.json["checks"]
    return found


def test_alive_is_said_without_asking_the_database(app: Flask, reader: FlaskClient, monkeypatch: Any) -> None:
    monkeypatch.setattr(db.engine, "connect", None)
    monkeypatch.setattr(db.engine, "raw_connection", None)
    response = reader.get("/healthz")
    assert (response.status_code, response.text) == (200, "ok\n")
    assert "Set-Cookie" not in response.headers


def test_ready_when_the_database_the_schema_and_a_worker_are_there(reader: FlaskClient) -> None:
    heartbeat.beat(BEAT)
    assert checks(reader, 200) == {"database": "ok", "schema": "ok", "worker": "ok"}


def test_not_ready_without_a_worker(reader: FlaskClient) -> None:
    heartbeat.beat("web:host.example:1")
    found = checks(reader, 503)
    assert found["database"] == found["schema"] == "ok"
    assert "no sign of life" in found["worker"]


def test_not_ready_when_the_worker_has_been_silent_for_half_a_minute(reader: FlaskClient) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(seconds=31), tick=True):
        heartbeat.beat(BEAT)
    checks(reader, 503)
    with time_machine.travel(datetime.now(UTC) - timedelta(seconds=25), tick=True):
        heartbeat.beat(BEAT)
    checks(reader, 200)


def test_not_ready_on_an_old_schema_and_it_says_which(reader: FlaskClient) -> None:
    heartbeat.beat(BEAT)
    with transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001_core'"))
    found = checks(reader, 503)
    assert found["schema"] == f"at 0001_core, needs {migrate.wanted_revision()}: run `blogapp upgrade`"
    assert found["database"] == found["worker"] == "ok"


def test_not_ready_without_tables(reader: FlaskClient) -> None:
    migrate.move_to("base")
    found = checks(reader, 503)
    assert found["database"] == "ok"
    assert "at nothing" in found["schema"]
    assert found["worker"] == "the database does not answer"


def test_not_ready_without_a_database_and_no_secret_is_told(
    app: Flask, reader: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise db.engine.dialect.loaded_dbapi.OperationalError("connection to db.secret.example failed for user blog")

    db.session.remove()
    db.engine.dispose()
    monkeypatch.setattr(db.engine.dialect, "connect", refuse)
    response = reader.get("/readyz")
    assert response.status_code == 503
    assert "secret.example" not in response.text
    assert set(response.get_json()["checks"].values()) == {"the database does not answer"}
    assert "secret.example" in caplog.text


@pytest.fixture
def requests(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """What the log says about each request, as JSON."""
    caplog.set_level(logging.INFO, "blogapp.access")
    wanted = ("blogapp.access",)
    return lambda: [json.loads(JsonFormatter().format(r)) for r in caplog.records if r.name in wanted]


def test_every_request_is_a_line_of_the_log(app: Flask, reader: FlaskClient, requests: Any) -> None:
    response = reader.get("/nothing/here?secret=1", headers={"X-Request-ID": "0123456789abcdef"})
    (line,) = requests()
    assert {k: line[k] for k in ("level", "event", "method", "path", "status")} == {
        "level": "info",
        "event": "request",
        "method": "GET",
        "path": "/nothing/here",
        "status": 404,
    }
    assert 0 < line["ms"] < 10_000
    assert "member" not in line
    assert line["request"] == response.headers["X-Request-ID"] == "0123456789abcdef"


def test_a_request_id_that_could_forge_a_line_is_not_taken(reader: FlaskClient, requests: Any) -> None:
    response = reader.get("/nothing", headers={"X-Request-ID": 'x" admin="yes'})
    assert response.headers["X-Request-ID"] == requests()[0]["request"]
    assert "admin" not in requests()[0]["request"]


def test_a_member_s_requests_carry_their_id(log_in: Any, bob: Member, requests: Any) -> None:
    client = log_in(bob)
    client.get("/account")
    assert [line.get("member") for line in requests()][-1] == bob.id


def test_a_token_in_the_path_never_reaches_the_log(
    app: Flask, reader: FlaskClient, requests: Any, caplog: pytest.LogCaptureFixture
) -> None:
    token = "canary-4f1c"
    rules = [rule for rule in app.url_map.iter_rules() if "token" in rule.arguments]
    assert len(rules) >= 4
    for rule in rules:
        path = rule.rule.replace("<token>", token)
        reader.get(path)
        reader.post(path)
        reader.get(path + "/")
        reader.get(path.upper())
        reader.get(path + "/more")
    assert len(requests()) == 5 * len(rules)
    assert token not in caplog.text.lower()
    assert "/unsubscribe/<token>" in {line["path"] for line in requests()}


def test_a_token_stays_out_of_the_log_when_something_breaks(
    app: Flask, reader: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_: Any) -> None:
        raise ZeroDivisionError

    app.testing = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    endpoint = next(r.endpoint for r in app.url_map.iter_rules() if r.rule == "/confirm/<token>")
    monkeypatch.setitem(app.view_functions, endpoint, broken)
    assert reader.get("/confirm/canary-4f1c").status_code == 500
    assert "exception on GET /confirm/<token>" in caplog.text
    assert "canary" not in "".join(record.getMessage() for record in caplog.records)


def test_a_health_check_that_succeeds_is_not_worth_a_line(reader: FlaskClient, requests: Any) -> None:
    reader.get("/healthz")
    assert requests() == []
    reader.get("/readyz")
    assert [line["status"] for line in requests()] == [503]


def test_nobody_can_forge_a_line_of_the_log(reader: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "blogapp.access")
    reader.get("/X%0A17:00:00 info blogapp.access: request member=1%1B[2J status=200")
    (record,) = caplog.records
    for formatter in (TextFormatter(), JsonFormatter()):
        line = formatter.format(record)
        assert line.isprintable()
        assert " status=200" not in line.partition(" path=")[2].partition('" ')[2]
    assert TextFormatter().format(record).count(" status=301") == 1


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/Week-473/", "/week-473"),
        ("/%5Cevil.example/", "/%5Cevil.example"),
        ("/x%0D%0ASet-Cookie:a=b/", "/x%0D%0Aset-cookie%3Aa%3Db"),
        ("/Caf%C3%A9", "/caf%C3%A9"),
        ("/Week-473/?a=1&b=%20%5C", "/week-473?a=1&b=%20%5C"),
    ],
)
def test_an_untidy_address_leads_to_the_tidy_one_here_and_nowhere_else(
    reader: FlaskClient, path: str, there: str
) -> None:
    response = reader.get(path)
    assert response.status_code == 301
    assert response.headers["Location"] == there


def test_a_line_of_the_log_is_one_line_of_json() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "it broke\nbadly", None, sys.exc_info())
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line)["event"] == "it broke\nbadly"
    assert "ValueError: two\nlines" in json.loads(line)["trace"]
