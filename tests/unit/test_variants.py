"""Pictures in other widths and kinds: what comes out of every sort of picture that cameras and programs make."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image, ImageCms, ImageDraw
from PIL.PngImagePlugin import PngInfo

from blogapp.core import config, files, variants
from blogapp.core.media import prepare
from tests.conftest import make_settings

SECRET = b"51.5237N"
TYPES = {".avif": "image/avif", ".webp": "image/webp", ".jpg": "image/jpeg"}


@pytest.fixture(autouse=True)
def site(tmp_path: Path) -> Iterator[None]:
    app = Flask("pictures")
    app.extensions[config.EXTENSION] = make_settings(tmp_path)
    with app.app_context():
        yield


def scene(mode: str = "RGB", size: tuple[int, int] = (1500, 300)) -> Image.Image:
    """A picture with a red left end, and enough in it that bytes tell of its size."""
    picture = Image.radial_gradient("L").resize(size).convert("RGB")
    noise = Image.effect_noise(size, 60).convert("RGB")
    picture = Image.blend(picture, noise, 0.3)
    ImageDraw.Draw(picture).rectangle((0, 0, size[0] // 4, size[1]), fill=(220, 20, 20))
    return picture if mode == "RGB" else picture.convert(mode)


def stored(picture: Image.Image, kind: str, **options: object) -> str:
    """Kept as an upload is. Returns its hash."""
    with files.scratch() as path:
        picture.save(path, kind, **options)
        prepare(path)
        sha256 = files.fingerprint(path)
        files.store(path, sha256)
    return sha256


def made(sha256: str, width: int, kind: str) -> Image.Image:
    with Image.open(variants.path_of(sha256, width, kind)) as picture:
        picture.load()
        return picture


def test_a_photo_gets_every_width_below_its_own_in_three_kinds_and_nothing_of_where_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    sha256 = stored(scene(), "JPEG", quality=95, exif=exif, xmp=b"<x>" + SECRET + b"</x>")
    assert variants.make(sha256)
    folder = variants.path_of(sha256, 480, "avif").parent
    wanted = {f"{width}.{kind}" for width in (480, 720, 1080) for kind in ("avif", "webp", "jpg")}
    assert {path.name for path in folder.iterdir()} == wanted | {"1500.avif", "1500.webp", "1200.jpg"}
    for path in folder.iterdir():
        assert SECRET not in path.read_bytes()
        assert variants.type_of(path) == TYPES[path.suffix]
    assert made(sha256, 480, "avif").size == (480, 96)
    sizes = [variants.path_of(sha256, 1080, kind).stat().st_size for kind in ("avif", "webp", "jpg")]
    assert sizes == sorted(sizes)


def cmyk() -> str:
    return stored(scene("CMYK", (600, 400)), "JPEG", quality=90)


def palette_with_a_hole() -> str:
    picture = scene(size=(600, 400)).quantize(16)
    picture.putpixel((599, 399), 3)
    return stored(picture, "PNG", transparency=3)


def sixteen_bits() -> str:
    return stored(scene("L", (600, 400)).convert("I").point(lambda level: level * 257).convert("I;16"), "PNG")


def grey_with_alpha() -> str:
    picture = scene("L", (600, 400)).convert("LA")
    picture.putalpha(Image.linear_gradient("L").resize((600, 400)))
    return stored(picture, "PNG")


@pytest.mark.parametrize("make_it", [cmyk, palette_with_a_hole, sixteen_bits, grey_with_alpha])
def test_odd_pictures_come_out_as_they_look(make_it: Callable[[], str]) -> None:
    sha256 = make_it()
    assert variants.make(sha256)
    with Image.open(files.path_of(sha256)) as original:
        deep = original.mode.startswith("I")
        before = original.point(lambda level: level * (1 / 257)).convert("L") if deep else original.convert("RGBA")
    after = made(sha256, 480, "webp")
    assert after.mode == ("RGBA" if make_it in (palette_with_a_hole, grey_with_alpha) else "RGB")
    assert max(abs(one - other) for one, other in zip(squares(before), squares(after), strict=True)) < 12


def squares(picture: Image.Image) -> list[int]:
    """How light its parts are, on white."""
    sheet = Image.new("RGBA", picture.size, "white")
    sheet.alpha_composite(picture.convert("RGBA"))
    return list(sheet.convert("L").resize((6, 4), Image.Resampling.BOX).tobytes())


def test_colours_of_another_profile_become_those_that_every_screen_shows() -> None:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = (int.from_bytes(profile[profile.index(tag, 128) + 4 :][:4], "big") for tag in (b"rXYZ", b"gXYZ"))
    profile[red : red + 20], profile[green : green + 20] = profile[green : green + 20], profile[red : red + 20]
    sha256 = stored(Image.new("RGB", (600, 400), (200, 30, 30)), "JPEG", icc_profile=bytes(profile), quality=95)
    assert variants.make(sha256)
    shown = made(sha256, 480, "jpg")
    assert "icc_profile" not in shown.info
    red, green, _ = shown.resize((1, 1)).tobytes()
    assert green > 180 > 60 > red


def test_a_profile_that_is_none_is_passed_over() -> None:
    sha256 = stored(scene(size=(600, 400)), "JPEG", icc_profile=b"no profile at all")
    assert variants.make(sha256)
    assert made(sha256, 480, "jpg").size == (480, 320)


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "AVIF"])
def test_what_moves_goes_on_moving(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [Image.new("RGB", (600, 400), colour) for colour in ("red", "green", "blue")]
    sha256 = stored(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    assert variants.make(sha256)
    assert getattr(made(sha256, 480, "webp"), "n_frames", 1) == 3
    whole = files.path_of(sha256)
    kept = list(variants.path_of(sha256, 480, "webp").parent.iterdir())
    assert all(path.samefile(whole) for path in kept), "a long animation takes the room of one"
    monkeypatch.setattr("os.link", refused)
    kept[0].unlink()
    assert variants.make(sha256)
    assert (kept[0].samefile(whole), kept[0].read_bytes()) == (False, whole.read_bytes())


def refused(*_: object) -> None:
    raise OSError


def test_what_would_grow_stays_as_it_was() -> None:
    flat = Image.new("P", (900, 600), 0)
    sha256 = stored(flat, "PNG", optimize=True)
    assert variants.make(sha256)
    whole = files.path_of(sha256).stat().st_size
    for path in variants.path_of(sha256, 480, "avif").parent.iterdir():
        assert path.stat().st_size <= whole


def test_a_wish_is_granted_once_and_one_that_cannot_be_is_given_up() -> None:
    good, bad = stored(scene(size=(600, 400)), "JPEG"), stored(scene(size=(601, 400)), "JPEG")
    files.path_of(bad).write_bytes(files.path_of(bad).read_bytes()[:900])
    for sha256 in (good, bad, good, "0" * 64):
        variants.wish(sha256)
    assert variants.make_wished() == 2  # the good one, and the one of a content that is gone
    assert made(good, 480, "avif").width == 480
    for _ in range(variants.TRIES):
        variants.make_wished()
    variants.wish(bad)
    assert list((variants.folder() / "wishes").iterdir()) == []


def test_who_is_stopped_goes_on_later_where_it_was() -> None:
    sha256 = stored(scene(size=(600, 400)), "JPEG")
    answers = iter([False, False, False, True])
    variants.wish(sha256)
    assert variants.make_wished(lambda: next(answers)) == 0
    kept = {path: path.stat().st_mtime_ns for path in variants.path_of(sha256, 480, "avif").parent.iterdir()}
    assert len(kept) == 2
    assert variants.make_wished() == 1
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_a_bomb_is_not_unpacked() -> None:
    sha256 = "a" * 64
    small = io.BytesIO()
    Image.new("1", (600, 400)).save(small, "PNG")
    head = b"IHDR" + struct.pack(">II", 30_000, 30_000) + small.getvalue()[24:29]
    target = files.path_of(sha256)
    target.parent.mkdir()
    target.write_bytes(small.getvalue()[:12] + head + struct.pack(">I", zlib.crc32(head)) + small.getvalue()[33:])
    variants.wish(sha256)
    assert variants.make_wished() == 0
    assert not variants.path_of(sha256, 480, "webp").exists()


def test_text_in_a_png_stays_out() -> None:
    note = PngInfo()
    note.add_text("Comment", SECRET.decode())
    sha256 = stored(scene(size=(600, 400)), "PNG", pnginfo=note)
    assert variants.make(sha256)
    assert not any(SECRET in path.read_bytes() for path in variants.path_of(sha256, 480, "png").parent.iterdir())


def test_variants_of_what_is_gone_are_swept() -> None:
    sha256 = stored(scene(size=(600, 400)), "JPEG")
    variants.make(sha256)
    drawn = variants.keep_drawn("card.png", lambda: b"drawn")
    variants.sweep(datetime(2000, 1, 1, tzinfo=UTC), {sha256})
    assert variants.path_of(sha256, 480, "avif").exists()
    assert drawn.exists()
    variants.sweep(datetime(2100, 1, 1, tzinfo=UTC), set())
    assert not variants.path_of(sha256, 480, "avif").parent.exists()
    assert not drawn.exists()
