"""Searching, as readers do it, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import Markup

from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.digest import publishing
from blogapp.posts.deleted import purge_deleted, restore_post
from blogapp.posts.models import Post
from blogapp.posts.rendering import render_again
from blogapp.posts.searching import find_differences, rebuild
from blogapp.posts.writing import create_post, restore_revision, save_post
from tests.pages import soup
from tests.posts import SOME_DAY, article, week

HOSTILE = [
    "", " ", "the", "c++", '"', '""""', '"unclosed', "-", "-boiler", "*", "boil*", "NEAR(a b)", "a AND", "title:x",
    "' OR 1=1 --", "\0", "a\0b", "\\", "%_", "{}[]()", "😀", "é" * 500, "x" * 20_000, "a b " * 5_000, "<script>",
    "日本", "\u202eabc", "--", "1" * 400, "week 99999999999", "w:473 a:1", "i:boiler",
]  # fmt: skip


def found(reader: FlaskClient, **asked: object) -> list[str]:
    """The addresses of what is found, in order."""
    response = reader.get("/search", query_string=asked)
    assert response.status_code == 200, asked
    return [str(a["href"]).lstrip("/") for a in soup(response).select(".results h3 a")]


@pytest.fixture
def library(alice: Member, bob: Member) -> None:
    """Notes and articles that differ in what one may look for."""
    week(alice, 473, body="We met in the office.", at=datetime(2018, 2, 12, tzinfo=UTC))
    week(bob, 474, body="The boilers in the *cellar* broke.", at=datetime(2018, 2, 19, tzinfo=UTC))
    week(bob, 473, kind="links", slug="week-473-links", title="Links", body="A [boat](/x) <b>&</b> c++.")
    article(alice, "the-boiler", body="Heating, and a café.", at=datetime(2015, 5, 1, tzinfo=UTC))
    article(bob, "rust", title="Rust", body="Boiler, boiler, boiler: rust.", tags=["Open Source", "metal"])
    article(bob, "hidden", body="A boiler in a draft.", state="draft")
    article(bob, "members", body="A boiler for members.", visibility="members")


@pytest.mark.usefixtures("library")
class TestFinding:
    def test_words_are_found_in_titles_first_whatever_their_ending_case_and_accents(self, reader: FlaskClient) -> None:
        assert found(reader, q="BOILER")[0] == "the-boiler"
        assert set(found(reader, q="boilers")) == {"the-boiler", "rust", "week-474"}
        assert found(reader, q="cafe") == found(reader, q="CAFÉ") == ["the-boiler"]
        assert found(reader, q="c++") == ["week-473-links"]
        assert found(reader, q="the") == ["the-boiler"]

    def test_all_words_have_to_be_there_and_phrases_stand_together(self, reader: FlaskClient) -> None:
        assert found(reader, q="boiler cellar") == ["week-474"]
        assert found(reader, q='"the boilers in the cellar"') == ["week-474"]
        assert found(reader, q='"cellar boilers"') == []
        assert set(found(reader, q="boiler -rust")) == {"the-boiler", "week-474"}

    def test_a_weeks_number_leads_to_its_note_first(self, reader: FlaskClient) -> None:
        for typed in ("473", "week 473", "week-473", "Week 473", "#473"):
            assert found(reader, q=typed)[0] == "week-473", typed

    def test_a_name_and_a_year_may_stand_among_the_words(self, reader: FlaskClient) -> None:
        assert found(reader, q="boiler alice 2015") == ["the-boiler"]
        assert found(reader, q="boiler bob 2015") == []

    def test_filters_narrow_with_words_and_without(self, reader: FlaskClient) -> None:
        assert set(found(reader, q="boiler", author="bob-barker")) == {"rust", "week-474"}
        assert found(reader, q="boiler", year="2015") == ["the-boiler"]
        assert found(reader, tag="open-source") == found(reader, tag="Open Source") == ["rust"]
        assert set(found(reader, week="473")) == {"week-473", "week-473-links"}
        assert found(reader, week="470-480", author="alice-archer") == ["week-473"]
        assert found(reader, author="alice-archer") == ["week-473", "the-boiler"]

    def test_a_filter_that_cannot_be_read_is_left_out_and_says_so(self, reader: FlaskClient) -> None:
        page = reader.get("/search?q=boiler&week=soon&year=x&author=nobody&page=-3")
        assert len(soup(page).select(".results h3")) == 3
        assert "Weeks are typed like" in page.text

    def test_a_result_shows_where_the_words_stand_who_wrote_it_and_when(self, reader: FlaskClient) -> None:
        page = reader.get("/search?q=cellar+boiler").text
        assert "The <mark>boilers</mark> in the <mark>cellar</mark> broke." in page
        assert "Bob Barker, " in page
        assert '<time datetime="2018-02-19">' in page
        assert '<h2 id="found">1 post</h2>' in page

    def test_any_input_gets_an_answer_that_says_it_back_harmlessly(self, reader: FlaskClient) -> None:
        for typed in HOSTILE:
            everywhere = dict.fromkeys(("q", "author", "year", "tag", "week", "page"), typed)
            for asked in ({"q": typed}, everywhere):
                page = reader.get("/search", query_string=asked)
                assert page.status_code == 200, typed
                assert "<script" not in page.text

    def test_nothing_found_offers_the_next_step(self, reader: FlaskClient) -> None:
        page = soup(reader.get("/search?q=boiler+zebra&year=2015"))
        links = {a["href"] for a in page.select(".results a")}
        assert {"/search?q=boiler+zebra", "/search?q=boiler&year=2015", "/search?q=zebra&year=2015"} <= links

    def test_the_empty_form_says_what_can_be_found_and_results_are_the_same_page_to_a_search_engine(
        self, reader: FlaskClient
    ) -> None:
        page = reader.get("/search")
        assert "Every published post can be found" in page.text
        assert "noindex" not in page.text
        assert page.headers.get("Set-Cookie") is None
        result = soup(reader.get("/search?q=boiler&author=&year="))
        assert result.select("link[rel=canonical]")[0]["href"] == "http://blog.test/search"

    def test_an_index_that_was_lost_is_built_again(self, app: Flask, reader: FlaskClient) -> None:
        before = found(reader, q="boiler")
        list(rebuild())
        list(rebuild())
        assert found(reader, q="boiler") == before
        assert find_differences() == ([], [])


