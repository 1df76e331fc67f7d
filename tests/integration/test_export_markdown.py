"""Leaving as Markdown, on both databases: what goes along, and that it reads back the same."""

import io
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from blogapp.auth.models import Member
from blogapp.core.addresses import claim_slug
from blogapp.core.db import db, transaction
from blogapp.core.errors import Conflict
from blogapp.core.files import path_of
from blogapp.core.markup import render
from blogapp.porting.documents import Document
from blogapp.porting.markdown_export import export_markdown
from blogapp.porting.services.frontmatter import read
from blogapp.posts.attachments import address_of, attach
from blogapp.posts.models import Post
from blogapp.posts.rendering import link_files, show_rendered
from tests.commands import Command
from tests.integration.conftest import PIXEL
from tests.posts import article, week

FLAVOURS = pytest.mark.parametrize("flavour", ["hugo", "jekyll"])


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def documents(folder: Path) -> dict[str, Document]:
    return {item.slug: item for item in read(folder) if isinstance(item, Document)}


def show(post: Post, by: Member, name: str = "loaf.png", *, in_text: bool = True) -> str:
    """Attach a picture, and put it into the post's text."""
    post_id = post.id
    kept = attach(post_id, name, io.BytesIO(bytes.fromhex(PIXEL)), by.id)
    address = address_of(kept)
    if in_text:
        with transaction() as session:
            found = session.get_one(Post, post_id)
            found.body += f"\n\n![a loaf]({address}) [again](http://blog.test{address})"
            link_files(session, post_id, show_rendered(session, found, render(found.body)))
    return address


@FLAVOURS
def test_what_goes_out_reads_back_the_same(app: Flask, alice: Member, tmp_path: Path, flavour: str) -> None:
    bodies = {
        "week-473": "We *baked*.\n\n    {{ code }} and {% raw %}\n\n{{< note >}} {{% note %}} --- end",
        "weeks-853-and-854": "Two weeks.",
        "week-7-links": "- [a](https://a.test/)",
        "an-article": "---\n\nA rule first.",
        "about": "<p>Us &amp; <em>you</em>.</p>",
    }
    week(alice, 473, body=bodies["week-473"])
    week(alice, 853, 854, slug="weeks-853-and-854", body=bodies["weeks-853-and-854"])
    week(alice, 7, kind="links", slug="week-7-links", body=bodies["week-7-links"])
    article(alice, "an-article", title="10:30 — “No”: <b>#1</b>", body=bodies["an-article"])
    article(alice, "about", kind="page", format="html", body=bodies["about"])
    with transaction() as session:
        claim_slug(
            session,
            "an-article",
            f"post:{session.query(Post).filter_by(slug='an-article').one().id}",
            moved_from="old-name",
        )
    export_markdown(tmp_path / "site", flavour)
    found = documents(tmp_path / "site")
    posts = {post.slug: post for post in db.session.query(Post)}
    assert set(found) == set(posts)
    for slug, post in posts.items():
        document = found[slug]
        assert (document.title, document.body, document.format) == (post.title, bodies[slug], post.format)
        assert (document.kind, document.weeks, document.author) == (post.kind, post.weeks, "alice-archer")
        assert (document.published_at, document.updated_at) == (post.published_at, post.updated_at)
        assert (document.draft, document.warnings) == (False, ())
    assert found["an-article"].old_paths == ("old-name",)


def test_files_lie_beside_their_post_for_hugo(app: Flask, alice: Member, tmp_path: Path) -> None:
    post = article(alice, "bread", body="Look:")
    show(post, alice)
    show(post, alice, "index.md.png")
    done = export_markdown(tmp_path / "site")
    assert (done.posts, done.files, done.missing) == (1, 2, [])
    assert "content/posts/bread/loaf.png" in files(tmp_path / "site")
    assert "![a loaf](loaf.png) [again](loaf.png)" in (tmp_path / "site/content/posts/bread/index.md").read_text()
    assert "![a loaf](/content/posts/bread/loaf.png)" in documents(tmp_path / "site")["bread"].body


