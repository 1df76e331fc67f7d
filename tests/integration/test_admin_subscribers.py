"""What admins do to subscribers, over HTTP."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from blogapp.audit import AuditEntry
from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.delivery.suppressions import suppress, suppressed
from blogapp.subscribing.words import moment_said
from tests import readers
from tests.mailbox import outbox

LogIn = Callable[[Member], FlaskClient]
ADDRESS = "ann@example.org"


@pytest.fixture
def admin(alice: Member, log_in: LogIn) -> FlaskClient:
    """An admin's browser."""
    return log_in(alice)


def last_act() -> tuple[str, str, int | None]:
    db.session.rollback()
    entry = db.session.execute(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).scalar_one()
    return entry.act, entry.subject, entry.member_id


def test_the_index_leads_everywhere_and_says_how_many_there_are(admin: FlaskClient) -> None:
    readers.subscriber(ADDRESS)
    page = admin.get("/admin").text
    for link in ("/admin/members", "/admin/subscribers", "/admin/subscribers/suppressed", "/admin/site"):
        assert f'href="{link}"' in page
    assert "1 confirmed" in page


def test_the_list_says_states_in_words(admin: FlaskClient) -> None:
    readers.subscriber("p1@example.org", "pending")
    readers.subscriber("p2@example.org", "confirmed")
    readers.subscriber("p3@example.org", "unsubscribed")
    readers.subscriber("p4@example.org", paused_until=now() + timedelta(days=9))
    with transaction() as session:
        suppress(session, "p2@example.org", "complaint")
    page = admin.get("/admin/subscribers").text
    for words in ("not confirmed yet</span>", "confirmed</span>", "unsubscribed ", "paused until", "suppressed</span>"):
        assert words in page
    assert "2 confirmed, 1 of them paused; 1 not confirmed yet; 1 unsubscribed; 1 suppressed." in page
    assert "<svg" in page


def test_the_search_and_the_pages_go_together(admin: FlaskClient) -> None:
    for number in range(52):
        readers.subscriber(f"p{number}@example.org")
    readers.subscriber("bob@elsewhere.example")
    page = admin.get("/admin/subscribers?q=EXAMPLE.ORG").text
    assert page.count("@example.org</a>") == 50
    older = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    page = admin.get(older).text
    assert page.count("@example.org</a>") == 2
    assert "bob@elsewhere" not in page
    assert "Nobody fits" in admin.get("/admin/subscribers?q=nobody").text
    assert "bob@elsewhere" in admin.get("/admin/subscribers?state=confirmed").text
    assert admin.get("/admin/subscribers?state=x").status_code == 404
    assert admin.get("/admin/subscribers?before=x").status_code == 200


def test_addresses_are_added_and_the_report_names_what_was_wrong(admin: FlaskClient) -> None:
    readers.subscriber("gone@example.org", "unsubscribed")
    pasted = f"{ADDRESS}, bob@example.org\nrubbish\ngone@example.org"
    response = admin.post("/admin/subscribers/add", data={"addresses": pasted})
    assert response.status_code == 200
    assert "2 added" in response.text
    assert "rubbish" in response.text
    assert "only they can come back" in response.text
    someone = readers.find(ADDRESS)
    assert someone is not None
    assert (someone.state, someone.consent["source"]) == ("pending", "admin")
    assert {mail.to for mail in outbox()} == {ADDRESS, "bob@example.org"}
    response = admin.post("/admin/subscribers/add", data={"addresses": "carol@example.org", "confirmed": "y"})
    carol = readers.find("carol@example.org")
    assert carol is not None
    assert carol.state == "confirmed"
    assert len(outbox()) == 2


@pytest.mark.parametrize("pasted", ["", "\n".join(f"p{n}@example.org" for n in range(1001))])
def test_too_few_and_too_many_are_explained_and_stay_in_the_field(admin: FlaskClient, pasted: str) -> None:
    response = admin.post("/admin/subscribers/add", data={"addresses": pasted})
    assert response.status_code == 422
    assert pasted[-20:] in response.text
    assert readers.find("p0@example.org") is None


