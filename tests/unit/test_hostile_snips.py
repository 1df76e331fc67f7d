"""Texts made to keep an import busy. What is looked through again and again would take hours here, not seconds."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogapp.porting.documents import Refusal
from blogapp.porting.snips.calls import Call, parse_call
from blogapp.porting.snips.parsing import ACTIVE, BadSnip, Snip, first_heading, parse_snip, title_of
from blogapp.porting.snips.reading import read_snips
from blogapp.porting.snips.tags import code_spans, find_tags
from blogapp.porting.snips.templating import Listed, Translator

MANY = 500_000
# As it was said in one expression, which is right and takes a square of the time.
CODE_SPAN = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n\n).)+?(?<!`)(?P=ticks)(?!`)", re.DOTALL)


@pytest.mark.parametrize("part", ["<", "< ", "<a on ", "</ "])
def test_a_title_of_many_brackets_is_read_once(part: str) -> None:
    assert title_of(Snip("a", "", (("page_title", part * (MANY // len(part))),))).startswith("<")


@pytest.mark.parametrize(
    "title", ["< script", "</ Style>", "<a <b onclick = x", "<a title='>' <b onload=x", "javascript:x"]
)
def test_a_title_that_would_run_is_still_refused(title: str) -> None:
    with pytest.raises(BadSnip, match="holds a script"):
        title_of(Snip("a", "", (("page_title", title),)))


@given(st.text("<>/ =onaxscript"))
def test_a_title_is_judged_as_it_was_before(title: str) -> None:
    before = r"<\s*/?\s*(?:script|iframe|object|embed|svg|style)\b|<[^>]*\bon\w+\s*=|javascript:"
    assert bool(ACTIVE.search(title)) == bool(re.search(before, title, re.IGNORECASE))


@pytest.mark.parametrize(
    ("body", "heading"),
    [
        ("# a" + " " * MANY + "b", "a"),
        ("# a" + " " * MANY + "#", "a"),
        ("# a " + "[" * MANY, "a [["),
        ("# a " + "{#" * MANY, "a {#"),
        ("# C [x](/y) ##  ", "C x"),
    ],
)
def test_a_long_heading_is_read_once(body: str, heading: str) -> None:
    assert first_heading(body).startswith(heading)


def test_blanks_before_a_text_are_passed_over_once() -> None:
    assert title_of(Snip("a-b", " " * MANY + "\nText", ())) == "A B"
    assert title_of(Snip("a-b", "  \n# Head\n", ())) == "Head"


def test_a_value_of_many_lines_is_put_together_once() -> None:
    assert parse_snip("a", ":images: a\n" + " b\n" * MANY).get("images").count("\n") == MANY


class Whole(str):
    """A text of which no copies are made."""

    def __getitem__(self, key: object) -> str:
        raise AssertionError(key)


def test_a_call_of_many_arguments_is_read_in_one_pass() -> None:
    many = "'a', " * 1_000
    assert parse_call(Whole(f"by({many}'b') ")) == Call("by", [*(["a"] * 1_000), "b"])


@given(st.text("`a\n ", max_size=40))
def test_code_spans_are_those_of_the_expression(text: str) -> None:
    assert list(code_spans(text)) == [match.span() for match in CODE_SPAN.finditer(text)]


def test_ever_longer_runs_of_backticks_are_looked_through_once() -> None:
    assert list(code_spans(" ".join("`" * length for length in range(1, 5_000)))) == []


class Counted(str):
    """A text that counts how much of it is looked through."""

    looked = 0

    def count(self, *given: Any) -> int:
        self.looked += given[2] - given[1]
        return super().count(*given)


def test_tags_are_found_among_code_and_their_lines_counted_once() -> None:
    text = Counted("`<%= x %>` <%= x %>\n" * 20_000)
    said = Translator(Library({}), "markdown").translate(text)
    assert len(find_tags(text)) == 40_000
    assert [line for line, _ in said.left] == list(range(1, 20_001))
    assert text.looked <= len(text)


class Library:
    """Documents that include each other; counts how often it is asked."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts
        self.asked = 0

    def find(self, name: str) -> Listed | None:
        return None

    def text_of(self, name: str) -> tuple[str, str] | None:
        self.asked += 1
        return (self.texts[name], "markdown") if name in self.texts else None

    def folder(self, name: str) -> list[Listed]:
        self.asked += 1
        return [Listed("a", "A" * 1_000, None)]


def test_documents_that_include_others_many_times_are_included_a_thousand_times_at_most() -> None:
    library = Library({f"{n}": f"<%= include_snip '{n + 1}' %>\n" * 6 for n in range(4)} | {"4": "x" * 10})
    said = Translator(library, "markdown").translate("<%= include_snip '0' %>\n" * 6)
    assert library.asked <= 1_000
    assert said.left


def test_no_more_is_included_than_a_text_may_be_long() -> None:
    library = Library({"long": "x" * 100_000})
    said = Translator(library, "markdown").translate("<%= include_snip 'long' %>\n" * 100)
    assert said.text.count("x") == 500_000
    assert [line for line, _ in said.left] == list(range(6, 101))


def test_no_more_is_listed_than_a_text_may_be_long() -> None:
    library = Library({})
    said = Translator(library, "markdown").translate("<%= list_of kind: 'blog' %>\n" * 5_000)
    assert len(said.text) < 700_000
    assert library.asked <= 1_000


def test_no_document_is_included_in_itself() -> None:
    library = Library({"a": "<%= include_snip 'b' %>", "b": "<%= include_snip 'a' %>"})
    assert Translator(library, "markdown").translate("<%= include_snip 'a' %>").left
    assert library.asked == 2


def test_a_text_that_is_too_long_is_refused_before_its_helpers_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "long.md").write_text("<%= include_snip 'x' %>" + "x" * 500_000 + "\n\n:a: b\n")
    (item,) = read_snips([tmp_path], _never).read()
    assert item == Refusal("long.md", "The text is too long: 500,023 characters, and 500,000 is the most.")


def _never(text: str) -> str:
    raise AssertionError(text)
