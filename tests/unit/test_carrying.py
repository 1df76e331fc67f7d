"""Carrying edits over to the original's own wording."""

from difflib import SequenceMatcher
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogapp.core import matching
from blogapp.core.matching import regions
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


@given(LINES, LINES)
def test_stretches_cover_both_texts_and_same_ones_are_the_same(one: str, other: str) -> None:
    a, b = one.split("\n"), other.split("\n")
    stretches = list(regions(a, b, lines=True))
    assert [line for _, start, end, _, _ in stretches for line in a[start:end]] == a
    assert [line for _, _, _, start, end in stretches for line in b[start:end]] == b
    assert all(a[start:end] == b[first:last] for same, start, end, first, last in stretches if same)
    assert all(x[0] != y[0] for x, y in pairwise(stretches))


def test_long_texts_are_held_against_each_other_by_the_lines_they_have_once() -> None:
    base = [f"line {n}" if n % 2 else "" for n in range(50_000)]
    ours = [line + "!" if n % 1_000 == 999 else line for n, line in enumerate(base)]
    original = [line if n % 500 else "<%= x %>" for n, line in enumerate(base)]
    assert carry_over("\n".join(base), "\n".join(ours), "\n".join(original)) == "\n".join(
        line if n % 500 else "<%= x %>" for n, line in enumerate(ours)
    )


@pytest.mark.parametrize("line", ["", "same"])
def test_long_texts_without_lines_of_their_own_are_compared_without_difflib(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    class Counting(SequenceMatcher[str]):
        def __init__(self, junk: None, one: list[str], other: list[str], autojunk: bool) -> None:
            sizes.extend((len(one), len(other)))
            super().__init__(junk, one, other, autojunk)

    monkeypatch.setattr(matching, "SequenceMatcher", Counting)
    base = [line if n % 2 else f"a{n}" for n in range(10_000)]
    edited = [line if n % 2 else f"b{n}" for n in range(10_000)]
    assert carry_over("\n".join(base), "\n".join(edited), "\n".join(base)) == "\n".join(edited)
    assert max(sizes, default=0) <= 100


def test_what_the_original_has_more_comes_out_once_beside_an_edit() -> None:
    assert carry_over("a\nb", "a\nnew\nb", "a\n<%# note %>\nb").count("<%# note %>") == 1
