"""The page cache's rules, over an application that counts how often it is asked. No database."""

import gzip
import random
from collections.abc import Callable
from typing import Any

import brotli
import pytest
from flask import Flask, Response, request
from werkzeug.test import TestResponse

from blogapp.core.codings import best_coding
from blogapp.core.pagecache import PageCache, offer
from blogapp.core.pages import LARGEST_SHARE, Pages
from blogapp.core.stamps import Stamp
from blogapp.core.web import init_web, private
from tests.conftest import make_settings

TEXT = "<p>" + "What we baked this week. " * 40 + "</p>"
Answer = Callable[[], Response]


class Clock:
    """Stamps that a test moves; None when the database is gone."""

    def __init__(self) -> None:
        self.stamp: Stamp | None = (1, 0, 1)
        self.asked = 0

    def now(self) -> Stamp | None:
        self.asked += 1
        return self.stamp

    def write(self) -> None:
        assert self.stamp is not None
        self.stamp = (self.stamp[0] + 1, *self.stamp[1:])


class Site:
    """A one-page site behind the cache; `made` counts its pages."""

    def __init__(self, most_bytes: int = 1_000_000) -> None:
        self.clock, self.made = Clock(), 0
        self.answer: Answer = lambda: offer(Response(TEXT, mimetype="text/html"))
        self.app = Flask("site")
        self.app.add_url_rule("/", "home", self._view)
        self.app.add_url_rule("/<path:slug>", "page", self._view)
        self.cache = PageCache(self.app.wsgi_app, self.clock, ["blog_session", "blog_remember"], most_bytes)
        self.app.wsgi_app = self.cache  # type: ignore[method-assign]

    def _view(self, **_: str) -> Response:
        self.made += 1
        return self.answer()

    def get(self, path: str = "/", method: str = "GET", **headers: str) -> TestResponse:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.app.test_client(use_cookies=False).open(path, method=method, headers=given)


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_page_is_made_once_and_again_after_a_write(site: Site) -> None:
    assert [site.get().text for _ in range(3)] == [TEXT] * 3
    assert site.made == 1
    site.clock.write()
    site.answer = lambda: offer(Response("New words.", mimetype="text/html"))
    assert [site.get().text, site.get().text, site.made] == ["New words."] * 2 + [2]


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": "blog_session=x"},
        {"Cookie": "a=b; blog_remember=x"},
        {"Authorization": "Basic x"},
        {"Range": "bytes=0-9"},
    ],
)
def test_who_brings_our_cookie_or_asks_for_a_part_is_never_answered_from_the_cache(
    site: Site, headers: dict[str, str]
) -> None:
    site.get()
    site.answer = lambda: private(offer(Response("For you alone.", mimetype="text/html")))
    answer = site.get(**headers)
    assert (answer.text, answer.headers["Cache-Control"], site.made) == ("For you alone.", "private, no-store", 2)
    assert site.get().text == TEXT


def test_what_somebody_with_our_cookie_was_answered_is_not_kept(site: Site) -> None:
    site.get(Cookie="blog_session=x")
    site.get()
    assert site.made == 2


def test_a_stranger_s_cookie_from_elsewhere_does_not_matter(site: Site) -> None:
    site.get(Cookie="_ga=1.2")
    site.get(Cookie="_ga=3.4; theme=dark")
    assert site.made == 1


@pytest.mark.parametrize(
    "path", ["/?q=1", "/?before=1&x=2", "/?before=01", "/?before=x", "/?v=1", "/?before=" + "9" * 10]
)
def test_an_address_with_a_query_of_its_own_is_not_kept(site: Site, path: str) -> None:
    assert [site.get(path).text, site.get(path).text, site.made] == [TEXT, TEXT, 2]
    assert len(site.cache.pages) == 0


def test_pages_of_a_list_are_kept_each_by_itself(site: Site) -> None:
    for path in ("/", "/?before=1", "/?before=2", "/?", "/?before=2"):
        site.get(path)
    assert site.made == 3


def test_the_crowd_of_a_shared_link_is_given_the_page_that_is_kept_without_a_word_of_what_each_brought(
    site: Site,
) -> None:
    site.answer = lambda: offer(Response(f"{request.full_path} {request.url}"))
    pages = (
        "/?fbclid=1",
        "/?utm_source=a&utm_medium=b",
        "/",
        "/?before=5&gclid=2",
        "/?mc_eid=3&before=5",
        "/?before=5",
    )
    said = [site.get(page).text for page in pages]
    assert said == ["/? http://localhost/"] * 3 + ["/?before=5 http://localhost/?before=5"] * 3
    assert site.made == 2
    assert site.get("/?before=5&before=6&fbclid=1").text.startswith("/?before=5&before=6&fbclid=1"), "made for itself"