def test_a_file_of_two_posts_is_one_for_jekyll(app: Flask, alice: Member, tmp_path: Path) -> None:
    one, two = article(alice, "one", body="Look:"), article(alice, "two", body="Look:")
    address = show(one, alice)
    with transaction() as session:
        found = session.get_one(Post, two.id)
        found.body = f"![b]({address})"
        link_files(session, two.id, show_rendered(session, found, render(found.body)))
    done = export_markdown(tmp_path / "site", "jekyll")
    assert (done.posts, done.files) == (2, 1)
    assert f"assets{address}" in files(tmp_path / "site")
    assert documents(tmp_path / "site")["two"].body == f"![b](/assets{address})"


@FLAVOURS
def test_only_what_is_public_goes_out_unless_drafts_are_asked_for(
    app: Flask, alice: Member, tmp_path: Path, flavour: str
) -> None:
    public = article(alice, "public", body="For all.")
    show(public, alice, "unused.png", in_text=False)
    draft = article(alice, "draft", state="draft", body="Secret words.")
    address = show(draft, alice, "secret.png")
    with transaction() as session:
        session.get_one(Post, public.id).body += f"\n\nThe draft has {address}."
    article(alice, "withdrawn", state="draft", first_published_at=public.created_at, body="Secret words.")
    article(alice, "deleted", state="draft", deleted_at=public.created_at, body="Secret words.")
    article(alice, "for-members", visibility="members", body="Secret words.")
    export_markdown(tmp_path / "site", flavour)
    assert list(documents(tmp_path / "site")) == ["public"]
    for path in (tmp_path / "site").rglob("*"):
        assert path.suffix != ".png"
        assert path.is_dir() or b"Secret" not in path.read_bytes()
    export_markdown(tmp_path / "site", flavour, drafts=True)
    found = documents(tmp_path / "site")
    assert {slug: document.draft for slug, document in found.items()} == {
        "public": False, "draft": True, "withdrawn": True, "for-members": True,
    }  # fmt: skip
    assert {Path(name).name for name in files(tmp_path / "site") if name.endswith(".png")} == {
        "unused.png",
        "secret.png",
    }


def test_a_strangers_folder_is_never_written_into_and_an_earlier_export_is_replaced(
    app: Flask, alice: Member, tmp_path: Path
) -> None:
    article(alice, "one")
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "mine.txt").write_text("dear")
    with pytest.raises(Conflict, match=r"mine\.txt"):
        export_markdown(folder)
    assert files(folder) == {"mine.txt"}
    (folder / "mine.txt").unlink()
    export_markdown(folder)
    first = files(folder)
    article(alice, "two")
    export_markdown(folder, "jekyll")
    assert not first - {".blogapp-export"} & files(folder)
    (folder / "_config.yml").write_text("dear")
    with pytest.raises(Conflict, match=r"_config\.yml"):
        export_markdown(folder)
    (folder / "_config.yml").unlink()
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(Conflict):
        export_markdown(tmp_path / "link")
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} == set()


def test_an_export_that_fails_half_way_leaves_what_was_there(
    app: Flask, alice: Member, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    article(alice, "one")
    export_markdown(tmp_path / "site")
    before = files(tmp_path / "site")

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    article(alice, "two")
    with pytest.raises(KeyboardInterrupt):
        export_markdown(tmp_path / "site", on_progress=stop)
    assert files(tmp_path / "site") == before
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} == set()


def test_more_posts_than_are_read_at_once_all_go_out_with_progress(
    app: Flask, alice: Member, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blogapp.porting.markdown_export.SLICE", 2)
    for number in range(5):
        article(alice, f"post-{number}")
    told: list[tuple[int, int]] = []
    export_markdown(tmp_path / "site", on_progress=lambda done, total: told.append((done, total)))
    assert told == [(number, 5) for number in range(1, 6)]
    assert len(documents(tmp_path / "site")) == 5


def test_the_command_says_what_it_wrote_and_which_files_are_gone(
    blogapp: Command, site: Post, alice: Member, tmp_path: Path
) -> None:
    show(site, alice)
    sha256 = next(attachment.sha256 for attachment in db.session.get_one(Post, site.id).attachments)
    db.session.rollback()
    assert blogapp("export markdown out").stdout == "out: 1 posts, 1 files.\n"
    path_of(sha256).unlink()
    said: Any = blogapp("export markdown out --for jekyll")
    assert said.stdout == "out: 1 posts, 0 files.\n"
    assert "Not on the disk any more: loaf.png" in said.stderr
    (tmp_path / "out" / "mine").write_text("x")
    assert "was not written by an export" in blogapp.refused("export markdown out")
