"""Logging in and out: what fits, what is refused, what stays secret, what the cookies hold."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from argon2 import PasswordHasher
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, event, update

from blogapp.auth import passwords
from blogapp.auth.authentication import TRIES_FOR_ONE_ACCOUNT, TRIES_FROM_ONE_PLACE
from blogapp.auth.members import deactivate
from blogapp.auth.models import Login, Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from tests.people import PASSWORD

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def without_tokens(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False


def send(client: FlaskClient, email: str | None, password: str = PASSWORD, **more: str) -> tuple[int, str]:
    response = client.post("/login", data={"email": email, "password": password, **more})
    return response.status_code, response.text


def test_address_and_password_let_a_member_in_and_on(bob: Member, reader: FlaskClient) -> None:
    response = reader.post("/login?next=/account", data={"email": " Bob@BLOG.test ", "password": PASSWORD})
    assert (response.status_code, response.location) == (303, "/account")
    assert reader.get("/account/logins").status_code == 200


@pytest.mark.parametrize("next_page", ["//evil.test/", "https://evil.test/", "/\\evil.test", "javascript:alert(1)"])
def test_a_log_in_leads_to_no_other_site(bob: Member, reader: FlaskClient, next_page: str) -> None:
    data = {"email": bob.email, "password": PASSWORD, "next": next_page}
    assert reader.post("/login", data=data).location == "/write"


def test_a_page_for_members_sends_a_stranger_to_the_form_and_back(bob: Member, reader: FlaskClient) -> None:
    response = reader.get("/account/logins?from=here")
    assert response.status_code == 303
    page = BeautifulSoup(reader.get(response.location).text, "lxml")
    hidden = page.select_one("input[name=next]")
    assert hidden is not None
    assert hidden["value"] == "/account/logins?from=here"


def test_who_is_in_already_is_sent_on(bob: Member, log_in: Callable[[Member], FlaskClient]) -> None:
    response = log_in(bob).get("/login?next=/account")
    assert (response.status_code, response.location) == (303, "/account")


def test_a_wrong_try_keeps_the_address_and_the_tick_but_not_the_password(bob: Member, reader: FlaskClient) -> None:
    status, text = send(reader, "bob@blog.test", "a wrong password", remember="y", next="/account")
    page = BeautifulSoup(text, "lxml")
    assert status == 422
    assert page.select_one("input[name=email]")["value"] == "bob@blog.test"  # type: ignore[index]
    assert page.select_one("input[name=remember]").has_attr("checked")  # type: ignore[union-attr]
    assert page.select_one("input[name=next]")["value"] == "/account"  # type: ignore[index]
    assert "a wrong password" not in text


@pytest.mark.parametrize("email", ["bob", "x" * 5000, "b\x00b@blog.test", "' OR 1=1 --", "@"])
def test_what_is_no_address_is_nobodys(bob: Member, reader: FlaskClient, email: str) -> None:
    assert send(reader, email)[0] == 422


def test_the_answer_does_not_tell_who_is_a_member(bob: Member, carol: Member, reader: FlaskClient) -> None:
    deactivate(carol.id, by=None)
    with transaction() as session:
        session.add(Member(name="Invited", slug="invited", email="invited@blog.test"))
    answers = {
        email: send(reader, email, "a wrong password")[1].replace(email, "ADDRESS")
        for email in ("bob@blog.test", "nobody@blog.test", "carol@blog.test", "invited@blog.test")
    }
    assert len(set(answers.values())) == 1
    assert send(reader, "carol@blog.test")[1].replace("carol@blog.test", "ADDRESS") in answers.values()


def test_a_strangers_address_costs_as_much_work_as_a_members(app: Flask, bob: Member, reader: FlaskClient) -> None:
    app.extensions[passwords.EXTENSION] = hasher = PasswordHasher(time_cost=4, memory_cost=16384, parallelism=1)
    with transaction() as session:
        session.execute(update(Member).values(password_hash=hasher.hash(PASSWORD)))
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda c, cur, statement, *rest: statements.append(statement))

    def cost(email: str) -> tuple[float, list[str]]:
        statements.clear()
        began = time.process_time()
        assert send(reader, email, "a wrong password")[0] == 422
        return time.process_time() - began, list(statements)

    cost("warm@blog.test")
    tries = [(cost("bob@blog.test"), cost("nobody@blog.test")) for _ in range(4)]
    assert all(known[1] == unknown[1] for known, unknown in tries)
    known, unknown = (min(pair[who][0] for pair in tries) for who in (0, 1))
    assert 0.6 < known / unknown < 1.67


def test_too_many_tries_for_one_account_are_refused_member_or_not(bob: Member, reader: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False):
        for email in ("bob@blog.test", "nobody@blog.test"):
            for _ in range(TRIES_FOR_ONE_ACCOUNT):
                assert send(reader, email, "a wrong password")[0] == 422
            response = reader.post("/login", data={"email": email, "password": PASSWORD, "remember": "y"})
            assert response.status_code == 429
            assert int(response.headers["Retry-After"]) == 900
            assert "Try again in 15 minutes" in response.text
            assert f'value="{email}"' in response.text
    with time_machine.travel(NOON + timedelta(minutes=15), tick=False):
        assert send(reader, "bob@blog.test")[0] == 303


def test_a_try_that_succeeds_is_not_held_against_the_account(bob: Member, reader: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False):
        for _ in range(3):
            for _ in range(TRIES_FOR_ONE_ACCOUNT - 1):
                send(reader, "bob@blog.test", "a wrong password")
            assert send(reader, "bob@blog.test")[0] == 303


def test_too_many_tries_from_one_place_are_refused_for_all(bob: Member, app: Flask) -> None:
    neighbours = [app.test_client() for _ in range(2)]
    with time_machine.travel(NOON, tick=False):
        for number in range(TRIES_FROM_ONE_PLACE):
            address = f"2001:db8::{number:x}"
            neighbours[0].post(
                "/login",
                data={"email": f"{number}@blog.test", "password": "a wrong one"},
                environ_base={"REMOTE_ADDR": address},
            )
        for address, status in [("2001:db8::ffff", 429), ("2001:db8:0:1::1", 303), ("203.0.113.9", 303)]:
            data = {"email": bob.email, "password": PASSWORD}
            assert neighbours[1].post("/login", data=data, environ_base={"REMOTE_ADDR": address}).status_code == status


def test_a_password_kept_at_an_older_cost_is_kept_anew(app: Flask, bob: Member, reader: FlaskClient) -> None:
    number, before, version = bob.id, bob.password_hash, bob.version
    app.extensions[passwords.EXTENSION] = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)
    assert send(reader, "bob@blog.test")[0] == 303
    db.session.rollback()
    after = db.session.get_one(Member, number)
    assert after.password_hash != before
    assert "t=2" in str(after.password_hash)
    assert after.version == version
    assert send(app.test_client(), "bob@blog.test")[0] == 303


def test_a_log_in_that_ends_while_a_page_is_made_does_not_break_the_page(
    bob: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    browser = log_in(bob)
    with transaction() as session:
        session.execute(update(Login).values(seen_at=now() - timedelta(hours=1)))

    def end_it(connection: Connection, _: object, statement: str, *__: object) -> None:
        if statement.startswith("UPDATE logins"):
            connection.exec_driver_sql("DELETE FROM logins")

    event.listen(db.engine, "before_cursor_execute", end_it)
    assert browser.get("/write").status_code == 200
    assert browser.get("/write").status_code == 303
