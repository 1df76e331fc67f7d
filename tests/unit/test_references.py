"""Which labels a text uses and defines, told without rendering it, and edited where they stand."""

import time

import pytest

from blogapp.core.dialect.references import change_references, references_in, with_definitions
from blogapp.core.markup import render
from blogapp.posts.labels import History, Usage
from tests.posts import SOME_DAY

SITE = {"asset-manager": "https://x.test/a", "chris": "/chris", "sic": "/sic", "`code` x": "https://c.test"}
TEXT = """\
See [Asset *M*][Asset-Manager], [sic], [Chris][], [a] [chris], ![img][chris], \\[a][chris] and `[no][chris]`,
[`code` x][], [x][nope][^1], [[n] y][chris].

    [in][code]

```
[in][fence]

[o]: http://fence.test
```

* [own][O] and [o]

[o]: http://o.test "Title"
[unused]: <http://unused.test>
[^1]: A note. [z]: http://no.test
"""


def test_code_images_escapes_and_single_brackets_are_no_references() -> None:
    found = references_in(TEXT)
    assert [use.label for use in found.uses] == ["asset-manager", "chris", "`code` x", "nope", "chris", "o", "o"]
    assert found.missing == ["asset-manager", "chris", "`code` x", "nope"]
    assert (found.own, found.defined["unused"]) == ({"o": "http://o.test"}, "http://unused.test")


def test_what_is_found_is_what_the_page_resolves() -> None:
    shown = render(TEXT, references=SITE)
    assert shown.resolved == {label: SITE[label] for label in ("asset-manager", "chris", "`code` x")}
    assert shown.html.count('href="/chris"') == 2
    assert "[sic]" in shown.html
    assert "[a] [chris]" in shown.html
    assert render(TEXT).resolved == {}


def test_addresses_of_the_site_go_through_the_cleaner() -> None:
    assert "javascript" not in render("[a][b]", references={"b": "javascript:alert(1)"}).html


def test_a_texts_own_definition_comes_first() -> None:
    assert 'href="http://own.test"' in render("[a][b]\n\n[B]: http://own.test", references={"b": "http://b.test"}).html


def test_a_label_is_renamed_where_it_stands_and_nowhere_else() -> None:
    changed = change_references(TEXT, label={"o": "other", "chris": "chris-l"})
    assert "* [own][other] and [o][other]" in changed
    assert "[other]: http://o.test" in changed
    assert "[Chris][chris-l], [a] [chris], ![img][chris], \\[a][chris] and `[no][chris]`" in changed
    assert "[o]: http://fence.test" in changed


def test_an_address_is_changed_in_its_definition_only() -> None:
    changed = change_references(TEXT, address=lambda label, url: "http://new.test" if label == "o" else url)
    assert changed == TEXT.replace("http://o.test", "http://new.test")


def test_definitions_are_put_at_the_end_where_they_are_lacking() -> None:
    assert (
        with_definitions("[a][b] [c][d]\n", {"b": "http://b.test", "z": "x"}) == "[a][b] [c][d]\n\n[b]: http://b.test"
    )
    assert with_definitions("[a][b]\n\n[x]: y", {"b": "http://b.test"}) == "[a][b]\n\n[x]: y\n[b]: http://b.test"
    assert with_definitions("[a][b]\n\n[b]: y", {"b": "http://b.test"}) == "[a][b]\n\n[b]: y"


@pytest.mark.parametrize(
    "text",
    [
        "x][a]" * 90_000,
        "[a" * 200_000,
        "`a``b" * 90_000,
        "[a][b] " * 70_000,
        "]" * 400_000,
        "[a]: x\n\n" + "[a] " * 120_000,
        "]:\n" + " " * 490_000 + "x",
        "[a]:" + " " * 490_000,
        "[a]: x" + " " * 490_000 + "y",
        "[a]: x\n" * 70_000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    references_in(text)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("urls", "moved", "ambiguous"),
    [("a", None, False), ("bba", 1, False), ("aba", None, True), ("abc", None, True), ("aa", None, False)],
)
def test_an_address_that_changed_once_is_told_from_one_that_is_ambiguous(
    urls: str, moved: int | None, ambiguous: bool
) -> None:
    uses = [Usage("x", url, SOME_DAY, number, "", "") for number, url in enumerate(urls)]
    history = History(tuple(uses))
    assert (history.moved and history.moved.post_id, history.is_ambiguous) == (moved, ambiguous)
