"""The sheets that a page carries inside itself: made smaller without changing what they say."""

import base64
import hashlib
import re

import pytest
from flask import Flask

from blogapp.core.resources import resource_dir
from blogapp.core.styles import inline_styles, minified, squeezed, style_sources
from blogapp.reading.metadata import direction, locale


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("/* why */ a  {\n  color : red ;\n}\n", "a{color :red}"),
        ("a { margin: calc(1px + 2px) ; }", "a{margin:calc(1px + 2px)}"),
        (".prose :is(p, li) > b { top: 0 }", ".prose :is(p,li)>b{top:0}"),
        ('a::after { content: "  /* ; } */ "; }', 'a::after{content:"  /* ; } */ "}'),
        ("a { content: '1' \"2\"; }", "a{content:'1' \"2\"}"),
        ("@media (min-width: 2em) and (width) { a { top: 0 } }", "@media (min-width:2em) and (width){a{top:0}}"),
        ("", ""),
    ],
)
def test_a_sheet_loses_comments_and_blanks_and_no_meaning(written: str, kept: str) -> None:
    assert minified(written) == kept


def test_the_policy_names_the_hash_of_every_style_of_the_page() -> None:
    app = Flask(__name__)
    with app.app_context():
        style = inline_styles("reading", "calendar", more=":root { --accent: #000 }")
        text = style.removeprefix("<style>").removesuffix("</style>")
        assert text.endswith(":root{--accent:#000}")
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert style_sources() == f" 'sha256-{digest}'"
    with app.app_context():
        assert style_sources() == ""


@pytest.mark.parametrize("name", ["reading", "long", "calendar", "finding", "site"])
def test_every_rule_is_still_there_when_blanks_are_gone(name: str) -> None:
    whole = (
        re.sub(r"\s+", "", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))
        for text in (squeezed((name,)), _source(name))
    )
    small, full = whole
    assert small == full.replace(";}", "}")


def _source(name: str) -> str:
    return (resource_dir("static") / f"{name}.css").read_text("utf-8")


@pytest.mark.parametrize(
    ("language", "way"),
    [
        ("en-GB", "ltr"),
        ("ar", "rtl"),
        ("he-IL", "rtl"),
        ("fa", "rtl"),
        ("az-Arab", "rtl"),
        ("ur-Latn", "ltr"),
        ("", "ltr"),
    ],
)
def test_a_language_says_which_way_it_is_written(language: str, way: str) -> None:
    assert direction(language) == way


@pytest.mark.parametrize(("language", "name"), [("en-GB", "en_GB"), ("de", ""), ("zh-Hant-TW", "zh_TW")])
def test_a_locale_is_only_named_where_a_country_is(language: str, name: str) -> None:
    assert locale(language) == name
