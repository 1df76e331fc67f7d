"""The subject, the line after it in the inbox, the dates."""

from datetime import date

import pytest

from blogapp.digest.words import SUBJECT, Letter, dates, own_title, subject, teaser
from blogapp.posts.weeks import Weeks

WEEK = Weeks(473, 473)


def letter(title: str = "Week 473", html: str = "", summary: str = "", weeks: Weeks | None = WEEK) -> Letter:
    return Letter(title, html, summary, weeks)


@pytest.mark.parametrize(
    ("title", "weeks", "rest"),
    [
        ("Week 473", WEEK, ""),
        ("week 473.", WEEK, ""),
        ("Week 473: Moving house", WEEK, "Moving house"),
        ("Week 473 – Moving house", WEEK, "Moving house"),
        ("Weeks 520 to 524", Weeks(520, 524), ""),
        ("Weeks 853 and 854: Holidays", Weeks(853, 854), "Holidays"),
        ("Moving house", WEEK, "Moving house"),
        ("Week 472 revisited", WEEK, "Week 472 revisited"),
        ("Week 473 in pictures", None, "Week 473 in pictures"),
    ],
)
def test_the_title_without_what_the_figure_says_already(title: str, weeks: Weeks | None, rest: str) -> None:
    assert own_title(letter(title, weeks=weeks)) == rest


def test_a_title_of_its_own_is_the_subject() -> None:
    assert subject(letter("Week 473: Moving house", "<h2>A</h2><h2>B</h2>")) == "Week 473: Moving house"
    assert subject(letter("How we moved", weeks=None)) == "How we moved"


def test_the_sections_say_what_a_bare_week_is_about() -> None:
    html = '<h1>Week 473</h1><h2 id="a">GDS</h2><p>x</p><h2 id="b">Show &amp; tell:</h2>'
    html += '<h3>Social<sup id="fnref:1">1</sup></h3>'
    assert subject(letter(html=html)) == "Week 473: GDS, Show & tell, Social"


def test_as_many_sections_as_an_inbox_shows() -> None:
    html = "".join(f"<h2>Section number {n}</h2>" for n in range(20))
    found = subject(letter(html=html))
    assert found == "Week 473: Section number 0, Section number 1, Section number 2 …"
    assert len(found) <= SUBJECT


def test_without_sections_the_first_words_that_are_no_greeting() -> None:
    summary = "Howdi folks. We moved into the new office on Monday. It was very cold, and it stayed cold."
    assert teaser(letter(summary=summary)).startswith("We moved")
    assert subject(letter(summary=summary)) == "Week 473: We moved into the new office on Monday"
    assert subject(letter(summary="Hello all, " + "a long sentence " * 9)) == (
        "Week 473: Hello all, a long sentence a long sentence a long sentence a …"
    )


def test_a_week_without_words_is_just_its_number() -> None:
    assert subject(letter()) == "Week 473"


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (date(2018, 2, 5), date(2018, 2, 11), "5–11 February 2018"),
        (date(2018, 1, 29), date(2018, 2, 4), "29 January – 4 February 2018"),
        (date(2024, 12, 30), date(2025, 1, 5), "30 December 2024 – 5 January 2025"),
        (date(2018, 2, 5), date(2018, 2, 5), "5 February 2018"),
    ],
)
def test_dates_as_people_say_them(first: date, last: date, words: str) -> None:
    assert dates(first, last) == words