def test_nothing_but_an_offered_200_is_kept(site: Site) -> None:
    answers: list[Answer] = [
        lambda: Response(TEXT, mimetype="text/html"),
        lambda: offer(Response(TEXT, 404)),
        lambda: private(offer(Response(TEXT))),
        lambda: offer(Response(TEXT), keep=False),
        lambda: offer(Response(TEXT, headers={"Set-Cookie": "a=b"})),
    ]
    for answer in answers:
        site.answer = answer
        for _ in range(2):
            response = site.get()
            assert response.text == TEXT
            assert not [name for name in response.headers if "offered" in name[0].lower()]
    assert site.made == 2 * len(answers)


def test_no_other_method_is_answered_from_the_cache(site: Site) -> None:
    site.get()
    assert site.get(method="POST").status_code == 405
    assert site.get(method="OPTIONS").text == ""


def test_the_stamp_is_read_before_the_page_is_made_so_a_write_meanwhile_ends_it(site: Site) -> None:
    def written_meanwhile() -> Response:
        site.clock.write()
        return offer(Response("Half of it.", mimetype="text/html"))

    site.answer = written_meanwhile
    assert site.get().text == "Half of it."
    site.answer = lambda: offer(Response("All of it.", mimetype="text/html"))
    assert site.get().text == "All of it."


def test_without_a_database_the_application_answers_as_it_does_and_nothing_is_kept(site: Site) -> None:
    site.get()
    site.clock.stamp = None
    site.answer = lambda: Response("Back in a moment.", 503)
    assert [site.get().status_code, site.get().status_code, site.made] == [503, 503, 3]


def test_a_cache_of_no_size_asks_nobody_and_still_compresses_and_validates() -> None:
    site = Site(most_bytes=0)
    first = site.get(Accept_Encoding="gzip")
    assert gzip.decompress(first.data).decode() == TEXT
    assert site.get(Accept_Encoding="gzip", If_None_Match=first.headers["ETag"]).status_code == 304
    assert (site.made, site.clock.asked) == (2, 0)


def test_each_coding_has_its_own_bytes_and_its_own_etag(site: Site) -> None:
    plain, zipped, br = (site.get(Accept_Encoding=coding) for coding in ("", "gzip", "gzip, br"))
    assert [plain.text, gzip.decompress(zipped.data).decode(), brotli.decompress(br.data).decode()] == [TEXT] * 3
    assert [answer.headers.get("Content-Encoding") for answer in (plain, zipped, br)] == [None, "gzip", "br"]
    assert len({answer.headers["ETag"] for answer in (plain, zipped, br)}) == 3
    assert {answer.headers["Vary"] for answer in (plain, zipped, br)} == {"Accept-Encoding"}
    assert site.get(Accept_Encoding="gzip", If_None_Match=br.headers["ETag"]).status_code == 200
    assert site.made == 1


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("", "identity"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.2, gzip;q=0.8", "gzip"),
        ("*", "br"),
        ("*;q=0.5, br;q=0", "gzip"),
        ("identity, br;q=0.5", "identity"),
        ("identity;q=0", "identity"),
        ("br;q=nonsense", "identity"),
        ("deflate", "identity"),
        (";;,q=1", "identity"),
    ],
)
def test_the_client_s_preference_counts(asked: str, given: str) -> None:
    assert best_coding(asked) == given


def test_what_is_no_text_or_very_short_is_left_as_it_is(site: Site) -> None:
    for answer in (lambda: offer(Response(b"\x89PNG" * 200, mimetype="image/png")), lambda: offer(Response("Hi."))):
        site.answer = answer
        site.clock.write()
        response = site.get(Accept_Encoding="br")
        assert "Content-Encoding" not in response.headers
        assert "ETag" in response.headers


def test_an_etag_in_a_list_weak_or_any_answers_304(site: Site) -> None:
    etag = site.get().headers["ETag"]
    for given in (etag, f"W/{etag}", f'"other", {etag}', f'W/"a",W/{etag}', "*"):
        answer = site.get(If_None_Match=given)
        assert (answer.status_code, answer.data) == (304, b""), given
        assert "Content-Type" not in answer.headers
        assert answer.headers["ETag"] == etag
    for given in ('"other"', "nonsense", etag.strip('"') + "x"):
        assert site.get(If_None_Match=given).status_code == 200, given


