"""What machines read about a page: JSON-LD, Open Graph, microformats, canonical addresses."""

import json
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient

from blogapp.auth.models import Member
from blogapp.core.db import transaction
from tests.pages import soup
from tests.posts import SOME_DAY, article, week

HARD = '</script><script>alert("x")</script> & <b>\u2028bold</b>'


def data_of(page: Any) -> dict[str, Any]:
    scripts = page.select("script")
    assert [script["type"] for script in scripts] == ["application/ld+json"]
    return dict(json.loads(scripts[0].string))


def test_a_post_says_who_wrote_it_and_when_whatever_its_title_holds(reader: FlaskClient, bob: Member) -> None:
    article(bob, "hard", title=HARD, updated_at=SOME_DAY + timedelta(days=1))
    page = soup(reader.get("/hard"))
    found = data_of(page)
    assert found["@type"] == "BlogPosting"
    assert found["headline"] == HARD
    assert found["author"] == {"@type": "Person", "name": "Bob Barker", "url": "http://blog.test/bob-barker"}
    assert (found["datePublished"], found["dateModified"]) == ("2018-02-12T09:30:00Z", "2018-02-13T09:30:00Z")
    tags = {tag["property"]: tag["content"] for tag in page.select("meta[property]")}
    assert tags["og:title"] == HARD
    assert tags["og:url"] == found["url"] == "http://blog.test/hard"
    assert tags["article:author"] == "http://blog.test/bob-barker"
    assert tags["article:modified_time"] == "2018-02-13T09:30:00Z"


def test_home_and_members_say_what_they_are(reader: FlaskClient, bob: Member) -> None:
    week(bob, 473)
    assert data_of(soup(reader.get("/")))["@type"] == "WebSite"
    found = data_of(soup(reader.get("/bob-barker")))
    assert (found["@type"], found["mainEntity"]["name"]) == ("ProfilePage", "Bob Barker")


def test_microformats_name_the_parts_of_a_post_and_of_the_stream(reader: FlaskClient, bob: Member) -> None:
    with transaction() as session:
        session.merge(bob).bio_html = '<p><a href="https://example.org/bob" rel="me">elsewhere</a></p>'
    week(bob, 473)
    article(bob, "essay", at=SOME_DAY - timedelta(days=1))
    for address in ("/week-473", "/"):
        page = soup(reader.get(address))
        parts = ".p-name, .e-content, .dt-published, .p-author.h-card, .u-url"
        assert len(page.select_one("article.h-entry").select(parts)) == 5, address  # type: ignore[union-attr]
    assert len(soup(reader.get("/")).select(".h-feed .h-entry .p-name.u-url")) == 1
    card = soup(reader.get("/bob-barker")).select(".h-card > .p-name, .h-card > .u-url, .h-card [rel=me]")
    assert len(card) == 3


def test_every_page_that_may_be_found_names_its_address(reader: FlaskClient, bob: Member) -> None:
    week(bob, 473)
    for address in ("/", "/week-473", "/bob-barker", "/archive", "/archive/2018", "/subscribe"):
        links = soup(reader.get(address)).select("link[rel=canonical]")
        assert [link["href"] for link in links] == [f"http://blog.test{address}"]
