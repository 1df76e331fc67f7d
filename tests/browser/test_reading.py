"""The reader's pages in a real browser: accessibility in both themes, no sideways scrolling, the keyboard, print."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from blogapp.auth.models import Member
from blogapp.posts.missed import record_missed
from tests.posts import SOME_DAY, article, week

pytestmark = pytest.mark.browser

WIDTHS = (320, 390, 640, 768, 1280, 1920)
ROW = "| " + " | ".join(f"value-{n}" for n in range(12)) + " |\n"
HARD = f"""A word of many letters, Donaudampfschifffahrtselektrizitätenhauptbetriebswerk, `{"code_" * 20}`
and an address: <https://example.org/{"long" * 40}>.

## A table

{ROW}{"|---" * 12}|
{ROW * 3}

| Name | Hours |
|------|------:|
| Ann  |    12 |

### Lists

- one
    - two
        - three
            - four
                - five

1. first
2. second

Term
:   What it means.

> Somebody said this.

```python
@dataclass
class Week:
    '''A week.'''
    number: int = 473  # {"a comment that goes on " * 6}

    def name(self) -> str:
        return f"week-{{self.number}}" if self.number > 0 else None
```

```diff
- gone
+ come
```

A note[^1], <mark>marked</mark>, <kbd>Ctrl</kbd>, ~~struck~~ and ![a picture](/static/favicon.png).

<figure><img src="/static/apple-touch-icon.png" alt="A seven"><figcaption>A seven.</figcaption></figure>

<video src="/static/none.mp4" title="A film"></video>

<details><summary>More</summary><p>Hidden.</p></details>