def test_a_subscribers_page_tells_what_happened(admin: FlaskClient) -> None:
    admin.application.test_client().post("/subscribe", data={"address": ADDRESS, "page": "/week-473"})
    someone = readers.find(ADDRESS)
    assert someone is not None
    page = admin.get(f"/admin/subscribers/{someone.id}").text
    for words in ("/week-473", "127.0.0.0/24", "the sign-up form", "asked to be subscribed", "not confirmed yet"):
        assert words in page
    assert str(moment_said(someone.consent["at"])) in page
    assert admin.get("/admin/subscribers/999").status_code == 404


def test_another_confirmation_mail_can_be_sent_but_not_without_end(admin: FlaskClient, alice: Member) -> None:
    number = readers.subscriber(ADDRESS, "pending")
    for _ in range(4):
        assert admin.post(f"/admin/subscribers/{number}/ask").status_code == 303
    assert len(outbox(ADDRESS)) == 3
    assert "three mails for today" in admin.get(f"/admin/subscribers/{number}").text
    assert last_act() == ("subscriber.ask", f"subscriber:{number}", alice.id)
    other = readers.subscriber("bob@example.org")
    admin.post(f"/admin/subscribers/{other}/ask")
    assert outbox("bob@example.org") == []


def test_an_admin_unsubscribes_who_asked_in_another_way(admin: FlaskClient, alice: Member) -> None:
    number = readers.subscriber(ADDRESS)
    admin.post(f"/admin/subscribers/{number}/unsubscribe")
    assert readers.reload(number).state == "unsubscribed"
    assert "unsubscribed, by the team (Alice Archer)" in admin.get(f"/admin/subscribers/{number}").text
    assert last_act() == ("subscriber.unsubscribe", f"subscriber:{number}", alice.id)


def test_a_suppression_is_made_seen_and_lifted(admin: FlaskClient, alice: Member) -> None:
    number = readers.subscriber(ADDRESS)
    admin.post(f"/admin/subscribers/{number}/suppress")
    assert last_act() == ("subscriber.suppress", f"subscriber:{number}", alice.id)
    assert "asked not to be mailed" in admin.get(f"/admin/subscribers/{number}").text
    assert ADDRESS in admin.get("/admin/subscribers/suppressed").text
    data = {"address": ADDRESS, "subscriber": number}
    response = admin.post("/admin/subscribers/suppressed/lift", data=data)
    assert response.location == f"/admin/subscribers/{number}"
    assert suppressed(db.session(), ADDRESS) is None
    assert last_act() == ("subscriber.lift", f"subscriber:{number}", alice.id)


def test_an_address_that_is_not_on_the_list_can_be_suppressed_too(admin: FlaskClient) -> None:
    data = {"address": "Stranger@Bücher.example", "reason": "asked by phone"}
    assert admin.post("/admin/subscribers/suppressed", data=data).status_code == 303
    db.session.rollback()
    found = suppressed(db.session(), "stranger@xn--bcher-kva.example")
    assert found is not None
    assert found.reason == "asked by phone"
    assert last_act()[1] == "suppression", "the trail knows no address"
    assert "stranger@bücher.example" in admin.get("/admin/subscribers/suppressed").text
    bad = admin.post("/admin/subscribers/suppressed", data={"address": "x y", "reason": "asked"})
    assert bad.status_code == 422
    assert 'value="x y"' in bad.text
    assert admin.post("/admin/subscribers/suppressed", data={"address": ADDRESS, "reason": ""}).status_code == 422


def test_erasing_leaves_nothing_but_a_suppression(admin: FlaskClient, alice: Member) -> None:
    number = readers.subscriber(ADDRESS)
    response = admin.post(f"/admin/subscribers/{number}/erase")
    assert response.location == "/admin/subscribers"
    assert readers.find(ADDRESS) is None
    assert last_act() == ("subscriber.erase", f"subscriber:{number}", alice.id)
    assert admin.post(f"/admin/subscribers/{number}/erase").status_code == 404


def test_the_export_streams_everybody_and_is_harmless_to_a_spreadsheet(admin: FlaskClient, alice: Member) -> None:
    readers.subscriber(ADDRESS, name="=HYPERLINK(1)")
    readers.subscriber("=cmd|'/c'!a1@example.org")
    readers.subscriber("bob@example.org", "pending", name='Bob "Bo" Lee, jr.')
    response = admin.post("/admin/subscribers/export")
    assert response.mimetype == "text/csv"
    assert response.is_streamed
    assert response.headers["Cache-Control"] == "private, no-store"
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [row["address"] for row in rows] == [ADDRESS, "'=cmd|'/c'!a1@example.org", "bob@example.org"]
    assert rows[0]["name"] == "'=HYPERLINK(1)"
    assert (rows[2]["name"], rows[2]["state"], rows[2]["confirmed"]) == ('Bob "Bo" Lee, jr.', "pending", "")
    assert last_act() == ("subscriber.export", "subscribers", alice.id)


