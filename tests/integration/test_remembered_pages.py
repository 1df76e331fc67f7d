"""A page that is made of remembered pieces is the page that would be made of nothing."""

import gc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import time_machine
from flask import Flask
from flask.testing import FlaskClient

from blogapp.auth.models import Member
from blogapp.core.db import transaction
from blogapp.core.pagecache import PageCache
from blogapp.core.remembered import Remembered
from blogapp.core.site import save_choices
from blogapp.digest.publishing import withdraw
from blogapp.posts.missed import record_missed
from blogapp.posts.models import Post
from blogapp.posts.writing import save_post
from tests.posts import SOME_DAY, article, week

LogIn = Callable[[Member], FlaskClient]
PAGES = ("/", "/week-473", "/boats", "/archive", "/archive/2018", "/archive/2018/02", "/bob-barker", "/tags/bread",
         "/feed.atom", "/feed.rss", "/feed.json", "/sitemap.xml", "/search?q=boats")  # fmt: skip
BODY = (
    "See ![a boat](https://pictures.example/boat.png) and [below](#end).\n\n## The end\n\nWords[^1].\n\n[^1]: A note."
)


def forget() -> None:
    gc.unfreeze()  # else what was made before the first test (see conftest.py) is not among them
    for known in gc.get_objects():
        if isinstance(known, Remembered):
            known._kept.clear()
            known.held_bytes = 0
    gc.freeze()


def without_cache(app: Flask) -> None:
    cache = app.wsgi_app.app  # type: ignore[attr-defined]  # inside TrustedProxies
    assert isinstance(cache, PageCache)
    cache.pages.most_bytes = 0


def read(reader: FlaskClient) -> dict[str, str]:
    return {path: reader.get(path).text for path in PAGES}


@time_machine.travel(datetime(2018, 2, 28, 12, tzinfo=UTC), tick=False)
def test_every_change_is_read_at_once_whatever_was_remembered(app: Flask, reader: FlaskClient, bob: Member) -> None:
    without_cache(app)
    forget()
    week(bob, 470, 471)
    note = week(bob, 473, body=BODY)
    boats = article(bob, "boats", at=SOME_DAY + timedelta(days=1), tags=["Bread"], body=BODY)

    def edit(post: Post, title: str = "", body: str = "") -> None:
        save_post(post.id, post.version, bob.id, title=title or post.title, body=body or post.body)

    def choose(**given: str) -> None:
        with transaction() as session:
            save_choices(session, given)

    def rename() -> None:
        with transaction() as session:
            session.merge(bob).name = "Robert Barker"

    changes: list[tuple[Callable[[], object], str]] = [
        (lambda: edit(boats, title="Barges"), "/"),
        (lambda: edit(note, body=BODY.replace("Words", "Other words")), "/feed.atom"),
        (lambda: choose(site_title="Another name"), "/week-473"),
        (lambda: choose(site_accent="#aa3300"), "/archive"),
        (lambda: choose(outside_pictures="show"), "/boats"),
        (lambda: record_missed(472, "We were away.", bob.id), "/archive"),
        (lambda: week(bob, 474), "/archive"),
        (rename, "/archive/2018/02"),
    ]
    before = read(reader)
    for number, (change, path) in enumerate(changes):
        change()
        after = read(reader)
        assert after[path] != before[path], number
        forget()
        assert read(reader) == after, number
        before = after


def test_a_stranger_is_shown_nothing_that_was_made_for_a_member(
    app: Flask, reader: FlaskClient, bob: Member, log_in: LogIn
) -> None:
    without_cache(app)
    week(bob, 473, body=BODY)
    article(bob, "boats", tags=["Bread"])
    draft = week(bob, 474, body="Canary words.")
    withdraw(draft.id, draft.version, bob.id)
    forget()
    cold = read(reader)
    forget()
    inside = log_in(bob)
    theirs = {path: inside.get(path).text for path in (*PAGES, "/week-474")}
    assert "Canary" in theirs["/week-474"]
    assert read(reader) == cold
    forget()
    read(reader)
    assert {path: inside.get(path).text for path in (*PAGES, "/week-474")} == theirs
