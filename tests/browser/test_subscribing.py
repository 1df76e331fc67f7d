"""A subscriber's life in a real browser, without JavaScript: what browsers really send from pages without referrer."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, Request

from tests import readers
from tests.mailbox import outbox

pytestmark = pytest.mark.browser
ADDRESS, OTHER = "ann@example.org", "ann@elsewhere.example"


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page on a phone whose owner has turned JavaScript off."""
    context = chromium.new_context(viewport={"width": 390, "height": 800}, java_script_enabled=False)
    yield context.new_page()
    context.close()


def press(page: Page, label: str) -> None:
    page.locator("main").get_by_role("button", name=label, exact=True).click()


def test_a_subscribers_whole_life_needs_no_javascript(app: Flask, website: str, page: Page) -> None:
    origins: set[str] = set()

    def note(request: Request) -> None:
        if request.method == "POST" and "/subscribe" not in request.url:
            origins.add(request.all_headers().get("origin", "none"))

    page.on("request", note)
    page.goto(website)
    page.get_by_label("Your e-mail address").fill(ADDRESS)
    page.get_by_label("Your e-mail address").press("Enter")
    assert page.locator("h1").inner_text() == "Look in your inbox"

    page.goto(website + outbox()[-1].path("/confirm/"))
    press(page, "Subscribe")
    assert page.locator("h1").inner_text() == "You are subscribed"

    page.get_by_role("link", name="your preferences").click()
    page.get_by_label("1 month").check()
    press(page, "Pause")
    assert "Paused" in page.locator("main").inner_text()
    press(page, "End the pause now")

    page.get_by_label("New e-mail address").fill(OTHER)
    press(page, "Change the address")
    assert OTHER in page.locator("main").inner_text()
    page.goto(website + outbox(OTHER)[-1].path("/confirm-address/"))
    press(page, "Use this address")
    assert page.locator("h1").inner_text() == "Your address has changed"

    someone = readers.find(OTHER)
    assert someone is not None
    page.goto(website + readers.unsubscribe(someone.id))
    press(page, "Unsubscribe")
    assert page.locator("h1").inner_text() == "You are unsubscribed"
    press(page, "Undo: stay subscribed")
    assert f"Digests go to {OTHER}" in page.locator("main").inner_text()

    page.get_by_role("link", name="Erase it all").click()
    press(page, "Erase it all")
    assert page.locator("h1").inner_text() == "Nothing is held"
    assert readers.find(OTHER) is None
    assert origins == {"null"}, "why check_origin(null_too=True) is there"
    assert page.context.cookies() == []


def test_nobody_meets_the_trap(app: Flask, website: str, page: Page) -> None:
    page.goto(f"{website}/subscribe")
    trap = page.locator("input[name=website]")
    assert trap.count() == 1
    assert not trap.is_visible()
    assert "Leave this empty" not in page.locator("main").aria_snapshot()
    page.get_by_label("Your e-mail address").focus()
    page.keyboard.press("Tab")
    assert page.locator("main button:focus").count() == 1


def test_a_long_address_in_another_script_can_be_typed(app: Flask, website: str, page: Page) -> None:
    page.goto(f"{website}/subscribe")
    page.get_by_label("Your e-mail address").fill("ann@bücher.example")
    press(page, "Subscribe")
    assert "ann@bücher.example" in page.locator("main").inner_text()
    assert readers.find("ann@xn--bcher-kva.example") is not None


@pytest.fixture
def paths(app: Flask) -> list[str]:
    """Every page that a subscriber may meet."""
    client = app.test_client()
    client.post("/subscribe", data={"address": ADDRESS})
    confirm = outbox()[-1].path("/confirm/")
    gone = readers.subscriber(
        "a.very.long.name.indeed.for.a.person@a-very-long-organisation.example.org", "unsubscribed"
    )
    here = readers.subscriber("bob@example.org")
    client.post(readers.preferences(here, "/address"), data={"address": OTHER})
    move = outbox()[-1].path("/confirm-address/")
    own = [readers.preferences(gone), readers.preferences(here), readers.preferences(here, "/erase")]
    return [
        "/subscribe",
        confirm,
        move,
        *own,
        readers.unsubscribe(gone),
        readers.unsubscribe(here),
        readers.unsubscribe(0),
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_fits_the_screen(
    chromium: Browser, website: str, paths: list[str], scheme: str
) -> None:
    context = chromium.new_context(color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for path in paths:
        page.goto(website + path)
        results = Axe().run(page)
        assert results.violations_count == 0, f"{path}: {results.generate_report()}"
        for width in (320, 390, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
    assert said == []
    context.close()
