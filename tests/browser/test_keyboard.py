"""What a reader does without a mouse: a note at the foot and back, signing up (search and the map: test_reading.py)."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from blogapp.auth.models import Member
from tests.mailbox import outbox
from tests.posts import article

pytestmark = pytest.mark.browser
NOTES = "[^1]: The first.\n\n[^two]: The second.\n"
TEXT = "Said in short[^1], and at length[^two].\n\n" + "And so on. \n\n" * 60 + NOTES


def tab_to(page: Page, wanted: Callable[[], bool], most: int = 40) -> None:
    """Press Tab until the focus is where it should be."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted():
            return
    pytest.fail("the focus never came there")


def test_a_note_is_read_and_left_again_by_keyboard_alone(chromium: Browser, website: str, bob: Member) -> None:
    article(bob, "noted", body=TEXT)
    page = chromium.new_page(viewport={"width": 900, "height": 700}, java_script_enabled=False)
    page.goto(f"{website}/noted")
    tab_to(page, lambda: page.locator("#fnref\\:two a:focus").count() == 1)
    page.keyboard.press("Enter")
    page.wait_for_url("**/noted#fn:two")
    assert page.locator("#fn\\:two").bounding_box()["y"] < 700, "the note is in sight"  # type: ignore[index]
    # The next stop of the keyboard is within the note: its way back.
    tab_to(page, lambda: page.locator(".footnote-backref:focus").count() == 1, most=2)
    assert page.locator(":focus").get_attribute("href") == "#fnref:two"
    page.keyboard.press("Enter")
    page.wait_for_url("**/noted#fnref:two")
    box = page.locator("#fnref\\:two").bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 700, "back at the place in the text"
    page.close()


def test_a_stranger_signs_up_by_keyboard_alone(chromium: Browser, website: str, bob: Member) -> None:
    article(bob, "short")
    page = chromium.new_page(viewport={"width": 390, "height": 800}, java_script_enabled=False)
    page.goto(website)
    tab_to(page, lambda: page.locator("input[type=email]:focus").count() == 1)
    page.keyboard.type("ann@example")
    tab_to(page, lambda: page.locator("button:focus").count() == 1, most=1)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("End")
    page.keyboard.type(".org")
    page.keyboard.press("Enter")
    page.locator("h1", has_text="Look in your inbox").wait_for()
    assert [mail.to for mail in outbox()] == ["ann@example.org"]
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_kind_of_button_can_be_read_while_the_mouse_is_over_it(
    bob: Member, open_as: Callable[..., Page], theme: str
) -> None:
    page = open_as(bob, "/write", color_scheme=theme)
    for kind in ("", "second", "danger", "quiet"):
        page.locator("main").evaluate(f"main => main.innerHTML = '<h1>A</h1><button class=\"{kind}\">Words</button>'")
        page.get_by_role("button", name="Words").hover()
        found = Axe().run(page, context="main", options={"runOnly": ["color-contrast"]})
        # Text of the very colour behind it is only "incomplete" to axe.
        assert found.response["passes"], (kind, found.response["violations"], found.response["incomplete"])
        assert not found.response["violations"] + found.response["incomplete"], kind
