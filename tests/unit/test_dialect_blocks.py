"""Blocks as kramdown cuts them: the samples were held against kramdown 2.4 (GFM); only our task boxes differ."""

import re
from collections.abc import Iterator

import pytest

from blogapp.core.dialect import links
from blogapp.core.markup import render


def html(text: str) -> str:
    """What readers see, without the blanks between tags."""
    return re.sub(r">\s+<", "><", render(text).html).strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We did:\n- this\n- that", "<p>We did:</p><ul><li>this</li><li>that</li></ul>"),
        ("Said:\n> yes\nand no", "<p>Said:</p><blockquote><p>yes and no</p></blockquote>"),
        ("Text\n# Title", '<p>Text</p><h1 id="title">Title</h1>'),
        ("One\n***\nTwo", "<p>One *** Two</p>"),
        ("One\n\n* * *\nTwo", "<p>One</p><hr><p>Two</p>"),
        ("One\n^\nTwo", "<p>One</p><p>Two</p>"),
        ("Text\n[a]: /x\n\n[a]", "<p>Text [a]: /x</p><p>[a]</p>"),
        ("[a]: /x y\n[B  c]: </z>\n  'T'\n\n[a], [b c]", '<p><a href="/x y">a</a>, <a href="/z" title="T">b c</a></p>'),
        ("    code\nlazy", "<pre><code>code lazy</code></pre>"),
        ("    one\n\n\n    two", "<pre><code>one   two</code></pre>"),
        ("one  \ntwo\\\nthree", "<p>one<br>two<br>three</p>"),
        ("{::comment}\nhidden\n{:/comment}\n\nshown", "<p>shown</p>"),
        ("<s>old</s>\n\nnew", "<s>old</s><p>new</p>"),
        ("a <head> element", "<p>a &lt;head&gt; element</p>"),
    ],
)
def test_a_block_ends_where_kramdown_ends_it(text: str, expected: str) -> None:
    assert html(text).replace("\n", " ").replace("<br> ", "<br>").replace(" </code>", "</code>") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* a\n  * b\n    * c\n* d", "<ul><li>a<ul><li>b<ul><li>c</li></ul></li></ul></li><li>d</li></ul>"),
        ("1. a\n   - b\n2. c", "<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>"),
        ("* a\n\n* b\n* c", "<ul><li><p>a</p></li><li>b</li><li>c</li></ul>"),
        ("* a\n\n* b", "<ul><li><p>a</p></li><li><p>b</p></li></ul>"),
        ("* a\n\n  more\n* b", "<ul><li><p>a</p><p>more</p></li><li><p>b</p></li></ul>"),
        ("* a\nlazy\n* b", "<ul><li>a lazy</li><li>b</li></ul>"),
        ("1. one\n* dot", "<ol><li>one<ul><li>dot</li></ul></li></ol>"),
        ("* a\n\n      code", "<ul><li><p>a</p><pre><code>code</code></pre></li></ul>"),
        ("- [ ] to do\n- [x] done", '<ul><li class="task">☐ to do</li><li class="task">☑ done</li></ul>'),
        ("* {: .new} a\n* b\n{: .all}", '<ul class="all"><li class="new">a</li><li>b</li></ul>'),
        ("a\n: one\n: two", "<dl><dt>a</dt><dd>one</dd><dd>two</dd></dl>"),
        ("a\n\n: apart\n\n    more", "<dl><dt>a</dt><dd><p>apart</p><p>more</p></dd></dl>"),
        ("a\n: b\n\nc\n: d", "<dl><dt>a</dt><dd>b</dd><dt>c</dt><dd>d</dd></dl>"),
    ],
)
def test_a_list_is_nested_by_columns_and_loose_by_empty_lines(text: str, expected: str) -> None:
    assert html(text).replace("\n</code>", "</code>").replace("\n", " ").replace(" <", "<") == expected.replace(
        " <", "<"
    )


def test_fenced_code_stands_in_a_list_item_and_loses_the_items_indent() -> None:
    rendered = html("1. run\n   ```sh\n   $ ls\n     -l\n   ```\n2. look")
    assert re.search(r"<li>run\n?<div.*<pre>.*-l\n?.*</pre></div></li><li>look</li>", rendered, re.DOTALL)
    assert "```" not in rendered
    assert "   $" not in rendered


def test_a_fence_names_one_language_and_has_to_be_closed() -> None:
    assert "<pre>" not in html("``` two words\nx\n```\n").split("```")[0]
    assert html("text\n```\nopen") == "<p>text\n```\nopen</p>"
    assert "{% if x %}" in html("```\n{% if x %}\n```")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("| a | b |\n| c | d |", "<tbody><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></tbody>"),
        ("a | b\n--|--\n`x|y` | z \\| w", "<tbody><tr><td><code>x|y</code></td><td>z | w</td></tr></tbody>"),
        ("|a|\n|-|\n|b|\n|===\n|c|", "<tfoot><tr><td>c</td></tr></tfoot>"),
        ("|a|b|\n|-|-|\n|c|", "<tbody><tr><td>c</td><td></td></tr></tbody>"),
    ],
)
def test_a_table_needs_no_head_and_may_have_a_foot(text: str, expected: str) -> None:
    assert expected in html(text)


def test_lines_without_a_pipe_among_them_are_no_table() -> None:
    assert "<table" not in html("|a|b|\n|-|-|\n|1|2|\ntext after")
    assert '<table class="wide">' in html("|a|b|\n|-|-|\n|1|2|\n{: .wide}")


def test_an_attribute_list_stands_behind_before_or_within() -> None:
    assert html("a\n{: .lead}\n\nb") == '<p class="lead">a</p><p>b</p>'
    assert html("{: .lead}\nb") == '<p class="lead">b</p>'
    assert '<img alt="p" class="right" src="/p.png" width="300"' in html("![p](/p.png){: .right width='300'}")
    assert html("[a](/b) {c d} {e}") == '<p><a href="/b">a</a> {c d} {e}</p>'
    assert html("## Title {#own}") == '<h2 id="own">Title</h2>'


def test_a_table_of_contents_takes_the_place_of_its_list() -> None:
    rendered = html("* contents\n{:toc}\n\n# One\n\n## Two\n\n# Three\n{: .no_toc}")
    assert '<ul><li><a href="#one">One</a><ul><li><a href="#two">Two</a></li></ul></li></ul>' in rendered
    assert "contents" not in rendered
    assert "data-" not in rendered


def test_a_footnote_goes_on_indented_and_is_shown_only_if_it_is_used() -> None:
    rendered = html("A[^1]\n\n[^1]: One.\n\n    Two.\n\n    * three\n\n[^2]: Unused.")
    assert "<p>One.</p><p>Two.</p><ul><li>three</li></ul>" in rendered
    assert "Unused" not in rendered
    assert "footnote" not in html("Text\n\n[^x]: Unused.")


def test_thousands_of_open_brackets_are_not_each_searched_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0

    class Counting:
        def __init__(self, pattern: re.Pattern[str]) -> None:
            self.pattern = pattern

        def finditer(self, text: str, start: int) -> Iterator[re.Match[str]]:
            nonlocal looked_at
            for found in self.pattern.finditer(text, start):
                looked_at += 1
                yield found

    monkeypatch.setattr(links, "BRACKET", Counting(links.BRACKET))
    for count in (100, 1000):
        looked_at = 0
        render("[" * count)
        assert looked_at < 200 * count
    assert "<a " in html("[" * 20 + "[a](/b)")
