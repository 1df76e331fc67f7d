"""Feeds (Atom, RFC 4287; RSS 2.0; JSON Feed 1.1), sitemap and robots.txt."""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Response, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.embeds import frames_as_links
from blogapp.core.markup import absolute
from blogapp.core.site import choice
from blogapp.core.web import iso, whole_url
from blogapp.reading import queries
from blogapp.reading.archive import years
from blogapp.reading.blueprint import bp
from blogapp.reading.queries import Whole
from blogapp.reading.responses import public

LENGTH = 20
# A sitemap may name 50,000 addresses (sitemaps.org); the first file has room to spare for members and years.
SITEMAP_IDS = 40_000
# What XML 1.0 has no way to say, not even escaped.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Item:
    """A post as all three formats tell it. Addresses are whole; `html` stands by itself."""

    id: str
    title: str
    url: str
    html: str
    summary: str
    author: str
    author_url: str
    published_at: datetime
    changed_at: datetime

    @property
    def published_822(self) -> str:
        return format_datetime(self.published_at, usegmt=True)


def _item(post: Whole) -> Item:
    assert post.published_at is not None
    url = whole_url(url_for("reading.page", slug=post.slug))
    # A link within the post means a place on its page: many feed readers have no other place to go to.
    html = frames_as_links(absolute(post.html, settings().base_url)).replace('href="#', f'href="{url}#')
    return Item(
        id=tag_uri(post),
        title=post.title,
        url=url,
        html=html,
        summary=post.summary,
        author=post.author,
        author_url=whole_url(url_for("reading.page", slug=post.author_slug)),
        published_at=post.published_at,
        changed_at=post.changed_at,
    )


def tag_uri(post: Whole) -> str:
    """A name that outlives every renaming (RFC 4151): the site's host, the day of first publication, the post's id."""
    host = urlsplit(settings().base_url).hostname
    first = post.first_published_at or post.published_at
    assert first is not None
    return f"tag:{host},{first:%Y-%m-%d}:post/{post.id}"


def _changed_at(items: list[Item]) -> datetime | None:
    """For `Last-Modified`, in whole seconds; None while a further change could still fall into the same second."""
    moments = [item.changed_at for item in items]
    if act := queries.last_act():
        moments.append(act)
    latest = max(moments, default=None)
    return latest if latest is not None and now() - latest > timedelta(seconds=2) else None


def _answer(body: str, mimetype: str, items: list[Item]) -> Response:
    """Not kept until it has its `Last-Modified`, two seconds after a change."""
    changed_at = _changed_at(items)
    return public(body, mimetype, changed_at=changed_at, keep=changed_at is not None or not items)


def _feed(template: str, mimetype: str) -> Response:
    items = [_item(post) for post in queries.newest_whole(LENGTH)]
    body = render_template(
        template,
        items=items,
        updated_at=max((item.changed_at for item in items), default=None),
        epoch=settings().site_epoch,
        language=settings().site_language,
    )
    return _answer(NOT_XML.sub("", body), mimetype, items)


@bp.get("/feed.atom")
def atom() -> ResponseReturnValue:
    """The newest posts, whole, as Atom."""
    return _feed("reading/feed.atom.xml", "application/atom+xml")


@bp.get("/feed.rss")
def rss() -> ResponseReturnValue:
    """The newest posts, whole, as RSS 2.0."""
    return _feed("reading/feed.rss.xml", "application/rss+xml")


@bp.get("/feed.json")
def json_feed() -> ResponseReturnValue:
    """The newest posts, whole, as JSON Feed 1.1."""
    items = [_item(post) for post in queries.newest_whole(LENGTH)]
    feed: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": choice("site_title"),
        "home_page_url": whole_url("/"),
        "feed_url": whole_url(url_for("reading.json_feed")),
        "language": settings().site_language,
        "items": [_json_item(item) for item in items],
    }
    if tagline := choice("site_tagline"):
        feed["description"] = tagline
    body = json.dumps(feed, ensure_ascii=False, indent=1)
    return _answer(body, "application/feed+json", items)


def _json_item(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "url": item.url,
        "title": item.title,
        "content_html": item.html,
        "summary": item.summary,
        "date_published": iso(item.published_at),
        "date_modified": iso(item.changed_at),
        "authors": [{"name": item.author, "url": item.author_url}],
    }


@bp.get("/feed")
@bp.get("/atom")
@bp.get("/atom.xml")
@bp.get("/feed.xml")
@bp.get("/index.xml")
def feed_by_another_name() -> ResponseReturnValue:
    """Where feed readers look first."""
    return redirect(url_for("reading.atom"), code=301)


@bp.get("/rss")
@bp.get("/rss.xml")
def rss_by_another_name() -> ResponseReturnValue:
    """Where feed readers look first."""
    return redirect(url_for("reading.rss"), code=301)


@bp.get("/sitemap.xml")
def sitemap() -> ResponseReturnValue:
    """Every public address; an index of several files where there are too many for one."""
    files = -(-queries.greatest_id() // SITEMAP_IDS)
    if files > 1:
        body = render_template("reading/sitemap-index.xml", numbers=range(1, files + 1))
        return public(body, "application/xml")
    return public(_sitemap(1), "application/xml")


@bp.get("/sitemap-<int:number>.xml")
def sitemap_file(number: int) -> ResponseReturnValue:
    """One file of a sitemap that has several."""
    if not 1 <= number <= -(-queries.greatest_id() // SITEMAP_IDS):
        abort(404)
    return public(_sitemap(number), "application/xml")


def _sitemap(number: int) -> str:
    found = queries.addresses((number - 1) * SITEMAP_IDS + 1, number * SITEMAP_IDS)
    others = [] if number > 1 else [url_for("reading.home"), url_for("reading.archive")]
    if number == 1:
        others += [url_for("reading.year", year=year) for year in years(queries.weeks_written())]
        others += [url_for("reading.page", slug=slug) for slug in queries.authors()]
    return render_template("reading/sitemap.xml", posts=found, others=others)


@bp.get("/robots.txt")
def robots() -> ResponseReturnValue:
    """What crawlers need not try, and where the sitemap is."""
    kept_out = ["/login", "/forgot", "/password/", "/confirm/", "/preferences/", "/unsubscribe/", "/account", "/write"]
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in kept_out), "", f"Sitemap: {whole_url('/sitemap.xml')}"]
    return public("\n".join(lines) + "\n", "text/plain")
