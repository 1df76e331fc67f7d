"""The site's logo: one small picture, chosen in the browser, kept among the files and named by the site's row."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.core import files, imaging
from blogapp.core.db import bump_version, take_turns
from blogapp.core.errors import Invalid
from blogapp.core.media import EXTENSIONS, prepare
from blogapp.core.picturemarks import DIGITS
from blogapp.core.site import Site, choice

CHOICE = "logo"
# Twice as high as a page shows it, for fine screens, and as wide as a masthead may be.
LARGEST = (960, 160)
TAKES = ("image/png", "image/jpeg", "image/webp", "image/avif")


@dataclass(frozen=True)
class Logo:
    """The logo's content, its kind (`png`) and its size in pixels."""

    sha256: str
    kind: str
    width: int
    height: int

    @property
    def address(self) -> str:
        return f"/media/logo-{self.sha256[:DIGITS]}.{self.kind}"

    @property
    def media_type(self) -> str:
        return next(media_type for media_type, kind in EXTENSIONS.items() if kind == self.kind)

    def width_at(self, height: int) -> int:
        """How wide it is on a page where it is so high."""
        return max(1, round(self.width * height / self.height))


def site_logo() -> Logo | None:
    """The site's logo; None where the title alone stands at the head."""
    parts = choice(CHOICE).split()
    if len(parts) != 4:
        return None
    return Logo(parts[0], parts[1], int(parts[2]), int(parts[3]))


def shrink(path: Path) -> Logo:
    """Make the file what is kept of it, on the disk for good. Never in a transaction.

    Raises:
        Invalid: it is no picture of a kind that a page shows as it is. The field is `logo`.
    """
    with path.open("rb") as file:
        is_svg = b"<svg" in file.read(1024).lower()
    if is_svg:
        raise wrong("This is an SVG, which can hold programs and is not shown from here. Save it as a PNG.")
    try:
        media_type = prepare(path).media_type
        if media_type not in TAKES:
            raise Invalid("Choose a PNG, JPEG, WebP or AVIF.")
        size = imaging.fit_into(path, LARGEST)
    except Invalid as error:
        raise wrong(str(error)) from None
    sha256 = files.fingerprint(path)
    files.secure(path, sha256)
    return Logo(sha256, EXTENSIONS[media_type], *size)


def save_logo(session: Session, logo: Logo | None, path: Path | None = None) -> None:
    """Make it the site's logo, or have none; the caller has asked for permission."""
    take_turns(session)  # As sweeping does: no content vanishes while it is chosen again.
    site = session.execute(select(Site).with_for_update()).scalar_one()
    choices = {name: value for name, value in site.choices.items() if name != CHOICE}
    if logo is not None:
        assert path is not None
        files.store(path, logo.sha256)
        choices[CHOICE] = f"{logo.sha256} {logo.kind} {logo.width} {logo.height}"
    site.choices = choices
    bump_version(session)


def wrong(message: str) -> Invalid:
    """What is wrong with a file that was to be the logo."""
    return Invalid(message, {"logo": message})
