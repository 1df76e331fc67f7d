"""What other hosts would send waits until the reader asks."""

import re

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogapp.core.embeds import frames_as_links, original
from blogapp.core.markup import render
from blogapp.reading.asking import asked_for

OWN = "https://notes.example.org"
FILM = (
    '<iframe src="https://www.youtube.com/embed/a-b_c?rel=0" width="560" height="315" title="The race &amp; more">'
    "</iframe>"
)
PICTURE = '<img src="https://pictures.example/cat.png" alt="A cat">'


def page(text: str, **options: bool) -> str:
    return asked_for(render(text, format="html").html, OWN, **options)


def loads_at_once(html: str) -> list[str]:
    """What of other hosts a browser would fetch: all that is not in a closed <details>, and every eager thing."""
    shut = re.sub(r"<details>.*?</details>", "", html, flags=re.DOTALL)
    eager = re.findall(r"<(?:img|iframe)(?![^>]*loading=\"lazy\")[^>]*>", html)
    return eager + re.findall(
        r'<(?:img|iframe|source)[^>]*(?:src|srcset)="(?:https?:)?//(?!notes\.example\.org/)[^>]*>', shut
    )


def is_well_formed(html: str) -> bool:
    parser = html5lib.HTMLParser()
    parser.parseFragment(html)
    return not parser.errors


def test_a_film_waits_in_a_box_with_its_name_its_host_and_a_way_to_the_original() -> None:
    html = page(f"<p>Before</p>{FILM}<p>After</p>")
    assert (
        '<div class="asks embed wide"><details><summary>Play “The race &amp; more” <small>from youtube.com</small>'
        in html
    )
    assert '<a href="https://www.youtube.com/watch?v=a-b_c">Open it at youtube.com</a>' in html
    assert 'src="https://www.youtube-nocookie.com/embed/a-b_c?rel=0"' in html
    assert loads_at_once(html) == []


def test_a_frame_without_a_name_gets_one() -> None:
    html = page('<iframe src="https://player.vimeo.com/video/22439313" width="640" height="480"></iframe>')
    assert '<iframe title="the video" src=' in html
    assert "asks embed classic" in html
    assert "https://vimeo.com/22439313" in html


@pytest.mark.parametrize(
    "text",
    [
        FILM,
        f"<p>{FILM}</p>",
        f"<p>In a sentence {FILM} it is a link.</p>",
        f'<p><a href="/x">{PICTURE}</a></p>',
        f'<p>{PICTURE} <a href="https://other.example/">{PICTURE}</a><br>{FILM}</p>',
        f'<p>Text {PICTURE} and <a href="/x">a link {PICTURE} {FILM}</a>.</p>',
        f"<h2>A heading {PICTURE}</h2><ul><li>{PICTURE}</li><li><p>{FILM}</p></li></ul>",
        f"<figure>{PICTURE}<figcaption>A {PICTURE}</figcaption></figure>",
        f"<table><tbody><tr><td>{PICTURE}</td><td>{FILM}</td></tr></tbody></table>",
        f"<blockquote><p><em>{PICTURE}</em></p></blockquote>",
        '<p><img src="/files/1/a.png" srcset="/files/1/a.png 1x, https://pictures.example/b.png 2x" alt=""></p>',
        '<p><img src="//pictures.example/c.png"></p>',
        '<p><img src="HTTP://pictures.example/c.png" alt="&lt;b&gt;&quot;"></p>',
        "<p><img src='https://notes.example.org.evil.example/c.png'></p>",
    ],
)
def test_nothing_is_fetched_from_elsewhere_before_it_is_asked_for(text: str) -> None:
    html = page(text)
    assert html != render(text, format="html").html
    assert loads_at_once(html) == []
    assert is_well_formed(html)


