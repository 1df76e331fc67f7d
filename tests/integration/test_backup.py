"""Backup and restore: one file, whole, and nothing is written over or sent by itself."""

import os
import sqlite3
import tarfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from blogapp.core.config import settings
from blogapp.core.db import db, transaction
from blogapp.posts.models import Post
from tests.commands import Command


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


def test_a_backup_holds_the_files_and_the_database_and_no_key(
    blogapp: Command, site: Post, tmp_path: Path, database_url: str
) -> None:
    said = blogapp("backup site.tar.gz").stdout
    held = names(tmp_path / "site.tar.gz")
    assert held[0] == "manifest.json"
    assert ("blog.sqlite3" in held) == database_url.startswith("sqlite")
    assert sum(name.startswith("files/") for name in held) == 1
    assert "1 files" in said
    assert (tmp_path / "site.tar.gz").stat().st_mode & 0o777 == 0o600
    key = settings().secret_key.encode()
    with tarfile.open(tmp_path / "site.tar.gz") as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            assert key not in file.read(), member.name


def test_on_postgresql_the_command_says_how_to_save_the_database(
    blogapp: Command, site: Post, database_url: str
) -> None:
    if database_url.startswith("sqlite"):
        assert blogapp("backup site.tar.gz").stderr == ""
    else:
        assert (
            "pg_dump --format=custom --file=site.tar.gz.pgdump 'postgresql://" in blogapp("backup site.tar.gz").stderr
        )


def test_a_file_that_is_there_is_not_written_over_without_force(blogapp: Command, site: Post, tmp_path: Path) -> None:
    file = tmp_path / "site.tar.gz"
    file.write_text("dear")
    assert "is there already" in blogapp.refused("backup site.tar.gz")
    assert file.read_text() == "dear"
    blogapp("backup site.tar.gz --force")
    assert "manifest.json" in names(file)
    assert "is there already" in blogapp.refused(f"backup {tmp_path} --force")


def test_of_two_backups_at_once_one_is_refused_and_none_is_lost(
    blogapp: Command, site: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def late(source: Any, target: Any) -> None:
        Path(target).write_text("the other's")
        link(source, target)

    monkeypatch.setattr("os.link", late)
    assert "is there already" in blogapp.refused("backup site.tar.gz")
    assert (tmp_path / "site.tar.gz").read_text() == "the other's"


def test_a_folder_that_is_not_there_is_one_line(blogapp: Command, site: Post) -> None:
    assert "No such file or directory" in blogapp.refused("backup nosuch/site.tar.gz")


def test_a_failed_backup_leaves_nothing_behind(
    blogapp: Command, site: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    before = listed(tmp_path)
    monkeypatch.setattr("tarfile.TarFile.add", full)
    assert "No space left on device" in blogapp.refused("backup site.tar.gz")
    assert listed(tmp_path) == before


@ON_SQLITE
def test_a_backup_is_one_moment_while_others_write(blogapp: Command, site: Post, app: Flask, tmp_path: Path) -> None:
    """Two rows that only ever change together are the same in the copy, and the writer is not stopped."""
    done = threading.Event()
    writes = []

    def write() -> None:
        with app.app_context():
            while not done.is_set():
                with transaction() as session:
                    session.execute(text("UPDATE posts SET title = title || '.'"))
                    session.execute(text("UPDATE outbox SET subject = subject || '.'"))
                writes.append(1)
            db.session.remove()

    with transaction() as session:
        session.execute(text("UPDATE posts SET title = ''"))
        session.execute(text("UPDATE outbox SET subject = ''"))
    writer = threading.Thread(target=write)
    writer.start()
    try:
        while not writes:
            time.sleep(0.01)
        meanwhile = 0
        for number in range(5):
            before = len(writes)
            blogapp(f"backup {number}.tar.gz")
            meanwhile += len(writes) - before
        assert meanwhile > 5
    finally:
        done.set()
        writer.join()
    for number in range(5):
        with tarfile.open(tmp_path / f"{number}.tar.gz") as archive:
            content = archive.extractfile("blog.sqlite3")
            assert content is not None
            (tmp_path / f"{number}.sqlite3").write_bytes(content.read())
        with closing(sqlite3.connect(tmp_path / f"{number}.sqlite3")) as connection:
            (title,) = connection.execute("SELECT title FROM posts").fetchone()
            (subject,) = connection.execute("SELECT subject FROM outbox").fetchone()
            assert title == subject != ""
