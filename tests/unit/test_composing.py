"""A draft's text with its sections: where they stand, how they are signed, and that none disturbs another."""

import time

import pytest

from blogapp.core.markup import render
from blogapp.posts.composing import Signed, compose, markdown_of
from blogapp.posts.signatures import Signature, answered, signature, signatures_in

CR, BB = "— [CR](/chris-roos)", "— [BB](/bob-barker)"
FENCE = "```"


def section(body: str = "Good.", title: str = "Boats", url: str = "", signed: str = CR) -> Signed:
    return Signed(title, url, body, signed)


def test_a_text_without_sections_stays_as_it_is() -> None:
    assert compose("As  typed.\n\n\n", []) == "As  typed.\n\n\n"


def test_sections_stand_behind_the_text_in_their_order() -> None:
    text = compose("We baked.", [section(), section("Too.", "Rope", "https://example.org/", BB)])
    assert text == f"We baked.\n\n## Boats\n\nGood. {CR}\n\n### [Rope](https://example.org/)\n\nToo. {BB}\n"


def test_an_empty_text_is_made_of_its_sections_alone() -> None:
    assert compose("\n", [section("")]) == f"## Boats\n\n{CR}\n"


@pytest.mark.parametrize(
    "tail",
    [
        '[a]: https://a.test\n[b]: <https://b.test> "B"',
        "[^1]: A note.\n\n    It goes on.\n\n[a]: https://a.test",
        "*[GDS]: Government Digital Service",
    ],
)
def test_definitions_at_the_end_stay_at_the_end(tail: str) -> None:
    assert (
        compose(f"Words [a].[^1]\n\n{tail}\n", [section()]) == f"Words [a].[^1]\n\n## Boats\n\nGood. {CR}\n\n{tail}\n"
    )


def test_what_only_looks_like_a_definition_ends_the_text() -> None:
    code = f"{FENCE}\n[a]: https://a.test\n{FENCE}"
    assert compose(code, [section()]) == f"{code}\n\n## Boats\n\nGood. {CR}\n"
    assert compose("Words.\n\n    code", [section()]) == f"Words.\n\n    code\n\n## Boats\n\nGood. {CR}\n"


def test_the_author_says_where_the_sections_stand() -> None:
    text = compose("Before.\n\n<!-- sections -->\n\nAfter.\n\n[a]: https://a.test\n", [section()])
    assert text == f"Before.\n\n## Boats\n\nGood. {CR}\n\nAfter.\n\n[a]: https://a.test\n"
    shown_as_code = f"{FENCE}\n<!-- sections -->\n{FENCE}\n"
    assert compose(shown_as_code, [section()]).startswith(shown_as_code.strip())


@pytest.mark.parametrize(
    "body",
    [
        "* one\n* two",
        "1. one",
        "> Said.",
        f"{FENCE}\ncode\n{FENCE}",
        "    code",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "a | b\n--|--\n1 | 2",
        "<div>HTML</div>",
        "Heading\n=======",
        "* * *",
    ],
)
def test_a_signature_stands_alone_behind_what_is_no_paragraph(body: str) -> None:
    assert markdown_of(section(body)).endswith(f"{body}\n\n{CR}".lstrip())
    html = render(markdown_of(section(body))).html.strip()
    assert html.endswith('<p>— <a href="/chris-roos">CR</a></p>')
    assert "](/chris" not in html


def test_a_signature_ends_the_last_paragraph_before_the_sections_own_definitions() -> None:
    text = markdown_of(section("* a list\n\nAnd [words][a] of\ntwo lines.\n\n[a]: https://a.test"))
    assert text == f"## Boats\n\n* a list\n\nAnd [words][a] of\ntwo lines. {CR}\n\n[a]: https://a.test"


def test_a_fence_left_open_swallows_nobody_else() -> None:
    text = compose(f"Look:\n\n{FENCE}\nopen", [section(f"{FENCE}ruby\nputs 1"), section(signed=BB)])
    html = render(text).html
    assert html.count("<pre") == 2
    assert [one.slug for one in signatures_in(html, "")] == ["chris-roos", "bob-barker"]


def test_ids_that_two_use_lead_each_to_its_own() -> None:
    body = "The [first][1].[^1]\n\n[1]: https://a.test\n[^1]: Note of the text.\n"
    mine = "See [1], [this][1] and [1][], not `[1]`.[^1]\n\n[1]: https://b.test\n\n[^1]: Mine."
    html = render(compose(body, [section(mine), section(mine.replace("b.test", "c.test"))])).html
    assert html.count('href="https://a.test"') == 1
    assert html.count('href="https://b.test"') == html.count('href="https://c.test"') == 3
    assert "<code>[1]</code>" in html
    assert html.count("Mine.") == 2
    assert html.count("Note of the text.") == 1


