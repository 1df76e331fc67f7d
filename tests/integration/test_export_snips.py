"""The way out as snips and as HTML, on both databases."""

import json
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from blogapp.auth.models import Member
from blogapp.core.db import db, transaction
from blogapp.digest.publishing import delete, publish, withdraw
from blogapp.porting.html_export import each_html, write_lines, write_pages
from blogapp.porting.models import Source
from blogapp.porting.snips.exporting import export_snips
from blogapp.posts.attachments import attach, line_for
from blogapp.posts.models import Post
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post, save_post
from tests.commands import Command
from tests.heard import import_snips

KEYS = """\
:Render_as: Blog
:odd: yes: and no

:author: ada-archer
:created_at: 2018-02-09 10:22:25 +0100
:updated_at: 2018-02-09 10:22:25 +0100
"""
FILES = {
    "weeknotes/week-1.snip.markdown": f"\n\nWeek 1\n======\n\nGood. <%= by('tom') %>\n\nOther.  \n\n\n{KEYS}",
    "weeknotes/week-2.snip.markdown": f"Second.\r\n\r\n{KEYS}".replace("\n", "\r\n").replace("\r\r", "\r"),
    "blog/hello.snip.markdown": f"Hello\n\n:draft: true\n{KEYS}",
    "people/ada-archer.snip.markdown": "Ada.\n\n:created_at: 2018-01-01\n",
    "templates/week-nnn.snip.markdown": "Week NNN\n\n:created_at: 2018-01-01\n",
    "work.snip.html": f"<p>Work.</p>\n\n{KEYS}",
}


@pytest.fixture
def soups(tmp_path: Path, app: Flask, alice: Member) -> Path:
    """Snips, imported."""
    folder = tmp_path / "soups"
    for place, words in FILES.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(words.encode())
    assert import_snips([folder]).results == ["made"] * 6
    return folder


def read(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("[!.]*") if p.is_file()}


def differences(one: bytes, other: bytes) -> list[bytes]:
    before, after = one.splitlines(), other.splitlines()
    return [line for line in after if line not in before]


def post(slug: str) -> Post:
    db.session.rollback()
    return db.session.execute(select(Post).where(Post.slug == slug)).scalar_one()


def edit(slug: str, old: str, new: str, by: Member, **given: str) -> None:
    found = post(slug)
    title = given.get("title", found.title)
    save_post(found.id, found.version, by.id, title=title, body=found.body.replace(old, new))


def test_what_nobody_touched_comes_out_byte_for_byte(soups: Path, tmp_path: Path) -> None:
    done = export_snips(tmp_path / "out")
    assert read(tmp_path / "out") == read(soups)
    assert dict(done.counts) == {"untouched": 6}


def test_an_edited_text_comes_out_with_the_edited_line_and_the_date(soups: Path, tmp_path: Path, alice: Member) -> None:
    edit("week-1", "Good.", "Better.", alice)
    edit("week-2", "Second.", "Second, and more.", alice)
    done = export_snips(tmp_path / "out")
    assert (done.counts["edited"], done.counts["untouched"]) == (2, 4)
    out, came = read(tmp_path / "out"), read(soups)
    first = differences(came["weeknotes/week-1.snip.markdown"], out["weeknotes/week-1.snip.markdown"])
    assert first[0] == b"Better. <%= by('tom') %>"
    assert first[1].startswith(b":updated_at: 20")
    assert len(first) == 2
    second = out["weeknotes/week-2.snip.markdown"]
    assert second.startswith(b"Second, and more.\r\n\r\n:Render_as: Blog\r\n:odd: yes: and no\r\n\r\n")
    assert second.count(b"\n") == came["weeknotes/week-2.snip.markdown"].count(b"\n")


def test_title_state_author_and_address_come_out_as_keys_and_name(
    soups: Path, tmp_path: Path, alice: Member, bob: Member
) -> None:
    hello = post("hello")
    hello = save_post(
        hello.id, hello.version, alice.id, title="Good day", body=hello.body, slug="good-day", author_id=bob.id
    )
    publish(hello.id, hello.version, alice.id)
    week = post("week-2")
    withdraw(week.id, week.version, alice.id)
    export_snips(tmp_path / "out")
    out = read(tmp_path / "out")
    text = out["blog/good-day.snip.markdown"].decode()
    assert ":draft:" not in text
    assert ":author: bob-barker\n" in text
    assert ":page_title: Good day\n" in text
    published = post("good-day").published_at
    assert published is not None
    assert f":created_at: {published:%Y-%m-%d}" in text
    assert b":draft: true" in out["weeknotes/week-2.snip.markdown"]
    assert "blog/hello.snip.markdown" not in out


