"""The team's use cases: adding, roles, shutting out, profiles, passwords."""

import threading
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from blogapp.auth.logins import list_logins
from blogapp.auth.members import (
    add_member,
    change_role,
    deactivate,
    find_member,
    invite_new,
    list_members,
    reactivate,
    set_password,
)
from blogapp.auth.models import Member
from blogapp.auth.profile import edit_profile
from blogapp.core.addresses import Slug
from blogapp.core.db import db, transaction
from blogapp.core.errors import BlogError, Conflict, Invalid, NotAllowed, NotFound
from blogapp.core.site import site_version
from tests.people import PASSWORD
from tests.trail import entries, mailed

FRESH = "a rainy week in june"


def test_a_member_is_added_with_a_page_of_their_own(alice: Member) -> None:
    before = site_version()
    dave = add_member("  Dave   Dorn ", "Dave@BLOG.test", role="editor", by=alice.id)
    assert (dave.name, dave.email, dave.slug, dave.role) == ("Dave Dorn", "dave@blog.test", "dave-dorn", "editor")
    assert db.session.get_one(Slug, "dave-dorn").owner == f"member:{dave.id}"
    assert entries() == [("member.add", f"member:{dave.id}", alice.id)]
    assert site_version() > before


def test_two_of_the_same_name_get_two_pages(app: Flask) -> None:
    slugs = [add_member("Sam Smith", f"sam{n}@blog.test").slug for n in range(3)]
    assert slugs == ["sam-smith", "sam-smith-2", "sam-smith-3"]
    assert add_member("Login", "login@blog.test").slug == "login-2"
    assert add_member("李小龍", "li@blog.test").slug == "li-xiao-long"
    assert add_member("🐢", "turtle@blog.test").slug == "member"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "Line\x00break"}, "name"),
        ({"email": "no address"}, "email"),
        ({"email": "BOB@blog.test"}, "email"),
        ({"email": "ü@blog.test"}, "email"),
        ({"email": None}, "email"),
        ({"role": "king"}, "role"),
        ({"slug": "bob-barker"}, "slug"),
        ({"slug": "Not A Slug"}, "slug"),
        ({"slug": "login"}, "slug"),
        ({"password": "short"}, "password"),
    ],
)
def test_what_is_wrong_is_said_about_its_field_and_nothing_is_made(
    bob: Member, changes: dict[str, str | None], field: str
) -> None:
    given = {"name": "Dave Dorn", "email": "dave@blog.test", **changes}
    with pytest.raises(Invalid) as refused:
        add_member(**given)  # type: ignore[arg-type]
    assert set(refused.value.fields) == {field}
    assert [m.name for m in list_members()] == ["Bob Barker"]
    assert entries() == []


def test_an_international_domain_is_kept_as_its_a_label(app: Flask) -> None:
    assert add_member("Jürgen", "juergen@Bücher.example").email == "juergen@xn--bcher-kva.example"


def test_a_member_is_found_by_id_slug_or_address(bob: Member, carol: Member) -> None:
    for key in (bob.id, str(bob.id), "bob-barker", " Bob@Blog.test "):
        assert find_member(key).id == bob.id
    with pytest.raises(NotFound, match="no member dave"):
        find_member("dave")


def test_inviting_somebody_new_makes_and_mails_or_does_neither(alice: Member, bob: Member) -> None:
    member, link = invite_new("Dave Dorn", "dave@blog.test", "author", by=alice.id)
    assert "/password/" in link
    assert member.state == "invited"
    with pytest.raises(Invalid):
        invite_new("Another Bob", "bob@blog.test", "author", by=alice.id)
    assert mailed() == [("invitation", "dave@blog.test")]
    assert len(list_members()) == 3


def test_only_an_admin_manages_the_team(alice: Member, erin: Member, bob: Member) -> None:
    acts: list[Callable[[int], object]] = [
        lambda by: add_member("Dave", "dave@blog.test", by=by),
        lambda by: change_role(bob.id, "admin", by),
        lambda by: deactivate(alice.id, by),
        lambda by: reactivate(alice.id, by),
        lambda by: set_password(alice.id, FRESH, by),
        lambda by: edit_profile(
            alice.id, alice.version, name="Malice", email="a@blog.test", slug="alice-archer", bio="", by=by
        ),
    ]
    for by in (erin.id, bob.id):
        for act in acts:
            with pytest.raises(NotAllowed):
                act(by)
    assert entries() == []


