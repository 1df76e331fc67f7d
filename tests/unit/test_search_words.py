"""Words, questions and snippets, without a database."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogapp.posts.asking import LONGEST, Question, ask, for_postgresql, for_sqlite
from blogapp.posts.searching import text_of
from blogapp.posts.weeks import Weeks
from blogapp.posts.words import known_as, words_of
from blogapp.reading.snippets import mark_words, snippet

HOSTILE = st.text(alphabet=st.sampled_from("ab1 \"'*()-+#:^{}\\\0\n“”éøß日ABCORNTNEAR%_|&!<>~")) | st.text(max_size=400)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("boilers", "boiler"),
        ("Boxes", "box"),
        ("stories", "story"),
        ("making", "make"),
        ("planned", "plan"),
        ("using", "used"),
        ("studied", "study"),
        ("James's", "James"),
        ("CAFÉ", "cafe\u0301"),
        ("Søren", "soren"),
        ("Straße", "strasse"),
        ("don’t", "don't"),
    ],
)
def test_what_a_reader_takes_for_the_same_word_is_the_same(one: str, other: str) -> None:
    assert known_as(one, True) == known_as(other, True)


@pytest.mark.parametrize(
    ("one", "other"), [("note", "not"), ("c", "c++"), ("c++", "c#"), ("string", "str"), ("need", "ne"), ("bus", "bu")]
)
def test_what_is_another_word_stays_another(one: str, other: str) -> None:
    assert known_as(one, True) != known_as(other, True)


def test_endings_count_where_the_site_is_not_in_english() -> None:
    assert known_as("boilers", False) == "boilers"


def test_a_text_without_blanks_is_found_by_any_part_of_it() -> None:
    assert list(words_of("日本語 C++, e-mail", english=True)) == ["日", "本", "語", "c++", "e", "mail"]


def test_phrases_exclusions_and_idle_words_are_told_apart() -> None:
    question = ask('the boiler “in the office” e-mail -kettle -"old pipe"', english=True)
    assert question.wanted == (("boiler",), ("offic",), ("e", "mail"))
    assert question.unwanted == (("kettl",), ("old", "pipe"))
    assert ask("the of -and", english=True).marks == (("i:the",), ("i:of",), ("i:and",))
    assert ask("the of", english=False).wanted == (("the",), ("of",))


@pytest.mark.parametrize("typed", ["473", "week 473", "Week-473", "#473", "weeks 473 to 473"])
def test_a_weeks_number_is_known_however_it_is_typed(typed: str) -> None:
    assert ask(typed, english=True).weeks == Weeks(473, 473)


def test_a_very_long_paste_is_cut_and_says_so() -> None:
    question = ask("word " * 10_000, english=True)
    assert question.cut
    assert question.wanted == (("word",),)
    assert not ask("w" * LONGEST, english=True).cut


@given(HOSTILE)
def test_whatever_is_typed_is_a_question_that_sqlite_understands(typed: str) -> None:
    question = ask(typed, english=True).narrowed("a:1", "a:2")
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE t USING fts5(a, tokenize = \"ascii tokenchars '+#:-'\")")
    database.execute("SELECT * FROM t WHERE t MATCH ?", [for_sqlite(question)])
    database.close()


@given(HOSTILE)
def test_nothing_that_is_typed_needs_escaping_in_a_tsquery(typed: str) -> None:
    said = for_postgresql(ask(typed, english=True))
    for word in said.split("'")[1::2]:
        assert all(c.isalnum() or c in "+#:" for c in word), said


@given(HOSTILE, HOSTILE)
def test_a_snippet_is_the_text_with_marks_and_no_other_tag(text: str, typed: str) -> None:
    made = snippet(text, ask(typed, english=True).wanted, english=True)
    bare = str(made).replace("<mark>", "").replace("</mark>", "")
    assert "<" not in bare
    assert ">" not in bare
    assert made.count("<mark>") == made.count("</mark>")


def test_a_snippet_is_where_the_most_words_stand_together() -> None:
    text = "A boiler. " + "Nothing else. " * 60 + "The <old> Boilers heated the Café. " + "And so on. " * 60
    made = snippet(text, ask("cafe boiler", english=True).wanted, english=True)
    assert "The &lt;old&gt; <mark>Boilers</mark> heated the <mark>Café</mark>." in made
    assert made.startswith("… ")
    assert len(made) < 400


def test_a_title_is_marked_whole_and_without_a_question_not_at_all() -> None:
    assert mark_words("C++ & more", ask("c++", english=True).wanted, english=True) == "<mark>C++</mark> &amp; more"
    assert mark_words("Boats", Question().wanted, english=True) == "Boats"


def test_the_text_of_a_post_keeps_words_whole_and_apart() -> None:
    html = '<p>un<em>believ</em>able</p><ul><li>one</li><li>two &lt;3</li></ul><img alt="a > b" src="/x"><p>end</p>'
    assert text_of(html) == "unbelievable one two <3 end"
