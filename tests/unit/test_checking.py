"""The checklist before publishing: what is found, where, and what is left alone."""

import time

import pytest

from blogapp.core.markup import render
from blogapp.posts.anchors import own_paths
from blogapp.posts.checking import Finding, Place, Resolves, Standing, check, nothing_else
from blogapp.posts.typed import without_fences

BASE = "https://notes.example.org"


def found(text: str, places: dict[str, Place] | None = None, resolves: Resolves = nothing_else) -> list[Finding]:
    return check(text, render(text).html, base_url=BASE, places=places or {}, resolves=resolves)


def in_words(findings: list[Finding]) -> list[tuple[str, int | None, str]]:
    return [(finding.severity, finding.line, finding.words) for finding in findings]


def test_a_tidy_text_has_no_findings() -> None:
    text = """Intro with [a link](https://example.org) and [another][one], see [Words][] and `[code][here]`.[^1]

## A part {#part}

![The bakers at work](/files/3/bakers.jpg) and [up](#part).

### A smaller part

Of `array[0][1]` and x[0][1].

    an indented [sample][nowhere]

```
<!-- add content here --> [text][nowhere]
## no heading
```

[one]: https://example.org/1
[words]: https://example.org/2 "Words"
[^1]: A note.
"""
    assert found(text, {"/files/3/bakers.jpg": Place("here")}) == []


def test_a_forgotten_placeholder_is_to_be_mended_and_another_comment_only_looked_at() -> None:
    text = "Intro\n\n<!-- add content here -->\n\n<!-- from the minutes of 3 May -->\n\nTODO: the figures\n"
    assert in_words(found(text)) == [
        ("mend", 3, "<!-- add content here -->"),
        ("look", 5, "<!-- from the minutes of 3 May -->"),
        ("look", 7, "TODO: the figures"),
    ]


def test_a_reference_that_nothing_defines_is_found_with_its_line() -> None:
    text = "See [the boats][boats],\nthen [Rope][] and ![a knot][knot].\n\n[boats]: https://example.org\n"
    assert in_words(found(text)) == [("mend", 2, "[Rope][]"), ("mend", 2, "[a knot][knot]")]


def test_labels_that_the_site_knows_are_no_findings_and_ambiguous_ones_are() -> None:
    known = {"boats": Standing.DEFINED, "rope & co": Standing.AMBIGUOUS}
    text = "See [the boats][Boats]\nand [this][Rope &  co]\nand [that][other]."
    findings = found(text, resolves=lambda label: known.get(label, Standing.UNDEFINED))
    assert [(f.line, "more than one" in f.what) for f in findings] == [(2, True), (3, False)]


def test_a_label_with_two_addresses_is_found_and_one_said_twice_is_not() -> None:
    text = "[a][x] [b][y]\n\n[x]: https://example.org/1\n[x]: https://example.org/2\n[y]: /a\n[Y]: /a\n"
    assert in_words(found(text, {"/a": Place("here")})) == [("mend", 4, "[x]: https://example.org/2")]


@pytest.mark.parametrize(
    ("place", "address", "says"),
    [
        (Place("here"), "/boats", None),
        (Place("here", frozenset(["sail"])), "/boats#sail", None),
        (Place("here", frozenset(["sail"])), "https://notes.example.org/boats#sail", None),
        (Place("here", frozenset(["sail"])), "/boats#oars", "no “#oars” at /boats"),
        (Place("here"), "/boats#oars", None),
        (Place("nowhere"), "/boats", "Nothing is at /boats"),
        (Place("nowhere"), "boats", "Nothing is at /boats"),
        (Place("gone"), "/boats", "taken away"),
        (Place("draft"), "/boats", "readers will not see it"),
        (Place("kept"), "/boats", "belongs to a post for a few members"),
    ],
)
def test_a_link_within_the_site_has_to_lead_somewhere(place: Place, address: str, says: str | None) -> None:
    text = f"Some words.\n\n[Boats]({address}) and [elsewhere](https://example.org/boats#oars)"
    assert own_paths(render(text).html, BASE) == {"/boats"}
    findings = found(text, {"/boats": place})
    if says is None:
        assert findings == []
    else:
        (finding,) = findings
        assert says in finding.what
        assert (finding.severity, finding.line, finding.words) == ("mend", 3, address)