def test_a_post_that_was_made_here_becomes_a_snip_that_comes_back_the_same(
    soups: Path, tmp_path: Path, alice: Member
) -> None:
    made = create_post("week", "", "News.\n\nTerm\n: meaning\n\n[a]: /b", alice.id, weeks=Weeks(9, 10))
    publish(made.id, made.version, alice.id)
    create_post("links", "", "A link.", alice.id, weeks=Weeks(9, 9))
    done = export_snips(tmp_path / "out")
    assert done.counts["made"] == 2
    out = read(tmp_path / "out")
    assert set(out) - set(FILES) == {
        "weeknotes/week-9-and-10.snip.markdown",
        "weeklinks/week-9-links.snip.markdown",
    }
    assert b":draft: true" in out["weeklinks/week-9-links.snip.markdown"]
    # Here it is known as its own post; a second export is the same.
    assert import_snips([tmp_path / "out"]).results == ["unchanged"] * 8
    export_snips(tmp_path / "again")
    assert read(tmp_path / "again") == out


def test_deleted_posts_stay_here(soups: Path, tmp_path: Path, alice: Member) -> None:
    hello = post("hello")
    delete(hello.id, hello.version, alice.id)
    export_snips(tmp_path / "out")
    assert "blog/hello.snip.markdown" not in read(tmp_path / "out")


def test_files_of_posts_are_written_where_they_are_asked_for(soups: Path, tmp_path: Path, alice: Member) -> None:
    made = create_post("article", "Pictures", "None yet.", alice.id)
    stream = BytesIO()
    Image.new("RGB", (3, 3)).save(stream, "PNG")
    stream.seek(0)
    kept = attach(made.id, "boat.png", stream, alice.id)
    made = post("pictures")
    save_post(made.id, made.version, alice.id, title=made.title, body=line_for(kept))
    assert export_snips(tmp_path / "bare").left == 1
    done = export_snips(tmp_path / "out", images=tmp_path / "images")
    assert done.pictures == 1
    text = read(tmp_path / "out")["blog/pictures.snip.markdown"].decode()
    assert text.startswith(f"![boat](/images/files/{kept.id}/boat.png)")
    assert (tmp_path / "images" / "files" / str(kept.id) / "boat.png").read_bytes().startswith(b"\x89PNG")


def test_a_second_export_into_the_same_folder_writes_only_what_changed(
    soups: Path, tmp_path: Path, alice: Member
) -> None:
    export_snips(soups)
    before = {path: path.stat().st_mtime_ns for path in soups.rglob("*.snip.*")}
    edit("week-1", "Good.", "Better.", alice)
    export_snips(soups)
    changed = [path.name for path in before if path.stat().st_mtime_ns != before[path]]
    assert changed == ["week-1.snip.markdown"]
    assert not list(soups.rglob("*.part"))


def test_nothing_is_written_outside_of_the_folder(soups: Path, tmp_path: Path) -> None:
    with transaction() as session:
        source = session.execute(select(Source).where(Source.name == "week-1")).scalar_one()
        source.path = "../outside.snip.markdown"
    out = tmp_path / "out"
    out.mkdir()
    (out / "weeknotes").symlink_to(tmp_path)
    done = export_snips(out)
    assert {place for place, _ in done.skipped} == {"../outside.snip.markdown", "weeknotes/week-2.snip.markdown"}
    assert not (tmp_path / "outside.snip.markdown").exists()
    assert not (tmp_path / "week-2.snip.markdown").exists()


def test_html_lines_hold_each_public_text_as_it_was_written(soups: Path) -> None:
    out = StringIO()
    assert write_lines(out) == 4
    lines = {record["name"]: record["html"] for record in map(json.loads, out.getvalue().splitlines())}
    assert set(lines) == {"week-1", "week-2", "work", "ada-archer"}
    assert "<h1" in lines["week-1"]
    assert "&lt;%= by(" in lines["week-1"]
    shown = {page.name: page.html for page in each_html(as_shown=True, drafts=True)}
    assert "hello" in shown
    assert "<h1" not in shown["week-1"]
    assert '<a href="/tom">Tom</a>' in shown["week-1"]


def test_html_pages_stand_by_themselves(soups: Path, tmp_path: Path) -> None:
    assert write_pages(tmp_path / "pages", "en-GB") == (4, [])
    page = (tmp_path / "pages" / "week-2.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "<title>Week 2</title>" in page


def test_a_page_that_would_be_written_through_a_link_is_named(soups: Path, tmp_path: Path, blogapp: Command) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    (tmp_path / "mine").write_text("Mine.")
    (folder / "week-2.html").symlink_to(tmp_path / "mine")
    outcome = blogapp("export html pages", code=1)
    assert "week-2.html: week-2.html is a link" in outcome.stderr
    assert "1 of 4 could not be written." in outcome.stderr
    assert (tmp_path / "mine").read_text() == "Mine."
    assert (folder / "week-1.html").exists()