def test_common_words_give_titles_and_then_the_newest_and_pages_go_on(reader: FlaskClient, bob: Member) -> None:
    for number in range(230):
        article(bob, f"a-{number}", body="Bread.", at=SOME_DAY + timedelta(days=number))
    article(bob, "old-bread", title="Bread", body="x", at=SOME_DAY - timedelta(days=900))
    page = reader.get("/search?q=bread").text
    assert "More than 200 posts" in page
    first = found(reader, q="bread")
    assert first[:3] == ["old-bread", "a-229", "a-228"]
    seen = [slug for number in range(1, 11) for slug in found(reader, q="bread", page=number)]
    assert len(seen) == len(set(seen)) == 200
    assert found(reader, q="bread", page=999) == found(reader, q="bread", page=10)


def test_the_index_follows_every_act_at_once(reader: FlaskClient, alice: Member, bob: Member) -> None:
    def is_found(word: str) -> bool:
        assert find_differences() == ([], [])
        return bool(found(reader, q=word))

    def now(post: Post) -> Post:
        return db.session.get_one(Post, post.id, populate_existing=True)

    post = create_post("article", "Lanterns", "Wicks.", alice.id)
    assert not is_found("wick")
    post = publishing.publish(post.id, post.version, alice.id)
    assert is_found("wick")
    post = save_post(post.id, now(post).version, alice.id, title="Lamps", body="Oil.", author_id=bob.id)
    assert (is_found("wick"), is_found("lantern"), is_found("oil"), is_found("lamp")) == (False, False, True, True)
    assert found(reader, author="bob-barker")
    restore_revision(post.id, now(post).version, 1, alice.id)
    assert (is_found("wick"), is_found("oil")) == (True, False)
    publishing.withdraw(post.id, now(post).version, alice.id)
    assert not is_found("wick")
    publishing.publish(post.id, now(post).version, alice.id)
    assert is_found("wick")
    publishing.delete(post.id, now(post).version, alice.id)
    assert not is_found("wick")
    restore_post(post.id, alice.id)
    assert not is_found("wick")
    publishing.publish(post.id, now(post).version, alice.id)
    render_again(post.id)
    assert is_found("wick")
    publishing.delete(post.id, now(post).version, alice.id)
    purge_deleted()
    assert not is_found("wick")


def test_what_came_out_of_another_pipeline_is_found_as_it_is_shown(reader: FlaskClient, alice: Member) -> None:
    post = article(alice, "old", body="Kettles.", html="<p>Teapots.</p>", pipeline=0)
    assert found(reader, q="teapot") == ["old"]
    render_again(post.id)
    assert (found(reader, q="teapot"), found(reader, q="kettle")) == ([], ["old"])


def test_hostile_posts_are_quoted_as_text(reader: FlaskClient, alice: Member) -> None:
    article(alice, "bad", title='<b>Lantern</b> & "x"', body="`<script>alert(1)</script>` lantern </mark><img src=x>")
    page = reader.get("/search?q=lantern").text
    assert Markup.escape("<script>alert(1)</script>") in page
    assert "<script" not in page
    assert "&lt;b&gt;<mark>Lantern</mark>&lt;/b&gt; &amp; &#34;x&#34;" in page


def test_browsers_can_add_the_search(reader: FlaskClient) -> None:
    page = soup(reader.get("/"))
    described = reader.get(str(page.select("link[rel=search]")[0]["href"]))
    assert described.mimetype == "application/opensearchdescription+xml"
    assert "http://blog.test/search?q={searchTerms}" in described.text
