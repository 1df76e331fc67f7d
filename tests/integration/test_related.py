"""Related posts, mentions and corrections."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.core.errors import Conflict, Invalid
from blogapp.digest.publishing import publish, withdraw
from blogapp.posts import links
from blogapp.posts.links import Link, post_links
from blogapp.posts.models import Post
from blogapp.posts.rendering import render_again
from blogapp.posts.writing import create_post, save_post
from tests.pages import soup, text
from tests.posts import SOME_DAY, article, week


def named(reader: FlaskClient, address: str, heading: str) -> list[str]:
    page = soup(reader.get(address))
    return [str(a["href"]) for a in page.select(f".related:has(#{heading}) a")]


def check_counts() -> None:
    db.session.rollback()
    query = select(Link.posts, func.count(post_links.c.post_id)).outerjoin(post_links, post_links.c.link_id == Link.id)
    for said, found in db.session.execute(query.group_by(Link.id, Link.posts)):
        assert said == found


def test_posts_that_share_rare_links_are_related_and_drafts_never(reader: FlaskClient, bob: Member) -> None:
    everywhere = "[home](https://example.com/)"
    article(bob, "one", body=f"[a](https://www.example.org/a/?utm_source=x#top) {everywhere}")
    article(bob, "between")  # What stands right beside a post is named there, not among the related.
    article(bob, "two", body=f"[a](http://example.org/a) [b](https://example.org/b) {everywhere}")
    article(bob, "draft", body="[a](https://example.org/a)", state="draft")
    for number in range(50):
        article(bob, f"other-{number}", body=everywhere)
    assert named(reader, "/one", "related") == ["/two"], "what everybody links to says nothing"
    assert named(reader, "/other-3", "related") == []
    two = db.session.execute(select(Post).where(Post.slug == "two")).scalar_one()
    withdraw(two.id, two.version, bob.id)
    assert named(reader, "/one", "related") == []
    check_counts()


def test_addresses_that_no_post_has_any_more_are_forgotten_but_not_those_that_come_back_meanwhile(
    app: Flask, bob: Member, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, gone = article(bob, "kept", body="[a](https://example.org/a)"), article(bob, "gone", body="[b](//b.example)")
    for post in (kept, gone):
        withdraw(post.id, post.version, bob.id)
    count = links._count

    def sweep() -> int:
        with app.app_context():
            return links.forget_unused_links()

    def counted_late(*given: Any) -> None:
        if kind == "postgresql":  # SQLite's writers take turns.
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(sweep).result(timeout=20) == 2
        count(*given)

    monkeypatch.setattr(links, "_count", counted_late)
    post = db.session.get_one(Post, kept.id)
    publish(post.id, post.version, bob.id, with_digest=False)
    assert links.forget_unused_links() == (0 if kind == "postgresql" else 2)
    assert set(db.session.execute(select(Link.url)).scalars()) == {"/kept", "example.org/a"}
    check_counts()


def test_a_post_names_those_that_mention_it_by_any_of_its_addresses(reader: FlaskClient, bob: Member) -> None:
    week(bob, 853, 854)
    article(
        bob,
        "essay",
        body="See [the note](/week-853), [it](http://blog.test/week-853-and-854#x) and [mail](mailto:a@b.c).",
    )
    article(bob, "other", body="See [the note](/week-853-and-854/).")
    article(bob, "draft", body="See [the note](/week-853).", state="draft")
    assert named(reader, "/week-853-and-854", "mentioned") == ["/other", "/essay"]
    assert named(reader, "/essay", "related") == ["/week-853-and-854"]
    essay = db.session.execute(select(Post).where(Post.slug == "essay")).scalar_one()
    essay = save_post(essay.id, essay.version, bob.id, title="Essay", body="No more.", slug="renamed")
    assert named(reader, "/week-853-and-854", "mentioned") == ["/other"]
    article(bob, "late", body="See [it](/essay).")
    assert named(reader, "/renamed", "mentioned") == ["/late"], "an old address is still its own"
    render_again()
    assert named(reader, "/renamed", "mentioned") == ["/late"]
    check_counts()


def test_only_a_recorded_correction_is_told_to_readers_and_moves_the_feeds(
    reader: FlaskClient, log_in: Callable[[Member], FlaskClient], bob: Member
) -> None:
    with time_machine.travel(datetime(2018, 3, 1, tzinfo=UTC), tick=False) as clock:
        post = article(bob, "essay")
        address = f"/posts/{post.id}/edit"
        form = {"title": "Essay", "body": "Other words.", "kind": "article", "slug": "essay", "do": "save"}
        browser = log_in(bob)
        assert browser.post(address, data={**form, "version": "1", "tags": ""}).status_code == 303
        feed = reader.get("/feed.json").get_json()
        assert feed["items"][0]["date_modified"] == "2018-02-12T09:30:00Z"
        assert "Other words" in feed["items"][0]["content_html"]
        assert "Corrected" not in reader.get("/essay").text
        clock.shift(timedelta(hours=2))
        note = {"correction": "y", "correction_note": "It was four <loaves>."}
        unticked = browser.post(address, data={**form, "version": "2", "correction_note": "It was four."})
        assert unticked.status_code == 422, "what was typed would be lost"
        assert 'value="It was four."' in unticked.text
        assert browser.post(address, data={**form, "version": "2", **note}).status_code == 303
        assert reader.get("/feed.json").get_json()["items"][0]["date_modified"] == "2018-03-01T02:00:00Z"
        assert b"<updated>2018-03-01T02:00:00Z</updated>" in reader.get("/feed.atom").data
        assert text(reader.get("/essay"), ".correction") == "Corrected 1 March 2018 : It was four <loaves>."
        assert b"<lastmod>2018-03-01" in reader.get("/sitemap.xml").data


def test_what_is_no_correction_is_refused_and_nothing_is_saved(bob: Member) -> None:
    draft = create_post("article", "Bread", "We baked.", bob.id)
    with pytest.raises(Conflict):
        save_post(draft.id, draft.version, bob.id, title="Bread", body="Other.", correction="")
    post = article(bob, "essay", at=SOME_DAY)
    with pytest.raises(Invalid):
        save_post(post.id, post.version, bob.id, title="Essay", body="Other.", correction="x" * 301)
    db.session.rollback()
    assert db.session.get_one(Post, post.id).body == "Some words."
