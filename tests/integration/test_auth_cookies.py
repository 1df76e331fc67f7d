"""The log-in behind the cookie: how long it lasts, how it ends, and who gets none."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie

import pytest
import time_machine
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from blogapp.auth.logins import forget_ended_logins
from blogapp.auth.members import deactivate
from blogapp.auth.models import Login, Member
from blogapp.auth.session import REMEMBER_COOKIE
from blogapp.core.db import db
from tests.people import PASSWORD

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def without_tokens(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False


def cookies_of(client: FlaskClient, **more: str) -> dict[str, SimpleCookie]:
    response = client.post("/login", data={"email": "bob@blog.test", "password": PASSWORD, **more})
    assert response.status_code == 303
    found = {}
    for line in response.headers.getlist("Set-Cookie"):
        cookie = SimpleCookie(line)
        found[next(iter(cookie))] = cookie
    return found


def test_the_cookie_holds_a_secret_of_which_only_a_hash_is_kept(bob: Member, reader: FlaskClient) -> None:
    session_cookie = cookies_of(reader)["blog_session"]["blog_session"]
    assert session_cookie["httponly"]
    assert session_cookie["samesite"] == "Lax"
    assert not session_cookie["expires"]
    with reader.session_transaction() as session:
        number, _, secret = session["_user_id"].partition(":")
    login = db.session.get_one(Login, int(number))
    assert len(secret) >= 43
    assert secret not in login.secret_hash
    with reader.session_transaction() as session:
        session["_user_id"] = f"{number}:{secret[:-1]}x"
    assert reader.get("/account").status_code == 303


def test_without_the_tick_no_cookie_outlives_the_browser(bob: Member, reader: FlaskClient) -> None:
    assert set(cookies_of(reader)) == {"blog_session"}


def test_with_the_tick_a_cookie_stays_for_thirty_days(bob: Member, reader: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False):
        cookie = cookies_of(reader, remember="y")[REMEMBER_COOKIE][REMEMBER_COOKIE]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert "01 Apr 2026" in cookie["expires"]
        reader.delete_cookie("blog_session")
        assert reader.get("/account/logins").status_code == 200
    with time_machine.travel(NOON + timedelta(days=29, hours=23), tick=False):
        reader.delete_cookie("blog_session")
        assert reader.get("/account/logins").status_code == 200
    with time_machine.travel(NOON + timedelta(days=30), tick=False):
        assert reader.get("/account/logins").status_code == 303


class TestBehindHttps:
    @pytest.fixture
    def chosen(self) -> dict[str, object]:
        return {"base_url": "https://blog.test"}

    def test_cookies_are_for_https_only(self, bob: Member, reader: FlaskClient) -> None:
        data = {"email": bob.email, "password": PASSWORD, "remember": "y"}
        response = reader.post("/login", data=data, base_url="https://blog.test")
        lines = response.headers.getlist("Set-Cookie")
        assert len(lines) == 2
        assert all("Secure" in line for line in lines)


def test_without_the_tick_twelve_idle_hours_end_a_log_in(bob: Member, reader: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False):
        cookies_of(reader)
    with time_machine.travel(NOON + timedelta(hours=11), tick=False):
        assert reader.get("/account/logins").status_code == 200
    with time_machine.travel(NOON + timedelta(hours=22), tick=False):
        assert reader.get("/account/logins").status_code == 200
    with time_machine.travel(NOON + timedelta(hours=34), tick=False):
        assert reader.get("/account/logins").status_code == 303


def test_even_one_in_daily_use_ends_after_thirty_days(bob: Member, reader: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False):
        cookies_of(reader)
    for half_day in range(1, 62):
        with time_machine.travel(NOON + timedelta(hours=half_day * 11.9), tick=False):
            alive = reader.get("/account/logins").status_code == 200
        assert alive == (half_day * 11.9 < 30 * 24)


def test_that_a_log_in_is_in_use_is_written_every_five_minutes_at_most(
    app: Flask, bob: Member, reader: FlaskClient
) -> None:
    writes: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if "UPDATE" in statement:
            writes.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    with time_machine.travel(NOON, tick=False) as clock:
        cookies_of(reader)
        writes.clear()
        for _ in range(4):
            clock.shift(timedelta(minutes=1))
            reader.get("/account/logins")
        assert writes == []
        clock.shift(timedelta(minutes=1))
        reader.get("/account/logins")
        reader.get("/account/logins")
        assert len(writes) == 1
    assert db.session.execute(select(Login.seen_at)).scalar_one() == NOON + timedelta(minutes=5)


def test_log_ins_that_ran_out_are_forgotten_in_time(bob: Member, app: Flask) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        cookies_of(app.test_client())
        cookies_of(app.test_client(), remember="y")
        assert forget_ended_logins() == 0
        clock.shift(timedelta(hours=13))
        assert forget_ended_logins() == 1
        assert db.session.execute(select(Login.remembered)).scalars().all() == [True]


def test_a_log_in_keeps_nothing_of_the_strangers_session(bob: Member, reader: FlaskClient) -> None:
    with reader.session_transaction() as session:
        session["csrf_token"] = "planted"
        session["other"] = "planted"
    cookies_of(reader)
    with reader.session_transaction() as session:
        assert "planted" not in session.values()


def test_logging_out_ends_the_log_in_and_takes_the_cookies_back(bob: Member, reader: FlaskClient) -> None:
    cookies_of(reader, remember="y")
    stolen = {name: reader.get_cookie(name) for name in ("blog_session", REMEMBER_COOKIE)}
    assert all(stolen.values())
    response = reader.post("/logout")
    assert (response.status_code, response.location) == (303, "/")
    assert reader.get_cookie("blog_session") is None
    assert reader.get_cookie(REMEMBER_COOKIE) is None
    for name, cookie in stolen.items():
        reader.set_cookie(name, cookie.value)  # type: ignore[union-attr]
    assert reader.get("/account/logins").status_code == 303
    assert db.session.execute(select(Login)).first() is None


def test_another_site_cannot_log_a_member_out(bob: Member, reader: FlaskClient) -> None:
    cookies_of(reader)
    assert reader.post("/logout", headers={"Origin": "https://evil.test"}).status_code == 403
    assert reader.get("/logout").status_code == 404
    assert reader.get("/account/logins").status_code == 200


def test_a_log_in_instead_of_another_one_in_the_same_browser_ends_that(
    bob: Member, carol: Member, reader: FlaskClient
) -> None:
    cookies_of(reader, remember="y")
    data = {"email": carol.email, "password": PASSWORD}
    assert reader.post("/login", data=data).status_code == 303
    assert db.session.execute(select(Login.member_id)).scalars().all() == [carol.id]
    assert reader.get_cookie(REMEMBER_COOKIE) is None


def test_the_cookies_of_an_ended_log_in_are_taken_back(bob: Member, reader: FlaskClient) -> None:
    cookies_of(reader, remember="y")
    deactivate(bob.id, by=None)
    assert reader.get("/account").status_code == 303
    assert reader.get_cookie("blog_session") is None
    assert reader.get_cookie(REMEMBER_COOKIE) is None


@pytest.mark.parametrize("path", ["/", "/archive", "/feed.atom", "/subscribe", "/robots.txt", "/no-such-page"])
def test_a_stranger_on_a_public_page_gets_no_cookie(reader: FlaskClient, path: str) -> None:
    response = reader.get(path)
    assert "Set-Cookie" not in response.headers
    assert "private" not in response.headers.get("Cache-Control", "")


def test_a_static_file_does_not_vary_by_cookie(bob: Member, log_in: Callable[[Member], FlaskClient]) -> None:
    with log_in(bob).get("/static/password.js") as response:
        assert response.status_code == 200
        assert "Cookie" not in response.headers.get("Vary", "")


def test_what_a_member_sees_stays_out_of_caches(bob: Member, log_in: Callable[[Member], FlaskClient]) -> None:
    client = log_in(bob)
    for path in ("/", "/account/logins", "/login"):
        assert client.get(path).headers["Cache-Control"] == "private, no-store"


def test_the_log_in_page_is_kept_out_of_caches_and_search_engines(reader: FlaskClient) -> None:
    response = reader.get("/login")
    assert response.headers["Cache-Control"] == "private, no-store"
    assert '<meta name="robots" content="noindex">' in response.text
    page = BeautifulSoup(response.text, "lxml")
    assert page.select_one("input[name=email]")["autocomplete"] == "username"  # type: ignore[index]
    assert page.select_one("input[name=password]")["autocomplete"] == "current-password"  # type: ignore[index]
