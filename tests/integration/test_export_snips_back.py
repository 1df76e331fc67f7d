"""Snips that came from here, for a site that knows nothing: nothing is lost on the way. On both databases."""

import hashlib
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.digest.publishing import publish
from blogapp.porting.documents import Document
from blogapp.porting.html_export import write_pages
from blogapp.porting.snips.exporting import export_snips
from blogapp.porting.snips.reading import read_snips
from blogapp.porting.snips.target import BOTH, CHANGED, INDEX
from blogapp.posts.attachments import address_of, attach
from blogapp.posts.models import Post
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post, save_post
from tests.heard import Heard, import_snips

KEYS = ":author: chris-roos\n:created_at: 2018-02-09 10:22:25 +0100\n"
Bring = Callable[..., Heard]


@pytest.fixture
def bring(tmp_path: Path, app: Flask, alice: Member) -> Bring:
    """Write files into the folder `soups` and import it."""

    def bring(files: dict[str, str], **given: Path) -> Heard:
        for place, words in files.items():
            path = tmp_path / "soups" / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(words.encode())
        return import_snips([tmp_path / "soups"], **given)

    return bring


def out(tmp_path: Path) -> dict[str, str]:
    """What an export into a new folder writes."""
    export_snips(tmp_path / "out")
    found = sorted((tmp_path / "out").rglob("*.snip.*"))
    return {path.relative_to(tmp_path / "out").as_posix(): path.read_bytes().decode() for path in found}


def read_again(tmp_path: Path) -> dict[str, Document]:
    """What an import would make of what was exported, on a site that knows nothing of it."""
    items = list(read_snips([tmp_path / "out"], str).read())
    assert all(isinstance(item, Document) for item in items)
    return {item.slug: item for item in items if isinstance(item, Document)}


def post(slug: str) -> Post:
    db.session.rollback()
    return db.session.execute(select(Post).where(Post.slug == slug)).scalar_one()


def edit(name: str, by: Member, body: str | None = None, slug: str | None = None) -> None:
    found = post(name)
    body = found.body if body is None else body
    save_post(found.id, found.version, by.id, title=found.title, body=body, slug=slug)


def picture(colour: str) -> bytes:
    stream = BytesIO()
    Image.new("RGB", (3, 3), colour).save(stream, "PNG")
    return stream.getvalue()


def test_pictures_go_back_to_the_places_that_their_documents_say(bring: Bring, tmp_path: Path, alice: Member) -> None:
    images = tmp_path / "images"
    (images / "blog").mkdir(parents=True)
    names = ["blog/a b.png", "blog/c.png", "d.png", "e.png", "f.png"]
    for name, colour in zip(names, ["red", "green", "blue", "white", "black"], strict=True):
        (images / name).write_bytes(picture(colour))
    body = (
        "![a](/images/blog/a%20b.png)\n\nWords.\n\n![gone](/images/gone.png)\n\n![c](images/blog/c.png?v=2)\n\n"
        "<%= list_of('nothing') %>\n\n<%= image_tag('/images/d.png') %>\n\n"
        "<%= member 'ada' %>\n\n![e](/images/e.png)\n\n"
    )
    bring(
        {
            "blog/one.snip.markdown": body + KEYS,
            "people/ada.snip.markdown": "Ada.\n\n:image: images/f.png\n",
            "blog/two.snip.markdown": f"![e](/images/e.png)\n\n{KEYS}",
        },
        images=images,
    )
    assert post("one").body.count("/files/") == 5
    edit("one", alice, body=post("one").body.replace("Words.", "More words."))
    (tmp_path / "oi").mkdir()
    (tmp_path / "oi" / "e.png").write_bytes(b"theirs")
    done = export_snips(tmp_path / "out", images=tmp_path / "oi")
    written = {p.relative_to(tmp_path / "oi").as_posix() for p in (tmp_path / "oi").rglob("*") if p.is_file()}
    assert written == set(names)
    assert done.pictures == 4
    assert (tmp_path / "oi" / "e.png").read_bytes() == b"theirs"
    text = (tmp_path / "out" / "blog" / "one.snip.markdown").read_text()
    assert text.startswith(body.replace("Words.", "More words."))


