"""Confirming over HTTP: a GET changes nothing, the button does, and an old link leads to a new one."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select

from blogapp.audit import AuditEntry
from blogapp.core import tokens
from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.subscribing.subscribers import unsubscribe
from tests import readers
from tests.mailbox import outbox

ADDRESS = "ann@example.org"


@pytest.fixture
def link(reader: FlaskClient) -> str:
    """The path in a fresh confirmation mail."""
    reader.post("/subscribe", data={"address": ADDRESS})
    return outbox()[-1].path("/confirm/")


def test_opening_the_link_shows_one_button_and_changes_nothing(reader: FlaskClient, link: str) -> None:
    before = readers.everything()
    response = reader.get(link)
    assert response.status_code == 200
    assert response.text.count("<button>") == 1
    assert ADDRESS in response.text
    assert reader.head(link).status_code == 200
    assert readers.everything() == before


def test_the_button_confirms_and_greets(reader: FlaskClient, link: str) -> None:
    response = reader.post(link, headers={"Origin": "null", "Sec-Fetch-Site": "same-origin"})
    assert response.status_code == 303
    assert "Set-Cookie" not in response.headers
    someone = readers.find(ADDRESS)
    assert someone is not None
    assert someone.state == "confirmed"
    assert someone.confirmed_at is not None
    assert someone.consent["source"] == "form"
    assert someone.consent["confirmed_from"] == "127.0.0.0/24"
    page = reader.get(response.location)
    assert "You are subscribed" in page.text
    assert readers.preferences(someone.id) in page.text
    acts = db.session.execute(select(AuditEntry.act).order_by(AuditEntry.id)).scalars().all()
    assert acts == ["subscriber.sign_up", "subscriber.confirm"]
    assert len(outbox()) == 1, "no welcome mail: the page greets"


def test_pressing_twice_is_pressing_once(reader: FlaskClient, link: str) -> None:
    reader.post(link)
    before = readers.everything()
    assert reader.post(link).status_code == 303
    assert readers.everything() == before


def test_an_expired_link_confirms_nothing_and_offers_a_new_one(reader: FlaskClient, link: str) -> None:
    with time_machine.travel(now() + timedelta(days=7, minutes=1), tick=True):
        before = readers.everything()
        page = reader.get(link)
        assert page.status_code == 410
        assert f'action="{link}/again"' in page.text
        assert page.text.count("<button>") == 1
        assert reader.post(link).status_code == 410
        assert readers.everything() == before
        answer = reader.post(f"{link}/again")
        assert answer.status_code == 200
        assert ADDRESS in answer.text
        fresh = outbox()[-1].path("/confirm/")
        assert fresh != link
        assert reader.post(fresh).status_code == 303
    someone = readers.find(ADDRESS)
    assert someone is not None
    assert someone.state == "confirmed"


def test_an_expired_link_of_somebody_who_did_confirm_says_so(reader: FlaskClient, link: str) -> None:
    reader.post(link)
    with time_machine.travel(now() + timedelta(days=8), tick=True):
        page = reader.get(link)
        assert page.status_code == 410
        assert "you are subscribed" in page.text
        reader.post(f"{link}/again")
    assert outbox()[-1].purpose == "already-subscribed"


def test_a_link_works_until_the_end_of_its_seven_days(reader: FlaskClient, link: str) -> None:
    with time_machine.travel(now() + timedelta(days=6, hours=23), tick=True):
        assert reader.post(link).status_code == 303


def test_asking_again_is_limited_like_signing_up(reader: FlaskClient, link: str) -> None:
    with time_machine.travel(now().replace(hour=9) + timedelta(days=8), tick=True):
        answers = {reader.post(f"{link}/again").data for _ in range(5)}
        assert len(answers) == 1
        assert len(outbox()) == 1 + 3


def test_a_link_from_before_they_left_does_not_bring_them_back(reader: FlaskClient, link: str) -> None:
    reader.post(link)
    someone = readers.find(ADDRESS)
    assert someone is not None
    unsubscribe(someone.id, "page")
    assert reader.post(link).status_code == 410
    page = reader.get(link)
    assert "unsubscribed since" in page.text
    assert readers.reload(someone.id).state == "unsubscribed"


def test_who_left_can_sign_up_again_and_confirm(reader: FlaskClient) -> None:
    number = readers.subscriber(ADDRESS, "unsubscribed")
    reader.post("/subscribe", data={"address": ADDRESS, "page": "/archive"})
    assert readers.reload(number).state == "unsubscribed"
    reader.post(outbox()[-1].path("/confirm/"))
    someone = readers.reload(number)
    assert someone.state == "confirmed"
    assert someone.unsubscribed_at is None
    assert someone.consent["page"] == "/archive"


def test_the_link_of_somebody_erased_offers_a_fresh_start(reader: FlaskClient, link: str) -> None:
    someone = readers.find(ADDRESS)
    assert someone is not None
    reader.post(readers.preferences(someone.id, "/erase"))
    page = reader.get(link)
    assert page.status_code == 410
    assert "/again" not in page.text
    assert 'href="/subscribe"' in page.text
    assert reader.post(link).status_code == 410
    assert reader.post(f"{link}/again").status_code == 410
    assert readers.find(ADDRESS) is None


def broken(link: str) -> list[str]:
    other = tokens.sign("new-address", [1, 0])
    return [
        link[:-1],
        link + "x",
        link.replace(".", "-", 1),
        "/confirm/x",
        f"/confirm/{other}",
        "/confirm/" + "a" * 9000,
    ]


@pytest.mark.parametrize("number", range(6))
def test_a_link_that_is_not_ours_is_refused(reader: FlaskClient, link: str, number: int) -> None:
    before = readers.everything()
    path = broken(link)[number]
    for response in (reader.get(path), reader.post(path), reader.post(f"{path}/again")):
        assert response.status_code == 404
    assert readers.everything() == before


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_no_other_site_presses_the_button(reader: FlaskClient, link: str, headers: dict[str, Any]) -> None:
    assert reader.post(link, headers=headers).status_code == 403
    someone = readers.find(ADDRESS)
    assert someone is not None
    assert someone.state == "pending"
