"""A log-in that ends while somebody writes: nothing that was typed is lost, and no other site can use that."""

import io
from collections.abc import Callable

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete
from werkzeug.test import TestResponse

from blogapp.auth.models import Login, Member
from blogapp.core.db import db, transaction
from tests.people import PASSWORD

BIO = '\nFirst line\r\nsecond "line" & <b>more</b>\n</textarea><script>alert(1)</script>\n'


def form_of(response: TestResponse, action: str) -> dict[str, str]:
    """The fields of the form with this action, as a browser would send them."""
    page = BeautifulSoup(response.text, "html5lib")
    form = page.select_one(f'form[action="{action}"]')
    assert form is not None, f"no form for {action}"
    fields = {}
    for field in form.select("[name]"):
        if field.get("type") == "checkbox" and not field.has_attr("checked"):
            continue
        fields[str(field["name"])] = field.text if field.name == "textarea" else str(field.get("value", ""))
    return fields


def log_in_through(client: FlaskClient, person: Member, fields: dict[str, str] | None = None) -> TestResponse:
    fields = fields or form_of(client.get("/login"), "/login")
    return client.post("/login", data={**fields, "email": person.email, "password": PASSWORD})


def end_all_log_ins() -> None:
    with transaction() as session:
        session.execute(delete(Login))


@pytest.fixture
def browser(bob: Member, reader: FlaskClient) -> FlaskClient:
    """A browser in which bob has logged in, tokens checked."""
    assert log_in_through(reader, bob).status_code == 303
    return reader


def test_what_a_stranger_posts_is_shown_but_for_secrets(bob: Member, browser: FlaskClient) -> None:
    fields = form_of(browser.get("/account"), "/account")
    end_all_log_ins()
    response = browser.post("/account", data={**fields, "bio": BIO, "current_password": "a secret one"})
    assert response.status_code == 401
    page = BeautifulSoup(response.text, "html5lib")
    texts = {label.text: page.find(id=label["for"]) for label in page.select("label")}
    shown = {name: field.text for name, field in texts.items() if isinstance(field, Tag) and field.name == "textarea"}
    assert shown["Bio"] == BIO.replace("\r\n", "\n")
    assert shown["Name"] == "Bob Barker"
    assert all(page.find(id=f"kept-{n}").has_attr("readonly") for n in range(1, len(shown) + 1))  # type: ignore[union-attr]
    assert page.find("script", string=lambda text: bool(text and "alert" in text)) is None
    assert "a secret one" not in response.text
    assert "kept-csrf_token" not in response.text
    assert db.session.get_one(Member, bob.id).bio == ""


def test_of_what_the_editor_sent_only_what_was_typed_is_shown_and_all_is_kept(browser: FlaskClient) -> None:
    end_all_log_ins()
    sent = {"do": "save", "base": "{}", "auto": "1", "kind": "week", "version": "3", "tags": "boats", "body": "Typed."}
    page = BeautifulSoup(browser.post("/posts/1/edit", data=sent).text, "html5lib")
    assert [label.text for label in page.select("h2 ~ .field label")] == ["Tags", "Body"]
    assert {field["name"] for field in page.select('[name^="kept-"]')} == {f"kept-{name}" for name in sent}


def test_after_the_log_in_one_click_saves_what_was_posted(bob: Member, browser: FlaskClient) -> None:
    fields = form_of(browser.get("/account"), "/account")
    end_all_log_ins()
    asked = browser.post("/account", data={**fields, "bio": BIO, "name": "Robert Barker"})
    resumed = log_in_through(browser, bob, form_of(asked, "/login"))
    assert resumed.status_code == 200
    assert "Save now" in resumed.text
    assert db.session.get_one(Member, bob.id).bio == ""
    saved = browser.post("/account", data=form_of(resumed, "/account"))
    assert (saved.status_code, saved.location) == (303, "/account")
    after = db.session.get_one(Member, bob.id)
    assert after.bio.replace("\r\n", "\n") == BIO.replace("\r\n", "\n")
    assert after.name == "Robert Barker"


def test_a_wrong_password_on_the_way_loses_nothing_either(bob: Member, browser: FlaskClient) -> None:
    fields = form_of(browser.get("/account"), "/account")
    end_all_log_ins()
    asked = browser.post("/account?from=desk", data={**fields, "bio": BIO})
    wrong = browser.post("/login", data={**form_of(asked, "/login"), "email": bob.email, "password": "not this one"})
    assert wrong.status_code == 422
    again = form_of(wrong, "/login")
    assert again["kept-bio"].replace("\r\n", "\n") == BIO.replace("\r\n", "\n")
    resumed = log_in_through(browser, bob, again)
    assert form_of(resumed, "/account?from=desk")["bio"].replace("\r\n", "\n") == BIO.replace("\r\n", "\n")


