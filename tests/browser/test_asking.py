"""A post with films, maps and pictures of other hosts in a real browser: what leaves, and when."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route

from blogapp.auth.models import Member
from tests.posts import article

pytestmark = pytest.mark.browser

FILLING = "words " * 260
TEXT = f"""## Films

<iframe src="https://www.youtube.com/embed/abc" width="560" height="315" title="The race"></iframe>

{FILLING}

### A map

<p><iframe src="https://www.openstreetmap.org/export/embed.html" width="400" height="400"></iframe></p>

{FILLING}

## Pictures

![A cat](https://pictures.example/cat.png)

In a sentence ![a dog](https://pictures.example/dog.png) and {FILLING}

## The end

<video src="https://films.example/a.mp4" poster="https://pictures.example/p.png"></video> {FILLING}
"""


@pytest.fixture
def heard() -> list[str]:
    """The other hosts that a browser has asked for something."""
    return []


@pytest.fixture
def page(chromium: Browser, website: str, alice: Member, heard: list[str]) -> Iterator[Page]:
    """A post with all of it, opened by a stranger; nothing leaves this machine."""
    article(alice, "full", body=TEXT)
    page = chromium.new_page(viewport={"width": 1000, "height": 5000})  # all of it is in sight, so lazy is no help

    def answer(route: Route) -> None:
        host = urlsplit(route.request.url).hostname or ""
        if host == "127.0.0.1":
            route.continue_()
        else:
            heard.append(host)
            route.fulfill(body="<p>Played</p>", content_type="text/html")

    page.route("**/*", answer)
    page.goto(f"{website}/full")
    page.wait_for_load_state("networkidle")
    yield page
    page.close()


def test_no_other_host_hears_of_a_visit_before_something_is_opened_by_keyboard(page: Page, heard: list[str]) -> None:
    assert page.locator("iframe, img, video").count() == 4
    assert heard == []
    page.get_by_text("Play “The race”").focus()
    height = page.evaluate("document.documentElement.scrollHeight")
    page.keyboard.press("Enter")
    page.frame_locator('iframe[title="The race"]').get_by_text("Played").wait_for()
    assert heard == ["www.youtube-nocookie.com"]
    assert abs(page.evaluate("document.documentElement.scrollHeight") - height) < 60
    page.get_by_text("Show the picture “A cat”").click()
    page.wait_for_load_state("networkidle")
    assert heard == ["www.youtube-nocookie.com", "pictures.example"]
    assert page.get_by_role("link", name="Open it at youtube.com").get_attribute("href") == (
        "https://www.youtube.com/watch?v=abc"
    )


def test_the_contents_lead_to_sections_that_can_be_linked_to(page: Page) -> None:
    contents = page.get_by_role("navigation", name="Contents")
    contents.get_by_text("Contents").click()
    contents.get_by_role("link", name="A map").click()
    assert page.url.endswith("#a-map")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('h3, .asks') !== null")


def test_a_page_that_asks_is_accessible_in_both_themes(page: Page) -> None:
    page.locator(".contents summary").click()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # no colour on its way
        results = Axe().run(page, options={"iframes": False})
        assert results.violations_count == 0, results.generate_report()
