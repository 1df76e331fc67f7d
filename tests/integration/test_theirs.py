"""A site's own look: accent, links at the foot, templates and files of its own."""

import base64
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, render_template
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from blogapp.auth.models import Member
from blogapp.core.colours import contrast
from blogapp.core.db import db
from blogapp.core.resources import resource_dir
from blogapp.core.site import choice
from blogapp.core.theme import site_accent
from tests.pages import soup

FORM = {"site_title": "The Notebook"}


@pytest.fixture
def admin(alice: Member, log_in: Callable[[Member], FlaskClient]) -> FlaskClient:
    """An admin's browser."""
    return log_in(alice)


def links(page: TestResponse, rel: str) -> list[str]:
    return [str(link["href"]) for link in soup(page).find_all("link", rel=rel)]


def test_the_default_accent_costs_a_page_nothing(reader: FlaskClient) -> None:
    page = reader.get("/")
    assert page.text.count("--accent:") == (resource_dir("static") / "reading.css").read_text().count("--accent:")
    assert '<meta name="theme-color" content="#2b47b4">' in page.text


def test_an_accent_reaches_pages_mails_and_icons_and_is_kept_for_ever(
    admin: FlaskClient, reader: FlaskClient, alice: Member
) -> None:
    assert admin.post("/admin/site", data={**FORM, "site_accent": "#FC0"}).status_code == 303
    page = reader.get("/")
    shown = site_accent()
    assert f"--accent:{shown.light.accent};" in page.text
    assert f"--accent:{shown.dark.accent};" in page.text
    (sheet,) = soup(page).select("style")
    digest = base64.b64encode(hashlib.sha256(sheet.get_text().encode()).digest()).decode()
    assert f"'sha256-{digest}'" in page.headers["Content-Security-Policy"]
    icons = [reader.get(address) for address in links(page, "icon") + links(page, "apple-touch-icon")]
    assert shown.light.accent in icons[0].text
    assert [Image.open(io.BytesIO(icon.data)).size for icon in icons[1:]] == [(32, 32), (180, 180)]
    mail = render_template("emails/password-changed/body.html", subject="x", member=alice)
    assert f"a {{ color: {shown.light.accent};" in mail
    assert f"a {{ color: {shown.dark.accent} !important }}" in mail
    # Of another version of the program, or made up: the right colours, kept by nobody.
    assert "immutable" in icons[0].headers["Cache-Control"]
    assert reader.get("/theme/ffcc00-000000000000.svg").headers["Cache-Control"] == "no-cache"
    assert reader.get("/theme/blue-000000000000.svg").status_code == 404


def test_a_preview_shows_the_colour_with_its_contrast_and_saves_nothing(admin: FlaskClient) -> None:
    data = {**FORM, "site_title": "Half written", "site_accent": "#2b47b4", "accent_shown": "#2b47b4"}
    # Picked rather than typed.
    page = admin.post("/admin/site", data={**data, "accent_picked": "#ffcc00", "go": "preview"})
    assert page.status_code == 200
    assert 'value="Half written"' in page.text
    assert page.text.count('value="#ffcc00"') == 3
    assert page.text.count(" : 1 on paper") == 2
    db.session.rollback()
    assert (choice("site_title"), site_accent().chosen) == ("The Notebook", "#2b47b4")


def test_the_default_colour_comes_back_and_follows_the_setting(admin: FlaskClient) -> None:
    admin.post("/admin/site", data={**FORM, "site_accent": "#ffcc00"})
    page = admin.post("/admin/site", data={**FORM, "site_accent": "#ffcc00", "go": "default"})
    assert 'value="#2b47b4"' in page.text
    admin.post("/admin/site", data={**FORM, "site_accent": ""})
    db.session.rollback()
    assert choice("site_accent") == ""
    assert contrast(site_accent().light.accent, "#ffffff") > 4.5


def test_links_stand_at_the_foot_in_their_order_as_they_were_typed(admin: FlaskClient, reader: FlaskClient) -> None:
    typed = "About /about\nMastodon https://social.example/@notes?a=1&b=2 me"
    assert admin.post("/admin/site", data={**FORM, "footer_links": typed}).status_code == 303
    nav = soup(reader.get("/")).find("nav", attrs={"aria-label": "Links"})
    assert nav is not None
    assert [(a.text, a["href"], a.get("rel")) for a in nav.find_all("a")] == [
        ("About", "/about", None),
        ("Mastodon", "https://social.example/@notes?a=1&b=2", ["me"]),
    ]


