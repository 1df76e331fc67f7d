"""Posts from other services, through the command's and the job's one door, on both databases."""

import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.core.errors import Invalid
from blogapp.delivery.models import OutboxMail
from blogapp.digest.models import Digest
from blogapp.digest.publishing import delete
from blogapp.porting import elsewhere
from blogapp.posts.models import Attachment, Post
from blogapp.posts.writing import create_post
from tests.heard import Heard
from tests.integration.test_import_folder import picture
from tests.jobs import begin, run, zipped


@pytest.fixture
def chosen() -> dict[str, Any]:
    return {"site_epoch": date(2009, 1, 12)}


def import_posts(path: Path, origin: str = "", **given: Any) -> Heard:
    heard = Heard()
    elsewhere.import_posts(path, origin, report=heard, **given)
    return heard


def states() -> dict[str, str]:
    db.session.rollback()
    return {row.slug: row.state for row in db.session.execute(select(Post.slug, Post.state))}


def ghost_post(number: int, slug: str, **given: Any) -> dict[str, Any]:
    return {
        "id": str(number), "uuid": f"u{number}", "title": slug.replace("-", " ").title(), "slug": slug,
        "html": f"<p>Words of {slug}.</p>", "status": "published", "visibility": "public", "type": "post",
        "created_at": "2021-03-04T09:00:00.000Z", "published_at": "2021-03-04T10:00:00.000Z",
        "updated_at": "2021-03-05T10:00:00.000Z", **given,
    }  # fmt: skip


@pytest.fixture
def ghost(tmp_path: Path) -> Path:
    posts = [
        ghost_post(1, "bread", html='<p>See</p><img src="__GHOST_URL__/content/images/2021/boat.png">'),
        ghost_post(2, "idea", status="draft", published_at=None),
        ghost_post(3, "secret", visibility="members"),
        ghost_post(4, "about", type="page"),
    ]
    users = [{"id": "9", "name": "Bo Lee", "slug": "bo", "email": "bo@bakers.test"}]
    data = {"posts": posts, "users": users, "posts_authors": [{"post_id": "1", "author_id": "9", "sort_order": 0}]}
    path = tmp_path / "bakers.ghost.json"
    path.write_text(json.dumps({"db": [{"meta": {"version": "5.0"}, "data": data}]}))
    picture(tmp_path / "images" / "2021" / "boat.png")
    return path


def test_ghosts_posts_come_in_and_only_what_was_public_is(
    app: Flask, alice: Member, ghost: Path, reader: FlaskClient
) -> None:
    report = import_posts(ghost, images=ghost.parent / "images")
    assert report.count("refused") == 0, report.noted
    assert states() == {"bread": "published", "idea": "draft", "secret": "draft", "about": "published"}
    assert reader.get("/bread").status_code == 200
    assert reader.get("/secret").status_code == 404
    assert db.session.execute(select(Attachment.filename)).scalars().all() == ["boat.png"]
    bo = db.session.execute(select(Member).where(Member.slug == "bo")).scalar_one()
    assert (bo.email, bo.active) == ("bo@bakers.test", False)
    for model in (Digest, OutboxMail):
        assert db.session.execute(select(func.count()).select_from(model)).scalar_one() == 0
    again = import_posts(ghost, images=ghost.parent / "images")
    assert set(again.results) == {"unchanged"}


def test_a_post_that_nests_too_deeply_is_refused_by_its_name_and_the_others_come_in(
    app: Flask, alice: Member, tmp_path: Path
) -> None:
    path = tmp_path / "bakers.ghost.json"
    posts = [ghost_post(1, "deep", html="<div>" * 20_000 + "x", title=""), ghost_post(2, "bread")]
    path.write_text(json.dumps({"db": [{"meta": {"version": "5.0"}, "data": {"posts": posts}}]}))
    report = import_posts(path)
    assert (report.of("deep").result, "too deeply" in report.of("deep").reason) == ("refused", True)
    assert states() == {"bread": "published"}


def test_an_address_that_is_taken_becomes_another_one(app: Flask, alice: Member, ghost: Path) -> None:
    create_post("page", "About", "Ours.", alice.id)
    assert import_posts(ghost).count("refused") == 0
    assert states()["about-2"] == "published"


def test_a_deleted_post_gives_its_address_up(app: Flask, alice: Member, ghost: Path) -> None:
    about = create_post("page", "About", "Ours.", alice.id)
    delete(about.id, about.version, alice.id)
    assert import_posts(ghost).count("refused") == 0
    assert states()["about"] == "published"


def test_a_zip_of_a_jekyll_site_is_found_out_and_its_old_addresses_lead_on(
    app: Flask, alice: Member, tmp_path: Path, reader: FlaskClient
) -> None:
    path = tmp_path / "site.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("site/_config.yml", "permalink: /:year/:title.html\n")
        archive.writestr("site/_posts/2018-02-09-boats.md", "---\ntitle: Boats\n---\nAbout *boats*.\n")
        archive.writestr("site/_drafts/idea.md", "---\ntitle: Idea\n---\nNot yet.\n")
    import_posts(path)
    assert states() == {"boats": "published", "idea": "draft"}
    assert reader.get("/2018/boats.html").location == "/boats"


def test_a_week_that_others_count_from_elsewhere_is_an_article(app: Flask, alice: Member, tmp_path: Path) -> None:
    folder = tmp_path / "_posts"
    folder.mkdir()
    (folder / "2023-05-01-week-12.md").write_text("---\ntitle: Week 12\n---\nWords.\n")
    (folder / "2009-04-10-week-11.md").write_text("---\ntitle: Week 11\n---\nWords.\n")
    report = import_posts(folder)
    kinds = {row[0]: row[1] for row in db.session.execute(select(Post.slug, Post.kind))}
    assert kinds == {"week-12": "article", "week-11": "week"}
    assert "far from its date" in report.of("week-12").warnings[0]


def test_what_one_export_has_twice_comes_once_and_is_named(app: Flask, alice: Member, tmp_path: Path) -> None:
    data = {"posts": [ghost_post(1, "one"), ghost_post(1, "two")]}
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"db": [{"meta": {}, "data": data}]}))
    report = import_posts(path)
    assert (report.count("made"), report.count("refused")) == (1, 1)
    assert list(states()) == ["one"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"{}", b"\x89PNG\r\n\x1a\n"])
def test_what_is_nothing_of_that_kind_is_refused_in_a_sentence(
    app: Flask, alice: Member, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "thing.zip"
    path.write_bytes(content)
    with pytest.raises(Invalid, match=r"thing\.zip: "):
        import_posts(path)


def test_a_job_brings_a_zip_of_markdown_in(app: Flask, alice: Member) -> None:
    files = {"site/_posts/2018-02-09-boats.md": "---\ntitle: Boats\n---\nAbout boats.\n", "../out.md": "x"}
    job = run(begin(alice.id, "import.markdown", zipped(files)))
    assert (job.state, job.counts) == ("done", {"made": 1, "refused": 1})
    assert states() == {"boats": "published"}


@pytest.mark.parametrize("what", ["snips", "hugo", "jekyll", "archive", "subscribers"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_export_is_made_in_the_background(app: Flask, alice: Member, what: str) -> None:
    create_post("article", "Boats", "Words.", alice.id)
    job = run(begin(alice.id, f"export.{what}"))
    assert (job.state, job.error) == ("done", "")
    assert what.partition(".")[0][:4] in job.result or job.result.startswith("site-")
