"""Labels suggested while somebody types, in a real browser."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from blogapp.auth.models import Member
from blogapp.posts.writing import create_post
from tests import posts

pytestmark = pytest.mark.browser


def test_labels_are_suggested_by_keyboard_and_pointer_and_told_of_under_the_text(
    bob: Member, open_as: Callable[..., Page]
) -> None:
    posts.article(bob, "week-one", title="Week 1", body="[a][asset-manager]\n\n[asset-manager]: https://am.test/x")
    posts.article(bob, "week-two", title="Week 2", body="[a][asset-tag]\n\n[asset-tag]: https://tag.test")
    draft = create_post("article", "Draft", "", bob.id)
    page = open_as(bob, f"/posts/{draft.id}/edit", viewport={"width": 390, "height": 800})
    body, items = page.locator("#body"), page.locator("#label-list li")
    body.press_sequentially("The [Manager][asse")
    expect(items).to_have_count(2)
    expect(items.first).to_have_attribute("aria-selected", "true")
    found = Axe().run(page, options={"iframes": False})
    assert [violation["id"] for violation in found.response["violations"]] == []
    body.press("Escape")
    expect(page.locator("#label-list")).to_be_hidden()
    body.press_sequentially("t")
    expect(items).to_have_count(2)
    body.press("ArrowDown")
    label = items.nth(1).locator("strong").inner_text()
    body.press("Enter")
    expect(body).to_have_value(f"The [Manager][{label}]")
    body.press_sequentially(" and [B][bob")
    items.first.click()
    expect(body).to_have_value(f"The [Manager][{label}] and [B][bob-barker]")
    body.press_sequentially(", [c][nobody-knows]")
    page.locator(".text-links summary").wait_for()
    expect(page.locator(".text-links .undefined").last).to_have_text("not defined: nobody has used it")
    expect(page.locator(".text-links li")).to_have_count(3)
    expect(page.locator(".text-links")).to_contain_text("Bob Barker’s page")
