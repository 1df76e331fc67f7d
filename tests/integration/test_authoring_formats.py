"""The editor on posts that are written in HTML, and on pages: the site's menu."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.core.site import site_version
from blogapp.posts.models import Post
from blogapp.posts.writing import save_post
from tests import posts
from tests.pages import soup

LogIn = Callable[[Member], FlaskClient]
JSON = {"Accept": "application/json"}
PNG = (
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


@pytest.fixture
def written_in_html(app: Flask, bob: Member) -> Post:
    return posts.article(bob, "from-elsewhere", format="html", body="<p>Said <em>elsewhere</em>.</p>")


def given(client: FlaskClient, post: Post, **changed: Any) -> dict[str, Any]:
    """What the editor's form would send, with some of it changed."""
    form = soup(client.get(f"/posts/{post.id}/edit")).select_one("#editor")
    assert form is not None
    names = ("csrf_token", "version", "base", "held", "auto", "title", "weeks", "slug")
    fields = {str(f["name"]): str(f.get("value", "")) for f in form.select("input[name]") if f["name"] in names}
    return {**fields, "body": post.body, "kind": post.kind, **changed}


def in_menu(post: Post) -> bool:
    db.session.rollback()
    return db.session.get_one(Post, post.id, populate_existing=True).in_menu


def test_the_editor_says_that_a_text_is_html_and_previews_it_so(
    written_in_html: Post, bob: Member, log_in: LogIn
) -> None:
    client = log_in(bob)
    page = client.get(f"/posts/{written_in_html.id}/edit").text
    assert "Text, in HTML" in page
    assert 'data-format="html"' in page
    data = given(client, written_in_html, do="preview", body="<p>*no stress* <script>x</script></p>")
    shown = soup(client.post(f"/posts/{written_in_html.id}/edit", data=data)).select_one("#preview-text")
    assert shown is not None
    assert shown.decode_contents().strip() == "<p>*no stress* </p>"


def test_the_live_preview_renders_what_it_is_told_the_text_is(bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    for kind, html in (("html", "*a*"), ("markdown", "<p><em>a</em></p>"), ("", "<p><em>a</em></p>")):
        answer = client.post("/write/preview", data={"body": "*a*", "format": kind}, headers=JSON).get_json()
        assert answer["html"].strip() == html
    evil = client.post("/write/preview", data={"body": "<script>x</script>", "format": "html"}, headers=JSON)
    assert "script" not in evil.get_json()["html"]


def test_what_is_attached_to_an_html_text_comes_as_html(written_in_html: Post, bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    path = f"/posts/{written_in_html.id}"
    sent = {"file": (io.BytesIO(bytes.fromhex(PNG)), "Bread & butter.png")}
    line = client.post(f"{path}/files", data=sent, headers=JSON).get_json()["line"]
    found = BeautifulSoup(line, "lxml").select_one("img")
    assert found is not None
    assert str(found["src"]).startswith("/files/")
    assert found["alt"] == "bread butter"
    data = given(client, written_in_html, do="attach", files=(io.BytesIO(b"words"), "plan.txt"))
    page = soup(client.post(f"{path}/edit", data=data))
    text = page.select_one("textarea#body")
    assert text is not None
    assert '<a href="/files/' in text.text
    assert [code.text[:4] for code in page.select("code.markdown")] == ["<img", "<a h"]


def test_a_page_is_taken_out_of_the_menu_and_put_back_and_readers_see_it_at_once(
    bob: Member, log_in: LogIn, reader: FlaskClient
) -> None:
    page, client = posts.article(bob, "about-us", kind="page"), log_in(bob)
    for ticked in (False, True):
        before = site_version()
        box = ["", "y"] if ticked else [""]
        answer = client.post(f"/posts/{page.id}/edit", data=given(client, page, do="save", in_menu=box))
        assert answer.status_code == 303
        db.session.rollback()
        assert site_version() == before + 1
        assert in_menu(page) == ticked
        assert (soup(reader.get("/")).select_one('nav a[href="/about-us"]') is not None) == ticked
        assert (soup(client.get(f"/posts/{page.id}/edit")).select_one("#in_menu[checked]") is not None) == ticked


def test_a_form_that_does_not_speak_of_the_menu_leaves_it(bob: Member, log_in: LogIn) -> None:
    page, client = posts.article(bob, "about-us", kind="page", in_menu=False), log_in(bob)
    client.post(f"/posts/{page.id}/edit", data=given(client, page, do="save", title="About everybody"))
    assert not in_menu(page)
    save_post(page.id, 2, bob.id, title="About everybody", body="Other words.")
    assert not in_menu(page)
    article = posts.article(bob, "an-article")
    client.post(f"/posts/{article.id}/edit", data=given(client, article, do="save", title="Other", in_menu=[""]))
    assert in_menu(article), "only pages are asked"
