"""A post's HTML as a mail shows it, and how it is shortened."""

import pytest

from blogapp.core.sanitise import sanitise
from blogapp.delivery.tree import Element, render
from blogapp.digest.article import mail_article, shorten

NOTED = (
    '<p>One<sup id="fnref:1"><a class="footnote-ref" href="#fn:1">1</a></sup>.</p><h2>Next</h2>'
    '<p>Two<sup id="fnref:2"><a class="footnote-ref" href="#fn:2">2</a></sup>.</p>'
    '<div class="footnote"><hr><ol><li id="fn:1"><p>First.</p></li><li id="fn:2"><p>Second.</p></li></ol></div>'
)


def article(html: str) -> Element:
    return mail_article(html, "http://blog.test", "p7-", {5: 1200, 6: 80})


def adapted(html: str) -> str:
    return render(article(html))


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="/x" rel="me">x</a>', '<a href="http://blog.test/x">x</a>'),
        ('<h1 id="a">A</h1><h2>B</h2>', "<h2>A</h2><h3>B</h3>"),
        ("<h2>A</h2><h6>B</h6>", "<h2>A</h2><h6>B</h6>"),
        ('<p id="here">x</p><a href="#here">y</a>', '<p id="p7-here">x</p><a href="#p7-here">y</a>'),
        ("<pre><code><span class='k'>if</span> x</code></pre>", "<pre><code>if x</code></pre>"),
        ('<img src="/files/5/a.png" width="900" height="3" loading="lazy" srcset="/b 2x">',
         '<img src="http://blog.test/files/5/a.png" alt="" width="600">'),
        ('<img src="/files/5/a.png" alt="A">', '<img src="http://blog.test/files/5/a.png" alt="A" width="600">'),
        ('<img src="/files/6/a.png" alt="A">', '<img src="http://blog.test/files/6/a.png" alt="A" width="80">'),
        ('<img src="https://a.test/files/6/a.png" alt="A">', '<img src="https://a.test/files/6/a.png" alt="A">'),
        ("<figure><img src='https://a.test/i' alt='A'><figcaption>B</figcaption></figure>",
         '<div><img src="https://a.test/i" alt="A"><p class="caption">B</p></div>'),
        ("<details open><summary>A</summary><p>B</p></details>", "<div><p><strong>A</strong></p><p>B</p></div>"),
        ('<video src="/v.mp4"></video>', '<p class="player">Watch <a href="http://blog.test/v.mp4">blog.test/v.mp4</a></p>'),
        ('<td class="align-right">1</td>', '<td class="align-right">1</td>'),
        (f'<td>{"x" * 30}</td>', f'<td class="long">{"x" * 30}</td>'),
    ],
)  # fmt: skip
def test_what_a_page_needs_becomes_what_a_mail_can_show(html: str, expected: str) -> None:
    assert adapted(html) == expected


def test_a_player_becomes_a_link() -> None:
    html = sanitise('<iframe src="https://player.vimeo.com/video/1" title="Our talk"></iframe>')
    assert adapted(html) == '<p class="player"><a href="https://vimeo.com/1">Play “Our talk” at vimeo.com</a></p>'


def test_footnotes_keep_their_links_under_ids_of_their_own() -> None:
    html = adapted(NOTED)
    assert 'href="#p7-fn:2"' in html
    assert '<li id="p7-fn:2">' in html


def test_it_is_cut_at_a_block_never_after_a_heading_and_keeps_the_notes_it_needs() -> None:
    whole = article(NOTED)
    cut = render(shorten(whole, len(render(whole)) // 2 - 40))
    assert cut.startswith("<p>One")
    assert "Next" not in cut
    assert "Two" not in cut
    assert "First." in cut
    assert "Second." not in cut


def test_what_is_left_of_the_notes_keeps_its_number() -> None:
    whole = article(
        NOTED.replace("<p>One", "<p>None").replace("fnref:1", "fnref:9").replace('href="#fn:1"', 'href="#x"')
    )
    assert '<li value="2" id="p7-fn:2">' in render(shorten(whole, 10_000))


def test_long_lists_and_code_are_cut_inside() -> None:
    items = "".join(f"<li>Item {n}</li>" for n in range(100))
    cut = render(shorten(article(f"<ul>{items}</ul>"), 200))
    assert len(cut) <= 200
    assert cut.endswith("</li></ul>")
    assert cut.count("<li>") > 5
    lines = "\n".join(f"line {n}" for n in range(100))
    cut = render(shorten(article(f"<pre><code>{lines}</code></pre>"), 200))
    assert len(cut) <= 200
    assert cut.endswith("\n</code></pre>")


def test_nothing_is_left_where_nothing_fits() -> None:
    assert shorten(article(f"<p>{'word ' * 100}</p>"), 200).children == []