@pytest.mark.parametrize(
    ("name", "typed"),
    [("footer_links", "Code javascript:alert(1)"), ("footer_links", "x"), ("site_accent", "blueish")],
)
def test_what_cannot_be_used_is_explained_and_stays(admin: FlaskClient, name: str, typed: str) -> None:
    page = admin.post("/admin/site", data={**FORM, name: typed})
    assert page.status_code == 422
    assert typed in page.text
    assert 'aria-invalid="true"' in page.text
    db.session.rollback()
    assert choice(name) != typed


# Templates and files of the site's own


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The data folder, before the application looks into it: name `app` after this."""
    folder = tmp_path / "data"
    (folder / "templates" / "reading").mkdir(parents=True)
    (folder / "templates" / "base.html").write_text(
        '{% extends "blogapp/base.html" %}{% block footer %}<p>Our own foot</p>{{ super() }}{% endblock %}'
    )
    (folder / "static").mkdir()
    (folder / "static" / "own.css").write_text("body { color: red }")
    (folder / "static" / ".hidden").write_text("secret")
    return folder


def test_an_own_template_wins_and_can_extend_the_one_it_stands_for(own: Path, app: Flask, reader: FlaskClient) -> None:
    for path in ("/", "/archive", "/nowhere"):
        page = reader.get(path).text
        assert page.index("Our own foot") < page.index('<footer class="foot">')


def test_an_own_style_sheet_is_linked_by_itself_and_kept_for_ever(own: Path, app: Flask, reader: FlaskClient) -> None:
    (address,) = [href for href in links(reader.get("/"), "stylesheet") if href.startswith("/own/")]
    answer = reader.get(address, buffered=True)
    assert (answer.text, answer.mimetype) == ("body { color: red }", "text/css")
    assert "immutable" in answer.headers["Cache-Control"]
    assert "no-cache" in reader.get("/own/own.css", buffered=True).headers["Cache-Control"]
    for name in (".hidden", "../secret_key", "%2e%2e/secret_key", "nothing.css", "a" * 300, "own.css/x"):
        assert reader.get(f"/own/{name}").status_code == 404, name
    (own / "static" / "own.css").write_text("body { color: green }")
    answer = reader.get(address, buffered=True)
    assert ("green" in answer.text, answer.headers["Cache-Control"]) == (True, "public, no-cache"), (
        "it is another by now"
    )


@pytest.fixture
def broken(own: Path) -> Path:
    """One that does not compile, one that fails when it is shown, one that extends what is not there, one for ever."""
    folder = own / "templates"
    (folder / "reading" / "archive.html").write_text("line one\n{% if %}")
    home = '{% extends "blogapp/reading/home.html" %}\n\n{% block content %}\n{{ nobody() }}{% endblock %}'
    (folder / "reading" / "home.html").write_text(home)
    (folder / "subscribing").mkdir()
    (folder / "subscribing" / "subscribe.html").write_text('{% extends "subscribing/subscribe.html" %}')
    (folder / "auth").mkdir()
    (folder / "auth" / "login.html").write_text('{% extends "auth/nowhere.html" %}')
    return folder


def test_a_broken_own_template_takes_nothing_down_and_admins_are_told(
    broken: Path, app: Flask, reader: FlaskClient, admin: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    for path, words in (("/archive", "Archive"), ("/", "Nothing is published yet"), ("/subscribe", "e-mail")):
        answer = reader.get(path)
        assert answer.status_code == 200
        assert words in answer.text
    assert reader.get("/login").status_code == 200
    told = soup(admin.get("/admin/site")).find("div", class_="bad")
    assert told is not None
    assert [" ".join(item.text.split()).partition(":")[0] for item in told.find_all("li")] == [
        "auth/login.html", "reading/archive.html", "reading/home.html", "subscribing/subscribe.html",
    ]  # fmt: skip
    assert "reading/archive.html: line 2" in told.text
    assert "reading/home.html: line 4" in told.text
    assert "no template is called auth/nowhere.html" in told.text
    assert "is broken" in admin.get("/admin").text
    reader.get("/")
    assert sum("reading/home.html" in line for line in caplog.messages) == 1  # each is logged once
    assert reader.get("/nowhere").status_code == 404  # broken templates or not