def test_addresses_of_other_sites_stay_and_our_whole_one_does_not(bring: Bring, tmp_path: Path, alice: Member) -> None:
    made = create_post("article", "Reports", "None yet.", alice.id)
    kept = attach(made.id, "report.txt", BytesIO(b"A report."), alice.id)
    address = address_of(kept)
    other = f"[theirs](https://other.example{address})"
    bring({"blog/linked.snip.markdown": f"{other}, [here]({address})\n\n{KEYS}"})
    edit("reports", alice, body=f"{other}\n\n[ours](http://blog.test{address}), {address}.")
    done = export_snips(tmp_path / "out", images=tmp_path / "oi")
    text = (tmp_path / "out" / "blog" / "reports.snip.markdown").read_text()
    assert text.startswith(f"{other}\n\n[ours](/images{address}), /images{address}.\n")
    assert (tmp_path / "out" / "blog" / "linked.snip.markdown").read_text() == f"{other}, [here]({address})\n\n{KEYS}"
    assert done.counts["untouched"] == 1


def test_a_file_that_changed_since_is_spared_and_named(bring: Bring, tmp_path: Path, alice: Member) -> None:
    soups = tmp_path / "soups"
    bring({"blog/one.snip.markdown": f"One.\n\n{KEYS}", "blog/two.snip.markdown": f"Two.\n\n{KEYS}"})
    edit("one", alice, body="One, here.")
    newer = f"One, there.\n\n{KEYS}".encode()
    (soups / "blog" / "one.snip.markdown").write_bytes(newer)
    create_post("article", "Three", "Three.", alice.id)
    (soups / "blog" / "three.snip.markdown").write_bytes(newer)
    done = export_snips(soups)
    assert sorted(done.skipped) == [("blog/one.snip.markdown", CHANGED), ("blog/three.snip.markdown", CHANGED)]
    assert (soups / "blog" / "one.snip.markdown").read_bytes() == newer
    (soups / "blog" / "three.snip.markdown").unlink()
    assert import_snips([soups]).results == ["beside", "unchanged"]
    assert export_snips(soups).skipped == [("blog/one.snip.markdown", BOTH)]
    assert (soups / "blog" / "one.snip.markdown").read_bytes() == newer


def test_what_an_earlier_export_wrote_is_written_over(bring: Bring, tmp_path: Path, alice: Member) -> None:
    soups = tmp_path / "soups"
    bring({"blog/one.snip.markdown": f"One.\n\n{KEYS}"})
    for words in ("One, here.", "One, and more."):
        edit("one", alice, body=words)
        assert export_snips(soups).skipped == []
    there = (soups / "blog" / "one.snip.markdown").read_bytes()
    assert there.startswith(b"One, and more.")
    noted = json.loads((soups / INDEX).read_text())
    assert noted == {"blog/one.snip.markdown": hashlib.sha256(there).hexdigest()}
    assert len(import_snips([soups]).results) == 1
    (soups / INDEX).write_text("no index")
    assert export_snips(soups).skipped == []


def test_a_post_that_was_made_here_comes_back_as_what_it_is_whatever_it_is_called(
    app: Flask, tmp_path: Path, alice: Member
) -> None:
    create_post("week", "Holidays", "Sun.", alice.id, weeks=Weeks(473, 475), slug="holiday-week")
    create_post("article", "Seventy-seven", "Text.", alice.id, slug="week-77")
    create_post("page", "Pages", "Text.", alice.id, slug="week-78-links")
    create_post("links", "Links", "Text.", alice.id, slug="week-79-links")
    create_post("links", "More links", "Text.", alice.id, weeks=Weeks(3, 3), slug="odds-and-ends")
    create_post("article", "Version 1.2", "Text.", alice.id, slug="v1.2")
    create_post("week", "", "Plain.", alice.id, weeks=Weeks(9, 10))
    texts = out(tmp_path)
    assert ":post_kind: week\n:weeks: 473-475\n" in texts["weeknotes/holiday-week.snip.markdown"]
    assert ":post_kind:" not in texts["weeknotes/week-9-and-10.snip.markdown"]
    assert {slug: (d.kind, d.weeks, d.title) for slug, d in read_again(tmp_path).items()} == {
        "holiday-week": ("week", Weeks(473, 475), "Holidays"),
        "week-77": ("article", None, "Seventy-seven"),
        "week-78-links": ("page", None, "Pages"),
        "week-79-links": ("links", None, "Links"),
        "odds-and-ends": ("links", Weeks(3, 3), "More links"),
        "v1.2": ("article", None, "Version 1.2"),
        "week-9-and-10": ("week", Weeks(9, 10), "Weeks 9 and 10"),
    }
    assert import_snips([tmp_path / "out"]).results == ["unchanged"] * 7


