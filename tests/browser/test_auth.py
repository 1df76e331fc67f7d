"""Logging in, and a log-in that ends in the middle of a text, in a real browser; and the pages' accessibility."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page
from sqlalchemy import delete

from blogapp.auth.members import add_member, invite
from blogapp.auth.models import Login, Member
from blogapp.core.db import db, transaction
from blogapp.posts.models import Post
from blogapp.posts.writing import create_post
from tests.people import PASSWORD

pytestmark = pytest.mark.browser

TEXT = '\n\nTwo empty lines first, "quotes", <b>tags</b> & more;\n\n    indented\n\nthe end\n'


@dataclass
class Visitor:
    """A page and where the site is."""

    page: Page
    site: str

    def go(self, path: str) -> None:
        self.page.goto(self.site + path)

    def log_in(self, person: Member) -> None:
        self.page.fill("[name=email]", str(person.email))
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("main button:has-text('Log in')")


@pytest.fixture(params=["with scripts", "without scripts"])
def visitor(request: pytest.FixtureRequest, chromium: Browser, website: str) -> Iterator[Visitor]:
    with chromium.new_context(java_script_enabled=request.param == "with scripts") as context:
        yield Visitor(context.new_page(), website)


def test_what_was_typed_survives_a_log_in_that_ended(app: Flask, bob: Member, visitor: Visitor) -> None:
    visitor.go("/account")
    visitor.log_in(bob)
    visitor.page.fill("[name=bio]", TEXT)
    with transaction() as session:
        session.execute(delete(Login))
    visitor.page.click("main button:has-text('Save')")
    assert visitor.page.input_value("textarea:near(:text('Bio'))") == TEXT
    visitor.log_in(bob)
    visitor.page.click("text=Save now")
    assert visitor.page.url == f"{visitor.site}/account"
    assert visitor.page.input_value("[name=bio]") == TEXT
    db.session.rollback()
    assert db.session.get_one(Member, bob.id).bio.replace("\r\n", "\n") == TEXT


def test_a_post_survives_a_log_in_that_ended(app: Flask, bob: Member, visitor: Visitor) -> None:
    post = create_post("article", "Rivers", "Draft", bob.id)
    visitor.go(f"/posts/{post.id}/edit")
    visitor.log_in(bob)
    visitor.page.fill("[name=body]", TEXT)
    with transaction() as session:
        session.execute(delete(Login))
    visitor.page.click("button[value=save]")
    visitor.page.wait_for_selector("text=Log in to go on")
    visitor.log_in(bob)
    visitor.page.click("text=Save now")
    visitor.page.wait_for_selector("button[value=save]")
    db.session.rollback()
    assert db.session.get_one(Post, post.id).body.replace("\r\n", "\n").strip("\n") == TEXT.strip("\n")


def test_an_invitation_is_followed_to_the_desk(app: Flask, visitor: Visitor) -> None:
    link = invite(add_member("Dave Dorn", "dave@blog.test").id)
    visitor.go(link.removeprefix("http://blog.test"))
    visitor.page.fill("[name=password]", "a rainy week in june")
    visitor.page.click("text=Set the password")
    assert visitor.page.url == f"{visitor.site}/write"
    visitor.page.click("text=Log out")
    assert visitor.page.url == f"{visitor.site}/"
    assert visitor.page.context.cookies() == []


def test_a_password_can_be_looked_at(app: Flask, chromium: Browser, website: str) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{website}/login")
        page.fill("[name=password]", "a rainy week in june")
        page.click("text=Show the password")
        assert page.get_attribute("[name=password]", "type") == "text"
        page.click("text=Hide the password")
        assert page.get_attribute("[name=password]", "type") == "password"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_have_no_known_barrier_and_fit_a_small_phone(
    app: Flask, alice: Member, bob: Member, chromium: Browser, website: str, scheme: str
) -> None:
    dave = add_member("Dave Dorn", "dave@blog.test")
    link = invite(dave.id, alice.id).removeprefix("http://blog.test")
    imported = add_member("Old Author", None, active=False)
    outside = ["/login", "/forgot", link, "/password/x"]
    inside = ["/account", "/account/password", "/account/logins", "/admin/members", "/admin/members/invite"]
    inside += [
        f"/admin/members/{number}{more}" for number, more in ((dave.id, ""), (imported.id, ""), (bob.id, "/edit"))
    ]
    with chromium.new_context(color_scheme=scheme, viewport={"width": 320, "height": 640}) as context:  # type: ignore[arg-type]
        visitor = Visitor(context.new_page(), website)
        for path in outside:
            visitor.go(path)
            check(visitor.page, path)
        visitor.go("/login")
        visitor.page.fill("[name=email]", "nobody@blog.test")
        visitor.page.fill("[name=password]", "wrong")
        visitor.page.click("main button:has-text('Log in')")
        check(visitor.page, "a refused log-in")
        visitor.log_in(alice)
        for path in inside:
            visitor.go(path)
            check(visitor.page, path)
        visitor.go("/account")
        context.clear_cookies()
        visitor.page.click("main button:has-text('Save')")
        check(visitor.page, "an ended log-in")
        visitor.log_in(alice)
        check(visitor.page, "what was kept")


def check(page: Page, where: str) -> None:
    results = Axe().run(page)
    assert results.violations_count == 0, f"{where}: {results.generate_report()}"
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0, f"{where} is {wide} px wider than the screen"
