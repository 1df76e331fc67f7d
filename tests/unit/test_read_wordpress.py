"""Reading WordPress's export."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from blogapp.core.markup import render
from blogapp.porting.documents import Document, Item, Person, Refusal
from blogapp.porting.services.autop import add_paragraphs
from blogapp.porting.services.shortcodes import translate, without_block_comments
from blogapp.porting.services.wordpress import read
from blogapp.porting.services.wxr import Entry, cut
from blogapp.posts.weeks import Weeks

HEAD = """<?xml version="1.0" encoding="UTF-8" ?>
<!-- No <item> begins here. -->
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:wp="http://wordpress.org/export/1.2/">
<channel><title>Bakers</title><link>https://bakers.test/blog</link>
<wp:base_blog_url>https://bakers.test/blog</wp:base_blog_url>
<wp:author><wp:author_login><![CDATA[bob]]></wp:author_login><wp:author_email><![CDATA[bob@bakers.test]]>
</wp:author_email><wp:author_display_name><![CDATA[Bob Barker]]></wp:author_display_name></wp:author>
"""
TAIL = "</channel></rss>"


def item(number: int = 1, **given: str) -> str:
    said = {
        "title": "Week 473", "name": "week-473", "content": "We baked.", "status": "publish", "type": "post",
        "gmt": "2018-02-09 10:22:25", "local": "2018-02-09 11:22:25", "password": "", "more": "", "creator": "bob",
        **given,
    }  # fmt: skip
    return (
        f"<item><title>{said['title']}</title><link>https://bakers.test/blog/2018/02/{said['name']}/</link>"
        f"<dc:creator><![CDATA[{said['creator']}]]></dc:creator>"
        f"<content:encoded><![CDATA[{said['content']}]]></content:encoded>"
        f"<excerpt:encoded><![CDATA[]]></excerpt:encoded><wp:post_id>{number}</wp:post_id>"
        f"<wp:post_date>{said['local']}</wp:post_date><wp:post_date_gmt>{said['gmt']}</wp:post_date_gmt>"
        f"<wp:post_name>{said['name']}</wp:post_name><wp:status>{said['status']}</wp:status>"
        f"<wp:post_parent>0</wp:post_parent><wp:post_type>{said['type']}</wp:post_type>"
        f"<wp:post_password>{said['password']}</wp:post_password>"
        f'<category domain="category" nicename="bread"><![CDATA[Bread]]></category>{said["more"]}</item>\n'
    )


def upload(number: int, name: str) -> str:
    address = f"https://bakers.test/blog/wp-content/uploads/2018/02/{name}"
    return item(number, type="attachment", more=f"<wp:attachment_url><![CDATA[{address}]]></wp:attachment_url>")


def export(tmp_path: Path, *items: str, head: str = HEAD, tail: str = TAIL) -> list[Item]:
    (tmp_path / "export.xml").write_text(head + "".join(items) + tail)
    return list(read(tmp_path / "export.xml"))


def only(tmp_path: Path, **given: Any) -> Document:
    (found,) = [found for found in export(tmp_path, item(1, **given)) if not isinstance(found, Person)]
    assert isinstance(found, Document), found
    return found


def test_posts_come_with_their_author_tags_times_and_old_address(tmp_path: Path) -> None:
    person, found = export(tmp_path, item(7, title="Week 473 &amp;#8211; bread"))
    assert isinstance(person, Person)
    assert (person.slug, person.name, person.email) == ("bob-barker", "Bob Barker", "bob@bakers.test")
    assert isinstance(found, Document)
    assert (found.kind, found.weeks, found.title) == ("week", Weeks(473, 473), "Week 473 – bread")
    assert (found.name, found.slug, found.author) == ("bakers.test/blog/?p=7", "week-473", "bob-barker")
    assert (found.body, found.format, found.draft) == ("<p>We baked.</p>", "html", False)
    assert (found.tags, found.old_paths) == (("Bread",), ("2018/02/week-473",))
    assert found.published_at == datetime(2018, 2, 9, 10, 22, 25, tzinfo=UTC)
    assert "https://bakers.test/blog/wp-content/uploads/" in found.image_roots
    assert found.content.startswith(b"<item>")
    assert found.content.endswith(b"</item>")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"status": "draft"}, ""),
        ({"status": "private"}, "private"),
        ({"status": "pending"}, "in review"),
        ({"status": "future", "gmt": "2999-01-01 10:00:00"}, "published later"),
        ({"status": "trash"}, "in the trash"),
        ({"status": "odd"}, "“odd”"),
        ({"password": "flour"}, "password"),
        ({"content": "[members_only]Secret[/members_only]"}, "plugin hid"),
    ],
)
def test_only_what_anybody_could_read_is_public(tmp_path: Path, given: dict[str, str], reason: str) -> None:
    found = only(tmp_path, **given)
    assert found.draft
    assert any(reason in text for _, text in found.warnings) == bool(reason)
    assert all("flour" not in value for _, value in found.meta)


def test_a_row_of_noughts_is_no_time_and_a_page_is_a_page(tmp_path: Path) -> None:
    found = only(tmp_path, gmt="0000-00-00 00:00:00", local="0000-00-00 00:00:00", status="draft", name="", title="A")
    assert (found.published_at, found.slug, found.old_paths) == (None, "a", ())
    assert only(tmp_path, gmt="0000-00-00 00:00:00").published_at == datetime(2018, 2, 9, 11, 22, 25, tzinfo=UTC)
    assert only(tmp_path, type="page", title="About", name="about").kind == "page"


def test_uploads_are_known_by_number_wherever_they_stand_in_the_file(tmp_path: Path) -> None:
    thumbnail = "<wp:postmeta><wp:meta_key>_thumbnail_id</wp:meta_key><wp:meta_value>9</wp:meta_value></wp:postmeta>"
    found = export(
        tmp_path, item(content='[gallery ids="8,9"]', more=thumbnail), upload(8, "oven.jpg"), upload(9, "loaf.jpg")
    )[1]
    assert isinstance(found, Document)
    top = "https://bakers.test/blog/wp-content/uploads/2018/02"
    assert found.body.replace("\n", "") == (
        f'<figure><img src="{top}/oven.jpg" alt=""><img src="{top}/loaf.jpg" alt=""></figure>'
    )


def test_comments_of_readers_do_not_come_along(tmp_path: Path) -> None:
    found = only(tmp_path, more="<wp:comment><wp:comment_author_email>x@y.test</wp:comment_author_email></wp:comment>")
    assert b"x@y.test" not in found.content
    assert found.content == only(tmp_path).content


def test_classic_text_gets_its_paragraphs() -> None:
    text = (
        "First line\nand second.\n\n<blockquote>One\n\ntwo</blockquote>\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"
        "After <em>all</em>.\n<pre>\nkept\n\nas it is\n</pre>\n<h2>Head</h2>\n<div>alone</div>"
    )
    assert add_paragraphs(text) == (
        "<p>First line<br>\nand second.</p>\n<blockquote>\n<p>One</p>\n<p>two</p>\n</blockquote>\n<ul>\n<li>a</li>\n"
        "<li>b</li>\n</ul>\n<p>After <em>all</em>.</p>\n<pre>\nkept\n\nas it is\n</pre>\n<h2>Head</h2>\n"
        "<div>alone</div>"
    )


def test_text_that_has_paragraphs_keeps_them() -> None:
    assert add_paragraphs("<p>One</p>\n\n<p>Two<br />\nthree</p>") == "<p>One</p>\n<p>Two<br>\nthree</p>"


def test_blocks_lose_their_marks_and_those_that_are_filled_in_are_named(tmp_path: Path) -> None:
    content = (
        '<!-- wp:paragraph {"align":"left"} -->\n<p>One\ntwo</p>\n<!-- /wp:paragraph -->\n\n'
        '<!-- wp:latest-posts {"postsToShow":3} /-->\n<!--more-->\n<!-- wp:spacer /-->'
    )
    assert without_block_comments(content)[1] == ((6, "the block “latest-posts” is not known here"),)
    found = only(tmp_path, content=content)
    assert found.body == "<p>One\ntwo</p>"


def test_shortcodes_are_said_plainly_and_the_rest_is_named_with_its_line() -> None:
    text = (
        '[caption id="a" width="3"]<img src="/a.jpg" /> Our oven[/caption]\n[embed]https://e.test/?a=1&amp;b=2[/embed]\n'
        '[video mp4="/f.mp4"][/video]\n[contact-form-7 id="3"] [[gallery]] [sic]\n\nhttps://youtu.be/abcdefgh\n'
    )
    said, unknown, hides = translate(text, {}, [])
    assert said == (
        '<figure><img src="/a.jpg" /><figcaption>Our oven</figcaption></figure>\n'
        '<p><a href="https://e.test/?a=1&amp;b=2">https://e.test/?a=1&amp;b=2</a></p>\n'
        '<figure><video src="/f.mp4"></video></figure>\n[contact-form-7 id="3"] [gallery] [sic]\n\n'
        '<figure><iframe src="https://www.youtube-nocookie.com/embed/abcdefgh" allowfullscreen></iframe></figure>\n'
    )
    assert (unknown, hides) == (((4, '[contact-form-7 id="3"] stays as text'),), False)


def test_a_script_in_the_title_is_plain_text_and_one_in_the_text_does_nothing(tmp_path: Path) -> None:
    found = only(tmp_path, title="&lt;script&gt;alert(1)&lt;/script&gt;", content="x<script>alert(1)</script>")
    assert found.title == "<script>alert(1)</script>"
    assert "alert" not in render(found.body, format="html").html


def test_a_broken_entry_costs_no_other_and_one_with_an_odd_character_is_read(tmp_path: Path) -> None:
    broken = item(2).replace("<wp:post_id>", "<wp:post_id")
    found = export(tmp_path, item(1, content="a\x0bb ]]&gt; </item>"), broken, item(3))[1:]
    assert [type(each) for each in found] == [Document, Refusal, Document]
    assert isinstance(found[0], Document)
    assert found[0].body.startswith("<p>ab")
    assert isinstance(found[1], Refusal)
    assert found[1].path == "export.xml: line 11"


def test_a_file_that_was_cut_off_gives_what_is_whole(tmp_path: Path) -> None:
    found = export(tmp_path, item(1), item(2)[:-40], tail="")
    assert [type(each) for each in found] == [Person, Document, Refusal]
    assert isinstance(found[-1], Refusal)
    assert "ends in the middle" in found[-1].reason


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>',
        '<!DOCTYPE rss [<!ENTITY c SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE rss SYSTEM "http://127.0.0.1:1/x.dtd">',
    ],
)
def test_entities_and_outside_files_are_refused(tmp_path: Path, declaration: str) -> None:
    head = HEAD.replace("<!-- No", f"{declaration}\n<!-- No")
    (refusal,) = export(tmp_path, item(title="&c;"), head=head)
    assert isinstance(refusal, Refusal)
    assert "entities of its own" in refusal.reason


@pytest.mark.parametrize("content", [b"", b"Hello", b"\x89PNG\0\0", b"<rss></rss>", HEAD.encode()[:300]])
def test_a_file_that_is_no_export_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "export.xml").write_bytes(content)
    (refusal,) = read(tmp_path / "export.xml")
    assert isinstance(refusal, Refusal)


class Trickle(io.BytesIO):
    """Gives a few bytes at a time, so that every mark is cut somewhere."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(7)


def test_a_file_is_cut_into_its_entries_wherever_its_pieces_end() -> None:
    entries = [item(1, content="</item> <item> <!-- "), item(2)]
    head, *found = cut(Trickle((HEAD + "".join(entries) + TAIL).encode()))
    assert head == HEAD.encode()
    assert [entry.content.decode() for entry in found if isinstance(entry, Entry) and entry.content] == [
        entry.strip() for entry in entries
    ]


def test_an_entry_that_is_too_large_is_left_out_without_being_held(tmp_path: Path) -> None:
    found = export(tmp_path, item(1, content="x" * 21_000_000), item(2, content="y" * 1_100_000), item(3))
    assert [type(each) for each in found] == [Person, Refusal, Refusal, Document]
    assert [each.reason.partition(" than")[0] for each in found if isinstance(each, Refusal)] == [
        "it is larger",
        "its text is longer",
    ]
