"""What every public page has in common: no cookie, the same bytes, 304, landmarks, little weight."""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text as text_of

from blogapp.auth.models import Member
from blogapp.core.db import db, transaction
from tests import people
from tests.pages import soup, text
from tests.posts import article, week

CONTENT = Path(__file__).resolve().parents[2] / "demo" / "content"
PUBLIC = ["/", "/tags",
          "/tags/boats", "/archive/2018/02", "/bob-barker/feed.atom", "/tags/boats/feed.json", "/week-473",
          "/essay", "/about", "/bob-barker", "/archive", "/archive/2018", "/feed.atom", "/feed.rss", "/feed.json",
          "/sitemap.xml", "/robots.txt", "/favicon.ico"]  # fmt: skip


@pytest.fixture
def some_posts(bob: Member) -> None:
    week(bob, 473)
    article(bob, "essay", tags=["Boats"])
    article(bob, "about", kind="page", title="About")
    article(bob, "draft", state="draft")


def test_a_stranger_gets_no_cookie(reader: FlaskClient, some_posts: None) -> None:
    for address in (*PUBLIC, "/draft", "/nothing", "/feed"):
        response = reader.get(address)
        assert "Set-Cookie" not in response.headers, address
        assert b"csrf" not in response.data, address


def test_a_public_page_is_the_same_bytes_and_answers_304(reader: FlaskClient, some_posts: None) -> None:
    for address in PUBLIC:
        first, second = reader.get(address), reader.get(address)
        assert first.status_code == 200, address
        assert first.data == second.data, address
        assert first.headers["Cache-Control"] == "no-cache", address
        assert "Cookie" in first.headers["Vary"], address
        again = reader.get(address, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b""), address
        head = reader.head(address)
        assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", first.headers["ETag"]), address


def test_an_edit_changes_the_etag(reader: FlaskClient, bob: Member) -> None:
    post = article(bob, "essay")
    before = reader.get("/essay").headers["ETag"]
    with transaction() as session:
        session.merge(post).html = "<p>Other words.</p>"
    assert reader.get("/essay", headers={"If-None-Match": before}).status_code == 200


def test_what_a_member_is_shown_is_kept_by_no_cache(
    log_in: Callable[[Member], FlaskClient], some_posts: None, bob: Member
) -> None:
    browser = log_in(bob)
    for address in ("/", "/week-473", "/bob-barker", "/archive", "/archive/2018"):
        response = browser.get(address)
        assert response.status_code == 200, address
        assert response.headers["Cache-Control"] == "private, no-store", address
        assert "ETag" not in response.headers, address
        assert "Bob Barker" in text(response, ".foot nav"), address


def test_every_page_has_landmarks_a_skip_link_and_its_feeds(reader: FlaskClient, some_posts: None) -> None:
    for address in ("/", "/essay", "/about", "/bob-barker", "/archive", "/archive/2018", "/nothing"):
        page = soup(reader.get(address))
        assert page.html is not None
        assert page.html["lang"] == "en-GB"
        assert page.select("body a")[0]["href"] == "#main", address
        assert len(page.select("main#main, header.masthead, footer.foot")) == 3, address
        assert len(page.select("h1")) == 1, address
        feeds = [link["href"] for link in page.select("link[rel=alternate]")]
        own = [f"{address}/feed.{kind}" for kind in ("atom", "rss", "json")] if address == "/bob-barker" else []
        assert feeds == ["/feed.atom", "/feed.rss", "/feed.json", *own], address
        assert page.select("script:not([type='application/ld+json']), [style]") == [], address
        assert [a["href"] for a in page.select(".masthead nav a")] == ["/", "/archive", "/search", "/about"], address


def test_a_note_of_the_usual_length_weighs_little(reader: FlaskClient, bob: Member) -> None:
    texts = [(CONTENT / f"week-{number}.md").read_text("utf-8").split("\n:name:")[0] for number in (470, 471, 472)]
    body = " ".join("\n\n".join(texts).split(" ")[:700])
    week(bob, 473, body=body)
    page = reader.get("/week-473")
    assert soup(page).select("link[rel=stylesheet], script[src]") == []
    assert len(brotli.compress(page.data, mode=brotli.MODE_TEXT, quality=5)) <= 8_000


def test_a_page_that_is_as_it_was_keeps_the_policy_that_knows_its_style(reader: FlaskClient, some_posts: None) -> None:
    """A browser puts the headers of a 304 in the place of those that it kept (RFC 9111 §3.2)."""
    for address in ("/", "/week-473", "/archive", "/archive/2018", "/search?q=work", "/search?q=work"):
        whole = reader.get(address)
        again = reader.get(address, headers={"If-None-Match": whole.headers["ETag"]})
        assert (whole.status_code, again.status_code) == (200, 304), address
        policy = again.headers["Content-Security-Policy"]
        assert policy == whole.headers["Content-Security-Policy"], address
        style = whole.text.partition("<style>")[2].partition("</style>")[0]
        assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in policy, address


def test_a_page_without_a_database_still_says_what_is_wrong(app: Flask, bob: Member) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    browser = people.log_in(app, bob)
    with db.engine.begin() as connection:
        for table in ("logins", "site", "posts"):
            connection.execute(text_of(f"DROP TABLE {table} {'CASCADE' * (db.engine.name == 'postgresql')}"))
    response = browser.get("/")
    assert response.status_code in (500, 503)
    assert len(text(response, "h1")) > 5
    assert "Traceback" not in response.text


def test_a_canonical_address_is_whole_and_of_the_site(reader: FlaskClient, some_posts: None) -> None:
    for address in ("/", "/essay", "/bob-barker", "/archive", "/archive/2018"):
        link = soup(reader.get(address, headers={"Host": "elsewhere.test"})).select_one("link[rel=canonical]")
        assert link is not None
        assert link["href"] == f"http://blog.test{address}"


def test_no_cache_on_the_way_keeps_an_error_page(
    app: Flask, reader: FlaskClient, bob: Member, log_in: Callable[[Member], FlaskClient], some_posts: None
) -> None:
    for address in ("/draft", "/nothing", "/archive/1900", "/files/1/none.png"):
        response = reader.get(address)
        assert (response.status_code, response.headers["Cache-Control"]) == (404, "no-cache"), address
    assert reader.get("/draft").vary.as_set() == {"cookie"}
    assert reader.post("/essay").headers["Cache-Control"] == "no-cache"
    assert log_in(bob).get("/nothing").headers["Cache-Control"] == "private, no-store"
