"""Invitations and forgotten passwords: links that work once, for a while, and for the right person."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from blogapp.audit import AuditEntry
from blogapp.auth import passwords
from blogapp.auth.links import make_link
from blogapp.auth.members import add_member, deactivate, invite, set_password
from blogapp.auth.models import Login, Member
from blogapp.auth.profile import edit_profile
from blogapp.auth.resets import MAILS_FOR_ONE_ACCOUNT, MAILS_FROM_ONE_PLACE
from blogapp.core.db import db
from blogapp.core.errors import Conflict, Invalid, NotAllowed
from blogapp.delivery.models import OutboxMail
from tests.people import PASSWORD

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FRESH = "a rainy week in june"


@pytest.fixture(autouse=True)
def without_tokens(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False


def mails(purpose: str) -> list[EmailMessage]:
    db.session.rollback()
    query = select(OutboxMail.message).where(OutboxMail.purpose == purpose).order_by(OutboxMail.id)
    return [message_from_bytes(m, policy=policy.default) for m in db.session.execute(query).scalars()]


def link_in(mail: EmailMessage) -> str:
    """The path of the link, which stands in both parts."""
    found: set[str] = set()
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        found |= set(re.findall(r"http://blog\.test(/password/[\w.-]+)", part.get_content()))
    assert len(found) == 1
    return found.pop()


def audited(act: str) -> list[AuditEntry]:
    db.session.rollback()
    return list(db.session.execute(select(AuditEntry).where(AuditEntry.act == act)).scalars())


@pytest.fixture
def dave(alice: Member) -> Member:
    """Somebody new, made by alice and not invited yet."""
    return add_member("Dave Dorn", "Dave@Blog.test", role="author", by=alice.id)


def test_an_invitation_leads_to_a_password_and_in(alice: Member, dave: Member, reader: FlaskClient) -> None:
    assert dave.state == "invited"
    link = invite(dave.id, by=alice.id)
    (mail,) = mails("invitation")
    assert (mail["To"], mail["Subject"]) == (
        "Dave Dorn <dave@blog.test>",
        "Alice Archer invites you to write for The Notebook",
    )
    path = link_in(mail)
    assert link == f"http://blog.test{path}"
    page = reader.get(path)
    assert page.status_code == 200
    assert 'autocomplete="new-password"' in page.text
    assert "onpaste" not in page.text
    assert "dave@blog.test" in page.text
    assert page.headers["Cache-Control"] == "private, no-store"
    assert page.headers["Referrer-Policy"] == "same-origin"
    response = reader.post(path, data={"password": FRESH})
    assert (response.status_code, response.location) == (303, "/write")
    assert reader.get("/account").status_code == 200
    assert db.session.get_one(Member, dave.id).state == "active"
    assert mails("password-changed") == []
    assert audited("member.invite")[0].member_id == alice.id
    assert len(audited("member.invitation_used")) == 1


def test_opening_a_link_changes_nothing(dave: Member, reader: FlaskClient) -> None:
    path = invite(dave.id).removeprefix("http://blog.test")
    for _ in range(3):
        assert reader.get(path).status_code == 200
        assert reader.head(path).status_code == 200
    assert db.session.get_one(Member, dave.id).state == "invited"
    assert "_user_id" not in str(reader.get_cookie("blog_session"))
    assert db.session.execute(select(Login)).first() is None


def test_a_link_works_once(dave: Member, app: Flask) -> None:
    path = invite(dave.id).removeprefix("http://blog.test")
    assert app.test_client().post(path, data={"password": FRESH}).status_code == 303
    for response in (app.test_client().get(path), app.test_client().post(path, data={"password": "another long one"})):
        assert response.status_code == 410
        assert "has been used" in response.text
        assert 'action="/forgot"' in response.text
    assert passwords.fits(db.session.get_one(Member, dave.id).password_hash, FRESH)


def test_a_bad_password_is_refused_on_the_page_and_the_link_still_works(dave: Member, reader: FlaskClient) -> None:
    path = invite(dave.id).removeprefix("http://blog.test")
    for bad, why in [("short", "12 characters"), ("dave dorn 12", "too close"), ("123456789012", "Many people")]:
        response = reader.post(path, data={"password": bad})
        assert response.status_code == 422
        assert why in response.text
        assert bad not in response.text
    assert reader.post(path, data={"password": ""}).status_code == 422
    assert reader.post(path, data={"password": FRESH}).status_code == 303


def test_an_invitation_lasts_fourteen_days_however_often_its_link_is_copied(
    alice: Member, dave: Member, log_in: Callable[[Member], FlaskClient], reader: FlaskClient
) -> None:
    with time_machine.travel(NOON, tick=False):
        path = invite(dave.id, by=alice.id).removeprefix("http://blog.test")
    with time_machine.travel(NOON + timedelta(days=13, hours=23), tick=False):
        assert reader.get(path).status_code == 200
        page = log_in(alice).get(f"/admin/members/{dave.id}").text
        copied = re.search(r"http://blog\.test(/password/[\w.-]+)", page)
        assert copied is not None
        assert "until 16 March" in page
    with time_machine.travel(NOON + timedelta(days=14, seconds=1), tick=False):
        for late in (path, copied[1]):
            response = reader.get(late)
            assert response.status_code == 410
            assert "expired" in response.text
        page = log_in(alice).get(f"/admin/members/{dave.id}").text
        assert "invitation ran out 16 March" in page
        assert "/password/" not in page


def test_a_newer_invitation_ends_the_older_one(dave: Member, reader: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        first = invite(dave.id).removeprefix("http://blog.test")
        clock.shift(60)
        second = invite(dave.id).removeprefix("http://blog.test")
        assert reader.get(first).status_code == 410
        assert reader.get(second).status_code == 200


def test_an_inactive_members_link_is_dead(dave: Member, reader: FlaskClient) -> None:
    path = invite(dave.id).removeprefix("http://blog.test")
    deactivate(dave.id, by=None)
    response = reader.post(path, data={"password": FRESH})
    assert response.status_code == 410
    assert "not active" in response.text


@pytest.mark.parametrize("token", ["x", "WzEsICJhYmMiXQ.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb", "a" * 300])
def test_what_is_no_link_of_ours_is_not_found(reader: FlaskClient, token: str) -> None:
    response = reader.get(f"/password/{token}")
    assert response.status_code == 404
    assert "not complete" in response.text


def test_a_member_with_a_password_is_not_invited_again(bob: Member, dave: Member) -> None:
    with pytest.raises(Conflict, match="has a password already"):
        invite(bob.id)
    deactivate(dave.id, by=None)
    with pytest.raises(Conflict, match="inactive"):
        invite(dave.id)
    assert mails("invitation") == []


def test_a_member_of_an_import_becomes_active_by_an_invitation(alice: Member, bob: Member) -> None:
    imported = add_member("Old Author", None, active=False)
    with pytest.raises(Invalid, match="address"):
        invite(imported.id, by=alice.id)
    with pytest.raises(Invalid, match="Bob Barker has this address"):
        invite(imported.id, by=alice.id, email="bob@blog.test")
    assert db.session.get_one(Member, imported.id).state == "inactive"
    invite(imported.id, by=alice.id, email="old@blog.test")
    assert db.session.get_one(Member, imported.id).state == "invited"
    assert mails("invitation")[0]["To"] == "Old Author <old@blog.test>"


def test_only_admins_invite(bob: Member, dave: Member) -> None:
    with pytest.raises(NotAllowed):
        invite(dave.id, by=bob.id)


def test_a_forgotten_password_is_chosen_anew(
    app: Flask, bob: Member, log_in: Callable[[Member], FlaskClient], reader: FlaskClient
) -> None:
    elsewhere = log_in(bob)
    assert elsewhere.get("/account").status_code == 200
    assert "Look into your mailbox" in reader.post("/forgot", data={"email": " BOB@blog.test"}).text
    (mail,) = mails("password-reset")
    path = link_in(mail)
    assert reader.post(path, data={"password": FRESH}).status_code == 303
    assert reader.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303
    for password, status in ((PASSWORD, 422), (FRESH, 303)):
        data = {"email": bob.email, "password": password}
        assert app.test_client().post("/login", data=data).status_code == status
    assert len(mails("password-changed")) == 1
    assert app.test_client().get(path).status_code == 410


def test_the_answer_is_the_same_whoever_the_address_belongs_to(bob: Member, carol: Member, reader: FlaskClient) -> None:
    deactivate(carol.id, by=None)
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda c, cur, statement, *rest: statements.append(statement))

    def answer(email: str) -> tuple[int, str, list[str]]:
        statements.clear()
        response = reader.post("/forgot", data={"email": email})
        work = [s.split()[0] + s.split()[2] for s in statements if s.startswith("INSERT") and "audit" not in s]
        return response.status_code, response.text.replace(email, "ADDRESS"), work

    answers = [answer(email) for email in ("bob@blog.test", "nobody@blog.test", "carol@blog.test")]
    assert answers[0] == answers[1] == answers[2]
    assert any("outbox" in statement for statement in answers[1][2])
    assert [mail["To"] for mail in mails("password-reset")] == ["Bob Barker <bob@blog.test>"]


def test_a_reset_link_lasts_two_hours(bob: Member, reader: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        reader.post("/forgot", data={"email": bob.email})
        path = link_in(mails("password-reset")[0])
        clock.shift(timedelta(hours=1, minutes=59))
        assert reader.get(path).status_code == 200
        clock.shift(timedelta(minutes=2))
        response = reader.get(path)
        assert response.status_code == 410
        assert "expired" in response.text
        mail = db.session.execute(select(OutboxMail)).scalar_one()
        assert mail.expires_at == NOON + timedelta(hours=2)


def test_a_reset_link_dies_with_the_password_or_the_address_that_it_was_made_for(
    bob: Member, reader: FlaskClient
) -> None:
    path = make_link("reset", bob).removeprefix("http://blog.test")
    set_password(bob.id, FRESH)
    assert reader.get(path).status_code == 410
    path = make_link("reset", bob).removeprefix("http://blog.test")
    edit_profile(bob.id, bob.version, name=bob.name, email="new@blog.test", slug=bob.slug, bio="", by=None)
    assert reader.get(path).status_code == 410


def test_one_purpose_of_a_link_is_not_another(bob: Member, reader: FlaskClient) -> None:
    path = make_link("invitation", bob).removeprefix("http://blog.test")
    assert reader.get(path).status_code == 410


def test_who_was_invited_and_lost_the_mail_asks_for_a_new_link(dave: Member, reader: FlaskClient) -> None:
    reader.post("/forgot", data={"email": "dave@blog.test"})
    assert reader.post(link_in(mails("password-reset")[0]), data={"password": FRESH}).status_code == 303
    assert db.session.get_one(Member, dave.id).state == "active"


def test_asking_too_often_is_refused_alike_for_members_and_strangers(bob: Member, reader: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False):
        for email in ("bob@blog.test", "nobody@blog.test"):
            for _ in range(MAILS_FOR_ONE_ACCOUNT):
                assert reader.post("/forgot", data={"email": email}).status_code == 200
            response = reader.post("/forgot", data={"email": email})
            assert response.status_code == 429
            assert f'value="{email}"' in response.text
            assert "Look into the mailbox" in response.text
        assert len(mails("password-reset")) == MAILS_FOR_ONE_ACCOUNT
        for number in range(MAILS_FROM_ONE_PLACE):
            response = reader.post("/forgot", data={"email": f"{number}@blog.test"})
        assert response.status_code == 429


def test_what_is_no_address_is_said_and_kept(reader: FlaskClient) -> None:
    response = reader.post("/forgot", data={"email": "bob at blog"})
    assert response.status_code == 422
    assert 'value="bob at blog"' in response.text


def test_a_new_password_by_mail_ends_the_throttle(bob: Member, reader: FlaskClient, app: Flask) -> None:
    for _ in range(11):
        response = reader.post("/login", data={"email": bob.email, "password": "wrong"})
    assert response.status_code == 429
    reader.post("/forgot", data={"email": bob.email})
    reader.post(link_in(mails("password-reset")[0]), data={"password": FRESH})
    data = {"email": bob.email, "password": FRESH}
    assert app.test_client().post("/login", data=data).status_code == 303
