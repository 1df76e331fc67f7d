"""What changed between two texts."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogapp.authoring.comparing import Piece, compare
from blogapp.authoring.side_by_side import side_by_side
from blogapp.authoring.together import edits
from tests.hostile import KINDS, paragraphs, three

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
    started = time.process_time()
    assert [piece.kind for piece in compare(old, new)] == ["out", "in"]
    assert time.process_time() - started < 1


@pytest.mark.parametrize("of", KINDS)
def test_no_two_texts_take_long(of: str) -> None:
    old, new, _ = three(of)
    began = time.process_time()
    pieces, rows, made = compare(old, new), side_by_side(old, new), edits(old, new)
    # Half a second here at worst for all of them; a tenth of it took minutes.
    assert time.process_time() - began < 30
    if not any(piece.kind == "skip" for piece in pieces):
        assert "".join(piece.text for piece in pieces if piece.kind != "in") == old
    assert "".join(piece.text for piece in pieces if piece.kind == "in") or old == new
    assert any(row.changed for row in rows)
    for start, end, instead in made:
        old = old[:start] + instead + old[end:] if len(made) < 100 else old
    assert len(made) >= 100 or old == new


def test_one_word_in_each_of_a_great_many_paragraphs_is_shown_as_one_word() -> None:
    pieces = compare(paragraphs(1200), paragraphs(1200, "new"))
    assert [piece.text for piece in pieces if piece.kind == "in"] == ["new"] * 1200
