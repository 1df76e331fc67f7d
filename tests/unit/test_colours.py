"""The contrast of everything that the sheets set in colour, computed (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[2] / "static"
CSS = "".join((STATIC / f"{name}.css").read_text("utf-8") for name in ("reading", "calendar", "site"))
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


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


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
