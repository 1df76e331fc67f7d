"""Three people at one draft in real browsers: two add a section at the same time, the third has the editor open."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, expect

from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.posts.models import Post
from blogapp.posts.sections import sections_of
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post

pytestmark = pytest.mark.browser


def test_two_add_a_section_at_once_while_a_third_types_and_saves_and_all_of_it_is_there(
    app: Flask, open_as: Callable[..., Page], alice: Member, bob: Member, carol: Member
) -> None:
    post = create_post("links", "Links", "What we read.", bob.id, weeks=Weeks(473, 473))
    phone = {"viewport": {"width": 390, "height": 844}, "java_script_enabled": False}
    editor = open_as(bob, f"/posts/{post.id}/edit")
    carols, alices = (open_as(member, "/write", **phone) for member in (carol, alice))
    editor.locator("#body").press_sequentially("Typed. ")
    for page, title in ((carols, "Boats"), (alices, "Rope")):
        page.get_by_role("link", name="Add a section to Links").click()
        page.get_by_label("Title").fill(title)
        page.get_by_label("Comment").fill(f"About {title}.")
    for page in (carols, alices):
        page.get_by_role("button", name="Add the section").click(no_wait_after=True)
    for page in (carols, alices):
        page.locator(".notice", has_text="Added, with your signature.").wait_for()
    # The one who types adds one, too, and what is not saved yet stays.
    editor.locator("summary", has_text="Add a section").click()
    editor.locator("#section-url").fill("nowhere")
    editor.get_by_role("button", name="Add the section").click()
    expect(editor.locator("#section-title-error")).to_have_text("Give it a title.")
    assert editor.locator("#section-url").input_value() == "nowhere"
    editor.locator("#section-title").fill("Zinc")
    editor.locator("#section-url").fill("https://zinc.test/")
    editor.get_by_role("button", name="Add the section").click()
    expect(editor.locator("#sections li strong")).to_have_count(3)
    editor.get_by_role("button", name="Up: Zinc").click()
    expect(editor.locator("#sections li strong").nth(1)).to_have_text("Zinc")
    assert Axe().run(editor, context="#sections").violations_count == 0
    assert editor.locator("#body").input_value() == "Typed. What we read."
    editor.get_by_role("button", name="Save", exact=True).click()
    expect(editor.locator("#status, .notice").filter(has_text="Saved at").first).to_be_visible()
    db.session.rollback()
    shown = db.session.get_one(Post, post.id, populate_existing=True)
    assert shown.body == "Typed. What we read."
    assert all(words in shown.html for words in ("Typed.", "About Boats.", "About Rope.", "https://zinc.test/"))
    assert len(sections_of(db.session(), post.id)) == 3
    editor.goto(f"/{shown.slug}")
    byline = " ".join(editor.locator(".byline").inner_text().split())
    assert byline.endswith(("with Carol Cole and Alice Archer", "with Alice Archer and Carol Cole"))
