"""The picture that a chat or a social network shows beside a link: drawn from words, in the site's colour.

The colour fills it: among the white and the black of chats it stands by itself in both, and the week's figure, which
is the site's one motif, is as large as it can be.
"""

import io
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from PIL import Image, ImageDraw, ImageOps

from blogapp.reading.typefaces import Font, font_for, printable

WIDTH, HEIGHT = 1200, 630
MARGIN = 72
FOOT = 78
LARGEST, SMALLEST, STEP = 92, 40, 4
MOST_LINES = 5
# A wall of flat colour with letters on it: nobody sees the difference, and it is a third of the size.
SHADES = 48


@dataclass(frozen=True)
class Card:
    """What it shows. Its fields name it: another title is another picture.

    figure: `473` or `520–524`, "" where it is about no week. title: "" where the figure says it all.
    above: the small words over the title (`Week`). weeks: (from, to) of the notes, for a map of them.
    """

    site: str
    accent: str
    figure: str = ""
    title: str = ""
    above: str = ""
    foot: str = ""
    face: str = ""
    epoch: date | None = None
    weeks: tuple[tuple[int, int], ...] = field(default=(), repr=True)


def draw(card: Card, face: Image.Image | None = None) -> bytes:
    """The card as a PNG of 1200 by 630."""
    if not card.figure and not printable(card.title):
        card = replace(card, title=card.site)  # No font of this machine has a sign of it.
    paper = _rgb(card.accent)
    ink = (255, 255, 255) if _light(paper) < 0.4 else (26, 24, 21)
    soft = _mixed(paper, ink, 0.78)
    sheet = Image.new("RGB", (WIDTH, HEIGHT), paper)
    pen = ImageDraw.Draw(sheet)
    room = HEIGHT - MARGIN - FOOT - 40
    top = MARGIN
    if face is not None:
        _put_face(sheet, face)
    if card.weeks and card.epoch:
        top = _line(pen, card.title, 72, top, ink)
        _map(pen, card, (MARGIN, top + 36, WIDTH - MARGIN, HEIGHT - FOOT - 48), ink, _mixed(paper, ink, 0.22))
    else:
        top = _figure(pen, card, top, ink, soft)
        if card.title:
            width = WIDTH - 2 * MARGIN - (300 if face is not None else 0)
            _title(pen, card.title, (MARGIN, top, width, MARGIN + room - top), ink)
    _foot(pen, card, soft)
    out = io.BytesIO()
    sheet.quantize(SHADES, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _figure(pen: ImageDraw.ImageDraw, card: Card, top: int, ink: tuple[int, ...], soft: tuple[int, ...]) -> int:
    """The week's figure: alone as large as the sheet, above a title smaller. Returns where the title begins."""
    if card.above:
        top = _line(pen, card.above, 52, top, soft) + 24
    if not card.figure:
        return top
    size, figure = 170 if card.title else 420, printable(card.figure)
    font = font_for(figure, size)
    while font.getlength(figure) > WIDTH - 2 * MARGIN:
        size -= 10
        font = font_for(figure, size)
    left, high, _, low = font.getbbox(figure)
    pen.text((MARGIN - left, top - high), figure, font=font, fill=ink)
    return top + int(low - high) + 44


def _line(pen: ImageDraw.ImageDraw, text: str, size: int, top: int, ink: tuple[int, ...]) -> int:
    text = printable(text)
    font = font_for(text, size)
    pen.text((MARGIN, top), text, font=font, fill=ink)
    return top + int(size * 1.35)


def _title(pen: ImageDraw.ImageDraw, title: str, box: tuple[int, int, int, int], ink: tuple[int, ...]) -> None:
    """The title as large as it fits, in at most five lines; what fits at no size is cut."""
    x, y, width, height = box
    title = printable(title)
    for size in range(LARGEST, SMALLEST - 1, -STEP):
        font = font_for(title, size)
        lines, pitch = wrapped(title, font, width), int(size * 1.22)
        broken = any(font.getlength(word) > width for word in title.split())
        if len(lines) <= MOST_LINES and len(lines) * pitch <= height and (not broken or size == SMALLEST):
            break
    fitting = max(1, min(MOST_LINES, height // pitch))
    if len(lines) <= fitting:
        lines = _balanced(title, font, width)
    else:
        lines = [*lines[: fitting - 1], _cut(lines[fitting - 1] + "…", font, width)]
    for number, line in enumerate(lines):
        indent = width - font.getlength(line) if runs_left(title) else 0
        pen.text((x + indent, y + number * pitch), line, font=font, fill=ink)


def wrapped(text: str, font: Font, width: float) -> list[str]:
    """Lines no wider than that: broken between words, within a word that is wider itself or has no blanks around."""
    lines = [""]
    for word in text.split():
        trial = f"{lines[-1]} {word}".strip()
        if font.getlength(trial) <= width:
            lines[-1] = trial
            continue
        if lines[-1]:
            lines.append("")
        for sign in word:
            if font.getlength(lines[-1] + sign) > width and lines[-1]:
                lines.append("")
            lines[-1] += sign
    return lines


def _balanced(text: str, font: Font, width: float) -> list[str]:
    """As many lines as it takes, but none much shorter than the others."""
    lines = wrapped(text, font, width)
    while len(tighter := wrapped(text, font, width * 0.95)) == len(lines) and width > font.size * 6:
        lines, width = tighter, width * 0.95
    return lines


def runs_left(text: str) -> bool:
    """Whether its first letter belongs to a script that is written from right to left."""
    kinds = (unicodedata.bidirectional(sign) for sign in text)
    return next((kind for kind in kinds if kind in ("L", "R", "AL")), "L") != "L"


def _cut(line: str, font: Font, width: float) -> str:
    while font.getlength(line) > width and len(line) > 1:
        line = line[:-2].rstrip() + "…"
    return line


def _foot(pen: ImageDraw.ImageDraw, card: Card, soft: tuple[int, ...]) -> None:
    """Who and when on the left, the site on the right; they never meet."""
    y = HEIGHT - FOOT
    site = printable(card.site)
    font = font_for(site, 32)
    site = _cut(site, font, (WIDTH - 2 * MARGIN) * (0.45 if card.foot else 1))
    length = font.getlength(site)
    pen.text((WIDTH - MARGIN - length if card.foot else MARGIN, y), site, font=font, fill=soft)
    if card.foot:
        words = printable(card.foot)
        font = font_for(words, 32)
        pen.text((MARGIN, y), _cut(words, font, WIDTH - 2 * MARGIN - length - 48), font=font, fill=soft)


def _map(
    pen: ImageDraw.ImageDraw, card: Card, box: tuple[int, int, int, int], ink: tuple[int, ...], faint: tuple[int, ...]
) -> None:
    """A row a year, a cell a week: filled where a note was written. The latest years where there are too many."""
    assert card.epoch is not None
    written = {number for first, last in card.weeks for number in range(first, last + 1)}
    x, y, right, bottom = box
    pitch = (right - x) / 53
    rows = max(1, int((bottom - y) / pitch))
    places = {number: (card.epoch + timedelta(weeks=number)).isocalendar() for number in _span(written)}
    years = sorted({place.year for place in places.values()})[-rows:]
    down = min(pitch * 1.6, (bottom - y) / len(years))
    for number, place in places.items():
        if place.year in years:
            left, top = x + (place.week - 1) * pitch, y + years.index(place.year) * down
            cell = (left, top, left + pitch * 0.78, top + min(pitch, down) * 0.78)
            pen.rectangle(cell, fill=ink if number in written else faint)


def _span(written: Iterable[int]) -> range:
    numbers = set(written)
    return range(min(numbers), max(numbers) + 1)


def _put_face(sheet: Image.Image, face: Image.Image) -> None:
    side = 260
    mask = Image.new("L", (side * 4, side * 4), 0)
    ImageDraw.Draw(mask).ellipse((0, 0, side * 4 - 1, side * 4 - 1), fill=255)
    fitted = ImageOps.fit(face.convert("RGB"), (side, side))
    sheet.paste(fitted, (WIDTH - MARGIN - side, MARGIN), mask.resize((side, side), Image.Resampling.LANCZOS))


def _rgb(colour: str) -> tuple[int, int, int]:
    digits = colour.removeprefix("#")
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def _light(colour: tuple[int, int, int]) -> float:
    """Relative luminance (WCAG 2.2), 0 to 1."""
    parts = [part / 255 for part in colour]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _mixed(one: tuple[int, ...], other: tuple[int, ...], share: float) -> tuple[int, ...]:
    return tuple(round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