def test_a_document_with_another_address_comes_back_as_what_it_was(bring: Bring, tmp_path: Path, alice: Member) -> None:
    keys = f":name: v1\n{KEYS}"
    bring({"weeknotes/week-5.snip.markdown": f"Five.\n\n{KEYS}", "blog/v1.snip.markdown": f"News.\n\n{keys}"})
    edit("week-5", alice, slug="holiday")
    edit("v1", alice, slug="v1.2")
    assert set(out(tmp_path)) == {"weeknotes/holiday.snip.markdown", "blog/v1.2.snip.markdown"}
    assert {slug: (d.kind, d.weeks, d.title) for slug, d in read_again(tmp_path).items()} == {
        "holiday": ("week", Weeks(5, 5), "Week 5"),
        "v1.2": ("article", None, post("v1.2").title),
    }


def test_a_title_that_its_heading_no_longer_says_becomes_a_key(bring: Bring, tmp_path: Path, alice: Member) -> None:
    bring({"blog/one.snip.markdown": f"# Good day\n\nText.\n\n{KEYS}"})
    edit("one", alice, body="# Good night\n\nText.")
    assert ":page_title: Good day\n" in out(tmp_path)["blog/one.snip.markdown"]
    assert read_again(tmp_path)["one"].title == "Good day"


def test_drafts_undated_pages_and_names_of_authors_are_not_taken_for_edits(
    bring: Bring, tmp_path: Path, alice: Member
) -> None:
    files = {
        "_drafts/later.snip.markdown": "Later.\n\n:author: Chris Roos\n",
        "about.snip.markdown": "About.\n\n:author: Chris Roos\n:updated_at: 2017-01-01 10:00:00 +0000\n",
        "bare.snip.markdown": "Bare.\n\n:author: chris-roos\n",
        "blog/named.snip.markdown": "Text.\n\n" + KEYS.replace("chris-roos", "Chris Roos"),
    }
    assert bring(files).results == ["made"] * 4
    assert out(tmp_path) == files


def test_a_draft_among_the_drafts_that_is_public_by_now_says_so(bring: Bring, tmp_path: Path, alice: Member) -> None:
    bring({"_drafts/later.snip.markdown": "Later.\n\n:author: chris-roos\n"})
    later = post("later")
    publish(later.id, later.version, alice.id)
    text = out(tmp_path)["_drafts/later.snip.markdown"]
    assert ":draft: false\n" in text
    assert f":created_at: {post('later').published_at:%Y-%m-%d}" in text


def test_two_pages_of_html_never_share_a_file(bring: Bring, tmp_path: Path, alice: Member) -> None:
    bring({"blog/a.snip.markdown": f"First.\n\n{KEYS}"})
    edit("a", alice, slug="b")
    made = create_post("article", "A", "Second.", alice.id, slug="a-new")
    save_post(made.id, made.version, alice.id, title="A", body="Second.", slug="a")
    assert write_pages(tmp_path / "pages", "en-GB", drafts=True) == (2, [])
    assert "Second." in (tmp_path / "pages" / "a.html").read_text()
    assert "First." in (tmp_path / "pages" / "b.html").read_text()


def test_a_page_that_was_put_into_the_menu_here_says_so(bring: Bring, tmp_path: Path, alice: Member) -> None:
    bring({"about.snip.markdown": f"Who we are.\n\n{KEYS}"})
    about = post("about")
    save_post(about.id, about.version, alice.id, title=about.title, body=about.body, in_menu=True)
    assert ":menu: true\n" in out(tmp_path)["about.snip.markdown"]


def test_what_changed_on_both_sides_is_written_once_somebody_has_put_it_together(
    bring: Bring, tmp_path: Path, alice: Member
) -> None:
    bring({"blog/a.snip.markdown": f"First.\n\n{KEYS}"})
    folder = tmp_path / "soups"
    edit("a", alice, body="Ours.")
    file = folder / "blog" / "a.snip.markdown"
    file.write_text(f"Theirs.\n\n{KEYS}")
    assert import_snips([folder]).results == ["beside"]
    assert [place for place, _ in export_snips(folder).skipped] == ["blog/a.snip.markdown"]
    assert file.read_text().startswith("Theirs.")
    edit("a", alice, body="Ours and theirs.")
    assert export_snips(folder).skipped == []
    assert file.read_text().startswith("Ours and theirs.")
