"""HTML read out as text: nothing lost, and set so that it is a pleasure to read."""

from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blogapp.core.sanitise import sanitise
from blogapp.delivery.plaintext import plain_text
from blogapp.delivery.tree import DEEPEST, parse, render
from blogapp.delivery.wrapping import columns, fitted, wrap

LONG = "https://example.org/" + "a-very-long-path/" * 8


def text(html: str) -> str:
    return plain_text(html, base_url="http://blog.test")


def block(expected: str) -> str:
    return dedent(expected).strip("\n") + "\n"


def test_titles_are_underlined_and_links_listed_where_their_section_ends() -> None:
    html = (
        '<p>We met <a href="https://a.test/">Ada</a> and <a href="/bob">Bob</a>.</p><h2>GDS</h2>'
        '<p><a href="https://a.test/">She</a> wrote.</p><h3>More</h3><p>End.</p>'
    )
    assert text(html) == block("""
        We met Ada [1] and Bob [2].

        [1] https://a.test/
        [2] http://blog.test/bob


        GDS
        ---

        She [1] wrote.

        [1] https://a.test/


        More
        ~~~~

        End.
    """)


def test_an_address_is_never_broken_and_a_number_never_parted_from_its_link() -> None:
    for width in range(30, 60):
        lines = plain_text(f'<p>{"x" * 9} {"word " * 9}<a href="{LONG}">the link</a> on.</p>', base_url="", width=width)
        assert f"[1] {LONG}\n" in lines
        assert not any(line.startswith("[1]") and LONG not in line for line in lines.splitlines())


def test_a_link_that_stands_alone_has_its_address_beneath_it() -> None:
    assert text('<ul><li><a href="https://a.test/x">A good read</a></li></ul>') == "* A good read\n  https://a.test/x\n"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('See <a href="https://a.test/">https://a.test/</a>.', "See https://a.test/."),
        ('See <a href="https://www.gov.uk">GOV.UK</a>.', "See GOV.UK [1].\n\n[1] https://www.gov.uk"),
        ('Mail <a href="mailto:a@b.test">a@b.test</a>.', "Mail a@b.test."),
        ('Mail <a href="mailto:a@b.test?subject=x">Ada</a>.', "Mail Ada <a@b.test>."),
        ('<a href="#there">Within</a>', "Within"),
        ('A <img src="/i.png" alt="sofa"> B', "A [sofa] [1] B\n\n[1] http://blog.test/i.png"),
        ('<img src="/files/1/a%20b.png">', "[image: a b.png]\nhttp://blog.test/files/1/a%20b.png"),
        ('<a href="/i.png"><img src="/i.png" alt="sofa"></a>', "[sofa]\nhttp://blog.test/i.png"),
        ("10<sup>6</sup> and 1<sup>st</sup>", "10^6 and 1st"),
        ("<em>soft</em> <strong>loud</strong> <code>x = 1</code> <del>gone</del>", "_soft_ *loud* `x = 1` ~gone~"),
        ("one<br>two <q>three</q>", "one\ntwo “three”"),
        ("soft&shy;hyphen", "softhyphen"),
    ],
)
def test_running_text(html: str, expected: str) -> None:
    assert text(f"<p>{html}</p>") == f"{expected}\n"


def test_lists_hang_and_nest_and_keep_their_numbers() -> None:
    html = (
        "<ul><li>One</li><li>Two<ol start='9'><li>nine</li><li>ten</li></ol></li></ul>"
        "<ol reversed><li><p>b</p><p>c</p></li><li><p>a</p></li></ol>"
    )
    assert text(sanitise(html)) == block("""
        * One
        * Two
           9. nine
          10. ten

        2. b

           c

        1. a
    """)


def test_quotations_nest_and_code_is_left_alone() -> None:
    html = (
        "<blockquote><p>One</p><blockquote><p>Two</p></blockquote></blockquote>"
        "<pre><code>if x:\n    return  1  # a comment that is long, and that nobody may break in two\n</code></pre>"
    )
    assert text(html) == block("""
        > One
        >
        > > Two

            if x:
                return  1  # a comment that is long, and that nobody may break in two
    """)


