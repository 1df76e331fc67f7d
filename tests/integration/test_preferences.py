"""A subscriber's own page: every button over HTTP, and what no GET may do."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from blogapp.audit import AuditEntry
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.delivery.suppressions import suppress
from blogapp.subscribing import mails
from blogapp.subscribing.models import Subscriber
from tests import readers
from tests.mailbox import outbox

ADDRESS, OTHER = "ann@example.org", "ann@bücher.example"
OTHER_KEPT = "ann@xn--bcher-kva.example"
# What Chromium says from a page with Referrer-Policy: no-referrer (tests/browser/test_subscribing.py).
OWN = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def ann(app: Flask) -> int:
    """A confirmed subscriber."""
    return readers.subscriber(ADDRESS)


def press(reader: FlaskClient, ann: int, what: str, **data: Any) -> Any:
    return reader.post(readers.preferences(ann, what), data=data, headers=OWN)


def acts() -> list[str]:
    return list(db.session.execute(select(AuditEntry.act).order_by(AuditEntry.id)).scalars())


def test_the_page_shows_what_is_held_and_is_kept_by_nobody(reader: FlaskClient, ann: int) -> None:
    response = reader.get(readers.preferences(ann))
    assert response.status_code == 200
    assert ADDRESS in response.text
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert "Set-Cookie" not in response.headers


def move_link(ann: int, address: str) -> str:
    with transaction() as session:
        someone = session.get_one(Subscriber, ann)
        someone.new_address = address
        mails.queue_new_address(session, someone, address)
    return outbox()[-1].path("/confirm-address/")


@pytest.mark.parametrize("state", ["pending", "confirmed", "unsubscribed", "erased", "test copy"])
def test_no_get_of_any_link_in_a_mail_changes_anything(app: Flask, reader: FlaskClient, state: str) -> None:
    reader.post("/subscribe", data={"address": "bob@example.org"})
    bob = readers.find("bob@example.org")
    assert bob is not None
    confirm = outbox()[-1].path("/confirm/")
    move = move_link(bob.id, OTHER_KEPT)
    number = bob.id
    if state == "confirmed":
        reader.post(confirm)
    elif state == "unsubscribed":
        reader.post(readers.unsubscribe(number))
    elif state == "erased":
        reader.post(readers.preferences(number, "/erase"))
    elif state == "test copy":
        number = 0
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("subscribing.") and rule.arguments]
    own, leave = readers.preferences(number), readers.unsubscribe(number)
    links = {"confirm": confirm, "confirm-address": move, "preferences": own, "unsubscribe": leave}
    paths = {links[rule.rule.split("/")[1]] + rule.rule.partition("<token>")[2] for rule in rules}
    assert len(paths) >= 14
    before = readers.everything()
    for path in sorted(paths):
        for method in ("GET", "HEAD", "OPTIONS"):
            response = reader.open(path, method=method)
            assert response.status_code in (200, 405, 410), (method, path)
            assert response.headers["Referrer-Policy"] == "no-referrer", path
            assert response.headers["Cache-Control"] == "private, no-store", path
            assert "Set-Cookie" not in response.headers
    assert readers.everything() == before


def test_every_change_is_refused_to_another_site(app: Flask, reader: FlaskClient, ann: int) -> None:
    rules = [r for r in app.url_map.iter_rules() if r.rule.startswith("/preferences/") and "POST" in (r.methods or ())]
    assert len(rules) == 8
    before = readers.everything()
    for rule in rules:
        path = readers.preferences(ann, rule.rule.partition("<token>")[2])
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null", "Sec-Fetch-Site": "cross-site"}):
            assert reader.post(path, data={"address": OTHER, "length": "1 month"}, headers=headers).status_code == 403
    assert readers.everything() == before


@pytest.mark.parametrize(
    ("form", "day"),
    [
        ({"length": "2 weeks"}, date(2026, 4, 3)),
        ({"length": "1 month"}, date(2026, 4, 20)),
        ({"length": "3 months"}, date(2026, 6, 20)),
        ({"length": "until a date", "until": "2026-07-01"}, date(2026, 7, 1)),
        ({"length": "2 weeks", "until": "2026-07-01"}, date(2026, 4, 3)),
    ],
)
def test_a_pause_lasts_until_that_day_begins_where_the_site_is(
    reader: FlaskClient, ann: int, form: dict[str, str], day: date
) -> None:
    with time_machine.travel(datetime(2026, 3, 20, 12, tzinfo=UTC), tick=True):
        response = press(reader, ann, "/pause", **form)
        assert (response.status_code, response.location) == (303, readers.preferences(ann))
        someone = readers.reload(ann)
        assert someone.paused_until == datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("Europe/London"))
        page = reader.get(readers.preferences(ann)).text
        assert "Paused" in page
        assert f"{day.day} {day:%B} 2026" in page
        press(reader, ann, "/resume")
        assert readers.reload(ann).paused_until is None
    assert acts() == ["subscriber.pause", "subscriber.resume"]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "Choose for how long"),
        ({"length": "for ever"}, "Not a valid choice"),
        ({"length": "until a date"}, "Give the date"),
        ({"length": "until a date", "until": "soon"}, "Give the date"),
        ({"length": "until a date", "until": "2020-01-01"}, "still to come"),
        ({"length": "until a date", "until": "9999-12-31"}, "two years"),
        ({"length": "until a date", "until": "0001-01-01"}, "still to come"),
    ],
)
def test_a_pause_that_makes_no_sense_is_explained(
    reader: FlaskClient, ann: int, form: dict[str, str], words: str
) -> None:
    response = press(reader, ann, "/pause", **form)
    assert response.status_code == 422
    assert words in response.text
    assert readers.reload(ann).paused_until is None


def test_who_wants_less_mail_gets_it_once_a_month(reader: FlaskClient, ann: int) -> None:
    for _ in range(2):
        assert press(reader, ann, "/frequency", frequency="monthly").status_code == 303
    assert readers.reload(ann).frequency == "monthly"
    page = reader.get(readers.preferences(ann)).text
    assert "Once a month, on its first Monday" in page
    assert "of the last three months" in page
    assert press(reader, ann, "/frequency", frequency="hourly").status_code == 422
    assert readers.reload(ann).frequency == "monthly"
    assert acts() == ["subscriber.frequency"], "twice is once"


def test_who_left_has_nothing_to_pause(reader: FlaskClient, ann: int) -> None:
    press(reader, ann, "/leave")
    assert press(reader, ann, "/pause", length="1 month").status_code == 409
    assert readers.reload(ann).paused_until is None


def test_leaving_and_coming_back(reader: FlaskClient, ann: int) -> None:
    assert press(reader, ann, "/leave").status_code == 303
    assert readers.reload(ann).state == "unsubscribed"
    page = reader.get(readers.preferences(ann)).text
    assert "you unsubscribed on" in page
    assert press(reader, ann, "/return").status_code == 303
    someone = readers.reload(ann)
    assert someone.state == "confirmed"
    assert someone.consent["returned_at"]
    assert acts() == ["subscriber.unsubscribe", "subscriber.come_back"]


def test_a_new_address_has_to_agree_first_and_the_old_one_is_told(reader: FlaskClient, ann: int) -> None:
    response = press(reader, ann, "/address", address=OTHER)
    assert response.status_code == 303
    assert readers.reload(ann).address == ADDRESS
    page = reader.get(readers.preferences(ann)).text
    assert OTHER in page
    (mail,) = outbox()
    assert (mail.to, mail.purpose) == (OTHER_KEPT, "new-address")
    assert ADDRESS not in mail.text + mail.html, "the new mailbox may be a stranger's"
    link = mail.path("/confirm-address/")
    before = readers.everything()
    assert reader.get(link).text.count("<button>") == 1
    assert readers.everything() == before
    assert reader.post(link, headers=OWN).status_code == 303
    someone = readers.reload(ann)
    assert (someone.address, someone.new_address, someone.state) == (OTHER_KEPT, None, "confirmed")
    assert "Your address has changed" in reader.get(link).text
    told = outbox()[-1]
    assert (told.to, told.purpose) == (ADDRESS, "address-changed")
    assert told.path("/preferences/") == readers.preferences(ann)
    assert OTHER_KEPT not in told.text
    before = readers.everything()
    assert reader.post(link, headers=OWN).status_code == 303
    assert readers.everything() == before, "twice is once"


def test_the_old_address_is_told_even_after_its_three_mails(reader: FlaskClient, ann: int) -> None:
    with time_machine.travel(now().replace(hour=9), tick=True):
        for _ in range(4):
            reader.post("/subscribe", data={"address": ADDRESS})
        press(reader, ann, "/address", address=OTHER)
        reader.post(outbox(OTHER_KEPT)[-1].path("/confirm-address/"), headers=OWN)
    assert outbox(ADDRESS)[-1].purpose == "address-changed"


@pytest.mark.parametrize("state", ["pending", "confirmed", "unsubscribed", "unknown"])
def test_asking_for_an_address_tells_nobody_whether_it_is_known(reader: FlaskClient, ann: int, state: str) -> None:
    other = readers.subscriber(OTHER_KEPT, state) if state != "unknown" else None
    press(reader, ann, "/address", address=OTHER)
    (mail,) = outbox()
    assert (mail.to, mail.purpose) == (OTHER_KEPT, "new-address")
    reader.post(mail.path("/confirm-address/"), headers=OWN)
    someone = readers.find(OTHER_KEPT)
    assert someone is not None
    assert (someone.id, someone.state) == (other or ann, "confirmed")
    assert readers.find(ADDRESS) is None, "both were the owner of that mailbox"


@pytest.mark.parametrize("state", ["pending", "unsubscribed"])
def test_a_subscriber_that_somebody_else_moves_to_stays_subscribed_and_their_own(
    reader: FlaskClient, state: str
) -> None:
    stranger, bob = readers.subscriber(ADDRESS, state), readers.subscriber(OTHER_KEPT, name="Bob")
    press(reader, stranger, "/address", address=OTHER)
    link = outbox(OTHER_KEPT)[-1].path("/confirm-address/")
    for _ in range(2):
        done = reader.post(link, headers=OWN, follow_redirects=True)
        assert "Your address has changed" in done.text
        assert readers.preferences(bob) in done.text
    kept = readers.reload(bob)
    assert (kept.address, kept.state, kept.name) == (OTHER_KEPT, "confirmed", "Bob")
    assert "Nothing is held" in reader.get(readers.preferences(stranger)).text
    assert outbox(ADDRESS)[-1].path("/preferences/") == readers.preferences(stranger), "not the way to the other's"
    entry = db.session.execute(select(AuditEntry).where(AuditEntry.act == "subscriber.merge")).scalar_one()
    assert (entry.subject, entry.detail) == (f"subscriber:{stranger}", {"into": bob})


@pytest.mark.parametrize("state", ["pending", "unsubscribed"])
def test_whoever_agrees_at_a_new_address_gets_digests_there(reader: FlaskClient, state: str) -> None:
    number = readers.subscriber(ADDRESS, state)
    press(reader, number, "/address", address=OTHER)
    reader.post(outbox()[-1].path("/confirm-address/"), headers=OWN)
    someone = readers.reload(number)
    assert (someone.address, someone.state, someone.unsubscribed_at) == (OTHER_KEPT, "confirmed", None)
    assert acts()[-2:] == ["subscriber.change_address", "subscriber.confirm"]


def test_a_pause_moves_along_to_an_address_that_had_chosen_nothing(reader: FlaskClient) -> None:
    until = now() + timedelta(days=9)
    ann = readers.subscriber(ADDRESS, paused_until=until)
    readers.subscriber(OTHER_KEPT, "pending")
    reader.post(move_link(ann, OTHER_KEPT), headers=OWN)
    someone = readers.find(OTHER_KEPT)
    assert someone is not None
    assert (someone.state, someone.paused_until) == ("confirmed", until)


def test_erasing_oneself_leaves_the_mails_of_the_address_one_asked_for(reader: FlaskClient, ann: int) -> None:
    reader.post("/subscribe", data={"address": OTHER})
    press(reader, ann, "/address", address=OTHER)
    press(reader, ann, "/erase")
    assert [mail.purpose for mail in outbox(OTHER_KEPT)] == ["confirmation"]


def test_a_suppressed_new_address_gets_nothing(reader: FlaskClient, ann: int) -> None:
    with transaction() as session:
        suppress(session, OTHER_KEPT, "complaint")
    assert press(reader, ann, "/address", address=OTHER).status_code == 303
    assert OTHER in reader.get(readers.preferences(ann)).text
    assert outbox() == []


@pytest.mark.parametrize(
    ("address", "words"), [("", "Type your address"), ("x", "will not work"), (ADDRESS, "already")]
)
def test_a_bad_new_address_is_explained_and_stays_in_the_field(
    reader: FlaskClient, ann: int, address: str, words: str
) -> None:
    response = press(reader, ann, "/address", address=address)
    assert response.status_code == 422
    assert words in response.text
    assert f'value="{address}"' in response.text
    assert readers.reload(ann).new_address is None
    assert outbox() == []


def test_only_the_newest_request_to_move_counts(reader: FlaskClient, ann: int) -> None:
    press(reader, ann, "/address", address="first@example.org")
    press(reader, ann, "/address", address="second@example.org")
    first, second = (mail.path("/confirm-address/") for mail in outbox())
    assert reader.get(first).status_code == 410
    assert reader.post(first, headers=OWN).status_code == 410
    assert readers.reload(ann).address == ADDRESS
    assert reader.post(second, headers=OWN).status_code == 303
    assert readers.reload(ann).address == "second@example.org"


def test_who_keeps_their_address_ends_the_move(reader: FlaskClient, ann: int) -> None:
    press(reader, ann, "/address", address=OTHER)
    press(reader, ann, "/keep-address")
    assert reader.post(outbox()[0].path("/confirm-address/"), headers=OWN).status_code == 410
    assert readers.reload(ann).address == ADDRESS


def test_a_link_to_move_ends_after_a_week(reader: FlaskClient, ann: int) -> None:
    press(reader, ann, "/address", address=OTHER)
    with time_machine.travel(now() + timedelta(days=8), tick=True):
        assert reader.get(outbox()[0].path("/confirm-address/")).status_code == 410
        assert reader.post(outbox()[0].path("/confirm-address/"), headers=OWN).status_code == 410
    assert readers.reload(ann).address == ADDRESS


def test_moving_is_limited_so_that_nobody_is_bombed(reader: FlaskClient, ann: int) -> None:
    with time_machine.travel(now().replace(hour=9, minute=1), tick=True):
        tries = [press(reader, ann, "/address", address=f"victim{n}@example.org").status_code for n in range(6)]
        assert tries == [303] * 5 + [429]
        bob = readers.subscriber("bob@example.org")
        for _ in range(5):
            press(reader, bob, "/address", address="victim0@example.org")
    assert len(outbox("victim0@example.org")) == 3


def test_the_data_held_can_be_taken_along(reader: FlaskClient) -> None:
    reader.post("/subscribe", data={"address": ADDRESS, "page": "/week-473"})
    reader.post(outbox()[0].path("/confirm/"))
    someone = readers.find(ADDRESS)
    assert someone is not None
    response = reader.get(readers.preferences(someone.id, "/data.json"))
    assert response.mimetype == "application/json"
    assert response.headers["Content-Disposition"].startswith("attachment")
    held = json.loads(response.data)
    assert held["address"] == ADDRESS
    assert held["state"] == "confirmed"
    assert held["consent"]["page"] == "/week-473"
    assert held["consent"]["confirmed_from"] == "127.0.0.0/24"
    assert [entry["act"] for entry in held["log"]] == ["subscriber.sign_up", "subscriber.confirm"]
    assert [mail["subject"] for mail in held["mails"]] == ["Confirm your subscription to The Notebook"]
    assert held["suppression"] is None


def test_erasing_says_what_happens_and_then_leaves_no_trace_of_the_address(reader: FlaskClient) -> None:
    reader.post("/subscribe", data={"address": ADDRESS})
    reader.post(outbox()[0].path("/confirm/"))
    someone = readers.find(ADDRESS)
    assert someone is not None
    number = someone.id
    press(reader, number, "/address", address=OTHER)
    page = reader.get(readers.preferences(number, "/erase")).text
    assert "cannot be undone" in page
    assert press(reader, number, "/erase").status_code == 303
    assert ADDRESS not in str(readers.everything())
    assert OTHER_KEPT not in str(readers.everything())
    assert "Nothing is held" in reader.get(readers.preferences(number)).text
    assert acts()[-1] == "subscriber.erase"
    for path in ("/pause", "/leave", "/return", "/address", "/keep-address", "/resume"):
        assert press(reader, number, path, address="x@example.org", length="1 month").status_code == 410
    assert press(reader, number, "/erase").status_code == 303, "twice is once"
    assert reader.get(readers.preferences(number, "/data.json")).status_code == 410
    reader.post("/subscribe", data={"address": ADDRESS})
    again = readers.find(ADDRESS)
    assert again is not None
    assert (again.state, again.id > number) == ("pending", True)


def test_what_is_suppressed_stays_so_after_erasing_and_the_page_says_it(reader: FlaskClient, ann: int) -> None:
    with transaction() as session:
        suppress(session, ADDRESS, "complaint")
    assert "complaint" in reader.get(readers.preferences(ann)).text
    assert "must not be mailed" in reader.get(readers.preferences(ann, "/erase")).text
    press(reader, ann, "/erase")
    reader.post("/subscribe", data={"address": ADDRESS})
    assert outbox() == []
    assert readers.find(ADDRESS) is None


def test_who_was_entered_but_never_confirmed_can_say_yes_on_their_own_page(reader: FlaskClient) -> None:
    number = readers.subscriber(ADDRESS, "pending")
    assert "Subscribe" in reader.get(readers.preferences(number)).text
    press(reader, number, "/return")
    someone = readers.reload(number)
    assert someone.state == "confirmed"
    assert someone.confirmed_at is not None
