"""The site's title, tagline and footer, chosen in the browser."""

import threading
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from blogapp.admin.site import choose
from blogapp.audit import AuditEntry
from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.core.site import choice, site_version


@pytest.fixture
def admin(alice: Member, log_in: Callable[[Member], FlaskClient]) -> FlaskClient:
    """An admin's browser."""
    return log_in(alice)


def test_what_is_chosen_is_seen_by_readers_at_once(admin: FlaskClient, reader: FlaskClient, alice: Member) -> None:
    assert 'value="The Notebook"' in admin.get("/admin/site").text
    before = site_version()
    data = {"site_title": " Notes &  Queries ", "site_tagline": "A week at a time", "footer": "Text: CC <BY>"}
    assert admin.post("/admin/site", data=data).status_code == 303
    db.session.rollback()
    assert site_version() > before
    page = reader.get("/subscribe").text
    assert "Notes &amp; Queries" in page
    assert "Text: CC &lt;BY&gt;" in page
    assert choice("site_tagline") == "A week at a time"
    entry = db.session.execute(select(AuditEntry).where(AuditEntry.act == "site.choose")).scalar_one()
    assert entry.member_id == alice.id


@pytest.mark.parametrize(
    "data",
    [
        {"site_title": "  "},
        {"site_title": "x" * 81},
        {"site_title": "x", "site_tagline": "x" * 161},
        {"site_title": "x\0y"},
    ],
)
def test_what_does_not_fit_is_explained_and_stays_in_the_field(admin: FlaskClient, data: dict[str, str]) -> None:
    before = site_version()
    response = admin.post("/admin/site", data=data)
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.text
    assert max(data.values(), key=len).strip().replace("\0", "\ufffd") in response.text.replace("\0", "\ufffd")
    db.session.rollback()
    assert (choice("site_title"), site_version()) == ("The Notebook", before)


def test_the_tagline_and_the_footer_may_be_empty_again(admin: FlaskClient) -> None:
    for footer in ("Some words", ""):
        admin.post("/admin/site", data={"site_title": "The Notebook", "footer": footer})
        db.session.rollback()
        assert choice("footer") == footer


def test_two_admins_who_choose_at_once_both_have_their_way(app: Flask, alice: Member) -> None:
    def choose_one(values: dict[str, str]) -> None:
        with app.app_context():
            both.wait()
            choose(values, by)

    by, both = alice.id, threading.Barrier(2)
    for turn in range(8):
        wanted = {"site_title": f"Notes {turn}", "footer": f"Words {turn}"}
        tries = [threading.Thread(target=choose_one, args=({name: text},)) for name, text in wanted.items()]
        for one in tries:
            one.start()
        for one in tries:
            one.join()
        db.session.rollback()
        assert {name: choice(name) for name in wanted} == wanted


def test_what_is_put_on_record_is_what_was_saved(app: Flask, alice: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("blogapp.admin.site.save_choices", fails)
    with pytest.raises(RuntimeError):
        choose({"footer": "x"}, alice.id)
    assert db.session.execute(select(AuditEntry).where(AuditEntry.act == "site.choose")).first() is None
