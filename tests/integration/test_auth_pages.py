"""The members' own pages and the admins' pages about members, as a browser sees them."""

import re
from collections.abc import Callable

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from blogapp.auth.logins import list_logins
from blogapp.auth.members import add_member, deactivate, invite
from blogapp.auth.models import Login, Member
from blogapp.core.db import db, transaction
from blogapp.delivery.models import OutboxMail
from tests.people import PASSWORD

FRESH = "a rainy week in june"
LogIn = Callable[[Member], FlaskClient]


def form_data(client: FlaskClient, path: str) -> dict[str, str]:
    """What a browser would send if the form of the page were sent as it is."""
    page = BeautifulSoup(client.get(path).text, "html5lib")
    fields = page.select(f'form[action="{path}"] [name]')
    return {
        str(f["name"]): f.text.removeprefix("\n") if f.name == "textarea" else str(f.get("value", "")) for f in fields
    }


def text_of(html: str) -> str:
    return " ".join(BeautifulSoup(html, "html5lib").select_one("main").get_text(" ").split())  # type: ignore[union-attr]


def test_the_profile_is_saved_and_says_so_once(bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    data = {**form_data(client, "/account"), "name": "Robert Barker", "bio": "Writes."}
    response = client.post("/account", data=data)
    assert (response.status_code, response.location) == (303, "/account")
    assert "Your profile is saved." in client.get("/account").text
    page = client.get("/account")
    assert "Your profile is saved." not in page.text
    assert 'value="Robert Barker"' in page.text


def test_a_refused_profile_keeps_what_was_typed_and_names_the_field(bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    data = {**form_data(client, "/account"), "bio": "Much text", "slug": "login", "email": "new@blog.test"}
    response = client.post("/account", data=data)
    page = BeautifulSoup(response.text, "html5lib")
    assert response.status_code == 422
    assert page.select_one("textarea[name=bio]").text.strip() == "Much text"  # type: ignore[union-attr]
    assert page.select_one("input[name=email]")["value"] == "new@blog.test"  # type: ignore[index]
    wrong = page.select_one("[aria-invalid=true]")
    assert wrong is not None
    assert wrong["name"] == "current_password"


def test_after_a_conflict_both_texts_are_shown_and_saving_again_works(
    alice: Member, bob: Member, log_in: LogIn
) -> None:
    client, path = log_in(bob), f"/admin/members/{bob.id}/edit"
    mine = {**form_data(client, "/account"), "bio": "My words"}
    admin = log_in(alice)
    assert admin.post(path, data={**form_data(admin, path), "bio": "The admin's words"}).status_code == 303
    response = client.post("/account", data=mine)
    assert response.status_code == 409
    assert "My words" in response.text
    assert "The admin&#39;s words" in response.text
    version = re.search(r'name="version"[^>]* value="(\d+)"', response.text)
    assert version is not None
    assert client.post("/account", data={**mine, "version": version[1]}).status_code == 303
    assert db.session.get_one(Member, bob.id).bio == "My words"


def test_a_profile_without_its_version_is_refused_clearly(bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    data = form_data(client, "/account")
    for version in ("", "x"):
        response = client.post("/account", data={**data, "version": version})
        assert response.status_code == 422


def test_the_password_page_changes_it_and_keeps_only_this_browser(bob: Member, log_in: LogIn, app: Flask) -> None:
    elsewhere, here = log_in(bob), log_in(bob)
    page = BeautifulSoup(here.get("/account/password").text, "html5lib")
    assert page.select_one("[name=current_password]")["autocomplete"] == "current-password"  # type: ignore[index]
    assert page.select_one("[name=password]")["autocomplete"] == "new-password"  # type: ignore[index]
    wrong = here.post("/account/password", data={"current_password": "wrong", "password": FRESH})
    assert wrong.status_code == 422
    assert FRESH not in wrong.text
    response = here.post("/account/password", data={"current_password": PASSWORD, "password": FRESH})
    assert response.status_code == 303
    assert "All your other log-ins have ended" in here.get("/account").text
    assert elsewhere.get("/account").status_code == 303
    data = {"email": bob.email, "password": FRESH}
    assert app.test_client().post("/login", data=data).status_code == 303


def test_log_ins_are_listed_in_words_and_ended_one_by_one(
    bob: Member, carol: Member, log_in: LogIn, app: Flask
) -> None:
    here, phone = log_in(bob), app.test_client()
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605 Version/18.6 Mobile/15E Safari/604"
    data = {"email": bob.email, "password": PASSWORD, "remember": "y"}
    environ = {"REMOTE_ADDR": "203.0.113.7"}
    phone.post("/login", data=data, headers={"User-Agent": agent}, environ_base=environ)
    page = here.get("/account/logins").text
    text = text_of(page)
    assert "Safari on iPhone" in text
    assert "203.0.113.7" in text
    assert page.count('<span class="state good">this one</span>') == 1
    phones = next(login.id for login in list_logins(bob.id) if login.address == "203.0.113.7")
    assert log_in(carol).post(f"/account/logins/{phones}/end").status_code == 404
    assert phone.get("/account").status_code == 200
    assert here.post(f"/account/logins/{phones}/end").status_code == 303
    assert phone.get("/account").status_code == 303
    assert "Safari on iPhone" not in here.get("/account/logins").text
    assert here.post(f"/account/logins/{phones}/end").status_code == 404


def test_ending_ones_own_log_in_is_a_log_out(bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    (login,) = list_logins(bob.id)
    response = client.post(f"/account/logins/{login.id}/end")
    assert (response.status_code, response.location) == (303, "/")
    assert client.get_cookie("blog_session") is None


def test_all_other_log_ins_end_with_one_button(bob: Member, carol: Member, log_in: LogIn) -> None:
    others, here, hers = [log_in(bob) for _ in range(3)], log_in(bob), log_in(carol)
    assert "End all others" in here.get("/account/logins").text
    here.post("/account/logins/end-others")
    assert "Ended 3 other log-ins." in here.get("/account/logins").text
    assert [c.get("/account").status_code for c in (*others, here, hers)] == [303, 303, 303, 200, 200]
    assert "End all others" not in here.get("/account/logins").text


def test_a_log_in_that_has_expired_is_not_listed(bob: Member, log_in: LogIn) -> None:
    log_in(bob)
    with transaction() as session:
        session.execute(update(Login).values(expires_at=Login.created_at))
    here = log_in(bob)
    assert here.get("/account/logins").text.count("/end") == 1


def test_the_list_of_members_says_their_state_in_words(
    alice: Member, bob: Member, carol: Member, log_in: LogIn
) -> None:
    invite(add_member("Dave Dorn", "dave@blog.test").id, alice.id)
    add_member("Eve Early", "eve@blog.test", role="editor")
    add_member("Old Author", None, active=False)
    deactivate(carol.id, alice.id)
    rows = BeautifulSoup(log_in(alice).get("/admin/members").text, "html5lib").select("tbody tr")
    shown = {}
    for row in rows:
        name, address = row.select_one("th a"), row.select_one("th .meta")
        assert name is not None
        assert address is not None
        shown[name.text] = [address.text, *(cell.get_text(strip=True) for cell in row.select("td"))]
    assert shown["Alice Archer"] == ["alice@blog.test", "admin", "active"]
    assert shown["Carol Cole"] == ["carol@blog.test", "contributor", "inactive"]
    assert re.fullmatch(r"invited \d+ \w+, until \d+ \w+", shown["Dave Dorn"][2])
    assert shown["Eve Early"] == ["eve@blog.test", "editor", "not invited yet"]
    assert shown["Old Author"] == ["no address", "author", "inactive, never invited"]
    assert list(shown) == ["Alice Archer", "Bob Barker", "Dave Dorn", "Eve Early", "Carol Cole", "Old Author"]


def test_an_admin_invites_somebody_and_can_pass_the_link_on(alice: Member, log_in: LogIn, app: Flask) -> None:
    client = log_in(alice)
    data = {"name": "Dave Dorn", "email": "dave@blog.test", "role": "editor"}
    response = client.post("/admin/members/invite", data=data)
    assert response.status_code == 303
    page = client.get(response.location).text
    assert "Dave Dorn is invited" in page
    link = re.search(r'value="http://blog\.test(/password/[\w.-]+)"', page)
    assert link is not None
    assert app.test_client().post(link[1], data={"password": FRESH}).status_code == 303
    dave = db.session.execute(select(Member).where(Member.name == "Dave Dorn")).scalar_one()
    assert (dave.role, dave.state) == ("editor", "active")
    assert "/password/" not in client.get(response.location).text


def test_a_refused_invitation_keeps_what_was_typed(alice: Member, bob: Member, log_in: LogIn) -> None:
    data = {"name": "Bobby", "email": "bob@blog.test", "role": "editor"}
    response = log_in(alice).post("/admin/members/invite", data=data)
    assert response.status_code == 422
    assert "Bob Barker has this address already." in response.text
    assert 'value="Bobby"' in response.text
    assert '<option selected value="editor">' in response.text


def test_an_invitation_is_sent_again(alice: Member, log_in: LogIn) -> None:
    dave = add_member("Dave Dorn", "dave@blog.test")
    client = log_in(alice)
    assert "Send the invitation" in client.get(f"/admin/members/{dave.id}").text
    for _ in range(2):
        assert client.post(f"/admin/members/{dave.id}/invite").status_code == 303
    assert "Send the invitation again" in client.get(f"/admin/members/{dave.id}").text
    assert len(db.session.execute(select(OutboxMail.id)).all()) == 2


def test_inviting_a_member_of_an_import_asks_for_the_address(alice: Member, bob: Member, log_in: LogIn) -> None:
    imported = add_member("Old Author", None, active=False)
    client, path = log_in(alice), f"/admin/members/{imported.id}"
    assert 'name="email"' in client.get(path).text
    refused = client.post(f"{path}/invite", data={"email": "bob@blog.test"})
    assert refused.status_code == 422
    assert "Bob Barker has this address already." in refused.text
    assert 'value="bob@blog.test"' in refused.text
    assert client.post(f"{path}/invite", data={"email": ""}).status_code == 422
    assert client.post(f"{path}/invite", data={"email": "old@blog.test"}).status_code == 303
    assert db.session.get_one(Member, imported.id).state == "invited"


def test_shutting_out_says_what_will_happen_does_it_and_can_be_undone(
    alice: Member, bob: Member, log_in: LogIn
) -> None:
    bobs, client, path = log_in(bob), log_in(alice), f"/admin/members/{bob.id}"
    assert "Bob Barker is logged out everywhere at once" in text_of(client.get(path).text)
    assert client.post(f"{path}/deactivate").status_code == 303
    assert bobs.get("/account").status_code == 303
    text = text_of(client.get(path).text)
    assert "State inactive" in text
    assert "with the password that they had" in text
    assert client.post(f"{path}/reactivate").status_code == 303
    assert "State active" in text_of(client.get(path).text)


def test_the_last_admin_is_told_why_they_stay(alice: Member, log_in: LogIn) -> None:
    client, path = log_in(alice), f"/admin/members/{alice.id}"
    for act, data in (("deactivate", {}), ("role", {"role": "author"})):
        response = client.post(f"{path}/{act}", data=data)
        assert response.status_code == 409
        assert "the last admin who can log in" in response.text
    assert client.get(path).status_code == 200


def test_an_admin_who_shuts_themselves_out_is_out(alice: Member, log_in: LogIn) -> None:
    add_member("Other Admin", "other@blog.test", role="admin", password=FRESH)
    client = log_in(alice)
    response = client.post(f"/admin/members/{alice.id}/deactivate")
    assert (response.status_code, response.location) == (303, "/")
    assert client.get("/account").status_code == 303


def test_an_admin_who_gives_the_role_up_lands_on_a_page_they_may_see(alice: Member, log_in: LogIn) -> None:
    add_member("Other Admin", "other@blog.test", role="admin", password=FRESH)
    client = log_in(alice)
    response = client.post(f"/admin/members/{alice.id}/role", data={"role": "editor"})
    assert (response.status_code, response.location) == (303, "/write")


def test_a_role_that_there_is_not_is_refused(alice: Member, bob: Member, log_in: LogIn) -> None:
    response = log_in(alice).post(f"/admin/members/{bob.id}/role", data={"role": "king"})
    assert response.status_code == 422
    assert db.session.get_one(Member, bob.id).role == "author"


@pytest.mark.parametrize("who", ["erin", "bob", "carol"])
def test_the_pages_about_members_are_for_admins(
    request: pytest.FixtureRequest, alice: Member, log_in: LogIn, who: str
) -> None:
    client = log_in(request.getfixturevalue(who))
    path = f"/admin/members/{alice.id}"
    assert [client.get(p).status_code for p in ("/admin/members", "/admin/members/invite", path)] == [403] * 3
    posts = ("edit", "role", "invite", "deactivate", "reactivate")
    data = {"role": "author", "name": "X", "email": "x@blog.test", "slug": "x", "bio": "", "version": "1"}
    assert [client.post(f"{path}/{act}", data=data).status_code for act in posts] == [403] * 5
    db.session.rollback()
    assert (alice.role, alice.state, alice.name) == ("admin", "active", "Alice Archer")


def test_a_member_that_there_is_not_is_not_found(alice: Member, log_in: LogIn) -> None:
    client = log_in(alice)
    assert client.get("/admin/members/999").status_code == 404
    assert client.post("/admin/members/999/deactivate").status_code == 404