[^1]: The note, with [a link](/about).
"""
PAGES = ["/", "/week-473", "/weeks-520-to-524", "/hard", "/one-line", "/week-473-links", "/about", "/bob-barker",
         "/archive", "/archive/2018", "/archive/2018/02", "/tags", "/tags/boats", "/search", "/search?q=work",
         "/search?q=zebra+boat&year=2018&week=soon", "/subscribe", "/nothing-here", "/gone"]  # fmt: skip


@pytest.fixture
def posts(bob: Member) -> None:
    """A site on which everything that is hard to set can be seen."""
    week(bob, 470, at=SOME_DAY - timedelta(days=21))
    week(bob, 472, at=SOME_DAY - timedelta(days=7), title="Snow, and a title of more words than a line can hold at 320")
    week(bob, 473, body="Week 473\n========\n\n## Work\n\nWe [worked](/about).\n\n" + "And so on. " * 300)
    record_missed(469, "A reason of some words, which is read in the archive and must find its place there", bob.id)
    week(bob, 520, 524, at=SOME_DAY + timedelta(days=400))
    week(
        bob,
        473,
        kind="links",
        slug="week-473-links",
        title="Week 473 links",
        tags=["Boats", "Donau" * 9],
        body="### [One](/one)\n\nGood, as [that](/hard) was. - Bob",
    )
    article(bob, "hard", body=HARD, updated_at=SOME_DAY + timedelta(days=3))
    article(bob, "one-line", body="That is all.", at=SOME_DAY + timedelta(days=399))
    article(bob, "about", kind="page", title="About")
    article(bob, "gone", state="draft", first_published_at=SOME_DAY, deleted_at=SOME_DAY)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_about(chromium: Browser, website: str, posts: None, theme: str) -> None:
    axe = Axe()
    for width in (390, 1280):
        page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)  # type: ignore[arg-type]
        for address in PAGES:
            page.goto(website + address)
            results = axe.run(page)
            assert results.violations_count == 0, f"{address} at {width} px: {results.generate_report()}"
        page.close()


def test_no_page_scrolls_sideways_at_any_width(chromium: Browser, website: str, posts: None) -> None:
    page = chromium.new_page()
    for address in PAGES:
        page.goto(website + address)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{address} is {wide} px wide at {width}"
    page.close()


def test_a_wide_table_scrolls_by_itself_and_by_keyboard(chromium: Browser, website: str, posts: None) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 800})
    page.goto(f"{website}/hard")
    region = page.locator(".scroll").first
    assert region.evaluate("e => e.scrollWidth > e.clientWidth")
    region.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)  # smooth scrolling; the policy against eval forbids wait_for_function
    assert region.evaluate("e => e.scrollLeft > 0")
    page.close()


def test_the_first_key_offers_to_skip_to_the_text(chromium: Browser, website: str, posts: None) -> None:
    page = chromium.new_page()
    page.goto(f"{website}/week-473")
    page.keyboard.press("Tab")
    skip = page.locator(".skip:focus")
    assert skip.inner_text() == "Skip to the text"
    box = skip.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    page.close()


def test_a_post_is_found_and_opened_by_keyboard_alone(chromium: Browser, website: str, posts: None) -> None:
    page = chromium.new_page(java_script_enabled=False)
    page.goto(website)
    page.keyboard.press("Tab")
    while page.locator(":focus").inner_text() != "Search":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#q:focus").wait_for()
    page.keyboard.type("table")
    page.keyboard.press("Enter")
    page.locator("#found").wait_for()
    assert page.title() == "table · Search · The Notebook"
    first = page.locator(".results h3 a").first
    page.keyboard.press("Tab")  # Skip to the text, which begins with the form.
    page.keyboard.press("Enter")
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.locator(".results h3 a:focus").count():
            break
    assert page.locator(":focus").inner_text() == first.inner_text() == "Hard"
    page.keyboard.press("Enter")
    page.wait_for_url("**/hard")
    page.close()


def test_the_map_of_weeks_is_walked_by_keyboard_alone(
    chromium: Browser, website: str, posts: None, bob: Member
) -> None:
    record_missed(471, "We were all at the lake.", bob.id)
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{website}/archive")
    cells = page.locator(".weeks ol a")
    names = cells.all_inner_texts()
    assert all(name.startswith("Week ") for name in names)
    links = page.get_by_role("link", name="Week 471, 22 to 26 January 2018: no note (We were all at the lake.)")
    assert links.count() == 1
    page.locator(".weeks .year", has_text="2018").focus()
    heard = []
    for _ in range(12):
        page.keyboard.press("Tab")
        heard.append(page.evaluate("document.activeElement.textContent"))
        if heard[-1].startswith("Week 473,"):
            break
    assert heard == names[names.index(heard[0]) : names.index(heard[0]) + len(heard)], "each cell in its turn"
    page.keyboard.press("Enter")
    page.wait_for_url(f"{website}/week-473")
    page.go_back()
    links.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{website}/archive/2018#week-471")
    assert page.locator("#week-471").is_visible()
    page.close()


def test_every_link_shows_where_the_focus_is(chromium: Browser, website: str, posts: None) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    for address in ("/week-473", "/archive"):
        page.goto(website + address)
        for _ in range(12):
            page.keyboard.press("Tab")
            style = page.evaluate("(s => [s.outlineStyle, s.outlineWidth])(getComputedStyle(document.activeElement))")
            assert style == ["solid", "3px"], f"{address}: {page.evaluate('document.activeElement.outerHTML')}"
    page.close()


def test_reading_asks_nobody_else_and_runs_nothing(chromium: Browser, website: str, posts: None) -> None:
    page = chromium.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    for address in ("/", "/week-473", "/bob-barker", "/archive", "/archive/2018"):
        page.goto(website + address)
        assert page.locator("script:not([type='application/ld+json'])").count() == 0
    assert [url for url in asked if not url.startswith(website)] == []
    assert complaints == []
    assert page.context.cookies() == []
    page.close()


def test_print_leaves_out_what_paper_cannot_do(chromium: Browser, website: str, posts: None) -> None:
    page = chromium.new_page()
    page.goto(f"{website}/week-473")
    page.emulate_media(media="print")
    assert page.locator(".prose").is_visible()
    assert page.locator("h1 .figure").is_visible()
    for selector in (".masthead nav", ".foot", ".pager"):
        assert not page.locator(selector).is_visible(), selector
    page.close()


def test_nothing_moves_for_those_who_want_it_so(chromium: Browser, website: str, posts: None) -> None:
    page = chromium.new_page(reduced_motion="reduce")
    page.goto(f"{website}/week-473")
    durations = page.evaluate("[...document.querySelectorAll('a')].map(a => getComputedStyle(a).transitionDuration)")
    assert set(durations) == {"0s"}
    page.close()
