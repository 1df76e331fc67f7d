"""A picture in other sizes and kinds: made once, beside the files, from what can be made again at any time.

A variant is named by the content it is made of, its width and its kind: `variants/aa/<sha256>/<width>.<kind>` under
data_dir, on each host by itself, also where the pictures are in a bucket. Pages are served by threads that all readers
share, so no page ever makes one: it leaves a wish, the worker makes all variants of that picture, and until then the
picture itself is sent. Nothing here is backed up.

Encoding a photo of 16 megapixels into all widths of AVIF, WebP and JPEG takes about 6 s of one core (measured).
"""

import fcntl
import io
import logging
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from flask import Flask
from PIL import Image

from blogapp.core import files, imaging
from blogapp.core.config import settings
from blogapp.core.media import EXTENSIONS, IMAGES, within_limits

log = logging.getLogger("blogapp.pictures")

# Few enough that nobody can have us make many, near enough that no screen takes a picture much too big for it.
LADDER = (480, 720, 1080, 1600, 2160)
# The sides of a face: three sizes on the page, for screens of one and of two dots a pixel.
FACES = (48, 96, 192, 384)
# As wide as two dots for each of a mail's 600 pixels.
MAIL_WIDTH = 1200
# A step this near to the picture's own width saves nothing.
NEAR = 1.15
# What is worth a variant at all: smaller ones are a few kB anyway.
SMALLEST_WIDTH = 240
KINDS = ("avif", "webp")
# What cannot be made is tried so often, for it may have been the worker that was ended meanwhile.
TRIES = 3
# An empty folder is looked at so often; it takes some 10 µs.
LOOK_SECONDS = 1.0


def widths_for(width: int) -> list[int]:
    """The widths in which a picture that is so wide is offered, the smallest first; never wider than it is."""
    return [*(step for step in LADDER if step * NEAR < width), min(width, LADDER[-1])]


def folder() -> Path:
    """Where the variants are; made on first use."""
    path = settings().data_dir / "variants"
    path.mkdir(parents=True, exist_ok=True)
    return path


def path_of(sha256: str, width: int, kind: str) -> Path:
    """Where this variant is, once it is made."""
    return folder() / sha256[:2] / sha256 / f"{width}.{kind}"


