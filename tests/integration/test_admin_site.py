"""The site's title, tagline and footer, chosen in the browser."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

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
    "data", [{"site_title": "  "}, {"site_title": "x" * 81}, {"site_title": "x", "site_tagline": "x" * 161}]
)
def test_what_does_not_fit_is_explained_and_stays_in_the_field(admin: FlaskClient, data: dict[str, str]) -> None:
    before = site_version()
    response = admin.post("/admin/site", data=data)
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.text
    assert max(data.values(), key=len).strip() in response.text
    db.session.rollback()
    assert (choice("site_title"), site_version()) == ("The Notebook", before)


def test_the_tagline_and_the_footer_may_be_empty_again(admin: FlaskClient) -> None:
    for footer in ("Some words", ""):
        admin.post("/admin/site", data={"site_title": "The Notebook", "footer": footer})
        db.session.rollback()
        assert choice("footer") == footer
