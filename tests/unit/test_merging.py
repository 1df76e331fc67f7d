"""Putting two people's changes of a text together: nothing that anybody typed is lost."""

import random
import time
from itertools import pairwise

import pytest

from blogapp.core import matching
from blogapp.posts.merging import Part, merge, merged_text, settled
from tests.hostile import KINDS, paragraphs, three

BASE = "# Week 473\n\nWe baked bread on Monday.\n\nThe oven was cold.\n\n- flour\n- salt\n- water\n"


def text(base: str, mine: str, theirs: str) -> str:
    found = merged_text(merge(base, mine, theirs))
    assert found is not None, merge(base, mine, theirs)
    assert merged_text(merge(base, theirs, mine)) == found
    return found


def clashes(base: str, mine: str, theirs: str) -> list[tuple[str, str]]:
    return [(part.mine, part.theirs) for part in merge(base, mine, theirs) if part.clashes]


def test_changes_of_different_paragraphs_are_both_in_the_result() -> None:
    mine, theirs = BASE.replace("Monday", "Tuesday"), BASE.replace("cold", "hot")
    assert text(BASE, mine, theirs) == BASE.replace("Monday", "Tuesday").replace("cold", "hot")


def test_paragraphs_added_at_different_places_are_both_in_the_result() -> None:
    mine, theirs = BASE.replace("The oven", "Mine.\n\nThe oven"), BASE + "\nTheirs.\n"
    assert text(BASE, mine, theirs) == BASE.replace("The oven", "Mine.\n\nThe oven") + "\nTheirs.\n"


def test_changes_of_different_words_of_one_line_are_both_in_the_result() -> None:
    mine, theirs = BASE.replace("We baked", "They baked"), BASE.replace("on Monday", "on Friday")
    assert text(BASE, mine, theirs) == BASE.replace("We baked", "They baked").replace("on Monday", "on Friday")


def test_neighbouring_items_of_a_list_do_not_clash() -> None:
    mine, theirs = BASE.replace("- flour", "- rye"), BASE.replace("- salt", "- sugar")
    assert text(BASE, mine, theirs) == BASE.replace("flour", "rye").replace("salt", "sugar")


def test_the_same_change_by_both_is_made_once() -> None:
    both = BASE.replace("cold", "hot")
    assert text(BASE, both, both) == both


def test_one_takes_a_paragraph_out_while_the_other_changes_another_one() -> None:
    mine, theirs = BASE.replace("The oven was cold.\n\n", ""), BASE.replace("bread", "rolls")
    assert text(BASE, mine, theirs) == mine.replace("bread", "rolls")


def test_a_paragraph_that_one_took_out_and_the_other_changed_is_a_clash() -> None:
    mine, theirs = BASE.replace("The oven was cold.\n\n", ""), BASE.replace("cold", "hot")
    assert clashes(BASE, mine, theirs) == [("", "The oven was hot.\n\n")] or "hot" in clashes(BASE, mine, theirs)[0][1]


def test_the_same_word_changed_differently_is_a_clash_of_that_word_only() -> None:
    line = "On Monday we baked a loaf of bread in the old oven, and it was good to eat.\n"
    mine, theirs = line.replace("Monday", "Tuesday").replace("eat", "smell"), line.replace("Monday", "Friday")
    assert clashes(line, mine, theirs) == [("Tuesday", "Friday")]
    parts = merge(line, mine, theirs)
    assert settled(parts, ["mine"]) == mine
    assert settled(parts, ["theirs"]) == mine.replace("Tuesday", "Friday")
    assert settled(parts, ["both"]) == mine.replace("Tuesday", "Friday Tuesday")


def test_words_that_stand_side_by_side_are_not_mixed_from_two_hands() -> None:
    assert clashes("the cat sat on a mat\n", "the dog sat on a mat\n", "the cat stood on a mat\n") == [
        ("dog sat", "cat stood")
    ]


def test_a_line_that_both_wrote_anew_is_a_clash_as_a_whole() -> None:
    mine, theirs = "Bob walked the dog.\n", "Erin read some poems.\n"
    assert clashes("It rained all day long.\n", mine, theirs) == [(mine, theirs)]


def test_what_both_put_at_the_same_place_is_a_clash_that_can_be_kept_whole() -> None:
    parts = merge("One.\n", "One.\nMine.\n", "One.\nTheirs.\n")
    assert settled(parts, ["both"]) == "One.\nTheirs.\nMine.\n"


