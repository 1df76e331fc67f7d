"""The migration of tags and links, tried with data on both databases."""

from flask import Flask
from sqlalchemy import text

from blogapp.auth.models import Member
from blogapp.core import migrate
from blogapp.core.addresses import Redirect
from blogapp.core.db import db, transaction
from tests import posts


def rows(sql: str) -> list[tuple[object, ...]]:
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def test_what_imports_brought_become_tags_and_links_are_found_and_it_goes_back(app: Flask, bob: Member) -> None:
    posts.week(bob, 853, 854, extra={"tags": ["Boats", "boats", "C++", "???"], "meta": []})
    posts.article(
        bob, "essay", extra={"tags": ["Boats"]}, body="See [it](/week-853) and [that](https://www.example.org/that/)."
    )
    posts.article(
        bob, "draft", state="draft", extra={"tags": ["Canary", "Boats"]}, body="[a](https://example.org/that)"
    )
    with transaction() as session:
        session.add(Redirect(path="old-essay", target="essay"))
    db.session.remove()
    migrate.move_to("0009_jobs")
    assert migrate.move_to("head") == migrate.wanted_revision()
    assert migrate.differences() == []
    assert sorted(rows("SELECT slug, name, posts FROM tags")) == [
        ("boats", "Boats", 2), ("c-plus-plus", "C++", 1), ("canary", "Canary", 0),
    ]  # fmt: skip
    shown = "SELECT count(*) FROM post_tags WHERE published_at IS NOT NULL"
    assert rows(shown) == [(3,)]
    links = rows("SELECT url, links.posts, post_id, own FROM links JOIN post_links ON link_id = links.id")
    assert sorted((url, count, post, bool(own)) for url, count, post, own in links) == [
        ("/essay", 1, 2, True), ("/old-essay", 1, 2, True), ("/week-853", 2, 1, True), ("/week-853", 2, 2, False),
        ("/week-853-and-854", 1, 1, True), ("/week-854", 1, 1, True), ("example.org/that", 1, 2, False),
    ]  # fmt: skip
    migrate.move_to("0009_jobs")
    assert rows("SELECT slug FROM posts ORDER BY id") == [("week-853-and-854",), ("essay",), ("draft",)]
    migrate.move_to("head")
