"""Feeds of the site, a member or a tag: Atom (RFC 4287), RSS 2.0, JSON Feed 1.1.

`updated` moves only with a recorded correction, so that nobody is shown an old post again for a comma. A WebSub hub is
named where there is one, in the feed and in the headers (W3C WebSub §4).
"""

import json
from collections.abc import Sequence
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
from blogapp.core.remembered import remembering
from blogapp.core.site import choice, last_change
from blogapp.core.web import iso, whole_url
from blogapp.reading import finding, queries
from blogapp.reading.blueprint import bp
from blogapp.reading.credits import Credit, credited
from blogapp.reading.queries import Whole
from blogapp.reading.responses import public
from blogapp.reading.tags import find_topic, moved

LENGTH = 20
KIND = "<any(atom,rss,json):kind>"
TYPES = {"atom": "application/atom+xml", "rss": "application/rss+xml", "json": "application/feed+json"}
XML = {"atom": "reading/feed.atom.xml", "rss": "reading/feed.rss.xml"}
# What XML 1.0 has no way to say, not even escaped (§2.2); half a pair of surrogates, too.
NOT_XML = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0D})


@dataclass(frozen=True)
class Item:
    """A post as all three formats tell it. Addresses are whole; `html` stands by itself.

    contributors: (name, address) of who signed something in it beside its author.
    """

    id: str
    title: str
    url: str
    html: str
    summary: str
    author: str
    author_url: str
    contributors: tuple[tuple[str, str], ...]
    published_at: datetime
    changed_at: datetime

    @property
    def published_822(self) -> str:
        return format_datetime(self.published_at, usegmt=True)


@dataclass(frozen=True)
class Feed:
    """What a feed is of. `id`, `page` and `here` are whole addresses: a name that stays, the page, the feed itself."""

    id: str
    title: str
    page: str
    here: str
    items: list[Item]

    @property
    def updated_at(self) -> datetime | None:
        return max((item.changed_at for item in self.items), default=None)


def _items(posts: Sequence[Whole]) -> list[Item]:
    credits = credited([post.id for post in posts])
    return [_item(post, credits.get(post.id, ())) for post in posts]


def _item(post: Whole, credits: Sequence[Credit]) -> Item:
    assert post.published_at is not None
    url = whole_url(url_for("reading.page", slug=post.slug))
    html = _standing(post.html, url, settings().base_url)
    return Item(
        id=tag_uri(post),
        title=post.title,
        url=url,
        html=html,
        summary=post.summary,
        author=post.author,
        author_url=_page_of(post.author_slug),
        contributors=tuple((one.name, _page_of(one.slug)) for one in credits),
        published_at=post.published_at,
        changed_at=post.changed_at,
    )


def _page_of(slug: str) -> str:
    return whole_url(url_for("reading.page", slug=slug))


@remembering(6_000_000)
def _standing(html: str, url: str, base_url: str) -> str:
    """The text of a post for places that know only it.

    A link within it means a place on its page: many feed readers have no other place to go to.
    """
    return frames_as_links(absolute(html, base_url)).replace('href="#', f'href="{url}#')


def _sayable(xml: str) -> bytes:
    return xml.replace("\ufffe", "").replace("\uffff", "").encode(errors="ignore").translate(None, NOT_XML)


def tag_uri(post: Whole) -> str:
    """A name that outlives every renaming (RFC 4151): the site's host, the day of first publication, the post's id."""
    host = urlsplit(settings().base_url).hostname
    first = post.first_published_at or post.published_at
    assert first is not None
    return f"tag:{host},{first:%Y-%m-%d}:post/{post.id}"


def _changed_at() -> datetime | None:
    """For `Last-Modified`, in whole seconds; None while a further change could still fall into the same second.

    It moves with what readers see and with nothing else: not with a sign-up, nor a draft that was saved.
    """
    latest = last_change()
    return latest if now() - latest > timedelta(seconds=2) else None


def _answer(kind: str, feed: Feed) -> Response:
    given = {"feed": feed, "epoch": settings().site_epoch, "language": settings().site_language}
    given["hub"] = settings().websub_hub
    if kind == "json":
        body = json.dumps(_as_json(feed), ensure_ascii=False).encode()
    else:
        body = _sayable(render_template(XML[kind], **given))
    # Not kept until it has its `Last-Modified`, two seconds after a change.
    changed_at = _changed_at()
    response = public(body, TYPES[kind], changed_at=changed_at, keep=changed_at is not None)
    if settings().websub_hub:
        response.headers["Link"] = f'<{settings().websub_hub}>; rel="hub", <{feed.here}>; rel="self"'
    return response


def _as_json(feed: Feed) -> dict[str, Any]:
    found: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.page,
        "feed_url": feed.here,
        "language": settings().site_language,
        "items": [_json_item(item) for item in feed.items],
    }
    if tagline := choice("site_tagline"):
        found["description"] = tagline
    if hub := settings().websub_hub:
        found["hubs"] = [{"type": "WebSub", "url": hub}]
    return found


def _json_item(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "url": item.url,
        "title": item.title,
        "content_html": item.html,
        "summary": item.summary,
        "date_published": iso(item.published_at),
        "date_modified": iso(item.changed_at),
        "authors": [{"name": name, "url": url} for name, url in ((item.author, item.author_url), *item.contributors)],
    }


def _site_feed(kind: str, here: str) -> Response:
    items = _items(queries.newest_whole(LENGTH))
    return _answer(kind, Feed(whole_url("/"), choice("site_title"), whole_url("/"), whole_url(here), items))


@bp.get("/feed.atom")
def atom() -> ResponseReturnValue:
    """The newest posts, whole, as Atom."""
    return _site_feed("atom", url_for("reading.atom"))


@bp.get("/feed.rss")
def rss() -> ResponseReturnValue:
    """The newest posts, whole, as RSS 2.0."""
    return _site_feed("rss", url_for("reading.rss"))


@bp.get("/feed.json")
def json_feed() -> ResponseReturnValue:
    """The newest posts, whole, as JSON Feed 1.1."""
    return _site_feed("json", url_for("reading.json_feed"))


@bp.get(f"/<slug>/feed.{KIND}")
def member_feed(slug: str, kind: str) -> ResponseReturnValue:
    """A member's newest posts."""
    if "\0" in slug:
        abort(404)
    person = queries.member_at(slug)
    if person is None:
        was, target = queries.redirect_of(slug)
        if was and target is not None and queries.member_at(target) is not None:
            return moved(url_for("reading.member_feed", slug=target, kind=kind))
        abort(404)
    items = _items(queries.newest_whole(LENGTH, by=person.id))
    if not items:
        abort(404)
    page, here = (url_for("reading.page", slug=slug), url_for("reading.member_feed", slug=slug, kind=kind))
    title = f"{choice('site_title')}: {person.name}"
    return _answer(kind, Feed(whole_url(f"/#member-{person.id}"), title, whole_url(page), whole_url(here), items))


@bp.get(f"/tags/<slug>/feed.{KIND}")
def tag_feed(slug: str, kind: str) -> ResponseReturnValue:
    """A tag's newest posts."""
    topic = find_topic(slug)
    if topic.slug != slug:
        return moved(url_for("reading.tag_feed", slug=topic.slug, kind=kind))
    items = _items(finding.newest_tagged(topic.id, LENGTH))
    page, here = (url_for("reading.tag", slug=slug), url_for("reading.tag_feed", slug=slug, kind=kind))
    title = f"{choice('site_title')}: {topic.name}"
    return _answer(kind, Feed(whole_url(f"/#tag-{topic.id}"), title, whole_url(page), whole_url(here), items))


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
