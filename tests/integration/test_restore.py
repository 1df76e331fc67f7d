"""Restoring a backup: whole, into an empty place, and nothing is sent by itself."""

import io
import json
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from blogapp.app import create_app
from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.core.site import site_row
from blogapp.delivery.models import OutboxMail
from blogapp.digest import instance
from blogapp.digest.models import Digest
from blogapp.posts.models import Post
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post
from tests.commands import Command, environment
from tests.conftest import dispose, make_settings
from tests.relay import Relay


@pytest.fixture
def copy(tmp_path: Path) -> Command:
    """The command line of another, empty place, on SQLite."""
    return Command(environment(tmp_path / "copy"))


@pytest.fixture
def chosen() -> dict[str, Any]:
    return {"digest_hold_seconds": 900}


# Where the database is in the archive.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def names(file: Path) -> list[str]:
    with tarfile.open(file) as archive:
        return archive.getnames()


@ON_SQLITE
def test_a_restored_site_is_the_same_and_sends_nothing_that_waited(
    blogapp: Command, copy: Command, site: Post, tmp_path: Path
) -> None:
    link_key, name = site_row().link_key, site_row().instance
    look = {"templates/reading/home.html": "Ours", "static/own.css": "main { }", "static/.hidden": "", "elsewhere": ""}
    for name, content in look.items():
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_text(content)
    blogapp("backup site.tar.gz")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "instance").write_text("of a site that was here before")
    said = copy(f"restore {tmp_path / 'site.tar.gz'}").stdout
    assert "Restored 1 files" in said
    assert "held" in said
    copy("check")
    assert [p["slug"] for p in copy.json("post list --json")] == ["week-473"]
    restored = create_app(make_settings(tmp_path / "copy"))
    with restored.app_context():
        assert site_row().link_key == link_key
        assert db.session.execute(select(Digest.state)).scalar_one() == "held"
        assert site_row().instance != name
        assert json.loads((tmp_path / "copy" / "instance").read_text())["instance"] == site_row().instance
        assert instance.look() == "", "what waited rests already: nothing more is held"
        assert db.session.execute(select(OutboxMail.state)).scalar_one() == "failed"
        shown = {path.name for path in (tmp_path / "copy" / "files").glob("??/*")}
        assert shown == {path.name for path in (tmp_path / "data" / "files").glob("??/*")}
    dispose(restored)
    there = {name: (tmp_path / "copy" / name).exists() for name in look}
    assert there == dict(zip(look, (True, True, False, False), strict=True))
    assert (tmp_path / "copy" / "static" / "own.css").read_text() == "main { }"
    assert not [name for name in listed(tmp_path / "copy") if name.startswith(".restore")]


@ON_SQLITE
def test_a_restored_site_does_not_go_on_with_what_was_on_its_way(
    blogapp: Command, copy: Command, app: Flask, alice: Member, tmp_path: Path
) -> None:
    with Relay() as relay:
        for place in (blogapp, copy):
            place.environ = {**place.environ, "BLOG_SMTP_URL": relay.url}
        blogapp("subscriber add --confirmed ann@example.org")
        create_post("week", "Week 473", "We baked.", alice.id, weeks=Weeks(473, 473))
        blogapp("post publish week-473")
        relay.at_rcpt["ann@example.org"] = "450 4.2.0 come again later"
        blogapp("digest send-due")
        assert blogapp.json("digest list --json")[0]["state"] == "sending"
        blogapp("backup site.tar.gz")
        copy(f"restore {tmp_path / 'site.tar.gz'}")
        relay.at_rcpt.clear()
        with closing(sqlite3.connect(tmp_path / "copy" / "blog.sqlite3")) as connection:
            connection.execute("UPDATE exceptions SET due_at = '2020-01-01 00:00:00'")
            connection.commit()
        copy("digest send-due", code=1)
        assert not relay.accepted
        assert "restored from a backup" in copy("digest show week-473").stdout


@ON_SQLITE
def test_a_site_that_is_there_is_never_restored_over(blogapp: Command, site: Post, tmp_path: Path) -> None:
    blogapp("backup site.tar.gz")
    assert "is there already. Restore into an empty data folder" in blogapp.refused("restore site.tar.gz")
    assert blogapp.json("post list --json")[0]["slug"] == "week-473"
    (tmp_path / "blog.sqlite3").rename(tmp_path / "old.sqlite3")
    (tmp_path / "data" / "files").rename(tmp_path / "old")
    assert "a server may still run" in blogapp.refused("restore site.tar.gz"), "this process has it open"


def archive(file: Path, **content: bytes | None) -> Path:
    """An archive with these members; None: a symbolic link to /etc/passwd."""
    with tarfile.open(file, "w:gz") as out:
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            if data is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            else:
                info.size = len(data)
            out.addfile(info, io.BytesIO(data or b""))
    return file


MANIFEST = {
    "format": 1,
    "program": "0.1.0",
    "made_at": "2026-11-23T10:00:00Z",
    "schema": "0007_digests",
    "database": "sqlite",
    "base_url": "http://blog.test",
    "files": 0,
}
DATABASE: dict[str, bytes | None] = {"blog.sqlite3": b"x" * 5000}


def manifest(**changed: Any) -> dict[str, bytes | None]:
    return {"manifest.json": json.dumps(MANIFEST | changed).encode()}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({"manifest.json": b"{}", "../escape": b"x"}, "is no backup of blogapp: '../escape' is in it"),
        ({"manifest.json": b"{}", "files/../../escape": b"x"}, "is no backup of blogapp"),
        ({"manifest.json": b"{}", "templates/../escape": b"x"}, "'templates/../escape' is in it"),
        ({"manifest.json": b"{}", "static/link": None}, "'static/link' is in it"),
        ({"manifest.json": b"{}", "files/link": None}, "is no backup of blogapp: 'files/link' is in it"),
        ({"manifest.json": b"{}", f"files/00/{'0' * 63}": b"x"}, "is no backup of blogapp"),
        ({"manifest.json": b"not json"}, "it does not say what is in it"),
        ({"manifest.json": b"{}"}, "it does not say what is in it"),
        ({"manifest.json": b"\xff"}, "it does not say what is in it"),
        ({"blog.sqlite3": b"x"}, "is no backup of blogapp"),
        (manifest(schema="0999_later") | DATABASE, "newer than this one"),
        (manifest(format=2) | DATABASE, "newer than this one"),
        (manifest() | DATABASE, "cannot be used"),
        (manifest(), "it does not say what is in it"),
        (manifest(database="postgresql") | DATABASE, "it does not say what is in it"),
    ],
)
def test_what_is_no_good_backup_changes_nothing(
    copy: Command, tmp_path: Path, content: dict[str, bytes | None], why: str
) -> None:
    file = archive(tmp_path / "bad.tar.gz", **content)
    assert why in copy.refused(f"restore {file}")
    assert listed(tmp_path) == ["bad.tar.gz", "copy"]
    assert listed(tmp_path / "copy") == []


def test_a_backup_that_was_cut_off_or_is_not_there_is_refused(
    copy: Command, blogapp: Command, site: Post, tmp_path: Path
) -> None:
    blogapp("backup site.tar.gz")
    whole = (tmp_path / "site.tar.gz").read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    assert "is damaged" in copy.refused(f"restore {tmp_path / 'cut.tar.gz'}")
    assert "No such file" in copy.refused(f"restore {tmp_path / 'nosuch.tar.gz'}")
    assert listed(tmp_path / "copy") == []
