"""What uploads say besides what they show, whatever it is called and wherever it lies."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from blogapp.core import media
from blogapp.core.errors import Invalid
from blogapp.core.media import DOWNLOAD, prepare
from blogapp.core.telltale import silence_film, tells_more

SECRET = b"51.5237N somebody's name"
KINDS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF")


def picture(kind: str, frames: int = 1, **options: Any) -> bytes:
    data = io.BytesIO()
    first, *others = [Image.new("RGB", (40, 30), (number * 40 % 256, 9, 9)) for number in range(frames)]
    more: dict[str, Any] = {"save_all": True, "append_images": others, "duration": 50} if frames > 1 else {}
    first.save(data, kind, **more, **options)
    return data.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def in_png(content: bytes) -> bytes:
    """A layer of an editor's, before the end."""
    plain = picture("PNG")
    return plain[:-12] + chunk(b"mkBF", content) + plain[-12:]


def in_jpeg(content: bytes) -> bytes:
    """What APP11 holds: who made it and how (C2PA)."""
    plain = picture("JPEG")
    return plain[:2] + b"\xff\xeb" + struct.pack(">H", len(content) + 2) + content + plain[2:]


def in_gif(content: bytes) -> bytes:
    plain = picture("GIF")
    return plain[:-1] + b"\x21\xff\x0bXMP DataXMP" + bytes([len(content)]) + content + b"\0" + plain[-1:]


def in_webp(content: bytes) -> bytes:
    plain = picture("WEBP") + b"NOTE" + struct.pack("<I", len(content)) + content + b"\0" * (len(content) & 1)
    return plain[:4] + struct.pack("<I", len(plain) - 8) + plain[8:]


def in_avif(content: bytes) -> bytes:
    return picture("AVIF") + struct.pack(">I", len(content) + 8) + b"uuid" + content


INSIDE: dict[str, Callable[[bytes], bytes]] = {
    "PNG": in_png, "JPEG": in_jpeg, "GIF": in_gif, "WEBP": in_webp, "AVIF": in_avif,
}  # fmt: skip


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_that_is_only_a_picture_stays_as_it_is(tmp_path: Path, kind: str, frames: int) -> None:
    content = picture(kind, frames if kind != "JPEG" else 1)
    path = tmp_path / "picture"
    path.write_bytes(content)
    assert tells_more(path, kind) is False
    assert prepare(path).media_type == media.IMAGES[kind]
    assert path.read_bytes() == content


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("where", ["inside", "behind", "behind, ending as the kind does"])
def test_what_lies_in_a_block_that_no_decoder_names_or_behind_the_end_is_taken_out(
    tmp_path: Path, kind: str, where: str
) -> None:
    plain, path = picture(kind), tmp_path / "picture"
    behind = b"<script>" + SECRET + (plain[-12:] if "ending" in where else b"</script>")
    path.write_bytes(INSIDE[kind](SECRET) if where == "inside" else plain + behind)
    assert SECRET in path.read_bytes()
    assert prepare(path).media_type == media.IMAGES[kind]
    assert SECRET not in path.read_bytes()
    assert b"<script>" not in path.read_bytes()
    assert tells_more(path, kind) is False
    with Image.open(path) as kept:
        assert kept.size == (40, 30)


def test_the_rest_of_a_screenshot_that_was_cut_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    large = io.BytesIO()
    Image.effect_noise((80, 80), 90).save(large, "PNG")
    path.write_bytes(picture("PNG") + large.getvalue()[900:])
    prepare(path)
    assert large.getvalue()[-200:-100] not in path.read_bytes()


def test_an_animation_of_too_many_pixels_in_all_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "moving.gif"
    path.write_bytes(picture("GIF", 5))
    monkeypatch.setattr(media, "MAX_MOVING_PIXELS", 40 * 30 * 4)
    with pytest.raises(Invalid, match="too many pixels"):
        prepare(path)


def test_a_photo_of_thousands_of_passes_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    content = picture("JPEG", progressive=True)
    at = content.rfind(b"\xff\xda")
    path = tmp_path / "slow.jpg"
    path.write_bytes(content[:at] + content[at:-2] * 500 + content[-2:])
    with pytest.raises(Invalid, match="too long to unpack"):
        prepare(path)


def box(kind: bytes, content: bytes, size: int | None = None) -> bytes:
    return struct.pack(">I", len(content) + 8 if size is None else size) + kind + content


def test_a_film_loses_where_it_was_made_and_nothing_moves(tmp_path: Path) -> None:
    place = box(b"\xa9xyz", SECRET)
    moov = box(b"moov", box(b"mvhd", b"\1" * 20) + box(b"trak", box(b"udta", place)) + box(b"meta", SECRET))
    film = box(b"ftyp", b"mp42\0\0\0\0mp42isom") + moov + box(b"uuid", SECRET * 9000) + box(b"mdat", b"film" * 9)
    path = tmp_path / "film"
    path.write_bytes(film)
    assert prepare(path).media_type == "video/mp4"
    kept = path.read_bytes()
    assert (SECRET in film, SECRET in kept, len(kept)) == (True, False, len(film))
    assert kept.find(b"mdat") == film.find(b"mdat")
    assert kept.count(b"free") == 3


@given(st.binary(max_size=200))
def test_no_bytes_at_all_break_the_walks(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "anything"
    path.write_bytes(content)
    for kind in KINDS:
        assert tells_more(path, kind) in (True, False)
    path.write_bytes(b"\0\0\0\x10ftypmp42\0\0\0\0" + content)
    silence_film(path)
    assert path.read_bytes()[:16] == b"\0\0\0\x10ftypmp42\0\0\0\0"


@pytest.mark.parametrize(
    "content",
    [
        b"<!doctype html><script>alert(1)</script>",
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"\xef\xbb\xbf<svg onload='alert(1)'/>",
        b"GIF89a=1;/*\0\0\0\0*/<script>alert(1)</script>",
        b"\x89PNG\r\n\x1a\n<html>",
        b"\xff\xd8\xff<svg>",
        b"RIFF\x10\0\0\0WEBP<script>",
        b"PK\x03\x04 a zip",
        b"MZ a program",
        b"%!PS a program for printers",
    ],
)
def test_what_only_looks_like_a_picture_is_a_download_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd"
    path.write_bytes(content)
    try:
        shown_as = prepare(path).media_type
    except Invalid as refused:
        shown_as = "" if "broken" in str(refused) else str(refused)
    assert shown_as in ("", DOWNLOAD)
