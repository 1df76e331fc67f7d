"""Files that members attach: what is kept of them, and who may read them."""

import io
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import func, select

from blogapp.auth.models import Member
from blogapp.core import files, media
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.errors import Invalid, NotAllowed, NotFound
from blogapp.core.files import path_of
from blogapp.digest.publishing import delete, publish, withdraw
from blogapp.posts.attachments import (
    address_of,
    attach,
    bring_back_attachment,
    line_for,
    open_attachment,
    remove_attachment,
    safe_name,
)
from blogapp.posts.deleted import purge_deleted
from blogapp.posts.models import Attachment, Post
from blogapp.posts.queries import list_attachments
from blogapp.posts.writing import create_post, save_post

START = datetime(2018, 2, 5, 9, 0, tzinfo=UTC)
SECRET = b"taken at 51.5237N"


def photo(size: tuple[int, int] = (40, 20), kind: str = "JPEG", orientation: int = 1, noted: bool = True) -> bytes:
    """A picture whose left end is red, with EXIF data that tells where it was taken."""
    picture = Image.new("RGB", size, "white")
    ImageDraw.Draw(picture).rectangle((0, 0, size[0] // 4, size[1]), fill="red")
    exif = Image.Exif()
    if noted:
        exif[0x010E] = SECRET.decode()
        exif[0x0112] = orientation
    file = io.BytesIO()
    picture.save(file, kind, **({"exif": exif} if noted else {}), **({"quality": 95} if kind != "PNG" else {}))
    return file.getvalue()


def give(post: Post, name: str, content: bytes, by: Member) -> Attachment:
    return attach(post.id, name, io.BytesIO(content), by.id)


@pytest.fixture
def post(app: Flask, bob: Member) -> Post:
    return create_post("article", "With files", "Nothing yet.", bob.id)


def show(post: Post, attachment: Attachment, by: Member, version: int = 1) -> Post:
    return save_post(post.id, version, by.id, title="With files", body=f"See {line_for(attachment)}")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_photo_loses_where_it_was_taken_and_keeps_its_size(post: Post, bob: Member, kind: str) -> None:
    content = photo(kind=kind)
    assert SECRET in content
    attachment = give(post, "Holiday Photo.xyz", content, bob)
    kept = path_of(attachment.sha256).read_bytes()
    assert SECRET not in kept
    assert (attachment.width, attachment.height) == (40, 20)
    assert attachment.media_type == media.IMAGES[kind]
    assert attachment.size_bytes == len(kept)
    assert attachment.filename == f"holiday-photo.{media.EXTENSIONS[attachment.media_type]}"


def test_a_photo_is_turned_the_right_way_up(post: Post, bob: Member) -> None:
    attachment = give(post, "a.jpg", photo(orientation=6), bob)
    assert (attachment.width, attachment.height) == (20, 40)
    with Image.open(path_of(attachment.sha256)) as picture:
        red, green, _ = picture.convert("RGB").getpixel((10, 2))  # type: ignore[misc]
        assert (red > 200, green < 60) == (True, True)
        assert not picture.getexif()


def test_a_picture_that_tells_nothing_is_kept_byte_for_byte(post: Post, bob: Member) -> None:
    content = photo(noted=False)
    assert path_of(give(post, "a.jpg", content, bob).sha256).read_bytes() == content


def test_words_hidden_in_a_png_are_taken_out(post: Post, bob: Member) -> None:
    file, note = io.BytesIO(), PngInfo()
    note.add_text("Comment", SECRET.decode())
    Image.new("RGBA", (3, 3), (255, 0, 0, 128)).save(file, "PNG", pnginfo=note)
    assert SECRET in file.getvalue()
    kept = path_of(give(post, "a.png", file.getvalue(), bob).sha256)
    assert SECRET not in kept.read_bytes()
    with Image.open(kept) as picture:
        assert picture.getpixel((1, 1)) == (255, 0, 0, 128)


def test_an_animation_goes_on_moving(post: Post, bob: Member) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "green", "blue")]
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x010E] = SECRET.decode()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], duration=70, loop=0, exif=exif, lossless=True)
    kept = path_of(give(post, "a.webp", file.getvalue(), bob).sha256)
    assert SECRET not in kept.read_bytes()
    with Image.open(kept) as picture:
        assert getattr(picture, "n_frames", 1) == 3


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_unpacked(
    post: Post, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "MAX_PIXELS", 799)
    with pytest.raises(Invalid, match="too many pixels"):
        give(post, "bomb.png", photo(kind="PNG"), bob)


