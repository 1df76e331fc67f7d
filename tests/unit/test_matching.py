"""What two texts share: always true, as long as can be, and out of a budget."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogapp.core import matching
from blogapp.core.matching import Work, matches, regions

TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
TOKENS = st.lists(st.sampled_from(["a", "b", "c d", "d e", " ", "", "x"]), max_size=14)


@pytest.mark.parametrize(("small", "left"), [(None, 10**6), (0, 10**6), (0, 40), (None, 0)])
@given(TOKENS, TOKENS, st.booleans())
def test_what_is_found_is_in_both_in_order_and_covers_them(
    small: int | None, left: int, one: list[str], other: list[str], lines: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if small is not None:
            patch.setattr(matching, "SMALL", small)
            patch.setattr(matching, "MOST_AT_ONCE", small)
        found = matches(one, other, Work(left), lines=lines)
        cut = list(regions(one, other, Work(left), lines=lines))
    assert all(length and one[a : a + length] == other[b : b + length] for a, b, length in found)
    ends = [(a + length, b + length) for a, b, length in found]
    assert all(end != (a, b) and end[0] <= a and end[1] <= b for end, (a, b, _) in zip(ends, found[1:], strict=False))
    assert [token for _, a, b, _, _ in cut for token in one[a:b]] == one
    assert [token for _, _, _, c, d in cut for token in other[c:d]] == other
    assert all(before[0] != after[0] for before, after in pairwise(cut))


def test_the_longest_run_of_words_counts_and_not_the_first_word_that_is_the_same() -> None:
    one, other = (TOKEN.findall(text) for text in ("x the a the b the c d e f y", "z the c d e f w"))
    ((start, _, length),) = [found for found in matches(one, other) if found[2] > 1]
    assert "".join(one[start : start + length]).strip() == "the c d e f"


def test_an_empty_line_alone_holds_lines_together_and_a_blank_between_words_does_not() -> None:
    assert matches(["a", "", "b"], ["c", "", "d"], lines=True) == [(1, 1, 1)]
    assert matches(["a", " ", "b"], ["c", " ", "d"]) == []


def test_changed_lines_are_told_by_a_word_that_both_have_once() -> None:
    one = [line for n in range(300) for line in (f"old words, number{n}", "")]
    other = ["first", "", *(line.replace("old", "new") for line in one)]
    assert matches(one, other, lines=True) == [(2 * n + 1, 2 * n + 3, 1) for n in range(300)]


def test_no_more_is_spent_than_there_is_and_what_fits_is_still_done() -> None:
    work = Work(100)
    assert not work.take(101)
    assert work.take(100)
    assert not work.take(1)
    assert matches(["a", "b", "c"], ["a", "x", "c"], work) == [(0, 0, 1), (2, 2, 1)]
