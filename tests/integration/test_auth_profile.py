"""What members change about themselves: profile, address, password."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from blogapp.auth import passwords
from blogapp.auth.logins import list_logins
from blogapp.auth.members import (
    set_password,
)
from blogapp.auth.models import Member
from blogapp.auth.profile import change_password, edit_profile
from blogapp.core.addresses import Redirect, Slug
from blogapp.core.db import db
from blogapp.core.errors import Conflict, Invalid, TooMany
from blogapp.core.site import site_version
from tests.people import PASSWORD
from tests.trail import entries, mailed

FRESH = "a rainy week in june"


def edit(person: Member, by: int | None, **changes: object) -> Member:
    given = {"name": person.name, "email": person.email or "", "slug": person.slug, "bio": person.bio, **changes}
    version = int(str(given.pop("version", person.version)))
    return edit_profile(person.id, version, by=by, **given)  # type: ignore[arg-type]


def test_a_password_that_is_set_ends_all_log_ins_and_is_told(
    bob: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    client = log_in(bob)
    set_password(bob.id, FRESH)
    assert client.get("/account").status_code == 303
    assert passwords.fits(db.session.get_one(Member, bob.id).password_hash, FRESH)
    assert mailed() == [("password-changed", "bob@blog.test")]
    with pytest.raises(Invalid):
        set_password(bob.id, "bob barker 1")


def test_a_profile_is_edited_and_readers_see_it_at_once(bob: Member) -> None:
    before = site_version()
    edit(bob, bob.id, name="Robert Barker", bio="I *write*. <script>alert(1)</script>")
    after = db.session.get_one(Member, bob.id)
    assert after.name == "Robert Barker"
    assert "<em>write</em>" in after.bio_html
    assert "<script" not in after.bio_html
    assert site_version() == before + 1
    edit(after, bob.id, email="bob@blog.test")
    assert site_version() == before + 1
    assert mailed() == []


def test_an_old_page_leads_to_the_new_one(bob: Member, reader: FlaskClient) -> None:
    edit(bob, bob.id, slug="bob")
    edit(db.session.get_one(Member, bob.id), bob.id, slug="robert")
    db.session.rollback()
    targets = {r.path: r.target for r in db.session.execute(select(Redirect)).scalars()}
    assert targets == {"bob-barker": "robert", "bob": "robert"}
    assert db.session.execute(select(Slug.slug)).scalars().all() == ["robert"]


@pytest.mark.parametrize("slug", ["", "login", "carol-cole", "Ünïcode", "a/b"])
def test_a_slug_that_cannot_be_is_refused(bob: Member, carol: Member, slug: str) -> None:
    with pytest.raises(Invalid) as refused:
        edit(bob, bob.id, slug=slug)
    assert "slug" in refused.value.fields
    assert db.session.get_one(Member, bob.id).slug == "bob-barker"


def test_of_two_edits_of_one_profile_the_second_is_told(alice: Member, bob: Member) -> None:
    seen = bob.version
    edit(bob, alice.id, name="Bobby Barker")
    with pytest.raises(Conflict, match="still here"):
        edit(bob, bob.id, version=seen, name="Robert Barker")
    assert db.session.get_one(Member, bob.id).name == "Bobby Barker"


def test_a_log_in_or_a_new_password_does_not_make_an_open_form_stale(
    bob: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    seen = bob.version
    log_in(bob)
    change_password(bob.id, PASSWORD, FRESH)
    edit(bob, bob.id, version=seen, name="Robert Barker")


def test_a_new_address_needs_the_password_and_is_told_to_the_old_one(bob: Member) -> None:
    for password, why in ((None, "Give your present"), ("wrong", "not your present")):
        with pytest.raises(Invalid, match=why) as refused:
            edit(bob, bob.id, email="robert@blog.test", password=password)
        assert "current_password" in refused.value.fields
    assert db.session.get_one(Member, bob.id).email == "bob@blog.test"
    edit(bob, bob.id, email="Robert@Blog.test", password=PASSWORD)
    assert db.session.get_one(Member, bob.id).email == "robert@blog.test"
    assert mailed() == [("email-changed", "bob@blog.test")]


def test_guessing_the_password_of_somebody_who_left_the_browser_open_is_throttled(bob: Member) -> None:
    for _ in range(10):
        with pytest.raises(Invalid):
            change_password(bob.id, "a guess", FRESH)
    with pytest.raises(TooMany):
        change_password(bob.id, PASSWORD, FRESH)


def test_an_address_cannot_be_given_up_or_taken_from_a_colleague(bob: Member, carol: Member) -> None:
    for email in ("", "carol@blog.test"):
        with pytest.raises(Invalid) as refused:
            edit(bob, bob.id, email=email, password=PASSWORD)
        assert "email" in refused.value.fields


def test_an_admin_edits_a_profile_without_its_password(alice: Member, bob: Member) -> None:
    edit(bob, alice.id, email="robert@blog.test", name="Robert Barker")
    assert mailed() == [("email-changed", "bob@blog.test")]
    assert entries() == [("member.edit", f"member:{bob.id}", alice.id)]


def test_a_character_that_no_database_keeps_is_left_out(bob: Member) -> None:
    edit(bob, bob.id, bio="one\x00two")
    assert db.session.get_one(Member, bob.id).bio == "onetwo"


def test_a_bio_as_long_as_a_book_is_refused(bob: Member) -> None:
    with pytest.raises(Invalid) as refused:
        edit(bob, bob.id, bio="x" * 20_001)
    assert "bio" in refused.value.fields


def test_changing_the_password_asks_for_the_old_one_and_keeps_this_log_in(
    bob: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    here, elsewhere = log_in(bob), log_in(bob)
    keep = max(login.id for login in list_logins(bob.id))
    with pytest.raises(Invalid) as refused:
        change_password(bob.id, "wrong", FRESH, keep=keep)
    assert "current_password" in refused.value.fields
    with pytest.raises(Invalid, match="present password"):
        change_password(bob.id, PASSWORD, PASSWORD, keep=keep)
    change_password(bob.id, PASSWORD, FRESH, keep=keep)
    assert [c.get("/account").status_code for c in (here, elsewhere)] == [303, 200]
    assert mailed() == [("password-changed", "bob@blog.test")]
    assert entries() == [("member.change_password", f"member:{bob.id}", bob.id)]