def test_without_a_common_text_everything_that_differs_is_a_clash() -> None:
    assert clashes("", "mine", "theirs") == [("mine", "theirs")]
    assert text("", "same", "same") == "same"


@pytest.mark.parametrize("choices", [[], ["mine", "mine"], ["neither"]])
def test_each_clash_wants_one_choice(choices: list[str]) -> None:
    with pytest.raises(ValueError, match=r"clash|neither"):
        settled(merge("a", "b", "c"), choices)


# The fuzz: every typed character is a code point of its own, so that each can be looked for.

WORDS = ["bread", "oven", "salt", "the", "the", "a", "and", "- ", "## ", "\n", "\n", "\n\n", ". ", " ", " ", "[x][y]"]
MINE, THEIRS = 0x4E00, 0x6E00


def typed(rng: random.Random, base: str, first: int) -> tuple[str, set[str]]:
    """The base as somebody changed it, and the characters that they typed."""
    text, new, code = base, set(), first
    for _ in range(rng.randint(1, 6)):
        at = rng.randint(0, len(text))
        act = rng.random()
        cut = rng.randint(0, 30) if act < 0.6 else 0
        put = ""
        if act > 0.25:
            for _ in range(rng.randint(1, 12)):
                put += chr(code) + rng.choice(["", "", " ", "\n", "\n\n"])
                code += 1
        text = text[:at] + put + text[at + cut :]
    new = {char for char in text if ord(char) >= first and ord(char) < first + 0x2000}
    return text, new


@pytest.mark.parametrize("most", [None, 60, 0], ids="as-it-is little-difflib no-difflib".split())
@pytest.mark.parametrize("seed", range(40))
def test_every_character_typed_is_in_the_result_or_in_a_clash(
    seed: int, most: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if most is not None:  # So that short texts are treated as long ones are.
        monkeypatch.setattr(matching, "SMALL", most)
        monkeypatch.setattr(matching, "MOST_AT_ONCE", most)
    rng = random.Random(seed)
    for _ in range(12):
        base = "".join(rng.choice(WORDS) for _ in range(rng.randint(0, 120)))
        mine, my_own = typed(rng, base, MINE)
        theirs, their_own = typed(rng, base, THEIRS)
        parts = merge(base, mine, theirs)
        whole = "".join(part.mine + part.theirs if part.clashes else part.text for part in parts)
        assert my_own <= set(whole)
        assert their_own <= set(whole)
        # Nothing is there twice, and each side of every clash, put back, is that person's text.
        assert all(whole.count(char) == 1 for char in my_own | their_own)
        assert "".join(part.mine for part in parts) == mine
        assert "".join(part.theirs for part in parts) == theirs
        assert "".join(part.base for part in parts) == base
        both = settled(parts, ["both"] * sum(part.clashes for part in parts))
        assert my_own | their_own <= set(both)
        assert not any(one.clashes and two.clashes for one, two in pairwise(parts))
        assert merged_text(merge(base, mine, base)) == mine
        assert merged_text(merge(base, base, theirs)) == theirs
        assert merged_text(merge(base, mine, mine)) == mine


def test_a_part_knows_whether_it_clashes() -> None:
    assert not Part("a", "b", "a").clashes
    assert not Part("a", "b", "b").clashes
    assert Part("a", "b", "c").clashes


@pytest.mark.parametrize("of", KINDS)
def test_no_text_takes_long_and_nothing_of_it_is_lost(of: str) -> None:
    base, mine, theirs = three(of)
    began = time.process_time()
    parts = merge(base, mine, theirs)
    # A fifth of a second here; it was eight minutes for a tenth of such a text, and eightfold with each doubling.
    assert time.process_time() - began < 15
    assert "".join(part.base for part in parts) == base
    assert "".join(part.mine for part in parts) == mine
    assert "".join(part.theirs for part in parts) == theirs


def test_a_change_in_each_of_a_great_many_paragraphs_does_not_hide_the_other_s() -> None:
    base, mine = paragraphs(1200), paragraphs(1200, "mine")
    theirs = base.replace(" number700 ", " number700 indeed, ")
    # The paragraph in front keeps the two from having as many empty lines.
    assert text(base, f"New.\n\n{mine}", theirs) == f"New.\n\n{mine}".replace(" number700 ", " number700 indeed, ")


def test_one_side_s_hostile_text_is_one_clash() -> None:
    rng = random.Random(2)
    base, mine = ("".join(rng.choice("ab") + "\n" for _ in range(2000)) for _ in range(2))
    assert clashes(base, mine, "theirs\n") == [(mine, "theirs\n")]