PATHS = [
    ("GET", "/admin"),
    ("GET", "/admin/subscribers"),
    ("GET", "/admin/subscribers/add"),
    ("POST", "/admin/subscribers/add"),
    ("POST", "/admin/subscribers/export"),
    ("GET", "/admin/subscribers/suppressed"),
    ("POST", "/admin/subscribers/suppressed"),
    ("POST", "/admin/subscribers/suppressed/lift"),
    ("GET", "/admin/subscribers/1"),
    ("POST", "/admin/subscribers/1/ask"),
    ("POST", "/admin/subscribers/1/unsubscribe"),
    ("POST", "/admin/subscribers/1/suppress"),
    ("POST", "/admin/subscribers/1/erase"),
    ("GET", "/admin/site"),
    ("POST", "/admin/site"),
]


@pytest.mark.parametrize("who", ["stranger", "erin", "bob", "carol"])
def test_nobody_else_gets_in(request: pytest.FixtureRequest, log_in: LogIn, reader: FlaskClient, who: str) -> None:
    readers.subscriber(ADDRESS)
    client = reader if who == "stranger" else log_in(request.getfixturevalue(who))
    data = {"addresses": "x@example.org", "address": "x@example.org", "reason": "x", "site_title": "x"}
    before = {k: v for k, v in readers.everything().items() if k != "logins"}
    for method, path in PATHS:
        response = client.open(path, method=method, data=data if method == "POST" else None)
        assert response.status_code in ((303, 401) if who == "stranger" else (403,)), (method, path)
        assert ADDRESS not in response.text
        if response.status_code == 303:
            assert response.location.startswith("/login")
    assert {k: v for k, v in readers.everything().items() if k != "logins"} == before


def test_every_change_wants_a_token(app_with_csrf: FlaskClient) -> None:
    number = readers.subscriber(ADDRESS)
    for method, path in PATHS:
        if method == "POST":
            path = path.replace("/1/", f"/{number}/")
            response = app_with_csrf.post(
                path, data={"address": "x@example.org", "reason": "x", "addresses": "x@x.org"}
            )
            assert response.status_code in (400, 403, 422), path
    assert readers.reload(number).state == "confirmed"
    assert suppressed(db.session(), ADDRESS) is None


@pytest.fixture
def app_with_csrf(admin: FlaskClient) -> FlaskClient:
    """An admin's browser on a site that asks for tokens, as it does outside of tests."""
    admin.application.config["WTF_CSRF_ENABLED"] = True
    return admin


HUGE = 10**30


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/admin/subscribers?q=%00", None),
        (f"/admin/subscribers?before={HUGE}", None),
        ("/admin/subscribers/suppressed?after=%00", None),
        (f"/admin/subscribers/{HUGE}", None),
        (f"/admin/members/{HUGE}", None),
        (f"/admin/subscribers/{HUGE}/ask", {}),
        (f"/account/logins/{HUGE}/end", {}),
        ("/admin/subscribers/suppressed/lift", {"address": "a\0@example.org"}),
        ("/subscribe", {"address": "a\0@example.org", "page": "\0"}),
    ],
)
def test_what_no_database_can_hold_is_refused_and_breaks_nothing(
    admin: FlaskClient, path: str, data: dict[str, str] | None
) -> None:
    response = admin.get(path) if data is None else admin.post(path, data=data)
    assert response.status_code in (200, 303, 400, 404, 422)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("suppressed", {"address": ADDRESS, "reason": "x\0y"}),
        ("add", {"addresses": f"A\0nn <{ADDRESS}>", "confirmed": "y"}),
    ],
)
def test_a_sign_that_cannot_be_shown_is_named_beside_its_field(
    admin: FlaskClient, path: str, data: dict[str, str]
) -> None:
    response = admin.post(f"/admin/subscribers/{path}", data=data)
    assert response.status_code == 422
    assert "cannot be shown" in response.text
    assert readers.find(ADDRESS) is None
