"""What stored HTML says of our own pictures, and where their variants are read. Pure functions."""

import re
from dataclasses import dataclass

from blogapp.core import imaging, variants

DIGITS = 16
MARK = re.compile(r' data-picture="(\d{1,18})-([0-9a-f]{16}) (\d{1,6}) ([a-z]{3,4})"')
# Only for sanitised HTML.
IMAGE = re.compile(r'<img(?:[^"<>]|"[^"]*")*>')
SOURCE = re.compile(r'(?<=\ssrc=")[^"]*')


@dataclass(frozen=True)
class Mark:
    """A picture of ours in a text: whose content it is, how wide, of what kind (`jpg`)."""

    attachment_id: int
    sha256: str
    width: int
    kind: str

    @property
    def attribute(self) -> str:
        """As it stands in an <img>, with the blank before it."""
        return f' data-picture="{self.attachment_id}-{self.sha256[:DIGITS]} {self.width} {self.kind}"'

    def address(self, width: int, kind: str) -> str:
        """Where one variant is read: it changes with the content, so it may be kept for ever."""
        return f"/media/{self.attachment_id}-{self.sha256[:DIGITS]}/{width}.{kind}"

    @property
    def widths(self) -> list[int]:
        """In which widths it is offered, the smallest first; one alone where it only comes as it is."""
        return variants.widths_for(self.width) if self.varies else [self.width]

    @property
    def varies(self) -> bool:
        """Whether it is offered in other kinds too."""
        return self.width >= variants.SMALLEST_WIDTH and self.kind in imaging.FORMATS


def offers(mark: Mark, width: int, kind: str) -> bool:
    """Whether there is such a variant; the picture as it is always is one."""
    if (width, kind) == (mark.width, mark.kind):
        return True
    if width == variants.MAIL_WIDTH < mark.width and kind == mark.kind and mark.varies:
        return True
    return mark.varies and width in mark.widths and kind in (mark.kind, *variants.KINDS)


def mark_in(tag: str) -> Mark | None:
    """The mark in an <img> of stored HTML."""
    found = MARK.search(tag)
    return Mark(int(found[1]), found[2], int(found[3]), found[4]) if found else None


def without_marks(html: str) -> str:
    """The HTML as it is for others."""
    return MARK.sub("", html) if "data-picture" in html else html


def for_mail(html: str) -> str:
    """The HTML with big photos at the width that a mail has use for: who reads it on a phone pays for every byte."""

    def smaller(tag: re.Match[str]) -> str:
        mark = mark_in(tag[0])
        if mark is None or not mark.varies or mark.width <= variants.MAIL_WIDTH * variants.NEAR:
            return tag[0]
        return SOURCE.sub(lambda _: mark.address(variants.MAIL_WIDTH, mark.kind), tag[0], count=1)

    return IMAGE.sub(smaller, html)
