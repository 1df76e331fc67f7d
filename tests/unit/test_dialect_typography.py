"""Quotes, dashes and dots as kramdown sets them: the samples were held against kramdown 2.4 (GFM)."""

import pytest

from blogapp.core.markup import plain, render


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\"Yes\", he said: 'no'.", "“Yes”, he said: ‘no’."),
        ("\"'Yes' and no\"", "“‘Yes’ and no”"),
        ("the '80s, it's 5'", "the ’80s, it’s 5’"),
        ('("in brackets") and "(around)"', "(“in brackets”) and “(around)”"),
        ('"*Em*" and *"em"* and "**b**".', "“Em” and “em” and “b”."),
        ('"`code`" and `it\'s "code"`', '“code” and it\'s "code"'),
        ('"[link](/x)" and [a](/b)\'s "end"', "“link” and a’s “end”"),
        ("wait.... (what)....", "wait…. (what)…."),
        ("a -- b --- c --- d", "a – b — c — d"),
        ("<< a >>", "«\u00a0a\u00a0»".replace("\u00a0", " ")),
        ("\\\"straight\\\" and \\'so\\'", "\"straight\" and 'so'"),
        ("[x](/a \"'Title'\")", "x"),
    ],
)
def test_quotes_dashes_and_dots(text: str, expected: str) -> None:
    assert plain(render(text).html).replace("\u00a0", " ") == expected


def test_a_note_that_ends_in_a_quote_closes_it() -> None:
    assert "“<em>A</em>”" in render('x[^1]\n\n[^1]: Think "*A*"').html


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("`` a ` b ``", "<code>a ` b</code>"),
        ("` a ` `b `", "` a ` <code>b </code>"),
        ("[a](/b (c)) [d](</e f> 'g')", '<a href="/b (c)">a</a> <a href="/e f" title="g">d</a>'),
        ("https://example.org/a_b_c and www.example.org", "https://example.org/a_b_c and www.example.org"),
        ("<https://example.org/a_b>", '<a href="https://example.org/a_b">https://example.org/a_b</a>'),
        ("~~gone~~ <kbd>a</kbd>", "<del>gone</del> <kbd>a</kbd>"),
    ],
)
def test_code_links_and_tags_within_a_line(text: str, expected: str) -> None:
    assert render(text).html.strip() == f"<p>{expected}</p>"


def test_html_is_only_sanitised_and_template_tags_stay_as_text() -> None:
    rendered = render("<h2>*T*</h2>\n\n<%= by('us') %> \"q\"<script>x</script>", format="html")
    assert rendered.html == "<h2>*T*</h2>\n\n&lt;%= by('us') %&gt; \"q\""
    assert render("# T\n", title="T", format="html").html == "# T\n"


def test_the_cleaner_keeps_line_breaks_of_code_and_leaves_no_debris() -> None:
    assert render("<pre>\nx</pre>", format="html").html == "<pre>\nx</pre>"
    assert render("<pre>\n\nx</pre>", format="html").html == "<pre>\n\nx</pre>"
    assert render("<noscript>See <a href='/x'>this</a></noscript>", format="html").html == 'See <a href="/x">this</a>'
    assert render("<p>a<blockquote>b</blockquote></p>", format="html").html == "<p>a</p><blockquote>b</blockquote>"
