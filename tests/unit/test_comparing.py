"""What changed between two texts."""

import time

from hypothesis import given
from hypothesis import strategies as st

from blogapp.authoring.comparing import Piece, compare

texts = st.text(alphabet="ab \n.", max_size=120)


@given(texts, texts)
def test_taking_out_and_putting_in_leads_from_one_text_to_the_other(old: str, new: str) -> None:
    pieces = compare(old, new)
    if any(piece.kind == "skip" for piece in pieces):
        return
    assert "".join(piece.text for piece in pieces if piece.kind != "in") == old
    assert "".join(piece.text for piece in pieces if piece.kind != "out") == new


def test_one_changed_word_is_shown_as_one_word() -> None:
    assert compare("It was very cold.\n", "It was rather cold.\n") == [
        Piece("same", "It was "),
        Piece("out", "very"),
        Piece("in", "rather"),
        Piece("same", " cold.\n"),
    ]


def test_a_paragraph_that_has_little_in_common_is_exchanged_as_a_whole() -> None:
    pieces = compare("One thing, another thing.\n", "Quite something else entirely\n")
    assert [piece.kind for piece in pieces] == ["out", "in"]


def test_long_unchanged_stretches_are_left_out() -> None:
    lines = [f"line {number}\n" for number in range(40)]
    pieces = compare("".join(lines), "".join([*lines[:20], "new\n", *lines[20:]]))
    assert [(piece.kind, piece.lines) for piece in pieces] == [
        ("skip", 18),
        ("same", 0),
        ("in", 0),
        ("same", 0),
        ("skip", 18),
    ]
    assert compare("same\n", "same\n") == [Piece("same", "same\n")]
    assert compare("", "") == []


def test_two_long_texts_without_a_word_in_common_take_no_time() -> None:
    old, new = "alpha beta " * 20_000, "gamma delta " * 20_000
    started = time.perf_counter()
    assert [piece.kind for piece in compare(old, new)] == ["out", "in"]
    assert time.perf_counter() - started < 1
