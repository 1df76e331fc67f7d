"""The members' files in a bucket that several hosts share. The bucket is moto's server, on this machine."""

import io
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from moto.server import ThreadedMotoServer
from PIL import Image

from blogapp.admin.logo import set_logo
from blogapp.app import create_app
from blogapp.auth.faces import set_face
from blogapp.auth.models import Member
from blogapp.core import files, variants
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.errors import Unavailable
from blogapp.core.files import path_of
from blogapp.core.logo import site_logo
from blogapp.core.picturemarks import DIGITS
from blogapp.digest.doctor import site as doctor
from blogapp.digest.doctor.tools import Tools
from blogapp.digest.publishing import delete, publish
from blogapp.porting.archive.backup import back_up
from blogapp.porting.archive.writing import export_archive
from blogapp.posts.attachments import address_of, attach, line_for
from blogapp.posts.deleted import purge_deleted
from blogapp.posts.models import Attachment, Post
from blogapp.posts.queries import list_attachments
from blogapp.posts.writing import create_post, save_post
from tests.commands import Command
from tests.conftest import Browser, make_settings
from tests.fullsite import contents

KEY = {"aws_access_key_id": "blog", "aws_secret_access_key": "a/secret", "region_name": "us-east-1"}
MB = 1_000_000


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint: str) -> Any:
    """The bucket `notes`, empty, as its owner sees it."""
    client = boto3.client("s3", endpoint_url=endpoint, **KEY)
    client.create_bucket(Bucket="notes")
    for entry in client.list_objects_v2(Bucket="notes").get("Contents", ()):
        client.delete_object(Bucket="notes", Key=entry["Key"])
    return client


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> str:
    """Nothing here depends on the kind of the database."""
    shutil.copy(sqlite_template, tmp_path / "blog.sqlite3")
    return f"sqlite:///{tmp_path / 'blog.sqlite3'}"


@pytest.fixture
def place(endpoint: str) -> str:
    return f"s3://blog:a%2Fsecret@notes/site?endpoint={endpoint}&cache_mb=1"


@pytest.fixture
def chosen(s3: Any, place: str) -> dict[str, Any]:
    return {"files": place}


@pytest.fixture
def post(app: Flask, bob: Member) -> Post:
    return create_post("article", "With files", "Nothing yet.", bob.id)


@pytest.fixture
def other_host(app: Flask, database_url: str, tmp_path: Path, place: str) -> Iterator[Flask]:
    """Another machine with a data folder of its own, on the same database and bucket."""
    other = create_app(make_settings(tmp_path / "elsewhere", database_url, files=place))
    other.testing, other.test_client_class = True, Browser
    with other.app_context():
        yield other
        db.session.remove()
        db.engine.dispose()


def keys(s3: Any) -> set[str]:
    return {entry["Key"] for entry in s3.list_objects_v2(Bucket="notes").get("Contents", ())}


def key(sha256: str) -> str:
    return f"site/{sha256[:2]}/{sha256}"


def give(post: Post, name: str, content: bytes, by: Member) -> Attachment:
    return attach(post.id, name, io.BytesIO(content), by.id)


def shown(post: Post, file: Attachment, by: Member) -> Post:
    post = save_post(post.id, post.version, by.id, title=post.title, body=f"See {line_for(file)}")
    return publish(post.id, post.version, by.id)


def picture(colour: str = "teal") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (560, 20), colour).save(data, "PNG")
    return data.getvalue()


def body(client: FlaskClient, address: str) -> tuple[int, bytes]:
    with client.get(address) as response:
        return response.status_code, response.data


def test_hosts_share_what_one_of_them_took_and_the_route_decides_on_each(
    app: Flask, post: Post, bob: Member, s3: Any, other_host: Flask
) -> None:
    with app.app_context():
        notes, plan = give(post, "notes.txt", b"some notes", bob), give(post, "plan.png", picture(), bob)
        assert keys(s3) == {key(notes.sha256), key(plan.sha256)}
        assert not (settings().data_dir / "files").exists()
        address, media = address_of(plan), f"/media/{plan.id}-{plan.sha256[:DIGITS]}"
        private = address_of(notes)
        sha256 = plan.sha256
        content = path_of(sha256).read_bytes()
        shown(post, plan, bob)
    stranger = other_host.test_client()
    assert body(stranger, private)[0] == 404
    assert not path_of(sha256).exists(), "nothing is fetched for who may not have it"
    assert body(stranger, f"{media}/480.webp") == (200, content), "the picture itself, until its sizes are made"
    assert body(stranger, address) == (200, content)
    assert variants.make_wished() == 1, "each host makes the sizes that it is asked for"
    assert body(stranger, f"{media}/480.webp")[1] != content


def test_faces_and_the_logo_come_along(app: Flask, alice: Member, s3: Any, other_host: Flask) -> None:
    with app.app_context():
        set_face(alice.id, io.BytesIO(picture()), by=alice.id)
        set_logo(io.BytesIO(picture("navy")), by=alice.id)
        logo = site_logo()
        assert logo is not None
        assert len(keys(s3)) == 2
    assert body(other_host.test_client(), logo.address)[0] == 200