def test_if_modified_since_counts_only_without_an_etag(site: Site) -> None:
    def dated() -> Response:
        response = Response(TEXT, mimetype="application/atom+xml")
        response.headers["Last-Modified"] = "Mon, 05 Feb 2018 10:00:00 GMT"
        return offer(response)

    site.answer = dated
    for _ in range(2):  # a miss, then a hit
        assert site.get(If_Modified_Since="Mon, 05 Feb 2018 10:00:00 GMT").status_code == 304
        assert site.get(If_Modified_Since="Mon, 05 Feb 2018 09:59:59 GMT").status_code == 200
        assert site.get(If_Modified_Since="nonsense").status_code == 200
    both = {"If_Modified_Since": "Mon, 05 Feb 2018 10:00:00 GMT", "If_None_Match": '"other"'}
    assert site.get(**both).status_code == 200


def test_a_hit_has_the_headers_of_a_miss_but_for_the_request_s_own_name(tmp_path: Any) -> None:
    site = Site()
    site.app.extensions["blogapp.settings"] = make_settings(tmp_path, base_url="https://blog.test")
    init_web(site.app)
    miss, hit = (site.get(Accept_Encoding="br", X_Request_ID=f"request-{n}") for n in (1, 2))
    assert site.made == 1
    assert "Strict-Transport-Security" in hit.headers
    assert (miss.headers.pop("X-Request-ID"), hit.headers.pop("X-Request-ID")) == ("request-1", "request-2")
    assert sorted(miss.headers) == sorted(hit.headers)
    names = {site.get().headers["X-Request-ID"] for _ in range(3)} | {
        site.get(X_Request_ID="b\xe4d").headers["X-Request-ID"]
    }
    assert len(names) == 4


def test_head_has_the_headers_of_get_and_no_body_hit_or_miss(site: Site) -> None:
    for _ in range(2):
        head, get = site.get(method="HEAD", Accept_Encoding="br"), site.get(Accept_Encoding="br")
        assert head.data == b""
        for answer in (head, get):
            del answer.headers["X-Request-ID"]
        assert sorted(head.headers) == sorted(get.headers)
        assert int(head.headers["Content-Length"]) == len(get.data)
        site.clock.write()
    assert site.made == 2


def test_the_host_is_no_part_of_what_is_kept(site: Site) -> None:
    assert site.get(Host="one.test").data == site.get(Host="two.test").data
    assert site.made == 1


class Weight:
    """Something of a size."""

    def __init__(self, size_bytes: int, stamp: Stamp = (1, 0, 1)) -> None:
        self.size_bytes, self.stamp = size_bytes, stamp


def test_the_least_recently_used_pages_go_when_there_are_too_many_bytes() -> None:
    pages: Pages[Weight] = Pages(1000)
    for name in "abcdefghij":
        pages.put(name, Weight(99))
    assert pages.get("a", (1, 0, 1)) is not None
    pages.put("k", Weight(99))
    assert pages.get("b", (1, 0, 1)) is None
    assert pages.get("a", (1, 0, 1)) is not None
    assert pages.get("a", (2, 0, 1)) is None
    assert pages.held_bytes <= 1000


def test_a_page_that_is_too_large_a_share_is_not_kept_and_drives_nothing_out() -> None:
    pages: Pages[Weight] = Pages(8000)
    pages.put("small", Weight(100))
    pages.put("large", Weight(8000 // LARGEST_SHARE + 1))
    assert pages.get("large", (1, 0, 1)) is None
    assert pages.get("small", (1, 0, 1)) is not None


def test_the_bytes_are_counted_right_whatever_is_put_got_and_grows() -> None:
    pages: Pages[Weight] = Pages(5000)
    dice = random.Random(5)
    known = {name: Weight(dice.randrange(900)) for name in "abcdefghijklmnop"}
    for _ in range(2000):
        name = dice.choice(sorted(known))
        if dice.random() < 0.5:
            known[name].size_bytes = dice.randrange(900)
            pages.put(name, known[name])
        else:
            pages.get(name, (dice.randrange(1, 3), 0, 1))
        assert 0 <= pages.held_bytes <= 5000
    for name in known:
        pages.get(name, (0, 0, 0))
    assert (pages.held_bytes, len(pages)) == (0, 0)