def test_a_browser_that_was_closed_meanwhile_loses_nothing(bob: Member, browser: FlaskClient) -> None:
    fields = form_of(browser.get("/account"), "/account")
    browser.delete_cookie("blog_session")
    asked = browser.post("/account", data={**fields, "bio": "kept"})
    assert asked.status_code == 401
    resumed = log_in_through(browser, bob, form_of(asked, "/login"))
    assert browser.post("/account", data=form_of(resumed, "/account")).status_code == 303
    assert db.session.get_one(Member, bob.id).bio == "kept"


def test_a_remembered_member_whose_token_is_gone_saves_with_one_click(bob: Member, reader: FlaskClient) -> None:
    log_in_through(reader, bob, {**form_of(reader.get("/login"), "/login"), "remember": "y"})
    fields = form_of(reader.get("/account"), "/account")
    reader.delete_cookie("blog_session")
    refused = reader.post("/account", data={**fields, "bio": "kept"})
    assert refused.status_code == 400
    assert "Save now" in refused.text
    assert reader.post("/account", data=form_of(refused, "/account")).status_code == 303
    assert db.session.get_one(Member, bob.id).bio == "kept"


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}])
def test_another_sites_text_is_never_one_click_away_from_being_saved(
    browser: FlaskClient, headers: dict[str, str]
) -> None:
    for _ in range(2):
        response = browser.post("/account", data={"bio": "planted words"}, headers=headers)
        assert response.status_code == 403
        assert "planted words" not in response.text
        browser.delete_cookie("blog_session")


def test_a_button_that_was_pressed_too_late_does_nothing_and_says_so(bob: Member, browser: FlaskClient) -> None:
    token = form_of(browser.get("/account/logins"), "/account/logins/1/end")["csrf_token"]
    end_all_log_ins()
    response = browser.post(
        "/account/logins/end-others", data={"csrf_token": token}, headers={"Referer": "http://localhost/account/logins"}
    )
    assert response.status_code == 401
    assert "nothing was done" in response.text
    fields = form_of(response, "/login")
    assert "kept_for" not in fields
    assert log_in_through(browser, bob, fields).location == "/account/logins"


def test_such_a_button_without_its_token_leads_a_member_back(browser: FlaskClient) -> None:
    referrer = {"Referer": "http://localhost/account/logins"}
    response = browser.post("/account/logins/end-others", headers=referrer)
    assert response.status_code == 400
    link = BeautifulSoup(response.text, "lxml").select_one("main a.button")
    assert link is not None
    assert link["href"] == "/account/logins"


def test_files_that_were_sent_are_named_so_that_they_are_chosen_again(browser: FlaskClient) -> None:
    data = {"bio": "text", "photo": (io.BytesIO(b"x"), "holiday.jpg")}
    browser.delete_cookie("blog_session")
    response = browser.post("/account", data=data)
    assert response.status_code == 401
    assert "holiday.jpg" in response.text


def test_several_values_of_one_field_all_survive(bob: Member, browser: FlaskClient) -> None:
    browser.delete_cookie("blog_session")
    asked = browser.post("/account", data={"bio": "words", "file": ["one.png", "two.png"], "tick": ["1", "2"]})
    page = BeautifulSoup(asked.text, "html5lib")
    kept = [(f["name"], f.get("value") or f.text) for f in page.select('[name^="kept-"]')]
    assert sorted(kept) == [
        ("kept-bio", "words"),
        ("kept-file", "one.png"),
        ("kept-file", "two.png"),
        ("kept-tick", "1"),
        ("kept-tick", "2"),
    ]


def test_a_script_is_told_in_its_own_language(reader: FlaskClient, bob: Member) -> None:
    for response in (
        reader.get("/account", headers={"Accept": "application/json"}),
        reader.post("/account", data={"bio": "words"}, headers={"Accept": "application/json"}),
    ):
        assert response.status_code == 401
        assert response.is_json


def test_a_log_in_form_that_stood_open_too_long_keeps_the_address(bob: Member, reader: FlaskClient) -> None:
    fields = form_of(reader.get("/login"), "/login")
    reader.delete_cookie("blog_session")
    response = reader.post("/login", data={**fields, "email": bob.email, "password": PASSWORD})
    assert response.status_code == 422
    assert "stood open for too long" in response.text
    assert form_of(response, "/login")["email"] == bob.email
    assert log_in_through(reader, bob, form_of(response, "/login")).status_code == 303


def test_a_log_in_with_a_dead_log_ins_cookie_works_at_the_second_try_as_at_the_first(
    bob: Member, browser: FlaskClient
) -> None:
    end_all_log_ins()
    fields = form_of(browser.get("/login"), "/login")
    wrong = browser.post("/login", data={**fields, "email": bob.email, "password": "not this one"})
    assert "stood open" not in wrong.text
    assert log_in_through(browser, bob, form_of(wrong, "/login")).status_code == 303


@pytest.mark.parametrize("path", ["/account", "/account/password", "/admin/members/invite"])
def test_members_forms_want_their_token(
    app: Flask, alice: Member, log_in: Callable[[Member], FlaskClient], path: str
) -> None:
    client = log_in(alice)
    app.config["WTF_CSRF_ENABLED"] = True
    assert client.post(path, data={"name": "Mallory"}).status_code == 400
