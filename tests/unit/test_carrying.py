"""Carrying edits over to the original's own wording."""

from hypothesis import given
from hypothesis import strategies as st

from blogapp.porting.snips.carrying import carry_over

ORIGINAL = "Title\n\nGood <%= by('ada') %>\n\n<%= include_snip 'x' %>\n\nEnd"
BASE = "Title\n\nGood — [Ada](/ada)\n\nOne\nTwo\nThree\n\nEnd"


def test_without_edits_the_original_comes_back() -> None:
    assert carry_over(BASE, BASE, ORIGINAL) == ORIGINAL


def test_an_edited_line_is_the_edited_one_and_all_others_the_originals() -> None:
    assert carry_over(BASE, BASE.replace("End", "The end"), ORIGINAL) == ORIGINAL.replace("End", "The end")
    assert carry_over(BASE, BASE.replace("Title", "Name\nand more"), ORIGINAL) == ORIGINAL.replace(
        "Title", "Name\nand more"
    )


def test_an_edit_inside_what_a_helper_brought_keeps_what_it_brought() -> None:
    edited = BASE.replace("Two", "2")
    assert carry_over(BASE, edited, ORIGINAL) == ORIGINAL.replace("<%= include_snip 'x' %>", "One\n2\nThree")


LINES = st.lists(st.sampled_from(["a", "b", "c", "", "<%= x %>"]), max_size=8).map("\n".join)


@given(LINES, LINES)
def test_whatever_is_edited_where_nothing_was_translated_the_edit_is_what_comes_out(base: str, edited: str) -> None:
    assert carry_over(base, edited, base) == edited


@given(LINES, LINES, LINES)
def test_every_line_that_somebody_typed_is_in_the_outcome(base: str, edited: str, original: str) -> None:
    outcome = carry_over(base, edited, original).split("\n")
    typed = [line for line in edited.split("\n") if line not in base.split("\n")]
    assert all(line in outcome for line in typed)


@given(LINES, LINES)
def test_what_nobody_edited_is_the_original(base: str, original: str) -> None:
    assert carry_over(base, base, original) == original
