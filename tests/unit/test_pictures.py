"""Our own pictures in a page's HTML, and what feeds and mails make of the same."""

import re

import pytest

from blogapp.core.markup import absolute, render
from blogapp.core.picturemarks import Mark, for_mail, offers
from blogapp.core.sanitise import sanitise
from blogapp.posts.models import Attachment
from blogapp.posts.rendering import fit_images
from blogapp.reading.pictures import with_pictures
from blogapp.reading.showing import for_page

SHA = "0123456789abcdef" * 4
PHOTO = Attachment(id=7, sha256=SHA, width=2000, height=1500, media_type="image/jpeg", filename="boat.jpg")
SMALL = Attachment(id=8, sha256=SHA, width=148, height=148, media_type="image/png", filename="badge.png")
MOVING = Attachment(id=9, sha256=SHA, width=900, height=600, media_type="image/gif", filename="wave.gif")


def stored(markdown: str) -> str:
    return fit_images(render(markdown).html, [PHOTO, SMALL, MOVING])


def attributes(tag: str) -> dict[str, str]:
    return dict(re.findall(r'([\w-]+)="([^"]*)"', tag))


def test_a_photo_is_offered_in_three_kinds_at_widths_up_to_its_own() -> None:
    html = with_pictures(stored("![A boat](/files/7/boat.jpg)"))
    assert "data-" not in html
    avif, webp = [attributes(tag) for tag in re.findall(r"<source[^>]*>", html)]
    assert (avif["type"], webp["type"]) == ("image/avif", "image/webp")
    steps = re.findall(r"/media/7-0123456789abcdef/(\d+)\.avif (\d+)w", avif["srcset"])
    assert steps == [(width, width) for width in ("480", "720", "1080", "1600", "2000")]
    image = attributes(re.findall(r"<img[^>]*>", html)[0])
    assert image["src"] == "/media/7-0123456789abcdef/1080.jpg"
    assert (image["width"], image["height"], image["alt"]) == ("2000", "1500", "A boat")
    assert image["srcset"].count(".jpg ") == 5
    assert image["sizes"] == avif["sizes"]


def test_the_first_picture_near_the_top_is_fetched_at_once_and_no_other() -> None:
    html = with_pictures(stored("Short.\n\n![](/files/7/a.jpg)\n\n![](/files/7/b.jpg)"))
    first, second = re.findall(r"<img[^>]*>", html)
    assert 'fetchpriority="high"' in first
    assert "lazy" not in first
    assert 'loading="lazy"' in second
    assert "fetchpriority" not in with_pictures(stored("Words and words. " * 60 + "\n\n![](/files/7/a.jpg)"))


@pytest.mark.parametrize(("address", "name"), [("/files/8/badge.png", "8"), ("/files/9/wave.gif", "9")])
def test_small_and_moving_pictures_stay_as_they_are_under_a_name_for_ever(address: str, name: str) -> None:
    html = with_pictures(stored(f"A ![sign]({address}) in the text."))
    assert "<picture" not in html
    assert f'src="/media/{name}-0123456789abcdef/' in html


@pytest.mark.parametrize(
    ("given", "width", "height"),
    [('width="300"', "300", "225"), ('height="300"', "400", "300"), ('width="50%"', "50%", None),
     ('width="9" height="9"', "9", "9"), ("", "2000", "1500")],
)  # fmt: skip
def test_the_size_that_an_author_gave_is_kept_and_made_whole(given: str, width: str, height: str | None) -> None:
    image = attributes(stored(f'<img src="/files/7/boat.jpg" {given}>'))
    assert (image["width"], image.get("height")) == (width, height)
    shown = with_pictures(stored(f'<img src="/files/7/boat.jpg" {given}>'))
    if width == "300":
        assert 'sizes="(min-width: 331px) 300px, 91vw"' in shown


def test_no_author_can_forge_the_mark() -> None:
    forged = f'<img src="/files/7/boat.jpg"{Mark(1, SHA, 2000, "jpg").attribute}>'
    assert "data-picture" in forged
    assert "data-picture" not in sanitise(forged)
    assert stored(forged).count("data-picture") == 1
    assert f"/media/7-{SHA[:16]}/" in with_pictures(stored(forged))
    spoken = stored(f"`{forged}`")
    assert with_pictures(spoken) == spoken


def test_pictures_in_links_tables_and_figures_stay_where_they_are() -> None:
    text = (
        '<figure><a href="/files/7/boat.jpg"><img src="/files/7/boat.jpg"></a><figcaption>A boat</figcaption></figure>'
        '<table><tr><td><img src="/files/7/boat.jpg"></td></tr></table><img src="https://example.org/x.jpg">'
    )
    html = for_page(stored(text))
    assert '<figure><a href="/files/7/boat.jpg"><picture>' in html
    assert "</picture></a><figcaption>" in html
    assert "<td><picture>" in html
    assert 'src="https://example.org/x.jpg"' in html
    assert html.count("<picture>") == html.count("</picture>") == 2


def test_feeds_and_mails_keep_the_plain_picture_but_for_the_size_of_big_photos() -> None:
    html = stored("![](/files/7/boat.jpg)\n\n![](/files/8/badge.png)")
    feed = absolute(html, "http://blog.test")
    assert 'src="http://blog.test/files/7/boat.jpg"' in feed
    assert "data-picture" not in feed
    mail = absolute(for_mail(html), "http://blog.test")
    assert 'src="http://blog.test/media/7-0123456789abcdef/1200.jpg"' in mail
    assert 'src="http://blog.test/files/8/badge.png"' in mail
    assert "data-picture" not in mail


def test_only_what_a_page_offers_can_be_asked_for() -> None:
    photo, small = Mark(7, SHA, 2000, "jpg"), Mark(8, SHA, 148, "png")
    asked = [(width, kind) for width in range(3000) for kind in ("avif", "webp", "jpg", "png", "gif", "svg")]
    assert [pair for pair in asked if offers(small, *pair)] == [(148, "png")]
    offered = [pair for pair in asked if offers(photo, *pair)]
    assert len(offered) == 16
    assert (1200, "jpg") in offered
    assert Mark(1, SHA, 9000, "jpg").widths[-1] == 2160
    assert Mark(1, SHA, 500, "jpg").widths == [500]
