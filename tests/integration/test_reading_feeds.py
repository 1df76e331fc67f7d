"""Feeds, sitemap and robots.txt, read by programs that others wrote and held against the specifications."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import feedparser
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from blogapp.auth.models import Member
from blogapp.core.addresses import claim_slug
from blogapp.core.db import transaction
from blogapp.digest.publishing import withdraw
from blogapp.posts.writing import create_post
from blogapp.reading import sitemap
from tests.posts import SOME_DAY, article, week

ATOM = "{http://www.w3.org/2005/Atom}"
FEEDS = ["/feed.atom", "/feed.rss"]
AWKWARD = """A [link](/chris-roos), a [place](#there), an ![image](/files/1/a.png), a note[^1].

Fish & chips, 1 < 2, ]]> and \x0b\x01 \U0001f600.

[^1]: The note.
"""


def parsed(reader: FlaskClient, address: str) -> Any:
    response = reader.get(address)
    assert response.status_code == 200
    feed = feedparser.parse(response.data, response_headers={"content-type": response.headers["Content-Type"]})
    assert not feed.bozo, feed.get("bozo_exception")
    return feed


@pytest.mark.parametrize("address", FEEDS)
def test_a_feed_tells_the_whole_post_and_where_it_is(reader: FlaskClient, bob: Member, address: str) -> None:
    week(bob, 473, body=AWKWARD, title="Weeks & <days>", updated_at=SOME_DAY + timedelta(days=1))
    feed = parsed(reader, address)
    assert feed.feed.title == "The Notebook"
    assert feed.feed.link == "http://blog.test/"
    (entry,) = feed.entries
    assert "Weeks" in entry.title
    assert entry.link == "http://blog.test/week-473"
    assert entry.author == "Bob Barker"
    assert entry.id == f"tag:blog.test,2018-02-12:post/{1}"
    assert entry.published_parsed[:5] == (2018, 2, 12, 9, 30)
    html = entry.content[0].value
    assert 'href="http://blog.test/chris-roos"' in html
    assert 'src="http://blog.test/files/1/a.png"' in html
    assert 'href="http://blog.test/week-473#there"' in html
    assert "1 &lt; 2, ]]&gt;" in html
    assert "\U0001f600" in html
    assert not re.search(r'(href|src)="(?!https?:)', html)


def test_atom_has_what_the_specification_demands(reader: FlaskClient, bob: Member) -> None:
    week(bob, 473, body=AWKWARD, updated_at=SOME_DAY + timedelta(days=1))
    response = reader.get("/feed.atom")
    assert response.mimetype == "application/atom+xml"
    feed = ElementTree.fromstring(response.data)
    assert feed.tag == f"{ATOM}feed"
    assert feed.findtext(f"{ATOM}id") == "http://blog.test/"
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert links == {"self": "http://blog.test/feed.atom", "alternate": "http://blog.test/"}
    # It was edited a day later, which no reader need be told.
    assert feed.findtext(f"{ATOM}updated") == "2018-02-12T09:30:00Z"
    entry = feed.find(f"{ATOM}entry")
    assert entry is not None
    assert [len(entry.findall(f"{ATOM}{name}")) for name in ("id", "title", "updated", "author", "content")] == [1] * 5
    assert entry.findtext(f"{ATOM}updated") == "2018-02-12T09:30:00Z"
    content = entry.find(f"{ATOM}content")
    assert content is not None
    assert content.get("type") == "html"


def test_rss_has_what_the_specification_demands(reader: FlaskClient, bob: Member) -> None:
    week(bob, 473, body="Fish & chips, 1 < 2.")
    response = reader.get("/feed.rss")
    assert response.mimetype == "application/rss+xml"
    channel = ElementTree.fromstring(response.data).find("channel")
    assert channel is not None
    assert [bool(channel.findtext(name)) for name in ("title", "link", "description")] == [True] * 3
    item = channel.find("item")
    assert item is not None
    guid = item.find("guid")
    assert guid is not None
    assert guid.get("isPermaLink") == "false"
    assert item.findtext("pubDate") == "Mon, 12 Feb 2018 09:30:00 GMT"
    assert item.findtext("description") == "Fish &amp; chips, 1 &lt; 2."


def test_the_json_feed_has_what_the_specification_demands(reader: FlaskClient, bob: Member) -> None:
    week(bob, 473, body=AWKWARD)
    response = reader.get("/feed.json")
    assert response.mimetype == "application/feed+json"
    feed = json.loads(response.data)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"] == "The Notebook"
    assert feed["feed_url"] == "http://blog.test/feed.json"
    (item,) = feed["items"]
    assert item["id"] == "tag:blog.test,2018-02-12:post/1"
    assert item["url"] == "http://blog.test/week-473"
    assert item["date_published"] == "2018-02-12T09:30:00Z"
    assert item["authors"] == [{"name": "Bob Barker", "url": "http://blog.test/bob-barker"}]
    assert 'href="http://blog.test/chris-roos"' in item["content_html"]


def ids(reader: FlaskClient) -> list[list[str]]:
    items = json.loads(reader.get("/feed.json").data)["items"]
    return [*([entry.id for entry in parsed(reader, address).entries] for address in FEEDS), [i["id"] for i in items]]


def test_an_entry_keeps_its_id_when_it_is_renamed_and_edited(reader: FlaskClient, bob: Member) -> None:
    post = article(bob, "one")
    before = ids(reader)
    with transaction() as session:
        found = session.merge(post)
        found.slug, found.title, found.updated_at = "two", "Two", SOME_DAY + timedelta(days=9)
        claim_slug(session, "two", f"post:{post.id}", moved_from="one")
    assert ids(reader) == before
    assert len({tuple(each) for each in before}) == 1, "the three formats agree"


def test_feeds_hold_the_newest_twenty_and_no_page_or_draft(reader: FlaskClient, bob: Member) -> None:
    for number in range(25):
        article(bob, f"post-{number}", at=SOME_DAY + timedelta(days=number))
    article(bob, "about", kind="page", at=SOME_DAY + timedelta(days=90))
    article(bob, "draft", state="draft")
    for address in FEEDS:
        links = [entry.link for entry in parsed(reader, address).entries]
        assert links == [f"http://blog.test/post-{number}" for number in range(24, 4, -1)]
    assert len(json.loads(reader.get("/feed.json").data)["items"]) == 20


def test_an_empty_feed_is_a_feed(reader: FlaskClient, app: Flask) -> None:
    for address in FEEDS:
        assert parsed(reader, address).entries == []


@pytest.mark.parametrize("address", [*FEEDS, "/feed.json"])
def test_a_feed_reader_that_asks_by_date_hears_of_what_went_away(
    reader: FlaskClient, alice: Member, address: str
) -> None:
    with time_machine.travel(datetime(2018, 3, 1, tzinfo=UTC), tick=False) as clock:
        kept, going = article(alice, "kept"), article(alice, "going")
        clock.shift(60)
        create_post("article", "A draft", "Not yet.", alice.id)
        first = reader.get(address)
        since = {"If-Modified-Since": first.headers["Last-Modified"]}
        assert first.headers["Last-Modified"] == "Thu, 01 Mar 2018 00:00:00 GMT", "nobody reads the draft"
        assert reader.get(address, headers=since).status_code == 304
        withdraw(going.id, going.version, alice.id)
        at_once = reader.get(address, headers=since)
        assert at_once.status_code == 200
        assert "Last-Modified" not in at_once.headers, "another change could fall into the same second"
        clock.shift(60)
        later = reader.get(address, headers=since)
        assert later.status_code == 200
        assert b"going" not in later.data
        assert later.headers["Last-Modified"] == "Thu, 01 Mar 2018 00:01:00 GMT"
        assert kept.slug.encode() in later.data


def test_feeds_are_found_by_their_usual_names(reader: FlaskClient, app: Flask) -> None:
    names = {
        "/feed": "/feed.atom",
        "/rss": "/feed.rss",
        "/atom.xml": "/feed.atom",
        "/rss.xml": "/feed.rss",
        "/feed/": "/feed",
    }
    for address, target in names.items():
        response = reader.get(address)
        assert (response.status_code, response.location) == (301, target)


def locations(reader: FlaskClient, address: str) -> list[str]:
    tree = ElementTree.fromstring(reader.get(address).data)
    return [str(loc.text) for loc in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]


@time_machine.travel(datetime(2018, 3, 1, tzinfo=UTC), tick=False)
def test_the_sitemap_names_everything_public_and_nothing_else(reader: FlaskClient, bob: Member, erin: Member) -> None:
    week(bob, 473, tags=["Boats"])
    article(bob, "about", kind="page")
    article(erin, "draft", state="draft", tags=["Canary"])
    found = {address.removeprefix("http://blog.test") for address in locations(reader, "/sitemap.xml")}
    assert found == {"/", "/archive", "/archive/2018", "/archive/2018/02", "/week-473", "/about", "/bob-barker",
                     "/tags", "/tags/boats"}  # fmt: skip
    for address in found:
        assert reader.get(address).status_code == 200


def test_a_sitemap_too_long_for_one_file_becomes_several(
    reader: FlaskClient, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemap, "SITEMAP_IDS", 2)
    for number in range(5):
        article(bob, f"post-{number}")
    files = locations(reader, "/sitemap.xml")
    assert files == [f"http://blog.test/sitemap-{number}.xml" for number in (1, 2, 3)]
    found = [loc for file in files for loc in locations(reader, file.removeprefix("http://blog.test"))]
    assert sorted(loc for loc in found if "post-" in loc) == [f"http://blog.test/post-{n}" for n in range(5)]
    assert reader.get("/sitemap-4.xml").status_code == 404
    assert reader.get("/sitemap-0.xml").status_code == 404


def test_robots_are_told_where_the_sitemap_is(reader: FlaskClient, app: Flask) -> None:
    response = reader.get("/robots.txt")
    assert response.mimetype == "text/plain"
    assert "Sitemap: http://blog.test/sitemap.xml" in response.text.splitlines()