def test_a_file_that_is_gone_and_a_place_in_the_text_that_is_not_there() -> None:
    text = "## Top\n\n[up](#top) [down](#bottom) []()\n\n[list](/files/9/list.pdf)"
    findings = found(text, {"/files/9/list.pdf": Place("nowhere")})
    assert [(f.line, f.words) for f in findings] == [(3, "[]()"), (3, "#bottom"), (5, "/files/9/list.pdf")]


def test_pictures_say_what_they_show_unless_they_are_meant_to_say_nothing() -> None:
    text = '![](https://x.test/1.png)\n\n<img src="https://x.test/2.png" alt="">\n\n![IMG 2034](https://x.test/3.png)'
    assert in_words(found(text)) == [("mend", 1, "https://x.test/1.png"), ("look", 5, "https://x.test/3.png")]


def test_a_heading_that_jumps_is_found_and_going_back_up_is_not() -> None:
    text = "### One\n\n#### Two\n\n## Three\n\n##### Four & five\n\n###### Six\n"
    assert in_words(found(text)) == [("look", 7, "Four & five")]
    assert "level 3 (“###”)" in found(text)[0].how


def test_a_digest_that_is_too_long_is_said_last() -> None:
    findings = check("[a][b]", "<p>[a][b]</p>", base_url=BASE, places={}, too_long=True)
    assert [finding.severity for finding in findings] == ["mend", "look"]
    assert "102 kB" in findings[1].what


def test_html_is_checked_for_all_but_references() -> None:
    text = '<p>[a][b] <a href="/boats">boats</a></p>\n<!-- fill in -->'
    findings = check(text, text, base_url=BASE, places={"/boats": Place("nowhere")}, format="html")
    assert [finding.line for finding in findings] == [1, 2]


LONG = 100_000
HOSTILE = [
    "[", "[a](b)", "![", "<!--", "``x", "[a][", "```\n", "~~~~\n", "~~~a\n", "[[a]", "[a]: x\n", "`", "`a``b", "](",
    "[a]() ", "[a][b] ", "![a][b] ", "TBD\n", "TBD ", "<!-- a -->", "<img src=x alt=\"\">", " ", "\t>", "' ", "^ ",
]  # fmt: skip


@pytest.mark.parametrize("part", HOSTILE)
def test_no_text_keeps_the_checklist_busy(part: str) -> None:
    began = time.process_time()
    check(part * (LONG // len(part)), "<p>x</p>", base_url=BASE, places={})
    # A fifth of a second here at worst; a fifth of it took a second, and each doubling four times as long.
    assert time.process_time() - began < 15


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('<img src="/p{}.png" alt="">', "![](/p{}.png) "),
        ('<img src="/p{}.png" alt="">', '<img src="/p{}.png" alt="">'),
        ('<a href="/l{}">x</a>', "[x]: /l{}\n"),
        ('<a href="/l{}">x</a>', "elsewhere {} "),
        ('<a href="#l{}">x</a>', "[x](#l{}) "),
        ("<h2>a</h2><h4>word{}</h4>", "#### word{}\n"),
    ],
)
def test_no_number_of_links_pictures_or_headings_keeps_it_busy(html: str, text: str) -> None:
    numbers = range(LONG // len(text))
    shown, typed = ("".join(one.format(number) for number in numbers) for one in (html, text))
    began = time.process_time()
    check(typed, shown, base_url=BASE, places={f"/l{number}": Place("nowhere") for number in numbers})
    assert time.process_time() - began < 15


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("```\nTBD\n```\nTBD", "   \n   \n   \nTBD"),
        ("~~~~ a\nTBD\n~~~\n~~~~~ \nTBD", "      \n   \n   \n      \nTBD"),
        ("  ```\n~~~\n```\n~~~\nTBD", "     \n   \n   \n~~~\nTBD"),
        ("```\nTBD", "```\nTBD"),
        ("``` a`b\nTBD\n```", "``` a`b\nTBD\n```"),
        ("~~~\n```\nTBD\n```", "~~~\n   \n   \n   "),
    ],
)
def test_only_a_fence_that_is_closed_holds_code(text: str, bare: str) -> None:
    assert without_fences(text) == bare


def test_a_mark_in_a_line_without_end_is_found_once_and_shown_short() -> None:
    (finding,) = found("TBD " * 10_000)
    assert (finding.line, len(finding.words)) == (1, 80)
