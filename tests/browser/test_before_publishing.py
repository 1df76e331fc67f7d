"""From the last look to the publication, in browsers of several people: the checklist, a link, the plan."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.core.web import local
from blogapp.digest.scheduling import publish_due
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post

pytestmark = pytest.mark.browser
TEXT = "Intro.\n\nSome words.\n\n<!-- add content here -->\n\nMore of [this][nowhere].\n"


def test_what_the_checklist_finds_is_one_click_away_in_the_editor(
    app: Flask, bob: Member, open_as: Callable[..., Page]
) -> None:
    post = create_post("week", "", TEXT, bob.id, weeks=Weeks(473, 473))
    page = open_as(bob, f"/posts/{post.id}", viewport={"width": 390, "height": 844})
    page.get_by_role("link", name="Line 5").click()
    page.wait_for_url("**/edit#line-5")
    assert selected(page) == "<!-- add content here -->"
    page.keyboard.type("What we did.")
    page.click("#check-button")
    listed = page.locator("#checklist")
    expect(listed).to_contain_text("1 thing to mend.")
    expect(listed).to_contain_text("“nowhere” is defined nowhere, so this is no link.")
    listed.get_by_role("link", name="Line 7").click()
    assert selected(page) == "More of [this][nowhere]."
    page.locator("#body").press("Control+Home")
    listed.get_by_role("link", name="Line 7").click()
    assert selected(page) == "More of [this][nowhere].", "a second time, too"
    assert page.locator("#body").input_value() == TEXT.replace("<!-- add content here -->", "What we did.")
    page.keyboard.type("The end.")
    page.click("#check-button")
    expect(listed).to_contain_text("Checked: nothing to mend.")
    assert Axe().run(page, context="#checklist").violations_count == 0
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def selected(page: Page) -> str:
    """What is selected in the text."""
    return str(page.evaluate("(b => b.value.slice(b.selectionStart, b.selectionEnd))(document.activeElement)"))


def test_a_friend_reads_a_draft_by_its_link_until_it_is_withdrawn_and_everybody_from_its_moment_on(
    app: Flask, bob: Member, erin: Member, open_as: Callable[..., Page], chromium: Browser, website: str
) -> None:
    post = create_post("week", "", "We shipped it.", bob.id, weeks=Weeks(473, 473))
    bobs, erins = (open_as(person, f"/posts/{post.id}") for person in (bob, erin))
    friends = chromium.new_context(base_url=website).new_page()
    bobs.click("text=Make a link")
    link = bobs.locator(".share-links [readonly]").input_value()
    bobs.context.grant_permissions(["clipboard-read", "clipboard-write"])
    expect(bobs.locator(".share-links button")).to_have_text(["Copy it", "Withdraw it"])
    bobs.click("text=Copy it")
    expect(bobs.get_by_role("button", name="Copied")).to_be_visible()
    assert bobs.evaluate("navigator.clipboard.readText()") == link
    path = link.removeprefix("http://blog.test")
    friends.goto(path)
    expect(friends.locator(".prose")).to_have_text("We shipped it.")
    expect(friends.locator("[role=note]")).to_contain_text("Draft.")
    assert friends.goto("/week-473").status == 404  # type: ignore[union-attr]
    bobs.click("text=Withdraw it")
    friends.goto(path)
    expect(friends.locator("main")).to_contain_text("This link was withdrawn.")
    # Erin, the editor, plans it; Bob sees that, and what he saves until then is what readers get.
    at = now() + timedelta(days=1)
    erins.click("text=Publish later")
    erins.fill("#day", f"{local(at):%Y-%m-%d}")
    erins.fill("#clock", f"{local(at):%H:%M}")
    erins.click("text=Publish it then")
    expect(erins.locator(".plan")).to_contain_text("as Erin Eames said")
    bobs.goto(f"/posts/{post.id}/edit")
    bobs.fill("#body", "We shipped it, late.")
    bobs.keyboard.press("Control+s")
    expect(bobs.locator("#status")).to_contain_text("Saved at")
    db.session.rollback()  # What this thread has read is from before the plan.
    with time_machine.travel(at + timedelta(minutes=1)):
        assert publish_due() == 1
        friends.goto("/week-473")
        expect(friends.locator(".prose")).to_have_text("We shipped it, late.")
        friends.goto(path)
        friends.wait_for_url("**/week-473")
    friends.context.close()
