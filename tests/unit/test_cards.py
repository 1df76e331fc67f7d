"""Drawn share images: any title fits, any site's colour can be read on."""

import io
from datetime import date

import pytest
from PIL import Image

from blogapp.reading.cards import WIDTH, Card, draw, wrapped
from blogapp.reading.typefaces import font_for, printable

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"


def drawn(**given: object) -> Image.Image:
    card = Card(**{"site": "The Notebook", "accent": "#2b47b4", **given})  # type: ignore[arg-type]
    data = draw(card)
    assert len(data) < 100_000
    return Image.open(io.BytesIO(data)).convert("RGB")


@pytest.mark.parametrize(
    "title",
    ["", "A", LONG, f"{LONG} {LONG} " * 9, "words " * 100, "週報第四百七十三回", "שבוע טוב", "🎉", "a\u0301 ß – “x”"],
)
def test_any_title_stays_within_the_margins(title: str) -> None:
    sheet = drawn(title=title, figure="473", foot="Alice Archer · 5 to 9 February 2018")
    assert sheet.size == (1200, 630)
    paper = sheet.getpixel((0, 0))
    for edge in ((0, 0, 40, 630), (1160, 0, 1200, 630), (0, 0, 1200, 40), (0, 600, 1200, 630)):
        assert sheet.crop(edge).getcolors() == [((edge[2] - edge[0]) * (edge[3] - edge[1]), paper)]


@pytest.mark.parametrize(("accent", "light"), [("#2b47b4", True), ("#e3ba6a", False), ("#ffffff", False)])
def test_words_can_be_read_on_any_colour(accent: str, light: bool) -> None:
    greys = drawn(accent=accent, title="Words").convert("L").tobytes()
    assert greys[0] == (min(greys) if light else max(greys))
    assert max(greys) - min(greys) > 120


def test_the_archive_shows_its_weeks_and_gaps() -> None:
    few = drawn(title="Every week since 2018", epoch=date(2018, 1, 1), weeks=((0, 3), (8, 8)))
    more = drawn(title="Every week since 2018", epoch=date(2018, 1, 1), weeks=((0, 8),))
    assert white_in(few) < white_in(more)


def white_in(sheet: Image.Image) -> int:
    return sum(count for count, colour in sheet.getcolors() or [] if colour == (255, 255, 255))


def test_lines_break_between_words_and_within_what_is_too_long() -> None:
    font = font_for("A plain text", 60)
    lines = wrapped(f"One two three {LONG.replace('ä', 'a')} four", font, 500)
    assert all(font.getlength(line) <= 500 for line in lines)
    assert "".join(lines).replace(" ", "") == f"Onetwothree{LONG.replace('ä', 'a')}four"
    assert font.getlength(lines[0]) < WIDTH


def test_signs_that_no_font_has_leave_their_bare_letters() -> None:
    assert printable("Plain words 473") == "Plain words 473"
    assert printable("\ue000 \U0010fffd odd") == "odd"
