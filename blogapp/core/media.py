"""What a file is, told by its content, and what has to be taken out of a photo before it is shown."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from blogapp.core.errors import Invalid
from blogapp.core.telltale import MOST_SCANS, scans, silence_film, tells_more

# 50 million pixels are 200 MB once unpacked: more than any camera that people blog with.
MAX_PIXELS = 50_000_000
# An animation is unpacked picture by picture: so many of them, and so many pixels in all.
MAX_FRAMES = 1_000
MAX_MOVING_PIXELS = 400_000_000
# Pictures are unpacked one at a time, so that many that come at once do not take all memory together.
UNPACKING = threading.Lock()
DOWNLOAD = "application/octet-stream"
IMAGES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp", "AVIF": "image/avif"}
# What a browser may show from our own address; everything else, SVG and HTML first of all, is only ever downloaded.
INLINE = frozenset([*IMAGES.values(), "application/pdf", "video/mp4", "video/webm", "audio/mpeg"])
EXTENSIONS = {
    "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp", "image/avif": "avif",
    "application/pdf": "pdf", "video/mp4": "mp4", "video/webm": "webm", "audio/mpeg": "mp3",
}  # fmt: skip
# What a picture may keep: how its colours are meant, and how it moves.
KEPT_INFO = ("icc_profile", "duration", "loop", "transparency", "background", "gamma")
# What telephones write: HEVC, which only one maker's browser unpacks.
HEIC = frozenset([b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"])
METADATA = ("exif", "xmp", "comment", "photoshop", "XML:com.adobe.xmp", "Raw profile type exif", "mp")
ORIENTATION = 0x0112


@dataclass(frozen=True)
class Media:
    """What a file turned out to be. Width and height are pixels, of pictures only."""

    media_type: str
    width: int | None = None
    height: int | None = None


def prepare(path: Path) -> Media:
    """Say what the file is; a photo loses where and by whom it was taken, and is turned the right way up.

    Raises:
        Invalid: a picture that is broken, too big to be shown, or of a kind that browsers cannot show.
    """
    with path.open("rb") as file:
        head = file.read(1024)
    if _is_heic(head):
        raise _wrong("This is a HEIC photo, which most browsers cannot show. Save it as a JPEG and choose that one.")
    if not _looks_like_picture(head):
        media_type = _other_type(head)
        if media_type == "video/mp4":
            silence_film(path)
        return Media(media_type)
    try:
        with UNPACKING:
            return _prepare_picture(path)
    except UnidentifiedImageError:
        return Media(DOWNLOAD)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_big() from None
    except Invalid:
        raise
    except Exception as error:  # What a decoder raises at damaged bytes is nowhere promised.
        raise _wrong("The picture is broken and cannot be shown. Try to save it anew.") from error


def _prepare_picture(path: Path) -> Media:
    # A JPEG of several pictures opens as MPO, which Pillow finds out from JPEG by itself.
    with Image.open(path, formats=list(IMAGES)) as picture:
        within_limits(picture)
        kind = "JPEG" if picture.format == "MPO" else str(picture.format)
        if kind == "JPEG" and scans(path) > MOST_SCANS:
            raise _wrong("The picture takes too long to unpack. Save it anew and choose that one.")
        picture.load()
        turned = picture.getexif().get(ORIENTATION, 1) != 1
        if turned or picture.format == "MPO" or _tells_more(picture) or tells_more(path, kind):
            width, height = _clean(picture, path, kind, turned)
        else:
            width, height = picture.size
    return Media(IMAGES[kind], width, height)


def within_limits(picture: Image.Image) -> None:
    """Look before anything is unpacked.

    Raises:
        Invalid: it has too many pixels or frames.
    """
    pixels = picture.width * picture.height
    frames = getattr(picture, "n_frames", 1) if pixels <= MAX_PIXELS else 1
    if pixels > MAX_PIXELS or frames > MAX_FRAMES or (frames > 1 and pixels * frames > MAX_MOVING_PIXELS):
        raise _too_big()


def _tells_more(picture: Image.Image) -> bool:
    """Whether it carries more than the picture: place, camera, names, comments."""
    texts = getattr(picture, "text", None)
    return bool(texts) or any(name in picture.info for name in METADATA) or bool(picture.getexif())


def _clean(picture: Image.Image, path: Path, kind: str, turned: bool) -> tuple[int, int]:
    """Write the picture anew without its metadata. Returns its size, which turning may have changed."""
    moving = getattr(picture, "n_frames", 1) > 1 and kind != "JPEG"
    options: dict[str, Any] = {name: picture.info[name] for name in KEPT_INFO if name in picture.info}
    if moving:
        options["save_all"] = True
    clean = ImageOps.exif_transpose(picture) if turned and not moving else picture
    if kind == "JPEG":
        # "keep" repeats the very same compression; a turned picture has to be compressed anew.
        same = clean is picture and picture.format == "JPEG"
        options |= {"quality": "keep" if same else 92, "optimize": True, "progressive": True}
    elif kind in ("WEBP", "AVIF"):
        options["quality"] = 90
    cleaned = path.with_name(path.name + ".clean")
    try:
        for name in METADATA:
            clean.info.pop(name, None)
        clean.save(cleaned, format=kind, exif=b"", **options)
        cleaned.replace(path)
    finally:
        cleaned.unlink(missing_ok=True)
    return clean.size


def _looks_like_picture(head: bytes) -> bool:
    signs = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
    is_webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return head.startswith(signs) or is_webp or bool(_brands(head) & {b"avif", b"avis"})


def _is_heic(head: bytes) -> bool:
    return bool(_brands(head) & HEIC) and not _brands(head) & {b"avif", b"avis"}


def _brands(head: bytes) -> frozenset[bytes]:
    """What an ISO media file says that it is: its own brand and those that it goes with (ISO/IEC 14496-12, 4.3)."""
    if head[4:8] != b"ftyp":
        return frozenset()
    size = min(int.from_bytes(head[:4], "big"), len(head))
    return frozenset([head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))])


def _other_type(head: bytes) -> str:
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head[4:8] == b"ftyp" and head[8:12] not in (b"heic", b"heix", b"mif1", b"qt  "):
        return "video/mp4"
    if head.startswith(b"\x1a\x45\xdf\xa3") and b"webm" in head[:64]:
        return "video/webm"
    if head.startswith(b"ID3") or (head[:1] == b"\xff" and head[1:2] in (b"\xfb", b"\xf3", b"\xf2")):
        return "audio/mpeg"
    return DOWNLOAD


def _too_big() -> Invalid:
    return _wrong(f"The picture has too many pixels: {MAX_PIXELS // 1_000_000} million are the most. Make it smaller.")


def _wrong(message: str) -> Invalid:
    return Invalid(message, {"files": message})
