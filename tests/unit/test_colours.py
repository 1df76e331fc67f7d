"""The contrast of everything that the sheets set in colour, computed (WCAG 2.2, 1.4.3 and 1.4.11)."""

import math
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from blogapp.core import colours
from blogapp.core.colours import DEFAULT, Shades, accent, contrast, from_oklch, parse_colour, theme_css, to_oklch

STATIC = Path(__file__).resolve().parents[2] / "static"
SHEETS = ("reading", "long", "calendar", "finding", "site")
CSS = "".join((STATIC / f"{name}.css").read_text("utf-8") for name in SHEETS)
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    for block in re.findall(r":root \{\n(.*?)\n *\}", CSS, re.DOTALL)[:2]
)
CODE = ["code-word", "code-text", "code-number", "code-name"]
INKS = ["ink", "soft", "accent", "accent-deep", "visited", "good", "warn", "bad"]
TEXT = [
    *[(ink, "paper") for ink in INKS],
    *[(ink, "wash") for ink in [*INKS, *CODE]],
    *[(ink, "mark") for ink in ("ink", "soft", "accent", "visited")],
    *[("on-accent", ground) for ground in ("accent", "accent-deep")],
    ("paper", "ink"),
    ("paper", "bad"),
]
EDGES = [("edge", "paper"), ("accent", "paper"), ("accent", "wash"), ("bad", "paper"), ("warn", "wash")]


def test_contrast_is_computed_as_the_standard_does() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#ffffff", "#767676") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_can_be_read(theme: dict[str, str], ink: str, ground: str) -> None:
    assert contrast(theme[ink], theme[ground]) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("edge", "ground"), EDGES)
def test_edges_of_controls_can_be_seen(theme: dict[str, str], edge: str, ground: str) -> None:
    assert contrast(theme[edge], theme[ground]) >= 3


def test_both_themes_name_the_same_colours() -> None:
    assert LIGHT.keys() == DARK.keys()


def test_colours_are_named_once_and_used_by_name() -> None:
    rules = re.sub(r":root \{.*?\}", "", CSS, flags=re.DOTALL)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", rules) == []
    used = set(re.findall(r"var\(--([\w-]+)\)", CSS))
    assert LIGHT.keys() - used == set(), "a colour that nothing uses"


@pytest.mark.parametrize(("shades", "theme"), [(DEFAULT.light, LIGHT), (DEFAULT.dark, DARK)], ids=["light", "dark"])
def test_the_default_accent_is_what_the_style_sheet_says(shades: Shades, theme: dict[str, str]) -> None:
    assert {name.replace("_", "-"): value for name, value in vars(shades).items()}.items() <= theme.items()
    assert theme_css(DEFAULT) == ""


every_colour = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(every_colour)
@example("#ffff00")
@example("#fefefe")
@example("#010101")
@example("#808080")
@example("#ff0000")
@example("#00ff00")
@example("#6d3d96")
def test_whatever_colour_is_chosen_can_be_read_in_both_themes(chosen: str) -> None:
    found = accent(chosen)
    for shades, theme in ((found.light, LIGHT), (found.dark, DARK)):
        for ink in (shades.accent, shades.accent_deep, shades.visited):
            assert all(contrast(ink, theme[ground]) >= 4.5 for ground in ("paper", "wash", "mark"))
        for ground in (shades.accent, shades.accent_deep):
            assert contrast(theme["on-accent"], ground) >= 4.5
        assert shades.accent != shades.accent_deep
        assert shades.accent != shades.visited


@given(every_colour)
def test_a_colour_that_can_be_read_as_it_is_stays(chosen: str) -> None:
    if all(contrast(chosen, LIGHT[ground]) >= 4.5 for ground in ("paper", "wash", "mark")):
        assert accent(chosen).light.accent == chosen
    else:
        before, after = to_oklch(chosen), to_oklch(accent(chosen).light.accent)
        assert after[0] < before[0]
        if after[1] > 0.05:  # of a grey there is no hue to keep
            turned = abs(before[2] - after[2]) % (2 * math.pi)
            assert min(turned, 2 * math.pi - turned) < 0.1


@given(every_colour)
def test_there_and_back_is_the_same_colour(chosen: str) -> None:
    assert from_oklch(*to_oklch(chosen)) == chosen


def test_the_sums_are_those_of_the_source() -> None:
    """CSS Color 4, sample conversions: red is oklch(62.796% 0.25768 29.234deg)."""
    lightness, chroma, hue = to_oklch("#ff0000")
    assert (lightness, chroma, math.degrees(hue)) == pytest.approx((0.62796, 0.25768, 29.234), abs=0.001)
    assert colours.contrast(from_oklch(0.7, 0.4, 2.5), "#000000") > 1  # out of gamut: less chroma, no error


def test_the_style_sheet_of_an_accent_is_for_screens_of_both_kinds() -> None:
    css = theme_css(accent("#ffff00"))
    assert css.startswith("@media screen{:root{--accent:#")
    assert "prefers-color-scheme:dark" in css
    assert set(re.findall(r"--([\w-]+):", css)) == {"accent", "accent-deep", "on-accent", "visited"}


@pytest.mark.parametrize("text", ["#2B47B4", "2b47b4", " #2b47b4ff "])
def test_a_colour_is_understood_as_style_sheets_write_it(text: str) -> None:
    assert parse_colour(text) == "#2b47b4"
    assert parse_colour("#fA0") == parse_colour("#fa0c") == "#ffaa00"


@pytest.mark.parametrize("text", ["", "blue", "#12", "#12345", "#1234567", "#ggg", "rgb(0,0,0)", "#2b47b4;}"])
def test_what_is_no_colour_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is not a colour like"):
        parse_colour(text)
