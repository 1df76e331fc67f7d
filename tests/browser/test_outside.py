"""Outside links in a browser: what is found out meanwhile comes in by itself, on the draft's page and in the editor."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import transaction
from blogapp.posts.outside import OutsideLink
from blogapp.posts.writing import create_post


def answered(url: str, state: str, why: str = "", moved_to: str = "") -> None:
    """As the worker notes it."""
    with transaction() as session:
        row = session.get_one(OutsideLink, url, populate_existing=True)
        row.state, row.why, row.moved_to, row.checked_at, row.due_at = state, why, moved_to, now(), None


def test_what_other_sites_answer_comes_in_by_itself(bob: Member, open_as: Callable[..., Page]) -> None:
    post = create_post("article", "Boats", "See [it](https://a.example/) and [that](https://b.example/x).", bob.id)
    page = open_as(bob, f"/posts/{post.id}")
    page.click("text=Check the outside links")
    place = page.locator(".check-outside")
    expect(place).to_contain_text("2 outside links are being checked…")
    expect(place.get_by_text("Reload to see.")).to_be_hidden()
    answered("https://a.example/", "ok")
    answered("https://b.example/x", "dead", "answers 404: nothing is there")
    expect(place).to_contain_text("Checked 2 outside links at")
    expect(page.locator(".check-found")).to_contain_text("“https://b.example/x” answers 404: nothing is there.")
    expect(page.locator("button[form=publish]")).to_have_text("Publish all the same")


def test_the_editor_asks_for_what_is_typed_and_shows_the_answers(bob: Member, open_as: Callable[..., Page]) -> None:
    post = create_post("article", "Boats", "Some words.", bob.id)
    page = open_as(bob, f"/posts/{post.id}/edit")
    page.fill("#body", "One line.\n\nSee [it](https://a.example/).")
    page.click("#check-button")
    place = page.locator("#checklist")
    expect(place).to_contain_text("1 outside link, not checked yet.")
    place.get_by_role("button", name="Check the outside links").click()
    expect(place).to_contain_text("1 outside link is being checked…")
    answered("https://a.example/", "moved", "has moved", "https://new.example/")
    expect(place).to_contain_text("“https://a.example/” has moved for good. Line 3")
    assert page.url.endswith("/edit"), "the editor stays where it is"
    assert len(page.context.pages) == 1
