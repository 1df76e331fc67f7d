"""docs/settings.md and core/config.py say the same, both ways."""

import re
from dataclasses import MISSING, Field, fields
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from blogapp.core import config
from blogapp.core.config import Settings
from blogapp.core.errors import BadSetting

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
SECTIONS = {
    found[1]: found[2] for found in re.finditer(r"^### `(BLOG_\w+)`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
}
FIELDS = {f"BLOG_{f.name.upper()}": f for f in fields(Settings)}
TYPES: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "yes or no",
    Path: "path",
    date: "date",
    date | None: "date",
    tuple[str, ...]: "list",
}


def load(**given: str) -> Settings:
    """The settings of an environment that holds just these; nothing is written anywhere."""
    return config.load({"BLOG_SECRET_KEY": "y" * 40, **given}, dotenv=None)


def line(name: str, label: str) -> str:
    found = re.search(rf"^- {label}: (.+(?:\n  .+)*)", SECTIONS[name], re.MULTILINE)
    assert found, f"{name} has no line `- {label}:`"
    return found[1]


def written(default: Any) -> str:
    """A default as it would stand in the environment."""
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, float):
        return f"{default:g}"
    return ",".join(default) if isinstance(default, tuple) else str("" if default is None else default)


def test_the_page_has_every_setting_and_no_other() -> None:
    assert sorted(SECTIONS) == sorted(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_the_page_tells_the_type(name: str) -> None:
    told = line(name, "Type")
    if re.fullmatch(r"`\w+` or `\w+`", told):
        assert FIELDS[name].type is str
        for word in re.findall(r"`(\w+)`", told):
            load(**{name: word})
        with pytest.raises(BadSetting, match=name):
            load(**{name: "neither"})
    else:
        assert told.startswith(TYPES[FIELDS[name].type])


@pytest.mark.parametrize("name", FIELDS)
def test_the_page_tells_the_default(name: str) -> None:
    default = default_of(FIELDS[name])
    told = line(name, "Default")
    assert told.startswith(f"`{default}`" if default else "none")


@pytest.mark.parametrize("name", FIELDS)
def test_the_page_tells_what_it_is_for(name: str) -> None:
    meaning = SECTIONS[name].partition("- Type:")[0].strip()
    assert len(meaning) > 20


@pytest.mark.parametrize("name", FIELDS)
def test_the_example_can_be_used(name: str, tmp_path: Path) -> None:
    variable, _, value = line(name, "Example").strip("`").partition("=")
    assert variable.removesuffix("_FILE") == name
    if variable.endswith("_FILE"):
        value = str(tmp_path / "secret")
        Path(value).write_text("x" * 40)
    # The example of the base URL is https, so the sender has to be a real one.
    sender = {} if name == "BLOG_MAIL_FROM" else {"BLOG_MAIL_FROM": "notes@example.org"}
    before = load(BLOG_PRODUCTION="no", **sender)
    after = load(**{"BLOG_BASE_URL": "https://notes.example.org", **sender, variable: value})
    assert getattr(after, FIELDS[name].name) != getattr(before, FIELDS[name].name)


def test_the_small_site_of_the_page_starts() -> None:
    block = PAGE.partition("needs four of them:")[2].partition("##")[0]
    given = dict(line.strip().split("=", 1) for line in block.splitlines() if line.strip())
    assert len(given) == 4
    loaded = load(**given)
    assert loaded.production
    assert loaded.secure


def test_a_range_that_the_page_tells_is_kept() -> None:
    for name, section in SECTIONS.items():
        if found := re.search(r"- Type: whole number.*\((\d+) to (\d+)", section):
            low, high = int(found[1]), int(found[2])
            for value in (low, high):
                load(**{name: str(value)})
            for value in (low - 1, high + 1):
                with pytest.raises(BadSetting, match=name):
                    load(**{name: str(value)})


def default_of(field: "Field[Any]") -> str:
    assert field.default is not MISSING
    return written(field.default)
