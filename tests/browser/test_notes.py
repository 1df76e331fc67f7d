"""A note on a draft, from a phone without JavaScript to the margin of a wide screen."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, expect

from blogapp.auth.models import Member
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post

pytestmark = pytest.mark.browser

TEXT = "The door sings in the wind, which nobody minds.\n\n" + "It is planed. " * 30 + "\n\nThe last one."


def test_a_note_from_a_phone_stands_beneath_its_paragraph_and_on_a_wide_screen_beside_it(
    app: Flask, open_as: Callable[..., Page], bob: Member, erin: Member
) -> None:
    post = create_post("week", "", TEXT, bob.id, weeks=Weeks(473, 473))
    screen = {"width": 390, "height": 844}
    phone = open_as(erin, f"/posts/{post.id}", viewport=screen, java_script_enabled=False)
    passage = phone.locator(".passage").first
    passage.get_by_text("Note", exact=True).click()
    passage.get_by_label("Your note on this").fill("Which door? " + "W" * 80)
    passage.get_by_role("button", name="Leave the note").click()
    note = phone.locator(".thread")
    expect(note).to_contain_text("Which door?")
    text, beneath = passage.locator("p").bounding_box(), note.bounding_box()
    assert text
    assert beneath
    assert beneath["y"] >= text["y"] + text["height"]
    phone.get_by_role("button", name="Looks good", exact=True).click()
    expect(phone.locator("#looks-good")).to_contain_text("Erin Eames: looks good")

    page = open_as(bob, "/write", viewport={"width": 1280, "height": 900}, color_scheme="dark")
    page.get_by_role("link", name="1 note on").click()
    text, beside = page.locator(".passage p").first.bounding_box(), page.locator(".thread").bounding_box()
    assert text
    assert beside
    assert beside["x"] > text["x"] + text["width"]
    assert abs(beside["y"] - text["y"]) < 30
    expect(page.locator(".box .approvals")).to_have_text("Erin Eames: looks good")
    page.locator("summary", has_text="Answer").click()
    page.get_by_label("Your answer").fill("The one to the yard.")
    page.get_by_role("button", name="Answer", exact=True).click()
    expect(page.locator(".note")).to_have_count(2)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert Axe().run(page).violations_count == 0, Axe().run(page).generate_report()
    page.get_by_role("button", name="Done:").click()
    expect(page.locator(".thread.done")).to_contain_text("Done: Which door?")
    page.goto("/write")
    expect(page.get_by_role("link", name="1 note on")).to_have_count(0)