def test_the_same_definition_twice_keeps_its_name() -> None:
    body = "The [boat][].\n\n[boat]: https://a.test"
    assert "[boat-2]" not in compose(body, [section("A [boat].\n\n[Boat]: https://a.test")])


@pytest.mark.parametrize(
    "title", ["Using [x] and *y*", "`code` <b>", "C #", "_under_ and snake_case", "a \\ b", "~~no~~"]
)
def test_a_title_is_shown_as_it_was_typed(title: str) -> None:
    for url in ("", "https://example.org/a_(b)"):
        html = render(markdown_of(section(title=title, url=url))).html
        shown = html[html.index(">") + 1 : html.index("</h")]
        expected = title.replace("<", "&lt;").replace(">", "&gt;")
        assert shown == (f'<a href="{url}">{expected}</a>' if url else expected)


@pytest.mark.parametrize("url", ["https://e.org/a b", "https://e.org/a)b", 'https://e.org/"x"', "https://e.org/<x>"])
def test_an_odd_address_is_still_one_link(url: str) -> None:
    html = render(markdown_of(section(url=url))).html
    assert html.count("<a ") == 2
    assert ">Boats</a></h3>" in html


def test_signatures_are_found_however_they_are_written() -> None:
    text = (
        "One. — [CR](/chris-roos)\n\nTwo. &mdash; [CR][chris-roos]\n\nThree. -- [Ada Archer](/ada), [Tom](/tom)\n\n"
        "* four - [BB](https://blog.test/bob-barker)\n* [XX](/ex-member) says so\n\n[chris-roos]: /chris-roos"
    )
    found = signatures_in(render(text).html, "https://blog.test")
    assert [(one.slug, one.plainly) for one in found] == [
        ("chris-roos", True), ("chris-roos", True), ("ada", True), ("tom", True), ("bob-barker", True),
        ("ex-member", False),
    ]  # fmt: skip


def test_a_mention_in_the_middle_of_a_sentence_is_no_signature() -> None:
    text = "We met — [Chris](/chris-roos) was there. See [the note](/week-473) or [GDS](https://gds.test/CR)."
    assert signatures_in(render(text).html, "https://blog.test") == []


def test_a_name_without_letters_signs_as_a_whole() -> None:
    assert signature("", "42 [x]", "forty-two") == "— [42 \\[x\\]](/forty-two)"


def test_only_the_address_of_a_signature_changes() -> None:
    html = '<p>See <a href="/cr">CR</a> — <a rel="me" href="/cr">CR</a></p>'

    def answer(one: Signature) -> str | None:
        return "mailto:cr@blog.test" if one.plainly else None

    assert (
        answered(html, "", answer) == '<p>See <a href="/cr">CR</a> — <a rel="me" href="mailto:cr@blog.test">CR</a></p>'
    )


def test_an_abbreviation_is_no_reference() -> None:
    body = "Words.\n\n*[GDS]: Government Digital Service"
    text = compose(body, [section("[GDS] and GDS.\n\n[GDS]: https://gds.test\n\n*[GDS]: The Service")])
    assert "-2" not in text


def test_a_great_many_ids_that_two_use_are_renamed_in_one_pass() -> None:
    definitions = "\n".join(f"[l{number}]: https://a.test/{number}" for number in range(3000))
    first = section(f"{' '.join(f'[l{number}]' for number in range(3000))}\n\n{definitions}")
    began = time.process_time()
    text = compose("Words.", [first, section(first.body.replace("a.test", "b.test"))])
    # A twentieth of a second here; a quarter of a minute while each id was looked for by itself.
    assert time.process_time() - began < 2
    assert all(f"[l{number}][l{number}-2]" in text for number in range(3000))
    assert "[l7-2]: https://b.test/7\n" in text


@pytest.mark.parametrize("part", ["`", "a`", "[", "[a", "[a]: b\n", "[1]", "``` \n", "[1][", "\n- "])
def test_no_section_takes_long(part: str) -> None:
    body = f"{part * (50_000 // len(part))}\n\n[1]: https://b.test"
    began = time.process_time()
    compose("[1]: https://a.test", [section(body)] * 5)
    assert time.process_time() - began < 5


def test_however_many_have_an_id_in_common_each_gets_a_name_of_its_own() -> None:
    body = "".join(f"[a-{number}]: https://x.test\n" for number in range(2, 12_000))
    sections = [section(f"See [a].\n\n[a]: https://y.test/{number}") for number in range(3)]
    text = compose(f"[a]: https://x.test\n{body}", sections)
    assert all(f"See [a][a-{number}]." in text for number in (12_000, 12_001, 12_002))
