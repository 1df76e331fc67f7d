"""What browsers and members send that nobody can take apart is answered, and breaks nothing."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from blogapp.auth.models import Member
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post
from tests.posts import article


@pytest.mark.parametrize("origin", ["http://[", "https://]", ""])
def test_an_origin_that_cannot_be_taken_apart_is_a_foreign_one(reader: FlaskClient, origin: str) -> None:
    response = reader.post("/subscribe", data={"address": "ann@example.org"}, headers={"Origin": origin})
    assert response.status_code == 403


def test_a_referer_that_cannot_be_taken_apart_is_none(app: Flask, reader: FlaskClient) -> None:
    response = reader.post("/account", data={"bio": "Kept."}, headers={"Referer": "http://["})
    assert response.status_code == 401
    assert "Kept." in response.text


def test_errors_of_http_are_said_in_our_words(reader: FlaskClient) -> None:
    assert "It only takes what a form sends" in reader.get("/write/preview").text
    field = b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\n' + b"x" * 4_100_000 + b"\r\n--x--\r\n"
    too_large = reader.post("/login", data=field, content_type="multipart/form-data; boundary=x")
    assert too_large.status_code == 413
    assert "Nothing was changed" in too_large.text


@pytest.mark.parametrize("path", ["unsubscribe", "preferences", "confirm", "confirm-address"])
def test_a_link_from_a_mail_that_was_broken_on_the_way_says_how_to_get_another(reader: FlaskClient, path: str) -> None:
    response = reader.get(f"/{path}/1-broken")
    assert response.status_code == 404
    assert 'href="/subscribe"' in response.text


@pytest.mark.parametrize("feed", ["atom", "rss", "json"])
def test_an_address_that_cannot_be_taken_apart_breaks_no_feed(alice: Member, reader: FlaskClient, feed: str) -> None:
    article(alice, html='<p><a href="//[">this</a></p>')
    assert reader.get(f"/feed.{feed}").status_code == 200


def test_where_every_week_is_taken_a_new_post_can_still_be_begun(
    alice: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    create_post("week", "", "x", alice.id, weeks=Weeks(0, 9999))
    assert log_in(alice).get("/write/new").status_code == 200
