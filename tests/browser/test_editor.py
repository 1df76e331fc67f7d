"""The editor and the desk in a real browser."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, Dialog, Page, Route, expect

from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.digest.publishing import publish
from blogapp.posts.attachments import attach
from blogapp.posts.models import Post
from blogapp.posts.queries import list_revisions
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post, save_post
from tests.people import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture
def post(app: Flask, bob: Member) -> Post:
    return create_post("week", "", "First text.", bob.id, weeks=Weeks(473, 473))


@pytest.fixture
def open_as(chromium: Browser, website: str) -> Iterator[Callable[..., Page]]:
    """Open a path in a browser in which a member is logged in; whatever goes wrong in its console fails the test."""
    contexts, troubles = [], []

    def opened(member: Member, path: str, **options: object) -> Page:
        context = chromium.new_context(base_url=website, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto("/login")
        page.fill("[name=email]", str(member.email))
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url("**/write")
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not troubles


def fresh(post: Post) -> Post:
    db.session.rollback()
    return db.session.get_one(Post, post.id, populate_existing=True)


def leave(page: Page) -> bool:
    """Try to follow a link away; whether the browser asked first. The question is answered with "stay"."""
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.click("text=Close", no_wait_after=True)
    page.wait_for_timeout(300)
    return asked == ["beforeunload"]


def test_unsaved_text_is_not_left_without_a_warning(post: Post, bob: Member, open_as: Callable[..., Page]) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")
    page.locator("#body").press_sequentially("More. ")
    expect(page.locator("#status")).to_have_text("Not saved yet")
    assert leave(page)
    assert page.locator("#body").input_value() == "More. First text."
    page.click("button[value=save]")
    expect(page.locator("#status")).to_contain_text("Saved at")
    assert not leave(page)
    expect(page).to_have_url(re.compile(rf"/posts/{post.id}$"))


def test_text_that_came_back_unsaved_from_the_server_is_guarded_too(
    post: Post, bob: Member, open_as: Callable[..., Page]
) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")
    page.locator(".about summary").click()
    page.fill("#slug", "login")
    page.click("button[value=save]")
    expect(page.locator(".summary")).to_contain_text("is a page of the site itself")
    page.click("#body")  # browsers ask only about pages that somebody has touched
    assert leave(page)


def test_nothing_typed_is_no_reason_to_ask(post: Post, bob: Member, open_as: Callable[..., Page]) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")
    page.click("#body")
    assert not leave(page)


def test_saving_keeps_the_place_and_the_keyboard_saves_as_well(
    post: Post, bob: Member, open_as: Callable[..., Page]
) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")
    page.evaluate("window.here = true")
    page.fill("#body", "Second text.")
    page.keyboard.press("Control+s")
    expect(page.locator("#status")).to_contain_text("Saved at")
    page.fill("#body", "Third text.")
    page.keyboard.press("Control+s")
    expect(page.locator("#status")).to_contain_text("Saved at")
    assert page.evaluate("window.here") is True
    assert (fresh(post).body, fresh(post).version) == ("Third text.", 3)


def test_a_site_that_cannot_be_reached_costs_no_text(post: Post, bob: Member, open_as: Callable[..., Page]) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")

    def cut(route: Route) -> None:
        route.abort()

    page.route("**/edit", cut)
    page.fill("#body", "Typed on a train.")
    page.click("button[value=save]")
    expect(page.locator("#status")).to_contain_text("the site cannot be reached. Your text is still here")
    page.unroute("**/edit", cut)
    page.click("button[value=save]")
    expect(page.locator("#status")).to_contain_text("Saved at")
    assert fresh(post).body == "Typed on a train."


def test_the_preview_follows_what_is_typed_and_words_are_counted(
    post: Post, bob: Member, open_as: Callable[..., Page]
) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")
    assert page.locator("#preview").is_hidden()
    page.click("#preview-button")
    expect(page.locator("#preview-text")).to_have_text("First text.")
    page.fill("#body", "## Heading\n\nIt's **bold**, isn't it?")
    expect(page.locator("#preview-text strong")).to_have_text("bold")
    expect(page.locator("#preview-text h2")).to_have_text("Heading")
    expect(page.locator("#words")).to_have_text("5")
    page.fill("#title", "Another title")
    expect(page.locator("#preview-title")).to_have_text("Another title")
    page.click("#preview-button")
    assert page.locator("#preview").is_hidden()
    assert fresh(post).body == "First text."


def test_a_conflict_is_shown_with_both_texts_and_settled(
    post: Post, bob: Member, erin: Member, open_as: Callable[..., Page]
) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")
    page.fill("#body", "Bob's hours of work.")
    save_post(post.id, 1, erin.id, title="", body="Erin's text.")
    page.click("button[value=save]")
    expect(page.locator(".conflict h2")).to_contain_text("Erin Eames saved this post after you had opened it")
    assert page.locator("#body").input_value().strip() == "Bob's hours of work."
    assert page.locator("#theirs").input_value().strip() == "Erin's text."
    assert page.locator(".changes del").count() > 0
    page.click("#body")  # browsers ask only about pages that somebody has touched
    assert leave(page)
    page.click("text=Save over it")
    expect(page.locator("#status")).to_contain_text("Saved at")
    assert page.locator(".conflict").count() == 0
    assert fresh(post).body.strip() == "Bob's hours of work."
    assert [r.body.strip() for r in list_revisions(post.id)][:2] == ["Bob's hours of work.", "Erin's text."]
    page.fill("#body", "And on.")
    page.keyboard.press("Control+s")
    expect(page.locator("#status")).to_contain_text("Saved at")
    assert fresh(post).body == "And on."


def test_a_picture_is_put_where_the_cursor_is(
    post: Post, bob: Member, open_as: Callable[..., Page], tmp_path: Path
) -> None:
    picture = tmp_path / "The view.png"
    Image.new("RGB", (3, 2), "red").save(picture)
    page = open_as(bob, f"/posts/{post.id}/edit")
    expect(page.locator("#attach-button")).to_be_hidden()
    page.fill("#body", "Before.\n\nAfter.")
    page.evaluate("document.getElementById('body').setSelectionRange(9, 9)")
    page.set_input_files("#files", picture)
    expect(page.locator("#status")).to_contain_text("the-view.png is attached")
    text = page.locator("#body").input_value()
    assert re.fullmatch(r"Before\.\n\n!\[the view\]\(/files/\d+/the-view\.png\)\nAfter\.", text)
    big = tmp_path / "broken.png"
    big.write_bytes(picture.read_bytes()[:40])
    page.set_input_files("#files", big)
    expect(page.locator("#status")).to_contain_text("broken")
    assert page.locator("#body").input_value() == text


def test_without_javascript_the_same_buttons_work(
    post: Post, bob: Member, erin: Member, open_as: Callable[..., Page]
) -> None:
    attach(post.id, "a.txt", io.BytesIO(b"one"), bob.id)
    page = open_as(bob, f"/posts/{post.id}/edit", java_script_enabled=False)
    expect(page.locator("button.insert")).to_be_hidden()
    page.fill("#body", "*Second*")
    page.click("button[value=preview]")
    expect(page.locator("#preview-text em")).to_have_text("Second")
    page.click("button[value=save]")
    expect(page.locator(".notice")).to_contain_text("Saved at")
    save_post(post.id, 2, erin.id, title="", body="Erin's")
    page.fill("#body", "Third")
    page.click("button[value=save]")
    assert page.locator("#theirs").input_value().strip() == "Erin's"
    page.click("text=Save over it")
    assert fresh(post).body == "Third"


def test_the_members_pages_have_no_barriers_and_never_scroll_sideways(
    post: Post, alice: Member, erin: Member, open_as: Callable[..., Page]
) -> None:
    save_post(post.id, 1, erin.id, title="", body="Erin's " + "long" * 60)
    published = create_post("week", "", "x", alice.id, weeks=Weeks(472, 472))
    publish(published.id, 1, alice.id)
    paths = ["/write", "/write?words=nothing", "/write/new", f"/posts/{post.id}", f"/posts/{post.id}/edit",
             f"/posts/{post.id}/revisions", f"/posts/{post.id}/revisions/1", f"/posts/{post.id}/digest",
             f"/posts/{published.id}"]  # fmt: skip
    for scheme in ("light", "dark"):
        page = open_as(alice, "/write", color_scheme=scheme)
        for path in paths:
            page.goto(path)
            page.evaluate("document.querySelectorAll('details').forEach((part) => part.open = true)")
            found = Axe().run(page, options={"iframes": False})
            assert found.violations_count == 0, f"{path} ({scheme})\n{found.generate_report()}"
            for width in (320, 390, 768, 1280):
                page.set_viewport_size({"width": width, "height": 800})
                beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert beyond <= 0, f"{path} at {width}"
