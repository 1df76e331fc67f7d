"""What pages do to rendered HTML."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogapp.core.markup import plain, render
from blogapp.reading.outline import outlined
from blogapp.reading.showing import GENEROUS, beginning, for_page, sheets_of


def test_tables_and_code_scroll_and_can_be_reached_by_keyboard() -> None:
    html = for_page(render("| A | B |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\n\n| C |\n|---|\n| 3 |\n").html)
    opening = r'<div class="scroll" role="region" aria-label="Table (\d)" tabindex="0"><table'
    assert re.findall(opening, html) == ["1", "2"]
    assert html.count("</table></div>") == 2
    assert html.count('<pre tabindex="0"') == 1


def test_only_texts_that_need_a_further_sheet_carry_it() -> None:
    film = for_page('<p><iframe src="https://www.youtube.com/embed/abcdefghijk"></iframe></p>')
    assert sheets_of(film) == ("long",)
    assert sheets_of("<p>Words.</p>", sections=["One"]) == ("long",)
    assert sheets_of("<p>Words.</p>") == ()


def test_an_empty_corner_of_a_table_is_no_header() -> None:
    html = for_page(render("| | A |\n|---|---:|\n| 1 | 2 |\n").html)
    assert re.findall(r"<(t[hd])[^>]*>(.*?)</", html) == [("td", ""), ("th", "A"), ("td", "1"), ("td", "2")]


def test_a_picture_alone_in_its_paragraph_shows_its_title_as_a_caption() -> None:
    html = for_page(
        render('![Boats](/b.png "Two *boats*, a < b")\n\nNot ![this](/c.png "one"), nor:\n\n![x](/d.png)\n').html
    )
    assert re.findall(r"<figure><img[^>]*><figcaption>(.*?)</figcaption></figure>", html) == ["Two *boats*, a &lt; b"]
    assert html.count('title="') == 1
    assert html.count("<p>") == 2


def test_notes_stand_beside_their_marks_as_well() -> None:
    html = render("One[^a], two[^b], one again[^a].\n\n[^a]: First *note*.\n[^b]: Second, with [a link](/x).\n").html
    shown = for_page(html)
    sides = re.findall(r'</sup><small class="sidenote" role="note"><span>(\d)</span> (.*?)</small>', shown)
    assert sides == [("1", "First <em>note</em>."), ("2", 'Second, with <a href="/x">a link</a>.')]
    assert shown.count('class="footnote-backref"') == html.count('class="footnote-backref"')
    assert shown.count('role="doc-noteref" aria-label="Note 1"') == 2
    assert re.sub(r'<small.*?</small>| role="doc-[^"]*" aria-label="[^"]*"', "", shown) == html


@pytest.mark.parametrize(
    "text",
    [
        "One[^a].\n\n[^a]: A note\n\n    of two paragraphs.\n",
        "## A heading[^a]\n\nText.\n\n[^a]: A note.\n",
        "| A[^a] |\n|---|\n| b |\n\n[^a]: A note.\n",
        "No notes at all.",
    ],
)
def test_notes_without_a_place_in_the_margin_stay_at_the_foot(text: str) -> None:
    assert "sidenote" not in for_page(render(text).html)


def levels(html: str) -> list[int]:
    found = re.findall(r"<h([1-6])[^>]*>[^<]*</h([1-6])>", html)
    assert all(opening == closing for opening, closing in found)
    return [int(opening) for opening, _ in found]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ([2, 3, 3, 2], [2, 3, 3, 2]),
        ([3, 3], [2, 2]),
        ([1, 2, 4, 3], [2, 3, 4, 4]),
        ([4, 2, 3], [2, 2, 3]),
        ([1, 2, 3, 4, 5, 6], [2, 3, 4, 5, 6, 6]),
    ],
)
def test_headings_become_an_outline_without_gaps(written: list[int], shown: list[int]) -> None:
    html = "".join(f'<h{n} id="x">Words</h{n}><hr>' for n in written)
    assert levels(outlined(html, 2)) == shown
    assert outlined(html, 2).count('id="x"') == len(written)


@given(st.lists(st.integers(1, 6)), st.integers(1, 6))
def test_no_outline_begins_too_high_or_skips_a_level(written: list[int], highest: int) -> None:
    shown = levels(outlined("".join(f"<h{n}>Words</h{n}>" for n in written), highest))
    assert all(after <= before + 1 for before, after in itertools.pairwise([highest - 1, *shown]))
    assert all(highest <= level <= 6 for level in shown)


def test_a_short_note_is_shown_as_a_whole() -> None:
    html = render("One.\n\nTwo.").html
    assert beginning(html, "/week-1") == (html, False)


def test_a_long_note_is_cut_between_blocks_and_never_after_a_heading() -> None:
    part = f'## Part\n\n{"word " * 150}\n\n- item with an > and "quotes"\n- another\n\n'
    html = render(part * 20).html
    shown, cut = beginning(html, "/week-1")
    assert cut
    assert html.startswith(shown)
    assert GENEROUS <= len(plain(shown)) <= GENEROUS + 1000
    assert re.search(r"</(p|ul)>$", shown)
    for name in ("p", "ul", "li", "h2"):
        assert len(re.findall(f"<{name}[ >]", shown)) == shown.count(f"</{name}>")


def test_notes_of_a_beginning_lead_to_the_whole_post() -> None:
    html = render("Word[^1].\n\n" + ("More of it. " * 60 + "\n\n") * 20 + "[^1]: The note.").html
    shown, cut = beginning(html, "/week-1")
    assert cut
    assert 'href="/week-1#fn:1"' in shown
    assert 'href="#' not in shown


def test_one_block_that_cannot_be_cut_is_shown_as_a_whole() -> None:
    html = render("\n".join(f"- {'word ' * 40}" for _ in range(60))).html
    assert beginning(html, "/week-1") == (html, False)


def test_a_note_of_half_a_million_blanks_is_shown_like_any_other() -> None:
    # As long as it takes for each blank from which the way back is looked for, this would take hours.
    rendered = render(f"Words.[^1] More.[^2]\n\n[^1]: A{chr(160) * 240_000}note.\n\n[^2]: Another.\n").html
    html = for_page(rendered)
    beside = re.findall(r'<small class="sidenote" role="note"><span>\d</span> (.*?)</small>', html)
    assert [words.replace("&nbsp;", "") for words in beside] == ["Anote.", "Another."]
    assert html.count("footnote-backref") == 2