def test_a_real_bomb_is_refused(post: Post, bob: Member) -> None:
    file = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(file, "PNG")
    assert len(file.getvalue()) < 1_000_000
    with pytest.raises(Invalid, match="too many pixels"):
        give(post, "bomb.png", file.getvalue(), bob)


def test_a_broken_picture_is_refused_with_words(post: Post, bob: Member) -> None:
    with pytest.raises(Invalid, match="broken"):
        give(post, "a.jpg", photo()[:300], bob)
    assert list_attachments(post.id) == []


class TestSmallLimit:
    @pytest.fixture
    def chosen(self) -> dict[str, object]:
        return {"max_upload_mb": 1}

    def test_a_file_that_is_empty_or_too_big_is_refused_and_leaves_nothing(self, post: Post, bob: Member) -> None:
        with pytest.raises(Invalid, match=r"big\.zip is too big: 1 MB"):
            give(post, "big.zip", b"x" * 1_000_001, bob)
        with pytest.raises(Invalid, match="empty"):
            give(post, "empty.txt", b"", bob)
        assert list_attachments(post.id) == []
        assert [path for path in (settings().data_dir / "files").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("name", "content", "media_type", "kept_as"),
    [
        ("a.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", media.DOWNLOAD, "a.bin"),
        ("a.svg", b"<svg/>", media.DOWNLOAD, "a.svg"),
        ("page.HTML", b"<script>alert(1)</script>", media.DOWNLOAD, "page.html"),
        ("paper.doc", b"%PDF-1.7 ...", "application/pdf", "paper.pdf"),
        ("film.mov", b"\0\0\0\x20ftypisom....", "video/mp4", "film.mp4"),
        ("film", b"\x1a\x45\xdf\xa3....B\x82\x84webm", "video/webm", "film.webm"),
        ("song.mp3", b"ID3\x04....", "audio/mpeg", "song.mp3"),
        ("notes.txt", b"just words", media.DOWNLOAD, "notes.txt"),
    ],
)
def test_what_a_file_is_is_told_by_its_content(
    post: Post, bob: Member, name: str, content: bytes, media_type: str, kept_as: str
) -> None:
    attachment = give(post, name, content, bob)
    assert (attachment.media_type, attachment.filename) == (media_type, kept_as)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\fakepath\\Größe 1.TAR", "grosse-1.tar"),
        ("фото.jpg", "foto.jpg"),
        ("....", "file"),
        ("x" * 300 + ".csv", "x" * 80 + ".csv"),
        ('a"b\r\nc.txt', "a-b-c.txt"),
    ],
)
def test_names_are_safe_in_addresses_and_headers(name: str, safe: str) -> None:
    assert safe_name(name, "image/jpeg" if safe.endswith("jpg") else media.DOWNLOAD) == safe


def test_the_same_file_again_is_the_same_attachment_and_its_bytes_are_kept_once(
    app: Flask, post: Post, bob: Member
) -> None:
    other = create_post("article", "Another", "x", bob.id)
    first, again = give(post, "a.txt", b"one", bob), give(post, "a.txt", b"one", bob)
    assert first.id == again.id
    assert give(other, "b.txt", b"one", bob).sha256 == first.sha256
    assert len([path for path in (settings().data_dir / "files").rglob("*") if path.is_file()]) == 1


def test_only_who_may_edit_a_post_attaches_to_it(app: Flask, post: Post, carol: Member) -> None:
    with pytest.raises(NotAllowed):
        give(post, "a.txt", b"one", carol)
    with pytest.raises(NotFound):
        attach(999, "a.txt", io.BytesIO(b"one"), carol.id)


def test_a_file_is_private_until_a_published_post_shows_it(
    app: Flask, post: Post, bob: Member, carol: Member, reader: FlaskClient, log_in: Callable[[Member], FlaskClient]
) -> None:
    shown, unused = give(post, "a.png", photo(kind="PNG"), bob), give(post, "b.png", photo((8, 8), "PNG"), bob)
    member = log_in(carol)

    def status(client: FlaskClient, attachment: Attachment) -> int:
        with client.get(address_of(attachment)) as response:
            if response.status_code == 200:
                public = client is reader or (attachment.id == shown.id and published)
                wanted = "public, no-cache" if public else "private, no-store"
                assert response.headers["Cache-Control"] == wanted
                assert ("ETag" in response.headers) is public
            return response.status_code

    published = False
    show(post, shown, bob)
    assert [status(reader, shown), status(member, shown)] == [404, 200]
    publish(post.id, 2, bob.id)
    published = True
    assert [status(reader, shown), status(reader, unused), status(member, unused)] == [200, 404, 200]
    save_post(post.id, 3, bob.id, title="With files", body="Without.")
    published = False
    assert status(reader, shown) == 404
    show(post, shown, bob, 4)
    published = True
    assert status(reader, shown) == 200
    withdraw(post.id, 5, bob.id)
    assert status(reader, shown) == 404