def test_tables_are_aligned_rows() -> None:
    html = (
        '<table><thead><tr><th>Who</th><th class="align-right">Days</th></tr></thead>'
        '<tbody><tr><td>Ada</td><td class="align-right">4.5</td></tr><tr><td>日本</td><td>12</td></tr></tbody></table>'
    )
    assert text(html) == block("""
        Who   Days
        ----  ----
        Ada    4.5
        日本    12
    """)


def test_a_table_that_is_too_wide_becomes_records() -> None:
    heads = [f"Column number {n} of many" for n in range(1, 9)]
    row = "".join(f"<td>cell{n}-{'x' * 20}</td>" for n in range(1, 9))
    html = f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr><tr>{row}</tr></table>"
    lines = text(html).splitlines()
    assert lines[0] == "Column number 1 of many: cell1-xxxxxxxxxxxxxxxxxxxx"
    assert len(lines) == 8


def test_footnotes_have_raised_numbers_and_stand_at_the_end() -> None:
    html = (
        '<p>So<sup id="fnref:1"><a class="footnote-ref" href="#fn:1">1</a></sup> it is.</p><div class="footnote"><hr>'
        '<ol><li id="fn:1"><p>Or <a href="/n">not</a>.&nbsp;<a class="footnote-backref" href="#fnref:1">↩</a></p></li>'
        "</ol></div>"
    )
    assert text(html) == block("""
        So¹ it is.

        Notes:
        ¹ Or not [1].

        [1] http://blog.test/n
    """)


def test_what_cannot_play_leaves_its_address() -> None:
    assert text('<video title="Our talk"><source src="/v.mp4"></video>') == "Our talk:\nhttp://blog.test/v.mp4\n"


def test_definitions_pictures_and_rules() -> None:
    html = "<dl><dt>Term</dt><dd>Meaning</dd></dl><hr>"
    html += '<figure><img src="/i.png" alt="A"><figcaption>B</figcaption></figure>'
    assert text(html) == f"Term\n    Meaning\n\n{' ' * 33}* * *\n\n[A]\nhttp://blog.test/i.png\n\nB\n"


def test_japanese_breaks_anywhere_but_before_a_full_stop() -> None:
    lines = wrap("日本語の文章。" * 8, 12)
    assert all(columns(line) <= 14 for line in lines)
    assert not any(line.startswith("。") for line in lines)
    assert "".join(lines) == "日本語の文章。" * 8


def test_nothing_comes_of_nothing() -> None:
    assert text("") == text("<p> </p><ul></ul><table></table><pre></pre><blockquote></blockquote>") == ""


def test_absurd_nesting_is_flattened_rather_than_fatal() -> None:
    html = "<blockquote>" * 3000 + "deep" + "</blockquote>" * 3000
    assert text(html).rstrip().endswith("deep")
    assert render(parse(html)).count("<blockquote>") == DEEPEST


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from("Some words of <em>a</em> text and <b>more</b> é ü ß “quoted” — 12 £20".split()), max_size=80
    )
)
def test_lines_fit_and_every_word_is_kept(words: list[str]) -> None:
    read = text(f"<p>{' '.join(words)}</p>")
    assert all(columns(line) <= 72 and line == line.rstrip() for line in read.splitlines())
    plain = [word.replace("<em>", "_").replace("</em>", "_").replace("<b>", "*").replace("</b>", "*") for word in words]
    assert read.split() == plain


def test_a_picture_whose_address_cannot_be_taken_apart_costs_no_mail() -> None:
    assert "[image]" in plain_text('<p>See <img src="//["> there</p>', base_url="http://x.test")


def test_lines_that_a_name_made_too_long_go_on_below_and_addresses_stay_whole() -> None:
    address = "https://notes.test/" + "x" * 80
    text = f"Short\n\n  {'word ' * 20}\n{address}\n-- \nEnd"
    lines = fitted(text).split("\n")
    assert lines[:2] == ["Short", ""]
    assert lines[2:4] == [f"  {'word ' * 14}".rstrip(), f"  {'word ' * 6}".rstrip()]
    assert lines[4:] == [address, "-- ", "End"]
