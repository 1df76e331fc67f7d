"""The sitemap (sitemaps.org) and robots.txt."""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote

from flask import abort, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import bindparam, func, select

from blogapp.core.config import settings
from blogapp.core.web import iso, local, whole_url
from blogapp.reading import finding, weekly
from blogapp.reading.archive import years
from blogapp.reading.blueprint import bp
from blogapp.reading.calendar import thursday
from blogapp.reading.queries import PUBLIC, asked, posts
from blogapp.reading.responses import public

# A sitemap may name 50,000 addresses (sitemaps.org); the first file has room to spare for members, tags and months.
SITEMAP_IDS = 40_000


@bp.get("/sitemap.xml")
def sitemap() -> ResponseReturnValue:
    """Every public address; an index of several files where there are too many for one."""
    files = -(-_greatest_id() // SITEMAP_IDS)
    if files > 1:
        body = render_template("reading/sitemap-index.xml", numbers=range(1, files + 1))
        return public(body, "application/xml")
    return public(_sitemap(1), "application/xml")


@bp.get("/sitemap-<int:number>.xml")
def sitemap_file(number: int) -> ResponseReturnValue:
    """One file of a sitemap that has several."""
    if not 1 <= number <= -(-_greatest_id() // SITEMAP_IDS):
        abort(404)
    return public(_sitemap(number), "application/xml")


def _greatest_id() -> int:
    return asked(GREATEST).scalar_one() or 0


GREATEST = select(func.max(posts.c.id))


def _sitemap(number: int) -> str:
    start = whole_url(url_for("reading.page", slug="-")).removesuffix("-")
    found = [
        f"<url><loc>{start}{quote(slug)}</loc><lastmod>{iso(changed_at)}</lastmod></url>\n"
        for slug, changed_at in _posts((number - 1) * SITEMAP_IDS + 1, number * SITEMAP_IDS)
    ]
    lists = [(whole_url(path), at) for path, at in _lists()] if number == 1 else []
    # Not by the template, which takes ten times as long: there may be 40,000 of them.
    return render_template("reading/sitemap.xml", pages=lists, posts=Markup("".join(found)))  # noqa: S704  # quoted


def _posts(first_id: int, last_id: int) -> Iterator[tuple[str, datetime]]:
    """(slug, last change of any kind) of the public posts and pages in a range of ids."""
    for slug, updated_at, published_at in asked(LISTED, first=first_id, last=last_id):
        yield slug, max(updated_at, published_at)


LISTED = select(posts.c.slug, posts.c.updated_at, posts.c.published_at).where(PUBLIC).order_by(posts.c.id)
LISTED = LISTED.where(posts.c.id >= bindparam("first"), posts.c.id <= bindparam("last"))


def _lists() -> list[tuple[str, datetime | None]]:
    """(address, when something was last published on it) of all that is made of posts."""
    bounds = weekly.bounds()
    months = _months()
    topics = [(url_for("reading.tag", slug=slug), at) for slug, at in finding.latest_of_topics()]
    found: list[tuple[str, datetime | None]] = [
        (url_for("reading.home"), bounds.last_at),
        (url_for("reading.archive"), bounds.last_at),
    ]
    if topics:
        found.append((url_for("reading.tags"), max(at for _, at in topics)))
    for year in years(bounds):
        latest = max((at for (of, _), at in months.items() if of == year), default=None)
        found.append((url_for("reading.year", year=year), latest))
    found += [(url_for("reading.month", year=year, month=month), months[year, month]) for year, month in sorted(months)]
    found += [(url_for("reading.page", slug=writer.slug), writer.last_at) for writer in weekly.writers()]
    return found + topics


def _months() -> dict[tuple[int, int], datetime]:
    """(year, month) -> when something about it was last published."""
    found: dict[tuple[int, int], datetime] = {}
    dated = [(thursday(week, settings().site_epoch), at) for week, at in weekly.latest_of_weeks()]
    # A day of the database's may be the end of one month and the beginning of the next here: both ends are asked for.
    undated = [(local(at).date(), at) for ends in weekly.days_undated() for at in ends]
    for day, at in dated + undated:
        key = (day.year, day.month)
        found[key] = max(at, found.get(key, at))
    return found


@bp.get("/robots.txt")
def robots() -> ResponseReturnValue:
    """What crawlers need not try, and where the sitemap is."""
    kept_out = ["/login", "/forgot", "/password/", "/confirm/", "/preferences/", "/unsubscribe/", "/account", "/write"]
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in kept_out), "", f"Sitemap: {whole_url('/sitemap.xml')}"]
    return public("\n".join(lines) + "\n", "text/plain")
