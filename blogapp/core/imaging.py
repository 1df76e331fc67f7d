"""Pictures made anew: in sRGB, eight bits a colour, with their transparency and nothing else; scaled, cut, encoded."""

import io
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageOps

from blogapp.core.media import EXTENSIONS, IMAGES, within_limits

OPTIONS: dict[str, dict[str, Any]] = {
    "avif": {"quality": 52, "speed": 7},
    "webp": {"quality": 76, "method": 4},
    "jpg": {"quality": 80, "optimize": True, "progressive": True},
    "png": {"optimize": True},
}
FORMATS = {"avif": "AVIF", "webp": "WEBP", "jpg": "JPEG", "png": "PNG"}


def square(path: Path, side: int) -> bytes:
    """The middle of a picture as a square of at most so many pixels a side, a little above where heads are; WebP."""
    with Image.open(path, formats=list(IMAGES)) as picture:
        within_limits(picture)
        whole = even(picture, largest=max(picture.size))
    side = min(side, *whole.size)
    return encoded(ImageOps.fit(whole, (side, side), Image.Resampling.LANCZOS, centering=(0.5, 0.4)), "webp")


def fit_into(path: Path, largest: tuple[int, int]) -> tuple[int, int]:
    """Write the picture anew, in its own kind, where it is larger than that. Returns its size."""
    with Image.open(path, formats=list(IMAGES)) as picture:
        within_limits(picture)
        if picture.width <= largest[0] and picture.height <= largest[1]:
            return picture.size
        kind = EXTENSIONS[IMAGES["JPEG" if picture.format == "MPO" else str(picture.format)]]
        small = even(picture, largest=max(largest))
    small.thumbnail(largest, Image.Resampling.LANCZOS)
    path.write_bytes(encoded(small, kind))
    return small.size


def even(picture: Image.Image, largest: int) -> Image.Image:
    """The picture in sRGB with eight bits a colour and its transparency, no finer than is needed."""
    if picture.format == "JPEG":
        picture.draft(None, (largest, largest))
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith(("I", "F")):
        # Sixteen bits of grey: Pillow would cut them off rather than scale them.
        picture = picture.point(lambda level: level * (1 / 257)).convert("L")
    clear = picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info
    if profile and picture.mode in ("RGB", "RGBA", "CMYK", "L"):
        picture = _in_srgb(picture, profile)
    return picture.convert("RGBA" if clear else "RGB")


def _in_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    colours = picture.convert("RGB") if alpha else picture
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        turned = ImageCms.profileToProfile(colours, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return picture  # A profile that is none, or of other colours: as browsers do, it is passed over.
    assert turned is not None
    if alpha:
        turned.putalpha(alpha)
    return turned


def scaled(picture: Image.Image, width: int) -> Image.Image:
    """The picture at that width; never wider than it is."""
    if width >= picture.width:
        return picture
    height = max(1, round(picture.height * width / picture.width))
    return picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def encoded(picture: Image.Image, kind: str) -> bytes:
    """The picture and nothing else: no EXIF, no XMP, no profile (it is sRGB)."""
    if kind == "jpg" and picture.mode == "RGBA":
        picture = picture.convert("RGB")
    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    data = io.BytesIO()
    bare.save(data, FORMATS[kind], **OPTIONS[kind])
    return data.getvalue()
