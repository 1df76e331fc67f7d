"""Leaving: by the page, by the mail program's own button (RFC 8058), and back again."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from blogapp.audit import AuditEntry
from blogapp.core import tokens
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.site import link_key
from blogapp.digest.audience import eligible
from blogapp.subscribing.models import Subscriber
from blogapp.subscribing.privacy import erase
from tests import readers

ADDRESS = "ann@example.org"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def ann(app: Flask) -> int:
    """A confirmed subscriber."""
    return readers.subscriber(ADDRESS)


def how() -> list[str]:
    entries = db.session.execute(select(AuditEntry).where(AuditEntry.act == "subscriber.unsubscribe")).scalars()
    return [entry.detail["how"] for entry in entries]


def test_opening_the_link_changes_nothing(reader: FlaskClient, ann: int) -> None:
    before = readers.everything()
    page = reader.get(readers.unsubscribe(ann))
    assert page.status_code == 200
    assert page.text.count("<button>") == 1
    assert ADDRESS in page.text
    assert readers.everything() == before


def test_the_button_unsubscribes_and_can_be_undone(reader: FlaskClient, ann: int) -> None:
    confirmed_at = readers.reload(ann).confirmed_at
    response = reader.post(readers.unsubscribe(ann), headers={"Origin": "null"})
    assert response.status_code == 303
    page = reader.get(response.location)
    assert "You are unsubscribed" in page.text
    assert readers.reload(ann).state == "unsubscribed"
    assert how() == ["page"]
    undone = reader.post(readers.unsubscribe(ann) + "/undo", headers={"Origin": "null"})
    assert (undone.status_code, undone.location) == (303, readers.preferences(ann))
    someone = readers.reload(ann)
    assert (someone.state, someone.unsubscribed_at) == ("confirmed", None)
    assert someone.confirmed_at == confirmed_at, "so that the digest under way still comes"


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_the_mail_programs_button_needs_no_cookie_no_origin_and_no_redirect(
    reader: FlaskClient, ann: int, content_type: str
) -> None:
    response = reader.post(readers.unsubscribe(ann), data=ONE_CLICK, content_type=content_type)
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert "Location" not in response.headers
    assert readers.reload(ann).state == "unsubscribed"
    assert how() == ["one-click"]


def test_the_mail_programs_button_works_from_a_page_of_its_own(reader: FlaskClient, ann: int) -> None:
    headers = {"Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site"}
    assert reader.post(readers.unsubscribe(ann), data=ONE_CLICK, headers=headers).status_code == 200
    assert readers.reload(ann).state == "unsubscribed"


def test_unsubscribing_twice_is_once(reader: FlaskClient, ann: int) -> None:
    reader.post(readers.unsubscribe(ann), data=ONE_CLICK)
    before = readers.everything()
    assert reader.post(readers.unsubscribe(ann), data=ONE_CLICK).status_code == 200
    assert reader.post(readers.unsubscribe(ann)).status_code == 303
    assert readers.everything() == before


def test_the_link_works_for_ever_and_in_capitals(reader: FlaskClient, ann: int) -> None:
    path = readers.unsubscribe(ann)
    token = path.rpartition("/")[2]
    assert reader.post(f"/unsubscribe/{token.upper()}", data=ONE_CLICK).status_code == 200
    assert readers.reload(ann).state == "unsubscribed"


def test_who_leaves_is_no_longer_mailed(reader: FlaskClient, ann: int) -> None:
    wanted = select(Subscriber.id).where(eligible())
    assert db.session.execute(wanted).scalars().all() == [ann]
    reader.post(readers.unsubscribe(ann), data=ONE_CLICK)
    db.session.rollback()
    assert db.session.execute(wanted).scalars().all() == []


def test_leaving_ends_a_pause_and_a_move_under_way(reader: FlaskClient, ann: int) -> None:
    with transaction() as session:
        someone = session.get_one(Subscriber, ann)
        someone.paused_until, someone.new_address = now() + timedelta(days=9), "bob@example.org"
    reader.post(readers.unsubscribe(ann), data=ONE_CLICK)
    someone = readers.reload(ann)
    assert (someone.paused_until, someone.new_address) == (None, None)


def test_the_link_of_a_test_copy_is_answered_politely(reader: FlaskClient) -> None:
    path = readers.unsubscribe(0)
    before = readers.everything()
    page = reader.get(path)
    assert page.status_code == 200
    assert "test copy" in page.text
    assert reader.post(path, data=ONE_CLICK).status_code == 200
    assert reader.post(path).status_code == 303
    assert reader.get(readers.preferences(0)).status_code == 200
    assert readers.everything() == before


def test_the_link_of_somebody_erased_is_answered_politely(reader: FlaskClient, ann: int) -> None:
    erase(ann)
    page = reader.get(readers.unsubscribe(ann))
    assert page.status_code == 200
    assert "Nothing is held" in page.text
    assert reader.post(readers.unsubscribe(ann), data=ONE_CLICK).status_code == 200
    assert reader.post(readers.unsubscribe(ann) + "/undo").status_code == 410
    assert readers.find(ADDRESS) is None


def foreign(ann: int) -> list[str]:
    good = tokens.link_token(link_key(), "unsubscribe", ann)
    number, _, proof = good.partition("-")
    other = tokens.link_token(link_key(), "preferences", ann)
    return [
        other,
        f"{int(number) + 1}-{proof}",
        f"{number}-",
        number,
        "0",
        "-",
        good + "a",
        f"{'9' * 30}-{proof}",
        "ä-b",
    ]


@pytest.mark.parametrize("which", range(9))
def test_a_link_that_is_not_ours_changes_nothing(reader: FlaskClient, ann: int, which: int) -> None:
    before = readers.everything()
    path = f"/unsubscribe/{foreign(ann)[which]}"
    assert reader.get(path).status_code == 404
    assert reader.post(path, data=ONE_CLICK).status_code == 404
    assert reader.post(f"{path}/undo").status_code == 404
    assert readers.everything() == before


def test_a_test_copys_links_work_in_capitals_too(reader: FlaskClient) -> None:
    assert reader.get("/unsubscribe/0-NOBODY").status_code == 200
