"""Watching a digest leave, in a real browser: the bar moves without loading anew, and the end is told."""

from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select, update

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import transaction
from blogapp.digest.models import Batch, Digest, Sending
from blogapp.digest.publishing import publish
from blogapp.posts.models import Post
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post
from tests.people import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture
def post(app: Flask, bob: Member) -> Post:
    post = create_post("week", "", "We shipped.", bob.id, weeks=Weeks(473, 473))
    publish(post.id, 1, bob.id)
    return post


def log_in(chromium: Browser, website: str, member: Member, **options: bool) -> Page:
    page = chromium.new_page(base_url=website, **options)  # type: ignore[arg-type]
    page.goto("/login")
    page.fill("[name=email]", str(member.email))
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/write")
    return page


def begin(post: Post) -> None:
    with transaction() as session:
        sending = Sending(subject="s", message=b"", state="sending", last_subscriber_id=100, candidates=100)
        session.add(sending)
        session.flush()
        session.add(Batch(sending_id=sending.id, lo=1, hi=100, state="open", candidates=100, planned=b""))
        digest = session.execute(select(Digest).where(Digest.post_id == post.id)).scalar_one()
        digest.sending_id, digest.state = sending.id, "sending"


def accept(count: int) -> None:
    with transaction() as session:
        session.execute(update(Batch).values(accepted_count=count))


def finish() -> None:
    with transaction() as session:
        session.execute(update(Batch).values(accepted_count=100, state="done"))
        session.execute(update(Sending).values(state="sent", sent_at=now()))
        session.execute(update(Digest).values(state="sent"))


def test_the_bar_moves_by_itself_and_the_page_says_when_all_is_sent(
    post: Post, bob: Member, chromium: Browser, website: str
) -> None:
    page = log_in(chromium, website, bob)
    page.goto(f"/posts/{post.id}")
    expect(page.locator("#line")).to_have_text("The digest is about to leave.")
    begin(post)
    expect(page.locator("#line")).to_have_text("0 of 100 are done.")
    page.evaluate("window.here = true")
    for count in (12, 57, 90):
        accept(count)
        expect(page.locator("#bar")).to_have_js_property("value", count)
        expect(page.locator("#line")).to_have_text(f"{count} of 100 are done.")
    assert page.evaluate("window.here") is True, "without loading anew"
    finish()
    expect(page.locator("#line")).to_contain_text("The digest was sent to 100 people")
    expect(page.locator("#state")).to_have_text("Sent to 100")
    assert page.locator("#bar").count() == 0
    page.close()


def test_without_javascript_the_page_renews_itself(post: Post, bob: Member, chromium: Browser, website: str) -> None:
    page = log_in(chromium, website, bob, java_script_enabled=False)
    page.goto(f"/posts/{post.id}")
    begin(post)
    expect(page.locator("#line")).to_have_text("0 of 100 are done.", timeout=10_000)
    accept(40)
    expect(page.locator("#line")).to_have_text("40 of 100 are done.", timeout=10_000)
    page.close()


def test_the_page_of_a_held_digest_notices_when_it_begins_to_leave(
    app: Flask, post: Post, bob: Member, chromium: Browser, website: str
) -> None:
    with transaction() as session:
        session.execute(update(Digest).values(due_at=now() + timedelta(minutes=15)))
    page = log_in(chromium, website, bob)
    page.goto(f"/posts/{post.id}")
    expect(page.locator("#line")).to_contain_text("in 15 minutes")
    begin(post)
    expect(page.locator("#line")).to_have_text("0 of 100 are done.", timeout=10_000)
    page.close()