def test_what_is_deleted_goes_from_the_bucket_and_every_cache(app: Flask, post: Post, bob: Member, s3: Any) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        other = create_post("article", "X", "x", bob.id)
        files_ = [give(post, "a.txt", b"one", bob), give(other, "b.txt", b"two", bob)]
        path = path_of(files_[0].sha256)
        os.utime(path, (0, 0))
        delete(post.id, post.version, bob.id)
        clock.shift(timedelta(days=31))
        purge_deleted()
    assert keys(s3) == {key(files_[1].sha256)}
    assert not path.exists()


def test_what_is_swept_while_somebody_attaches_the_same_is_put_back(
    app: Flask, post: Post, bob: Member, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    secure = files.secure

    def swept_at_once(path: Path, sha256: str) -> None:
        secure(path, sha256)
        s3.delete_object(Bucket="notes", Key=key(sha256))

    monkeypatch.setattr(files, "secure", swept_at_once)
    file = give(post, "a.txt", b"one", bob)
    assert keys(s3) == {key(file.sha256)}


def test_the_cache_stays_as_large_as_it_may_be(app: Flask, post: Post, bob: Member, s3: Any) -> None:
    kept = [give(post, f"{number}.bin", bytes([number]) * (MB // 2), bob) for number in range(1, 5)]
    for number, file in enumerate(kept):
        os.utime(path_of(file.sha256), (number, number))
    path_of(kept[3].sha256).unlink()
    files._Room.came = files.LOOK_BYTES
    found = files.find(kept[3].sha256)
    assert found is not None
    assert found.read_bytes() == bytes([4]) * (MB // 2)
    assert [path_of(file.sha256).exists() for file in kept] == [False, False, True, True]
    assert len(keys(s3)) == 4


def test_a_content_that_is_not_what_its_name_says_is_not_shown(app: Flask, post: Post, bob: Member, s3: Any) -> None:
    file = give(post, "a.txt", b"one", bob)
    path_of(file.sha256).unlink()
    s3.put_object(Bucket="notes", Key=key(file.sha256), Body=b"another")
    assert files.find(file.sha256) is None
    assert not path_of(file.sha256).exists()


class TestAway:
    @pytest.fixture
    def chosen(self) -> dict[str, Any]:
        return {"files": "s3://blog:a%2Fsecret@notes/site?endpoint=http://127.0.0.1:9"}

    def test_a_bucket_that_cannot_be_reached_is_said_and_nothing_half_stays(
        self, app: Flask, post: Post, bob: Member, log_in: Callable[[Member], FlaskClient], monkeypatch: Any
    ) -> None:
        monkeypatch.setattr("blogapp.core.bucket.TRIES", 1)
        with pytest.raises(Unavailable, match="cannot be reached"):
            give(post, "a.txt", b"one", bob)
        assert list_attachments(post.id) == []
        answer = log_in(bob).post(f"/posts/{post.id}/files", data={"file": (io.BytesIO(b"one"), "a.txt")})
        assert (answer.status_code, "cannot be reached" in answer.text) == (503, True)
        (finding,) = doctor.bucket(Tools())
        assert (finding.verdict.name, "127.0.0.1:9" in finding.text) == ("FAILED", True)
        assert "secret" not in finding.text


def test_the_doctor_says_whether_the_bucket_answers_and_is_private(app: Flask, s3: Any) -> None:
    (finding,) = doctor.bucket(Tools())
    assert finding.verdict.name == "OK"
    assert keys(s3) == set()


def test_the_doctor_finds_a_bucket_that_everybody_can_read(
    app: Flask, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blogapp.core.bucket.Bucket._shows_strangers", lambda *_: True)
    (finding,) = doctor.bucket(Tools())
    assert (finding.verdict.name, "Anybody can read" in finding.text) == ("FAILED", True)


def test_an_archive_carries_the_contents_and_a_backup_says_that_they_stay(
    app: Flask, post: Post, bob: Member, s3: Any, tmp_path: Path
) -> None:
    file = give(post, "a.txt", b"one", bob)
    path_of(file.sha256).unlink()
    export_archive(tmp_path / "whole.tar.gz")
    assert contents(tmp_path / "whole.tar.gz")[f"files/{file.sha256[:2]}/{file.sha256}"] == b"one"
    assert back_up(tmp_path / "backup.tar.gz").files == 0
    assert "blog.sqlite3" in contents(tmp_path / "backup.tar.gz")


def test_what_lay_in_the_data_folder_is_moved_into_the_bucket(
    app: Flask, post: Post, bob: Member, s3: Any, blogapp: Command, place: str
) -> None:
    file = give(post, "a.txt", b"one", bob)
    here = settings().data_dir / "files" / file.sha256[:2] / file.sha256
    here.parent.mkdir(parents=True)
    shutil.copy(path_of(file.sha256), here)
    s3.delete_object(Bucket="notes", Key=key(file.sha256))
    assert "names no bucket" in blogapp.refused("files copy")
    there = Command({**blogapp.environ, "BLOG_FILES": place})
    assert "1 files copied to s3://notes/site; 0 were there" in there("files copy").stdout
    assert "0 files copied to s3://notes/site; 1 were there" in there("files copy").stdout
    assert "stay in s3://notes/site" in there(f"backup {settings().data_dir.parent / 'b.tar.gz'}").stderr
    assert keys(s3) == {key(file.sha256)}
