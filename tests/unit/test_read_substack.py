"""Reading Substack's export."""

import json
from datetime import UTC, datetime
from html import escape
from pathlib import Path

import pytest

from blogapp.porting.documents import Document, Refusal
from blogapp.porting.services.substack import read
from blogapp.posts.weeks import Weeks

HEADER = "post_id,post_date,is_published,email_sent_at,inbox_sent_at,type,audience,title,subtitle,podcast_url\n"
ROW = "101.week-473,2024-03-01T08:00:00.000Z,true,2024-03-01T08:00:01.000Z,,newsletter,everyone,Week 473,,\n"


def export(tmp_path: Path, rows: str = ROW, **texts: str) -> list[Document | Refusal]:
    (tmp_path / "posts").mkdir(exist_ok=True)
    (tmp_path / "posts.csv").write_text(HEADER + rows)
    for name, text in (texts or {"101.week-473": "<p>We baked.</p>"}).items():
        (tmp_path / "posts" / f"{name}.html").write_text(text)
    return [item for item in read(tmp_path) if isinstance(item, Document | Refusal)]


def only(tmp_path: Path, rows: str = ROW, text: str = "<p>We baked.</p>") -> Document:
    (found,) = export(tmp_path, rows, **{"101.week-473": text})
    assert isinstance(found, Document), found
    return found


def test_a_post_comes_with_its_time_and_old_address(tmp_path: Path) -> None:
    found = only(tmp_path)
    assert (found.name, found.kind, found.weeks, found.slug) == ("101", "week", Weeks(473, 473), "week-473")
    assert (found.title, found.body, found.format, found.draft) == ("Week 473", "<p>We baked.</p>", "html", False)
    assert (found.published_at, found.old_paths) == (datetime(2024, 3, 1, 8, tzinfo=UTC), ("p/week-473",))
    assert ("audience", "everyone") in found.meta


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("true", "false", ""),
        ("everyone", "only_paid", "“only_paid”"),
        ("everyone", "only_free", "“only_free”"),
        ("everyone", "founding", "“founding”"),
        ("everyone", "", "nobody named"),
        ("newsletter", "thread", "no post"),
        ("2024-03-01T08:00:00.000Z", "2999-03-01T08:00:00.000Z", "published later"),
    ],
)
def test_what_not_everybody_could_read_comes_in_as_a_draft(
    tmp_path: Path, before: str, after: str, reason: str
) -> None:
    found = only(tmp_path, ROW.replace(before, after))
    assert found.draft
    assert [text for _, text in found.warnings if reason not in text] == []
    assert bool(found.warnings) == bool(reason)


def test_a_post_with_a_paywall_in_it_is_a_draft_whatever_the_list_says(tmp_path: Path) -> None:
    found = only(
        tmp_path, text='<p>Free.</p><div class="paywall-jump" data-component-name="PaywallToDOM"></div><p>Paid.</p>'
    )
    assert found.draft
    assert "paywall" in found.warnings[0][1]


def test_what_only_substack_shows_becomes_plain_html(tmp_path: Path) -> None:
    facts = escape(json.dumps({"src": "https://s3.test/loaf.png", "href": None}))
    found = only(
        tmp_path,
        '101.week-473,2024-03-01T08:00:00.000Z,true,,,podcast,everyone,"Bread, <b>again</b>\nand again",A <sub>,'
        "https://api.test/a.mp3\n",
        f'<div class="captioned-image-container"><figure><a href="https://cdn.test/x"><picture><source srcset="y">'
        f'<img src="https://cdn.test/y.png" data-attrs="{facts}" alt="A loaf"></picture></a>'
        '<figcaption class="image-caption">Ours</figcaption></figure></div>'
        '<div class="subscription-widget-wrap"><p>Subscribe</p></div>'
        '<div class="youtube-wrap" data-attrs="{&quot;videoId&quot;:&quot;abcdefgh&quot;}"><iframe></iframe></div>'
        '<p class="button-wrapper"><a class="button" href="https://x.test/subscribe?">Go</a></p>'
        '<p class="button-wrapper"><a class="button" href="https://shop.test/">Shop</a></p>',
    )
    assert found.title == "Bread, <b>again</b> and again"
    assert found.body == (
        '<p><em>A &lt;sub&gt;</em></p>\n<figure><audio src="https://api.test/a.mp3"></audio></figure>\n'
        '<figure><img src="https://s3.test/loaf.png" alt="A loaf"><figcaption>Ours</figcaption></figure>'
        '<figure><iframe src="https://www.youtube-nocookie.com/embed/abcdefgh" allowfullscreen=""></iframe></figure>'
        '<p><a href="https://shop.test/">Shop</a></p>'
    )


def test_rows_without_a_text_and_texts_without_a_row_are_named(tmp_path: Path) -> None:
    rows = ROW + "102.gone,,true,,,newsletter,everyone,Gone,,\n../../secret,,true,,,newsletter,everyone,X,,\n"
    found = export(tmp_path, rows, **{"101.week-473": "<p>x</p>", "103.more": "<p>y</p>"})
    assert [type(item) for item in found] == [Document, Refusal, Refusal, Refusal]
    assert [item.reason for item in found if isinstance(item, Refusal)] == [
        "its text is not in the export",
        "line 4 names no post",
        "posts.csv does not list it, so nobody can say whether it was public",
    ]


def test_hostile_texts_are_refused_by_name(tmp_path: Path) -> None:
    rows = "".join(ROW.replace("101.week-473", f"{n}.x") for n in range(1, 5))
    export(tmp_path, rows, **{"1.x": "ok", "3.x": "<p>" + "x" * 1_100_000, "4.x": "<div>" * 3000})
    (tmp_path / "posts" / "2.x.html").write_bytes(b"caf\xe9")
    (tmp_path / "secret.html").write_text("secret")
    (tmp_path / "posts" / "1.x.html").unlink()
    (tmp_path / "posts" / "1.x.html").symlink_to(tmp_path / "secret.html")
    reasons = [item.reason for item in read(tmp_path) if isinstance(item, Refusal)]
    parts = ("symbolic link", "not UTF-8", "longer than", "nested too deeply")
    assert [part in reason for part, reason in zip(parts, reasons, strict=True)] == [True] * 4


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"\x89PNG\0\0\n", b"post_id,title,is_published\n\xff,\xff,x\n"]
)
def test_a_list_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "posts.csv").write_bytes(content)
    (refusal,) = read(tmp_path)
    assert isinstance(refusal, Refusal)
