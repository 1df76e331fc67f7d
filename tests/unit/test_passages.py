"""The passages of a text, and finding the one that a note is about after an edit."""

import random
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogapp.core.markup import render
from blogapp.core.matching import Work
from blogapp.posts.passages import LEAST, MOST_CHARACTERS, Finder, find_passage, likeness, passages_of

DOOR = "We took the door off its hinges on Tuesday and hung it again before the bakers came."
OVEN = "The second oven is back from the workshop; its thermostat was the trouble."
MILL = "On Friday the mill was shut, so there was no bread."
TEXT = [DOOR, OVEN, MILL]


def words(text: str, format: str = "markdown") -> list[str]:
    return [passage.words for passage in passages_of(render(text, format=format).html)]


def found(said: str, place: int, before: list[str], after: list[str]) -> int | None:
    return find_passage(said, place, after, set(before))


def test_every_block_at_the_outermost_level_is_a_passage() -> None:
    text = (
        "# Boats\n\nOne *fine* boat,\ntwo.\n\n* a\n* b\n\n```\nx\n\ny\n```\n\n| a |\n|---|\n| 1 |\n\n> Said.\n>\n> So."
    )
    assert words(text) == ["Boats", "One fine boat, two.", "a b", "x y", "a 1", "Said. So."]


def test_a_picture_is_known_by_its_name_and_a_line_by_nothing() -> None:
    assert words("![A boat](/files/1/boat.png)\n\n---\n\n![](/files/1/boat.png)") == [
        "A boat", "", "/files/1/boat.png",
    ]  # fmt: skip


def test_loose_words_of_a_text_in_html_are_a_passage_with_what_stands_among_them() -> None:
    assert words("Loose <b>words</b>,<br>and more <p>One</p> at the end", "html") == [
        "Loose words,and more", "One", "at the end",
    ]  # fmt: skip


@given(st.lists(st.sampled_from([*'ab \n<>&*_`|-#1.[]()!"', "<div>", "</div>", "<p>", "<b>", "<br>", "<hr>", "\n\n"])))
def test_the_passages_together_are_the_text(pieces: list[str]) -> None:
    for format in ("markdown", "html"):
        html = render("".join(pieces), format=format).html
        assert "".join(passage.html for passage in passages_of(html)).rstrip() == html.rstrip()


@pytest.mark.parametrize(
    ("after", "place"),
    [
        (["A new beginning.", *TEXT], 2),
        ([MILL, OVEN, DOOR], 1),
        ([DOOR, OVEN.replace("second oven is", "smaller oven came"), MILL], 1),
        ([DOOR, f"{OVEN} {MILL}"], 1),
        ([f"{DOOR} {OVEN} {MILL}"], 0),
        ([DOOR, *OVEN.split("; "), MILL], 1),
        ([DOOR, "Something else altogether stands here.", MILL], None),
        ([DOOR, MILL], None),
        ([], None),
    ],
    ids="pushed-down moved edited joined all-in-one cut-in-two replaced deleted emptied".split(),
)
def test_a_note_follows_its_paragraph(after: list[str], place: int | None) -> None:
    assert found(OVEN, 1, TEXT, after) == place


def test_of_two_that_say_the_same_it_is_the_nearer_one() -> None:
    texts = ["Yes.", DOOR, "Yes.", OVEN, "Yes."]
    assert [found("Yes.", place, texts, texts) for place in (0, 2, 4)] == [0, 2, 4]


def test_a_neighbour_that_was_there_before_is_never_taken_for_what_was_deleted() -> None:
    twin = OVEN.replace("second", "third")
    assert found(OVEN, 0, [OVEN, twin], [twin]) is None


def test_a_typing_error_in_a_heading_of_one_word_is_mended() -> None:
    assert found("Botas", 0, ["Botas", DOOR], ["Boats", DOOR]) == 0


def test_what_was_cut_out_and_put_back_with_a_change_is_found_again() -> None:
    assert found(OVEN, 1, TEXT, [DOOR, MILL]) is None
    assert found(OVEN, 1, [DOOR, MILL], [DOOR, MILL, f"{OVEN} At last."]) == 2


def test_however_long_a_paragraph_is_it_is_compared_by_its_beginning() -> None:
    (long,) = words("a " * 100_000)
    assert len(long) <= MOST_CHARACTERS
    assert find_passage(long, 0, ["b " * 500, "a " * 400]) == 1


def written_anew(number: int, letters: Sequence[str]) -> list[str]:
    rng = random.Random(number)
    return [" ".join(rng.choices(letters, k=MOST_CHARACTERS // 2)) for _ in range(number)]


@pytest.mark.parametrize("letters", ["ab", "abcdefghijklmnopqrstuvwxyz", ["word", "another", "oven", "bread", "a"]])
def test_all_notes_of_an_edit_together_take_no_longer_than_others_can_wait(letters: Sequence[str]) -> None:
    before, after = written_anew(300, letters), written_anew(299, letters)
    began = time.process_time()
    finder = Finder(after, set(before))
    found = [finder.find(words, place) for place, words in enumerate(before)]
    # A fifth of a second here; it was sixteen for a twenty-fifth of the notes.
    assert time.process_time() - began < 3
    assert len(found) == 300


def test_where_time_is_short_what_stayed_is_found_all_the_same() -> None:
    finder = Finder([*TEXT, "x"], {OVEN})
    finder.work.left = 0
    assert [finder.find(words, 9) for words in (*TEXT, "y")] == [0, 1, 2, None]


def test_a_note_is_found_among_very_many_passages_without_looking_at_them_all() -> None:
    finder = Finder([f"Passage {number}." for number in range(100_000)], ())
    began = time.process_time()
    assert [finder.find(f"Passage {number}.", 3) for number in range(300)] == list(range(300))
    assert finder.find("Passage 50000,", 50_010) == 50_000
    assert time.process_time() - began < 2


@pytest.mark.parametrize(("one", "other"), [("", "x"), ("", "-"), ("-", "+"), (DOOR, MILL), ("Yes", "No")])
def test_what_has_little_in_common_is_not_alike(one: str, other: str) -> None:
    assert likeness(one, other, Work()) < LEAST