def test_a_role_holds_from_the_next_click(alice: Member, bob: Member, log_in: Callable[[Member], FlaskClient]) -> None:
    client = log_in(bob)
    assert client.get("/admin/members").status_code == 403
    change_role(bob.id, "admin", alice.id)
    assert client.get("/admin/members").status_code == 200
    change_role(bob.id, "contributor", alice.id)
    assert client.get("/admin/members").status_code == 403
    assert [act for act, *_ in entries()] == ["member.change_role"] * 2


def test_the_last_admin_stays(alice: Member, bob: Member) -> None:
    add_member("Invited Admin", "invited@blog.test", role="admin")
    gone = add_member("Gone Admin", "gone@blog.test", role="admin", password=FRESH)
    deactivate(gone.id, alice.id)
    with pytest.raises(Conflict, match="last admin"):
        change_role(alice.id, "editor", alice.id)
    with pytest.raises(Conflict, match="last admin"):
        deactivate(alice.id, alice.id)
    change_role(bob.id, "admin", alice.id)
    change_role(alice.id, "editor", alice.id)
    with pytest.raises(Conflict, match="last admin"):
        deactivate(bob.id, None)


def test_of_two_admins_who_demote_each_other_at_once_one_stays(app: Flask, alice: Member) -> None:
    other = add_member("Other Admin", "other@blog.test", role="admin", password=FRESH)
    pairs = [(alice.id, other.id), (other.id, alice.id)]
    ready, outcomes = threading.Barrier(2), list[str]()

    def demote(member_id: int, by: int) -> None:
        with app.app_context():
            ready.wait()
            try:
                change_role(member_id, "editor", by)
                outcomes.append("done")
            except BlogError as error:
                outcomes.append(error.__class__.__name__)

    db.session.rollback()
    threads = [threading.Thread(target=demote, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) in (["Conflict", "done"], ["NotAllowed", "done"])
    db.session.rollback()
    assert [m.role for m in list_members()].count("admin") == 1


def test_a_double_click_on_invite_makes_one_member(app: Flask, alice: Member) -> None:
    by, ready, outcomes = alice.id, threading.Barrier(2), list[str]()

    def click() -> None:
        with app.app_context():
            ready.wait()
            try:
                invite_new("Dave Dorn", "dave@blog.test", "author", by=by)
                outcomes.append("done")
            except BlogError as error:
                outcomes.append(error.__class__.__name__)

    db.session.rollback()
    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) in (["Conflict", "done"], ["Invalid", "done"])
    assert mailed() == [("invitation", "dave@blog.test")]


def test_shutting_out_ends_everything_at_once_and_can_be_undone(
    app: Flask, alice: Member, bob: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    clients = [log_in(bob) for _ in range(2)]
    deactivate(bob.id, alice.id)
    assert list_logins(bob.id) == []
    assert [c.get("/account").status_code for c in clients] == [303, 303]
    data = {"email": bob.email, "password": PASSWORD}
    assert app.test_client().post("/login", data=data).status_code == 422
    reactivate(bob.id, alice.id)
    assert [c.get("/account").status_code for c in clients] == [303, 303]
    assert app.test_client().post("/login", data=data).status_code == 303
    subject = f"member:{bob.id}"
    assert entries() == [("member.deactivate", subject, alice.id), ("member.reactivate", subject, alice.id)]


def test_an_inactive_members_log_in_is_dead_even_if_it_is_still_there(
    bob: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    client = log_in(bob)
    with transaction() as session:
        session.execute(update(Member).values(active=False))
    assert client.get("/account").status_code == 303


def test_a_member_without_an_address_is_invited_instead_of_let_in(alice: Member) -> None:
    imported = add_member("Old Author", None, active=False)
    with pytest.raises(Conflict, match="Invite them"):
        reactivate(imported.id, alice.id)