def type_of(path: Path) -> str:
    """The media type of a stored picture by its first bytes: a variant may hold what turned out smaller."""
    with path.open("rb") as file:
        head = file.read(12)
    if head.startswith(b"\xff\xd8"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG"):
        return "image/png"
    if head[:4] == b"RIFF":
        return "image/webp"
    return "image/avif" if head[4:8] == b"ftyp" else "image/gif"


def wish(sha256: str, ladder: str = "picture") -> None:
    """Have the worker make all variants of this content. Costs a file's creation; again is the same."""
    if not _failed(sha256).exists():
        (_wishes() / f"{sha256}.{ladder}").touch()


def run_pictures(app: Flask, stop: threading.Event, _: object) -> None:
    """Make what is wished for until `stop` is set: the worker's loop, in a thread that steps back behind all others."""
    # Mails do not wait for pictures. Linux has a priority for each thread; elsewhere it is the process's.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
    while not stop.wait(LOOK_SECONDS):
        with app.app_context():
            make_wished(stop.is_set)


def make_wished(stopped: Callable[[], bool] = lambda: False) -> int:
    """Make what was wished for, one picture after the other. Returns how many pictures are done.

    Several workers share the work: each holds the wish that it is at.
    """
    done = 0
    for path in sorted(_wishes().iterdir()):
        if stopped():
            break
        with _held(path) as file:
            if file is not None and _grant(path, file, stopped):
                path.unlink(missing_ok=True)
                done += 1
    return done


def _grant(path: Path, file: IO[bytes], stopped: Callable[[], bool]) -> bool:
    """Make the variants of one wish. False: it is to be tried again."""
    sha256, _, ladder = path.name.partition(".")
    tried = file.seek(0, io.SEEK_END)
    if tried >= TRIES:
        _keep(b"", _failed(sha256))
    if tried >= TRIES or files.find(sha256) is None:
        return True
    file.write(b".")  # A picture that kills its maker is not tried for ever.
    file.flush()
    try:
        whole = make(sha256, faces=ladder == "face", stopped=stopped)
    except Exception:  # What a decoder raises at odd bytes is nowhere promised.
        log.warning("a picture could not be made in other sizes", exc_info=True, extra={"sha256": sha256})
        if tried + 1 >= TRIES:
            _keep(b"", _failed(sha256))
        return tried + 1 >= TRIES
    if not whole:
        file.truncate(tried)
    return whole


def make(sha256: str, *, faces: bool = False, stopped: Callable[[], bool] = lambda: False) -> bool:
    """Make the variants of a content that are missing. False: it was stopped before the last of them."""
    source = files.find(sha256)
    if source is None:
        return True
    with Image.open(source, formats=list(IMAGES)) as picture:
        within_limits(picture)
        own = EXTENSIONS[IMAGES["JPEG" if picture.format == "MPO" else str(picture.format)]]
        wanted = _wanted(picture.width, own, faces)
        missing = [(width, kind) for width, kind in wanted if not path_of(sha256, width, kind).exists()]
        if not missing:
            return True
        if getattr(picture, "is_animated", False):
            for width, kind in missing:  # It goes on moving, and no encoder keeps us for minutes.
                _keep(source, path_of(sha256, width, kind))
            return True
        even = imaging.even(picture, largest=max(width for width, _ in missing))
        whole_bytes = source.stat().st_size
        for width, kind in missing:
            if stopped():
                return False
            scaled = imaging.scaled(even, width)
            data = imaging.encoded(scaled, kind)
            # Whoever takes AVIF or WebP takes the picture's own kind too: they get what is smaller.
            _keep(source if len(data) >= whole_bytes else data, path_of(sha256, width, kind))
    return True


def _wanted(width: int, own: str, faces: bool) -> list[tuple[int, str]]:
    """(width, kind) of all variants: what most readers need comes first. The picture itself is there already."""
    if faces:
        return [(step, "webp") for step in FACES]
    if width < SMALLEST_WIDTH or own not in imaging.FORMATS:
        return []
    steps = sorted(widths_for(width), key=lambda step: (abs(step - 900), step))
    plain = [step for step in steps if step != width] + ([MAIL_WIDTH] if width > MAIL_WIDTH else [])
    offered = [(step, kind) for step in steps for kind in KINDS if kind != own] + [(step, own) for step in plain]
    return offered if own not in KINDS else offered + [(width, own)] * (width > LADDER[-1])


def _keep(content: bytes | Path, target: Path) -> None:
    """Write it whole or not at all; it need not survive a power cut. A stored file gets one more name, and no copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".making-", dir=target.parent)
    with os.fdopen(descriptor, "wb") as file:
        if isinstance(content, bytes):
            file.write(content)
    if isinstance(content, Path):
        _become(Path(name), content)
    Path(name).replace(target)


def _become(made: Path, content: Path) -> None:
    """Nobody writes into a stored file or a variant: both can be the same one."""
    linked = made.with_suffix(".link")
    try:
        os.link(content, linked)
    except OSError:  # There are disks that know one name for a file only.
        shutil.copyfile(content, made)
    else:
        linked.replace(made)


def keep_drawn(name: str, draw: Callable[[], bytes]) -> Path:
    """A picture that is drawn rather than made of a file, by a name that says all that it shows; drawn once."""
    target = folder() / "drawn" / name
    if not target.exists():
        _keep(draw(), target)
    return target


def sweep(before: datetime, pictures: AbstractSet[str]) -> None:
    """Remove the variants of no such picture, and what was drawn before that moment: it is drawn again if needed.

    What came while somebody looked for the pictures loses its variants too, and gets them again on the next wish.
    """
    for path in folder().glob("??/*"):
        if path.name not in pictures:
            shutil.rmtree(path, ignore_errors=True)
    for path in (folder() / "drawn").glob("*"):
        if path.stat().st_mtime < before.timestamp():
            path.unlink(missing_ok=True)


def _failed(sha256: str) -> Path:
    """The mark of a picture that is not tried any more: it is only sent as it is."""
    return folder() / sha256[:2] / sha256 / "failed"


def _wishes() -> Path:
    path = folder() / "wishes"
    path.mkdir(exist_ok=True)
    return path


@contextmanager
def _held(path: Path) -> Iterator[IO[bytes] | None]:
    """The wish, while no other process has it; None otherwise."""
    try:
        file = path.open("r+b")
    except FileNotFoundError:
        yield None
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield None
            return
        yield file
