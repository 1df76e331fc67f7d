"""Addresses of headings and the contents of a long post."""

import re

import pytest

from blogapp.core.markup import render
from blogapp.reading.outline import Section, addressed, contents
from blogapp.reading.showing import for_page

LONG = "word " * 250


def test_a_heading_links_to_itself_by_its_own_words() -> None:
    html = addressed(render("## Tea & *cake*").html)
    assert html == '<h2 id="tea--cake"><a class="self" href="#tea--cake">Tea &amp; <em>cake</em></a></h2>'


def test_a_heading_that_is_a_link_gets_one_behind_it() -> None:
    html = addressed(render("## [Tea](/tea)").html)
    assert html.endswith('<a href="/tea">Tea</a> <a class="self" href="#tea" aria-label="Link to: Tea">#</a></h2>')


@pytest.mark.parametrize(("words", "name"), [("Ça va?", "ça-va"), ("???", "section"), ("<b>A</b>  b", "a-b")])
def test_a_heading_without_an_id_gets_one_that_is_free(words: str, name: str) -> None:
    html = addressed(f'<p id="{name}">x</p><h2>{words}</h2><h3>{words}</h3>')
    assert re.findall(r' id="([^"]*)"', html) == [name, f"{name}-1", f"{name}-2"]


def tree(sections: list[Section]) -> list[object]:
    return [[section.title, tree(section.inner)] if section.inner else section.title for section in sections]


def test_the_contents_of_a_long_post_are_nested_as_its_headings_are() -> None:
    text = f"## One\n\n{LONG}\n\n### Of *one* & more\n\n{LONG}\n\n### [Also](/x)\n\n{LONG}\n\n## Two\n\n{LONG}"
    sections = contents(for_page(render(text).html, linked=True))
    assert tree(sections) == [["One", ["Of one & more", "Also"]], "Two"]
    assert [section.id for section in sections] == ["one", "two"]


@pytest.mark.parametrize("text", [f"## One\n\n{LONG * 6}", "## One\n\n## Two\n\n## Three\n\n## Four\n\nwords", ""])
def test_what_is_short_or_has_few_headings_needs_no_contents(text: str) -> None:
    assert contents(for_page(render(text).html, linked=True)) == []


def test_a_note_in_a_heading_is_no_part_of_its_title() -> None:
    text = f"## One[^1]\n\n{LONG * 2}\n\n## Two\n\n{LONG}\n\n## Three\n\n{LONG}\n\n## Four\n\nEnd.\n\n[^1]: A note."
    assert [section.title for section in contents(for_page(render(text).html, linked=True))] == [
        "One",
        "Two",
        "Three",
        "Four",
    ]


def test_thousands_of_headings_of_the_same_words_get_names_of_their_own() -> None:
    # Counted anew for each heading this would take minutes.
    html = addressed("<h2>Boats</h2>" + "<h2>Boats 1</h2>" + "<h2>Boats</h2>" * 30_000)
    names = re.findall(r' id="([^"]+)"', html)
    assert names[:5] == ["boats", "boats-1", "boats-2", "boats-3", "boats-4"]
    assert len(set(names)) == 30_002