def test_a_published_file_is_validated_and_read_in_parts(
    app: Flask, post: Post, bob: Member, reader: FlaskClient
) -> None:
    attachment = give(post, "song.mp3", b"ID3" + bytes(range(200)), bob)
    show(post, attachment, bob)
    publish(post.id, 2, bob.id)
    with reader.get(address_of(attachment)) as response:
        etag = response.headers["ETag"]
        assert response.content_type == "audio/mpeg"
        assert "Set-Cookie" not in response.headers
        assert "sandbox" in response.headers["Content-Security-Policy"]
    with reader.get(address_of(attachment), headers={"If-None-Match": etag}) as response:
        assert response.status_code == 304
    with reader.get(address_of(attachment), headers={"Range": "bytes=0-2"}) as response:
        assert (response.status_code, response.data) == (206, b"ID3")
    assert reader.get(f"/files/{attachment.id}/other.mp3").status_code == 404
    assert reader.get(f"/files/{10**30}/song.mp3").status_code == 404


def test_what_no_browser_should_show_is_only_downloaded(
    app: Flask, post: Post, bob: Member, reader: FlaskClient
) -> None:
    attachment = give(post, "a.svg", b"<svg onload='alert(1)'/>", bob)
    show(post, attachment, bob)
    publish(post.id, 2, bob.id)
    with reader.get(address_of(attachment)) as response:
        assert response.content_type == "application/octet-stream"
        assert response.headers["Content-Disposition"] == "attachment; filename=a.svg"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_picture_says_its_size_on_the_page(post: Post, bob: Member) -> None:
    attachment = give(post, "a.png", photo(kind="PNG"), bob)
    html = show(post, attachment, bob).html
    assert f'src="/files/{attachment.id}/a.png"' in html
    assert 'width="40" height="20"' in html


def test_a_file_copied_into_another_posts_text_is_shown_by_both(app: Flask, post: Post, bob: Member) -> None:
    attachment = give(post, "a.png", photo(kind="PNG"), bob)
    whole = f"![x]({settings().base_url}{address_of(attachment)})"
    other = create_post("article", "Another", whole, bob.id)
    assert [(a.id, shown) for a, shown in list_attachments(other.id)] == [(attachment.id, True)]
    publish(other.id, 1, bob.id)
    assert open_attachment(attachment.id, None)[1] is True


def test_an_unused_file_is_put_away_brought_back_and_in_the_end_deleted(app: Flask, post: Post, bob: Member) -> None:
    with time_machine.travel(START, tick=False) as clock:
        attachment = give(post, "a.txt", b"one", bob)
        show(post, attachment, bob)
        with pytest.raises(Invalid, match="still shows"):
            remove_attachment(post.id, attachment.id, bob.id)
        save_post(post.id, 2, bob.id, title="With files", body="Without.")
        remove_attachment(post.id, attachment.id, bob.id)
        bring_back_attachment(post.id, attachment.id, bob.id)
        remove_attachment(post.id, attachment.id, bob.id)
        show(post, attachment, bob, 3)
        assert list_attachments(post.id)[0][0].removed_at is None, "shown again, it is back"
        save_post(post.id, 4, bob.id, title="With files", body="Without.")
        remove_attachment(post.id, attachment.id, bob.id)
        clock.shift(timedelta(days=29))
        purge_deleted()
        path = path_of(attachment.sha256)
        os.utime(path, (START.timestamp(), START.timestamp()))
        assert path.is_file()
        clock.shift(timedelta(days=1))
        purge_deleted()
        assert not path.exists()
        assert list_attachments(post.id) == []


def test_a_purged_post_takes_its_files_along_unless_another_has_the_same(app: Flask, post: Post, bob: Member) -> None:
    with time_machine.travel(START, tick=False) as clock:
        other = create_post("article", "Another", "x", bob.id)
        shared, own = give(post, "a.txt", b"shared", bob), give(post, "b.txt", b"own", bob)
        give(other, "c.txt", b"shared", bob)
        paths: list[Path] = [path_of(shared.sha256), path_of(own.sha256), files.folder() / "incoming-cut-off"]
        paths[2].write_bytes(b"half of")
        for path in paths:
            os.utime(path, (START.timestamp(), START.timestamp()))
        delete(post.id, 1, bob.id)
        clock.shift(timedelta(days=30))
        purge_deleted()
    assert [path.exists() for path in paths] == [True, False, False]
    assert db.session.execute(select(func.count()).select_from(Attachment)).scalar_one() == 1