@pytest.mark.parametrize(
    "address",
    [
        " https://evil.example/x",
        "&#1;//evil.example/x",
        "/\\evil.example/x",
        "\\\\evil.example/x",
        "///evil.example/x",
        "/\t/evil.example/x",
        "ht\ntps://evil.example/x",
        "https:evil.example/x",
        "HTTPS:/\\/evil.example/x",
    ],
)
def test_no_spelling_that_a_browser_forgives_hides_another_host(address: str) -> None:
    picture, film = f'<img src="{address}" alt="A cat">', f'<video poster="{address}"><source src="{address}"></video>'
    stored = render(picture + film, format="html").html
    assert len(re.findall(r'(?:src|poster)="(?:https:|HTTPS:)?//evil\.example/x"', stored)) == 3
    # And as older pipelines stored it.
    for text in (stored, f'{picture}<video poster="{address}" preload="metadata"><source src="{address}"></video>'):
        html = asked_for(text, OWN)
        assert "<details><summary>Show the picture “A cat” <small>from evil.example</small>" in html
        assert 'preload="none"' in html
        assert "poster" not in html
    both = asked_for('<img src="/a.png" srcset="/a.png 1x, \\\\evil.example/x 2x">', OWN)
    assert "<details>" in both


def test_own_pictures_are_shown_at_once_and_texts_without_others_stay() -> None:
    text = '<p>One <img src="/files/1/a.png" alt="a"> <img src="https://notes.example.org/files/2/b.png" alt="b"></p>'
    assert page(text) == render(text, format="html").html


def test_outside_pictures_can_be_shown_and_frames_wait_all_the_same() -> None:
    html = page(f"<p>{PICTURE}</p>{FILM}", pictures=False)
    assert re.search(r"<p><img [^>]*cat\.png", html)
    assert "<details><summary>Play" in html


def test_sound_and_films_of_other_hosts_fetch_nothing_before_they_are_started() -> None:
    html = page(
        '<audio><source src="https://sounds.example/a.mp3"></audio>'
        '<video src="/files/1/a.mp4" poster="https://pictures.example/p.png"></video>'
        '<video src="/files/2/b.mp4"></video>'
    )
    assert html.count('preload="none"') == 2
    assert html.count('preload="metadata"') == 1
    assert "poster" not in html


@given(
    st.lists(
        st.sampled_from(
            [FILM, PICTURE, "<p>", "</p>", "<a href='/x'>", "</a>", "<em>", "</li>", "<li>", "words", "<details>"]
        )
    )
)
def test_however_the_pieces_are_put_together_nothing_leaks_and_the_page_holds(pieces: list[str]) -> None:
    text = "".join(pieces)
    html = asked_for(
        render(text, format="html").html.replace("<details", "<section").replace("</details", "</section"), OWN
    )
    assert loads_at_once(html) == []
    if is_well_formed(render(text, format="html").html):
        assert is_well_formed(html)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://www.youtube-nocookie.com/embed/abc?start=3", "https://www.youtube.com/watch?v=abc"),
        ("https://www.youtube.com/embed/videoseries?list=PL1", "https://www.youtube.com/playlist?list=PL1"),
        ("https://archive.org/embed/a-film", "https://archive.org/details/a-film"),
        ("https://w.soundcloud.com/player/?url=https%3A//evil.example/", "https://w.soundcloud.com/player/?url=https%3A//evil.example/"),
        ("https://docs.google.com/document/d/1/pub?embedded=true", "https://docs.google.com/document/d/1/pub?embedded=true"),
        ("//[", "//["),
    ],
)  # fmt: skip
def test_the_original_is_the_page_that_people_know(address: str, found: str) -> None:
    assert original(address) == found


def test_feeds_get_a_link_for_a_frame() -> None:
    html = frames_as_links(render(f"<p>Look:</p>{FILM}", format="html").html)
    assert "<iframe" not in html
    assert (
        '<a class="embedded" href="https://www.youtube.com/watch?v=a-b_c">Play “The race &amp; more” at youtube.com</a>'
        in html
    )
