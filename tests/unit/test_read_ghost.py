"""Reading Ghost's export."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from blogapp.core.markup import render
from blogapp.porting.documents import Document, Item, Person, Refusal
from blogapp.porting.services.ghost import read
from blogapp.porting.services.ghost_cards import open_gates, plain_cards
from blogapp.posts.weeks import Weeks

POST: dict[str, Any] = {
    "id": "5f", "uuid": "a-b-c", "title": "Week 473", "slug": "week-473", "type": "post", "status": "published",
    "visibility": "public", "html": "<p>We baked.</p>", "created_at": "2021-03-04T09:00:00.000Z",
    "updated_at": "2021-03-05 09:00:00", "published_at": "2021-03-04T10:00:00.000Z",
}  # fmt: skip


def export(tmp_path: Path, *posts: dict[str, Any], wrapped: bool = True, **tables: Any) -> list[Item]:
    data = {"posts": [{**POST, **post} for post in posts], **tables}
    file = tmp_path / "ghost.json"
    file.write_text(json.dumps({"db": [{"meta": {"version": "5.0"}, "data": data}]} if wrapped else {"data": data}))
    return list(read(file))


def only(tmp_path: Path, **post: Any) -> Document:
    (found,) = export(tmp_path, post)
    assert isinstance(found, Document)
    return found


@pytest.mark.parametrize("wrapped", [True, False])
def test_posts_come_with_their_authors_tags_and_times(tmp_path: Path, wrapped: bool) -> None:
    person, _, found = export(
        tmp_path,
        {},
        wrapped=wrapped,
        users=[
            {"id": "1", "name": "Bob Barker", "slug": "bob", "email": "bob@example.org", "bio": "Bakes.",
             "password": "x"},
            {"id": "2", "name": "Carol", "slug": "carol"},
        ],
        posts_authors=[
            {"post_id": "5f", "author_id": "2", "sort_order": 1},
            {"post_id": "5f", "author_id": "1", "sort_order": 0},
        ],
        tags=[{"id": "7", "name": "Bread"}, {"id": "8", "name": "#internal"}],
        posts_tags=[{"post_id": "5f", "tag_id": "7"}, {"post_id": "5f", "tag_id": "8"}],
    )  # fmt: skip
    assert isinstance(person, Person)
    assert (person.slug, person.name, person.email, person.bio) == ("bob", "Bob Barker", "bob@example.org", "Bakes.")
    assert b"password" not in person.content
    assert isinstance(found, Document)
    assert (found.name, found.kind, found.weeks, found.slug) == ("a-b-c", "week", Weeks(473, 473), "week-473")
    assert (found.title, found.body, found.format) == ("Week 473", "<p>We baked.</p>", "html")
    assert (found.author, found.signers, found.tags, found.draft) == ("bob", frozenset({"carol"}), ("Bread",), False)
    assert found.created_at == datetime(2021, 3, 4, 9, tzinfo=UTC)
    assert found.published_at == datetime(2021, 3, 4, 10, tzinfo=UTC)
    assert found.updated_at == datetime(2021, 3, 5, 9, tzinfo=UTC)


def test_exports_of_the_first_ghosts_have_numbers_for_times_and_markdown_for_text(tmp_path: Path) -> None:
    _, found = export(
        tmp_path,
        {"id": 1, "uuid": None, "html": None, "markdown": "*Hi*", "page": 1, "type": None, "author_id": 9,
         "published_at": 1426078349156, "slug": "about", "title": "About"},
        users=[{"id": 9, "name": "Zoë", "slug": "zoe"}],
    )  # fmt: skip
    assert isinstance(found, Document)
    assert (found.kind, found.body, found.format, found.author) == ("page", "*Hi*", "markdown", "zoe")
    assert found.published_at == datetime(2015, 3, 11, 12, 52, 29, 156000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("post", "reason"),
    [
        ({"status": "draft"}, ""),
        ({"status": "scheduled", "published_at": "2999-01-01T10:00:00.000Z"}, "published later"),
        ({"status": "sent"}, "e-mail only"),
        ({"visibility": "members"}, "“members” only"),
        ({"visibility": "paid"}, "“paid” only"),
        ({"visibility": "tiers"}, "“tiers” only"),
        ({"html": "<p>For all.</p><!--members-only--><p>For some.</p>"}, "members only"),
        (
            {"html": '<!--kg-gated-block:begin nonMember:false memberSegment:"status:free" --><p>x</p>'
             "<!--kg-gated-block:end-->"},
            "members only",
        ),
    ],
)  # fmt: skip
def test_what_not_everybody_could_read_comes_in_as_a_draft(tmp_path: Path, post: dict[str, Any], reason: str) -> None:
    found = only(tmp_path, **post)
    assert found.draft
    assert [text for _, text in found.warnings if reason not in text] == []
    assert bool(found.warnings) == bool(reason)
    if post.get("published_at"):
        assert found.published_at is None
        assert ("published_at", "2999-01-01T10:00:00.000Z") in found.meta


def test_a_post_sent_by_email_only_is_a_draft(tmp_path: Path) -> None:
    (found,) = export(tmp_path, {}, posts_meta=[{"post_id": "5f", "email_only": 1}])
    assert isinstance(found, Document)
    assert found.draft


def test_the_feature_image_stands_first_and_addresses_are_the_sites_own(tmp_path: Path) -> None:
    found = only(
        tmp_path,
        feature_image="__GHOST_URL__/content/images/2021/a.jpg",
        html='<p><a href="__GHOST_URL__/about/">us</a></p>',
    )
    assert (
        found.body == '<figure><img src="/content/images/2021/a.jpg" alt=""></figure>\n<p><a href="/about/">us</a></p>'
    )
    assert "/content/images/" in found.image_roots


def test_cards_become_plain_html() -> None:
    said = plain_cards(
        '<figure class="kg-card kg-image-card"><img src="/a.png" srcset="/b.png 2x" alt="A &amp; B"><figcaption>Our '
        "<em>oven</em></figcaption></figure>"
        '<figure class="kg-card kg-bookmark-card"><a class="kg-bookmark-container" href="https://e.test/?a=1&amp;b=2">'
        '<div class="kg-bookmark-title">Flour &amp; water</div><div class="kg-bookmark-description">Words</div>'
        "</a></figure>"
        '<div class="kg-card kg-toggle-card"><h4 class="kg-toggle-heading-text">More</h4>'
        '<div class="kg-toggle-content"><p>Inside</p></div></div>'
        '<div class="kg-card kg-button-card"><a href="https://e.test/" class="kg-btn">Go</a></div>'
        '<figure class="kg-card kg-embed-card"><iframe src="https://www.youtube.com/embed/abcdefgh"></iframe></figure>'
        '<div class="kg-card kg-signup-card"><form>x</form></div>'
        '<div class="kg-card kg-file-card"><a href="/f.pdf"><div class="kg-file-card-title">Recipe</div></a></div>'
    )
    assert said == (
        '<figure><img src="/a.png" alt="A &amp; B"><figcaption>Our <em>oven</em></figcaption></figure>'
        '<p><a href="https://e.test/?a=1&amp;b=2">Flour &amp; water</a></p><blockquote><p>Words</p></blockquote>'
        "<details><summary>More</summary><p>Inside</p></details>"
        '<p><a href="https://e.test/">Go</a></p>'
        '<figure><iframe src="https://www.youtube-nocookie.com/embed/abcdefgh" allowfullscreen=""></iframe></figure>'
        '<p><a href="/f.pdf">Recipe</a></p>'
    )


def test_what_strangers_see_anyway_is_no_secret() -> None:
    assert open_gates('<!--kg-gated-block:begin nonMember:true memberSegment:"" -->x<!--kg-gated-block:end-->') == (
        "x",
        False,
    )


def test_a_script_in_the_title_is_plain_text_and_one_in_the_text_does_nothing(tmp_path: Path) -> None:
    found = only(tmp_path, title="<script>alert(1)</script>", html="<p>x</p><script>alert(1)</script>", slug="x")
    assert found.title == "<script>alert(1)</script>"
    assert "alert" not in render(found.body, format="html").html


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"db": [{"data": {"posts": [{"title": "Wee', "cut off"),
        (b"[" * 100_000, "no JSON"),
        (b'{"db": [{"data": {"users": []}}]}', "no posts"),
        (b'{"db": 1}', "no posts"),
        (b"\x89PNG\0\0", "no"),
        (b'{"data": {"posts": [{"title": "caf\xe9"}]}}', "not UTF-8"),
        (b"", "no JSON"),
    ],
)
def test_a_file_that_is_no_export_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "ghost.json").write_bytes(content)
    (refusal,) = read(tmp_path / "ghost.json")
    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason


def test_a_file_that_is_too_large_or_a_link_is_refused_without_being_read(tmp_path: Path) -> None:
    with (tmp_path / "big.json").open("wb") as file:
        file.truncate(500_000_001)
    (tmp_path / "link.json").symlink_to(tmp_path / "big.json")
    big, link = read(tmp_path)
    assert isinstance(big, Refusal)
    assert isinstance(link, Refusal)
    assert big.reason == "it is larger than 500 MB"
    assert "symbolic link" in link.reason


def test_a_post_that_makes_no_sense_costs_no_other(tmp_path: Path) -> None:
    lexical = json.dumps({"root": {"children": [{"type": "text", "text": "Hi"}]}}, separators=(",", ":"))
    found = export(
        tmp_path,
        {"slug": "a", "published_at": "soon"},
        {"slug": "b", "html": "<p>" + "x" * 1_100_000},
        {"slug": "c", "html": None, "lexical": lexical},
        {"slug": "d"},
    )
    assert [type(item) for item in found] == [Refusal, Refusal, Refusal, Document]
    reasons = [item.reason for item in found if isinstance(item, Refusal)]
    assert "`published_at` is not a date" in reasons[0]
    assert "longer than" in reasons[1]
    assert "Ghost's editor" in reasons[2]
