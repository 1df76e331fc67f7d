"""Signing up over HTTP: one answer for everybody, and nobody's mailbox flooded."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from blogapp.audit import AuditEntry
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.throttle import Throttle
from blogapp.delivery.suppressions import suppress
from blogapp.subscribing.privacy import forget_pending
from tests import readers
from tests.mailbox import outbox

ADDRESS = "ann@example.org"


def sign_up(reader: FlaskClient, address: str = ADDRESS, **more: Any) -> Any:
    return reader.post("/subscribe", data={"address": address, "page": "/week-473", **more})


def test_a_new_address_is_asked_and_waits(reader: FlaskClient) -> None:
    response = sign_up(reader, " Ann@Example.org ")
    assert response.status_code == 200
    assert ADDRESS in response.text
    assert "Set-Cookie" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"
    someone = readers.find(ADDRESS)
    assert someone is not None
    assert someone.state == "pending"
    assert someone.consent["source"] == "form"
    assert someone.consent["page"] == "/week-473"
    assert someone.consent["network"] == "127.0.0.0/24"
    assert "127.0.0.1" not in str(someone.consent)
    (mail,) = outbox()
    assert (mail.to, mail.purpose) == (ADDRESS, "confirmation")
    entry = db.session.execute(select(AuditEntry)).scalar_one()
    assert (entry.act, entry.subject) == ("subscriber.sign_up", f"subscriber:{someone.id}")


def test_the_confirmation_mail_says_who_asked_and_holds_one_link(reader: FlaskClient) -> None:
    sign_up(reader)
    (mail,) = outbox()
    assert "Confirm your subscription to The Notebook" in mail.subject
    for part in (mail.text, mail.html):
        assert part.count("/confirm/") == (1 if part is mail.text else 3)
        for words in (ADDRESS, "/week-473", "127.0.0.0/24", "seven days"):
            assert words in part
    assert len(set(re.findall(r"http://blog\.test/confirm/[\w.-]+", mail.html))) == 1
    assert mail.message["List-Unsubscribe"] is None
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert mail.message["To"] == ADDRESS
    assert max(map(len, mail.text.splitlines())) <= 998


def prepare(state: str) -> None:
    if state in ("pending", "confirmed", "unsubscribed"):
        readers.subscriber(ADDRESS, state)
    elif state == "paused":
        readers.subscriber(ADDRESS, paused_until=now() + timedelta(days=9))
    elif state == "suppressed":
        readers.subscriber(ADDRESS)
    if state in ("suppressed", "suppressed stranger"):
        with transaction() as session:
            suppress(session, ADDRESS, "complaint")


STATES = {
    "new": "confirmation",
    "pending": "confirmation",
    "unsubscribed": "confirmation",
    "confirmed": "already-subscribed",
    "paused": "already-subscribed",
    "suppressed": None,
    "suppressed stranger": None,
}


def test_the_answer_is_the_same_byte_for_byte_whatever_the_address_is_to_us(app: Flask, reader: FlaskClient) -> None:
    answers = {}
    for state in STATES:
        for table in ("outbox", "subscribers", "suppressions", "throttles"):
            with transaction() as session:
                session.execute(db.text(f"DELETE FROM {table}"))
        prepare(state)
        response = sign_up(reader)
        headers = {k: v for k, v in response.headers.items() if k != "X-Request-ID"}
        answers[state] = (response.status, headers, response.data)
    assert len(answers) == 7
    assert all(answer == answers["new"] for answer in answers.values())


@pytest.mark.parametrize(("state", "purpose"), STATES.items())
def test_what_is_mailed_fits_what_the_address_is_to_us(reader: FlaskClient, state: str, purpose: str | None) -> None:
    prepare(state)
    before = readers.find(ADDRESS)
    was = (before.id, before.state, before.paused_until) if before else None
    sign_up(reader)
    assert [(mail.to, mail.purpose) for mail in outbox()] == ([(ADDRESS, purpose)] if purpose else [])
    after = readers.find(ADDRESS)
    if was is not None:
        assert after is not None
        assert (after.id, after.state, after.paused_until) == was, "signing up alone changes nobody"
    elif purpose is None:
        assert after is None, "of somebody who must not be mailed nothing new is kept"


def test_who_is_subscribed_is_told_so_with_a_way_to_their_preferences(reader: FlaskClient) -> None:
    number = readers.subscriber(ADDRESS, paused_until=now() + timedelta(days=9))
    sign_up(reader)
    (mail,) = outbox()
    assert mail.path("/preferences/") == readers.preferences(number)
    assert "paused until" in mail.text
    assert "paused until" in mail.html


def test_one_address_gets_three_mails_a_day_and_the_answer_stays_the_same(reader: FlaskClient) -> None:
    with time_machine.travel(now().replace(hour=9), tick=True) as clock:
        answers = {(r.status, r.data) for r in (sign_up(reader) for _ in range(6))}
        assert len(answers) == 1
        assert len(outbox()) == 3
        clock.shift(timedelta(days=1))
        sign_up(reader)
        assert len(outbox()) == 4


def test_the_limit_counts_for_every_spelling_and_from_everywhere(app: Flask) -> None:
    spellings = ["ann@bücher.example", "ANN@bücher.example", "ann@xn--bcher-kva.example", " ann@BÜCHER.example"]
    with time_machine.travel(now().replace(hour=9), tick=True):
        for number, spelling in enumerate(spellings):
            sign_up(app.test_client(), spelling, environ_base={"REMOTE_ADDR": f"198.51.{number}.7"})
    assert len(outbox()) == 3


def test_no_address_stands_in_the_table_of_limits(reader: FlaskClient) -> None:
    sign_up(reader)
    keys = db.session.execute(select(Throttle.key)).scalars().all()
    assert keys
    assert not [key for key in keys if "ann" in key or "example" in key]


def post_from(app: Flask, ip: str, address: str) -> Any:
    return app.test_client().post("/subscribe", data={"address": address}, environ_base={"REMOTE_ADDR": ip})


def test_one_computer_may_try_twenty_times_an_hour_and_what_was_typed_stays(app: Flask) -> None:
    with time_machine.travel(now().replace(minute=1), tick=True):
        tries = [post_from(app, "203.0.113.9", f"p{n}@example.org") for n in range(21)]
        other = post_from(app, "203.0.113.10", "other@example.org")
    assert [r.status_code for r in tries] == [200] * 20 + [429]
    assert "p20@example.org" in tries[20].text
    assert int(tries[20].headers["Retry-After"]) > 0
    assert readers.find("p20@example.org") is None
    assert other.status_code == 200


def test_a_whole_network_may_try_sixty_times_an_hour(app: Flask) -> None:
    with time_machine.travel(now().replace(minute=1), tick=True):
        inside = [post_from(app, f"2001:db8::{n:x}", f"p{n}@example.org").status_code for n in range(1, 62)]
        outside = post_from(app, "2001:db8:0:1::1", "other@example.org").status_code
    assert inside == [200] * 60 + [429]
    assert outside == 200


@pytest.mark.parametrize(
    "address", ["", "ann", "ann@", "ann@example.org\r\nBcc: bob@example.org", "a" * 10_000 + "@x.org"]
)
def test_a_bad_address_is_explained_and_stays_in_the_field(reader: FlaskClient, address: str) -> None:
    before = readers.everything()
    response = sign_up(reader, address)
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.text
    if address:
        assert address.split("\r")[0] in response.text
    assert readers.everything() == before


@pytest.mark.parametrize(
    "page", ["javascript:alert(1)", "//evil.example", "/x\r\nBcc: bob@example.org", "/<script>", "/evil.example/buy"]
)
def test_what_a_robot_writes_into_the_page_field_reaches_no_mail(reader: FlaskClient, page: str) -> None:
    assert sign_up(reader, page=page).status_code == 200
    (mail,) = outbox()
    assert page not in mail.text + mail.html
    someone = readers.find(ADDRESS)
    assert someone is not None
    assert someone.consent["page"] == ""


def test_who_fills_in_what_nobody_sees_is_answered_and_ignored(reader: FlaskClient) -> None:
    human = sign_up(reader)
    before = readers.everything()
    robot = sign_up(reader, website="http://pills.example")
    assert (robot.status, robot.data) == (human.status, human.data)
    assert readers.everything() == before


@pytest.mark.parametrize("path", ["/subscribe", "/", "/archive"])
def test_the_box_is_on_every_page_and_its_trap_is_hidden_without_style(reader: FlaskClient, path: str) -> None:
    page = reader.get(path).text
    assert 'action="/subscribe"' in page
    assert re.search(r'<p hidden><label>[^<]+<input name="website" tabindex="-1" autocomplete="off">', page)
    assert "csrf_token" not in page
    assert "style=" not in page


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://blog.test"}, 200),
        ({"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_the_form_works_from_this_site_only(reader: FlaskClient, headers: dict[str, str], status: int) -> None:
    response = reader.post("/subscribe", data={"address": ADDRESS}, headers=headers)
    assert response.status_code == status
    assert len(outbox()) == (1 if status == 200 else 0)


def test_who_never_answers_is_forgotten_after_a_month(reader: FlaskClient) -> None:
    with time_machine.travel(now() - timedelta(days=31), tick=True):
        sign_up(reader)
        sign_up(reader, "bob@example.org")
        readers.subscriber("carol@example.org")
    sign_up(reader, "bob@example.org")
    assert forget_pending() == 1
    assert readers.find(ADDRESS) is None
    assert readers.find("bob@example.org") is not None, "asked again since"
    assert readers.find("carol@example.org") is not None
    assert outbox(ADDRESS) == []
