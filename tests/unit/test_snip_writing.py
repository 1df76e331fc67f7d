"""Writing snips with the smallest difference."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogapp.porting.snips.parsing import parse_snip
from blogapp.porting.snips.writing import change_block, composed, edited, old_addresses, stamp, take_apart

FILE = b"""\

Week 1
======

Good. <%= by('ada') %>

![A](/images/blog/a.png) and ![B](/images/b.png)


:Render_as: Blog
:draft: true

:images:
  - one.png
:updated_at: 2018-02-09 10:22:25 +0000
:author: ada
"""
BECAME = "Week 1\n======\n\nGood. — [Ada](/ada)\n\n![A](/files/1/a.png) and ![B](/files/2/b.png)"


@pytest.mark.parametrize(
    "content",
    [
        FILE,
        FILE.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + FILE,
        b":key: value",
        b"\n\n\n:a: b\n",
        b"Text  \n\n:a: b\n\n\n",
        b"One\r\nTwo\nThree\rFour\n\n:a: b\r\n",
        b"",
    ],
)
def test_the_parts_put_together_are_the_file(content: bytes) -> None:
    assert take_apart(content).put_together() == content


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("\r\n:"), max_size=60))
def test_the_parts_of_any_text_put_together_are_the_text(text: str) -> None:
    assert take_apart(text.encode()).put_together() == text.encode()


def test_the_body_is_what_the_import_read() -> None:
    assert take_apart(FILE).body == parse_snip("week-1.md", FILE.decode()).body


def test_only_the_edited_line_differs() -> None:
    out = edited(FILE, BECAME, BECAME.replace("Good.", "Very good."), {})
    assert out == FILE.replace(b"Good.", b"Very good.")


def test_an_edited_line_shows_pictures_at_their_old_addresses_and_new_ones_at_their_own() -> None:
    body = BECAME.replace("and", "or") + "\n\n![C](/files/3/c.png)"
    out = edited(FILE, BECAME, body, {}).decode()
    assert "![A](/images/blog/a.png) or ![B](/images/b.png)\n\n![C](/files/3/c.png)\n\n\n:Render_as" in out
    assert old_addresses(take_apart(FILE).body, BECAME) == {
        "/files/1/a.png": "/images/blog/a.png",
        "/files/2/b.png": "/images/b.png",
    }


def test_a_key_changes_in_its_place_with_its_own_spelling_and_others_stay() -> None:
    block = take_apart(FILE).block
    assert change_block(block, {"render_as": "Page"}) == block.replace("Blog", "Page")
    assert change_block(block, {"draft": None}) == block.replace(":draft: true\n", "")
    assert change_block(block, {"images": "none"}) == block.replace(":images:\n  - one.png\n", ":images: none\n")
    assert change_block(block, {"page_title": "Week one"}) == block + ":page_title: Week one\n"
    assert change_block("", {"a": "b"}) == ":a: b\n" or change_block("", {"a": "b"}) == ":a: b"


def test_the_last_of_a_key_that_stands_twice_is_the_one_that_counts() -> None:
    assert change_block(":a: 1\n:a: 2\n", {"a": "3"}) == ":a: 1\n:a: 3\n"


def test_a_text_with_a_colon_at_the_beginning_of_a_line_keeps_all_of_its_lines() -> None:
    content = composed("Term\n: its meaning\n", {"name": "terms", "author": "ada"})
    assert content == b"Term\n : its meaning\n\n:name: terms\n:author: ada\n"
    assert parse_snip("terms.md", content.decode()).meta == (("name", "terms"), ("author", "ada"))


def test_an_edited_text_with_a_colon_at_the_beginning_of_a_line_keeps_all_of_its_lines() -> None:
    out = edited(b"Term\n\n:a: b\n", "Term", "Term\n: its meaning", {})
    assert out == b"Term\n : its meaning\n\n:a: b\n"


def test_links_become_helpers_only_in_edited_lines_and_for_those_whom_the_original_lets_sign() -> None:
    file = b"One. <%= by('ada') %>\n\nTwo. \xe2\x80\x94 [Ada](/ada)\n\nThree.\n\n:a: b\n"
    was = "One. — [Ada](/ada)\n\nTwo. — [Ada](/ada)\n\nThree."
    body = was.replace("One.", "1.").replace("Three.", "Three. — [Bob](/bob)")
    out = edited(file, was, body, {}).decode()
    assert out == "1. <%= by('ada') %>\n\nTwo. — [Ada](/ada)\n\nThree. — [Bob](/bob)\n\n:a: b\n"


def test_each_line_that_nobody_edited_keeps_its_own_end() -> None:
    file = b"One\r\nTwo\nThree\rFour\n\n:a: b\r\n:c: d\n"
    out = edited(file, "One\nTwo\nThree\nFour", "One\nThree\nFour!\nFive", {"c": "e"})
    assert out == b"One\r\nThree\rFour!\nFive\n\n:a: b\r\n:c: e\n"


def test_a_key_that_goes_away_goes_as_often_as_it_stands() -> None:
    assert change_block(":draft: true\n:a: b\n:Draft: true\n  more\n", {"draft": None}) == ":a: b\n"


def test_pictures_are_found_beneath_a_helper_that_became_many_lines() -> None:
    was = "- one\n- two\n- three\n![](/files/1/a.png)\n![](/files/2/b.png)"
    found = old_addresses("<%= list %>\n![](/images/x.png)\n![](/images/y.png)", was)
    assert found == {"/files/1/a.png": "/images/x.png", "/files/2/b.png": "/images/y.png"}


def test_a_moment_is_written_as_the_old_site_wrote_it() -> None:
    at = datetime(2018, 2, 9, 11, 22, 25, 858411, timezone(timedelta(hours=1)))
    assert stamp(at) == "2018-02-09 10:22:25.858411000 +00:00"
    assert stamp(datetime(2018, 2, 9, tzinfo=UTC)) == "2018-02-09 00:00:00.000000000 +00:00"
