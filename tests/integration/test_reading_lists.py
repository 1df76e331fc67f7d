"""The front page and the archive: order, paging, the calendar, and a fixed number of queries a page."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from blogapp.auth.models import Member
from blogapp.core.db import db, transaction
from tests import people
from tests.posts import SOME_DAY, article, week


def soup(reader: FlaskClient, address: str) -> BeautifulSoup:
    response = reader.get(address)
    assert response.status_code == 200
    return BeautifulSoup(response.data, "lxml")


def hrefs(page: BeautifulSoup, selector: str) -> list[Any]:
    return [a["href"] for a in page.select(selector)]


def test_an_empty_site_says_so(reader: FlaskClient) -> None:
    assert "Nothing is published yet" in soup(reader, "/").get_text()
    assert "Nothing is published yet" in soup(reader, "/archive").get_text()
    assert reader.get("/archive/2018").status_code == 404


def test_the_front_page_begins_with_the_newest_note_as_a_whole(reader: FlaskClient, bob: Member) -> None:
    week(bob, 472, at=SOME_DAY - timedelta(days=7))
    week(bob, 473, at=SOME_DAY, body="## Work\n\nWe worked.")
    article(bob, "essay", at=SOME_DAY + timedelta(days=1))
    article(bob, "about", kind="page", at=SOME_DAY + timedelta(days=2))
    page = soup(reader, "/")
    lead = page.select_one("article")
    assert lead is not None
    assert "We worked." in lead.get_text()
    assert [h.name for h in lead.select("h1, h2, h3, h4")] == ["h2", "h3"]
    assert hrefs(page, ".stream a") == ["/essay", "/week-472"]
    assert [h.get_text() for h in page.select(".month h2")] == ["February 2018"]
    assert "BB" in page.select(".stream .by")[0].get_text()


def test_a_note_does_not_lead_for_ever(reader: FlaskClient, bob: Member) -> None:
    week(bob, 473, at=SOME_DAY)
    article(bob, "essay", at=SOME_DAY + timedelta(days=15))
    assert "Essay" in soup(reader, "/").select("article h2")[0].get_text()


def test_of_two_notes_published_minutes_apart_the_later_published_leads(reader: FlaskClient, bob: Member) -> None:
    week(bob, 474, at=SOME_DAY)
    week(bob, 473, at=SOME_DAY + timedelta(minutes=3))
    page = soup(reader, "/")
    assert hrefs(page, "article h2 a") == ["/week-473"]
    assert hrefs(page, ".stream a") == ["/week-474"]


def test_a_very_long_note_is_begun_and_leads_on(reader: FlaskClient, bob: Member) -> None:
    week(bob, 473, body="One of many paragraphs. " * 20 + "\n\n" + ("And so on. " * 30 + "\n\n") * 40)
    assert hrefs(soup(reader, "/"), ".on a") == ["/week-473"]


def test_posts_of_one_moment_are_all_shown_once_over_the_pages(reader: FlaskClient, bob: Member) -> None:
    for number in range(60):
        article(bob, f"post-{number}", at=SOME_DAY)
    seen, address, pages = [], "/", 0
    while address:
        page = soup(reader, address)
        seen += hrefs(page, "article h2 a") + hrefs(page, ".stream a")
        address = next(iter(hrefs(page, ".pager [rel=next]")), "")
        pages += 1
    assert seen == [f"/post-{number}" for number in range(59, -1, -1)]
    assert pages == 3


def test_a_place_does_not_tell_that_a_post_was_public_once(reader: FlaskClient, bob: Member) -> None:
    draft, withdrawn = article(bob, "draft", state="draft"), article(bob, "withdrawn")
    week(bob, 473)
    assert reader.get(f"/?before={withdrawn.id}").status_code == 200
    with transaction() as session:
        session.merge(withdrawn).withdraw()
    for post in (draft, withdrawn):
        for address in ("/", "/bob-barker"):
            assert reader.get(f"{address}?before={post.id}").status_code == 404, (address, post.slug)


def test_a_place_that_never_was_is_not_found(reader: FlaskClient, bob: Member) -> None:
    week(bob, 473)
    for place in ("x", "-1", "99999", "1e3", "", "99999999999999999999", "1%20OR%201"):
        assert reader.get(f"/?before={place}").status_code == 404, place
        assert reader.get(f"/bob-barker?before={place}").status_code == 404, place


@time_machine.travel(datetime(2018, 2, 28, 12, tzinfo=UTC), tick=False)
def test_the_archive_shows_every_week_written_joined_or_left_out(reader: FlaskClient, bob: Member) -> None:
    week(bob, 415)
    week(bob, 470, 471)
    week(bob, 473)
    week(bob, 474, state="draft")
    page = soup(reader, "/archive")
    assert hrefs(page, ".weeks .year") == ["/archive/2018", "/archive/2017", "/archive/2016"]
    cells = {a.get_text(): str(a["href"]) for a in page.select(".weeks ol a")}
    assert len(cells) == 476 - 415 + 1
    assert cells["Week 473, 5 to 9 February 2018"] == "/week-473"
    assert cells["Week 471, 22 to 26 January 2018: in weeks 470 and 471"] == "/week-470-and-471"
    assert cells["Week 474, 12 to 16 February 2018: no note"] == "/archive/2018#week-474"
    assert [a["title"] for a in page.select(".weeks .joins a")] == [
        "Week 470, 15 to 19 January 2018: in weeks 470 and 471"
    ]
    year = soup(reader, "/archive/2018")
    for target in [href for href in cells.values() if href.startswith("/archive/2018#")]:
        assert year.select(f"#{target.partition('#')[2]}"), target


def test_every_year_of_the_calendar_has_a_page_even_one_without_posts(reader: FlaskClient, bob: Member) -> None:
    week(bob, 473)
    with time_machine.travel(datetime(2021, 6, 1, tzinfo=UTC), tick=False):
        years = hrefs(soup(reader, "/archive"), "#years a")
        assert years == [f"/archive/{year}" for year in (2021, 2020, 2019, 2018)]
        for address in years:
            assert "No note for weeks" in soup(reader, address).get_text()


@time_machine.travel(datetime(2018, 12, 30, 12, tzinfo=UTC), tick=False)
def test_a_year_lists_what_is_about_it_month_by_month(reader: FlaskClient, bob: Member) -> None:
    week(bob, 473, at=datetime(2019, 3, 1, tzinfo=UTC))
    week(bob, 472)
    week(bob, 466, at=SOME_DAY)
    article(bob, "essay", at=datetime(2018, 12, 31, 23, 30, tzinfo=UTC))
    article(bob, "next-year", at=datetime(2019, 1, 1, 0, 30, tzinfo=UTC))
    article(bob, "draft", state="draft")
    page = soup(reader, "/archive/2018")
    assert [h.get_text() for h in page.select(".month h2")][:2] == ["January", "February"]
    assert hrefs(page, ".stream a") == ["/week-472", "/week-473", "/essay"]
    assert hrefs(page, ".pager a") == ["/archive/2017", "/archive/2019"]
    assert hrefs(soup(reader, "/archive/2017"), ".stream a") == ["/week-466"]
    assert reader.get("/archive/2016").status_code == 404
    assert reader.get("/archive/0000").status_code == 404
    assert reader.get("/archive/18").status_code == 404
    for address in ("/archive/2200", "/archive/2200/09", "/archive/9998", "/archive/9998/12"):
        assert reader.get(address).status_code == 404, "behind the last week that has a number"


@contextmanager
def counted() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


ADDRESSES = ["/", "/week-470", "/bob-barker", "/archive", "/archive/2018", "/archive/2018/02", "/tags", "/tags/boats",
             "/bob-barker/feed.atom", "/tags/boats/feed.json", "/feed.atom", "/feed.rss", "/feed.json",
             "/sitemap.xml", "/nothing"]  # fmt: skip


LINKED = "See [that](https://example.org/that) and [the note](/week-470)."


def test_a_page_costs_as_many_queries_with_sixty_posts_as_with_five(app: Flask, reader: FlaskClient) -> None:
    authors = [people.bob(), people.erin()]

    def queries() -> dict[str, int]:
        counts = {}
        for address in ADDRESSES:
            with counted() as statements:
                reader.get(address)
            counts[address] = len(statements)
        return counts

    for number in range(5):
        week(
            authors[number % 2],
            468 + number,
            at=SOME_DAY + timedelta(days=number),
            tags=["Boats", "Bread"],
            body=LINKED,
        )
    few = queries()
    for number in range(55):
        at = SOME_DAY + timedelta(days=10 + number)
        week(authors[number % 2], 473 + number, at=at, tags=["Boats", "Bread", f"Tag {number}"], body=LINKED)
    assert queries() == few
    assert max(few.values()) <= 14


def test_lists_fetch_no_text_and_count_nothing(reader: FlaskClient, bob: Member) -> None:
    week(bob, 473)
    for address in ("/bob-barker", "/archive", "/archive/2018", "/archive/2018/02"):
        with counted() as statements:
            reader.get(address)
        for statement in (s for s in statements if "posts.slug = " not in s):
            assert "posts.html" not in statement
            assert "posts.body" not in statement
            assert "COUNT(" not in statement.upper()
