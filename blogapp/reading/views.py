"""Pages of `reading`: the front page, and what stands at a flat address (a post, a page, a member)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from blogapp.auth.session import current_member
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.errors import Gone
from blogapp.core.site import choice
from blogapp.core.theme import site_accent
from blogapp.core.web import local, private
from blogapp.posts.circles import sees
from blogapp.posts.missed import reason_for
from blogapp.posts.weeks import parse_week_slug
from blogapp.reading import beside, finding, metadata, queries
from blogapp.reading.archive import today
from blogapp.reading.blueprint import bp as bp
from blogapp.reading.calendar import calendar, dates, plain_dates
from blogapp.reading.credits import credits_of, signed_by
from blogapp.reading.nearest import nearest
from blogapp.reading.outline import contents
from blogapp.reading.queries import Entry, Person, Whole
from blogapp.reading.responses import public
from blogapp.reading.showing import beginning, for_page, sheets_of
from blogapp.reading.theme import icon_png
from blogapp.reading.weekly import weeks_written

ON_A_PAGE = 24
BY_A_MEMBER = 60
SIGNED_BY_A_MEMBER = 24
# A note stays at the head of the front page while what came after it (its links, an article) is not much younger.
LEADS_FOR = timedelta(days=14)


@bp.app_context_processor
def _for_templates() -> dict[str, Any]:
    """Functions rather than values: a page that does not ask costs no query, and an error page needs no database."""
    return {
        "site_pages": queries.site_pages,
        "menu_place": _menu_place,
        "language": settings().site_language,
        "week_dates": lambda weeks: dates(weeks, settings().site_epoch),
        "week_words": lambda weeks, year=None: plain_dates(weeks, settings().site_epoch, year),
        "nearest": lambda: nearest(request.path),
        "for_page": _shown,
        "sheets_of": sheets_of,
        "contents": contents,
        "direction": metadata.direction,
        "locale": metadata.locale,
        "site_data": metadata.site_data,
        "post_data": metadata.post_data,
        "credits_of": credits_of,
        "person_data": metadata.person_data,
        "later_day": lambda one, other: local(other).date() > local(one).date(),
    }


def _menu_place(pages: Iterable[Entry]) -> str:
    """Which entry of the menu the reader is at: an endpoint of ours, the slug of a page, or none."""
    if request.endpoint in ("reading.archive", "reading.search"):
        return request.endpoint
    slug = request.path[1:]
    return slug if any(page.slug == slug for page in pages) else ""


def _shown(html: str, highest: int = 2) -> str:
    """A text as this site's pages show it; below a page's own heading its sections have addresses."""
    asks = choice("outside_pictures") != "show"
    return for_page(html, highest, linked=highest == 2, own_origin=settings().base_url, pictures=asks)


@bp.app_template_filter()
def short_day(value: datetime) -> Markup:
    """`5 Feb` in the site's time zone, as a <time>."""
    at = local(value)
    return Markup('<time datetime="{}">{} {}</time>').format(at.date().isoformat(), at.day, f"{at:%b}")


@bp.get("/")
def home() -> ResponseReturnValue:
    """The newest note, then the stream by month; `?before=<id of a post>` goes back in time."""
    before = place_asked()
    found = queries.stream(ON_A_PAGE + 1, before=before)
    if found is None:
        abort(404)
    shown = found[:ON_A_PAGE]
    older = shown[-1].id if len(found) > ON_A_PAGE else None
    lead = _lead(shown) if before is None else None
    text, cut = "", False
    if lead:
        text, cut = beginning(queries.html_of(lead.id), url_for("reading.page", slug=lead.slug))
    return public(
        render_template(
            "reading/home.html",
            lead=lead,
            text=_shown(text, 3),
            cut=cut,
            months=_by_month(entry for entry in shown if entry is not lead),
            older=older,
            before=before,
        )
    )


def place_asked() -> int | None:
    """Where in a list to go on: the id in `?before=`."""
    given = request.args.get("before")
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        abort(404)
    return int(given)


def _lead(entries: list[Entry]) -> Entry | None:
    """The newest note, unless something else is a fortnight younger."""
    if not entries:
        return None
    newest = entries[0]
    for entry in entries:
        assert entry.published_at is not None
        assert newest.published_at is not None
        if entry.kind == "week" and newest.published_at - entry.published_at <= LEADS_FOR:
            return entry
    return newest


def _by_month(entries: Iterable[Entry]) -> list[tuple[str, int, list[Entry]]]:
    """(`November 2026`, 2026, entries) by the month of publication, in the site's time zone."""

    def month(entry: Entry) -> tuple[str, int]:
        assert entry.published_at is not None
        at = local(entry.published_at)
        return f"{at:%B %Y}", at.year

    return [(name, year, list(group)) for (name, year), group in groupby(entries, key=month)]


@bp.get("/<slug>")
def page(slug: str) -> ResponseReturnValue:
    """A post, a page or a member: they share one flat namespace."""
    if "\0" in slug:  # PostgreSQL has no way to ask for it
        abort(404)
    post = queries.post_at(slug)
    if post is not None:
        if post.is_public:
            return public(_post_page(post))
        if _may_see(post):
            response = private(public(_post_page(post)))
            response.headers["X-Robots-Tag"] = "noindex"
            return response
    elif person := queries.member_at(slug):
        return _member_page(person)
    return _elsewhere(slug, post)


def _post_page(post: Whole) -> str:
    around = beside.around(post)
    named = {other.id for other in (around.before, around.after, *around.companions) if other is not None}
    return render_template(
        "reading/post.html",
        post=post,
        before=around.before,
        after=around.after,
        companions=around.companions,
        topics=finding.topics_of(post.id),
        **beyond(post, named),
    )


def beyond(post: Whole, named: set[int]) -> dict[str, Any]:
    """What a post's foot leads to; a page, and what is not public, leads nowhere.

    Args:
        named: the ids of posts that the page names anyway.
    """
    if not post.is_public or post.kind == "page":
        return {}
    mentions = finding.mentions(post.id)
    named = named | {other.id for other in mentions}
    others = finding.related(post.id, finding.RELATED + len(named))
    return {
        "mentions": mentions,
        "related": [other for other in others if other.id not in named][: finding.RELATED],
        "corrections": finding.corrections_of(post.id) if post.corrected_at else [],
    }


def _member_page(person: Person) -> ResponseReturnValue:
    """What they wrote. Who never came and of whom there is nothing to read has no page; who left keeps theirs."""
    before = place_asked()
    found = queries.posts_by(person.id, BY_A_MEMBER + 1, before=before)
    signed = [] if before else signed_by(person.id, SIGNED_BY_A_MEMBER)
    if found is None or not (found or signed or person.bio_html or (person.active and person.has_come)):
        abort(404)
    shown = found[:BY_A_MEMBER]
    rows = [] if before else calendar(weeks_written(by=person.id), settings().site_epoch, today())
    return public(
        render_template(
            "reading/member.html",
            person=person,
            rows=[row for row in rows if row.notes],
            years=by_year(shown),
            signed=signed,
            older=shown[-1].id if len(found) > BY_A_MEMBER else None,
            before=before,
        )
    )


def by_year(entries: Iterable[Entry]) -> list[tuple[int, list[Entry]]]:
    """(2026, entries) by the year of publication, in the site's time zone."""

    def year(entry: Entry) -> int:
        assert entry.published_at is not None
        return local(entry.published_at).year

    return [(number, list(group)) for number, group in groupby(entries, key=year)]


def _elsewhere(slug: str, hidden: Whole | None) -> ResponseReturnValue:
    """Where nothing can be shown: the new address, the note that covers the week, 410 or 404.

    Raises:
        Gone: it was public once and is deleted.
    """
    moved, target = queries.redirect_of(slug)
    if target is not None:
        hidden = _hidden_at(target.lstrip("/"))
        if hidden is None:
            return _moved(f"/{target.lstrip('/')}")
    weeks = parse_week_slug(slug)
    covering = beside.covering(weeks) if weeks else None
    if covering is not None and covering != slug:
        return _moved(url_for("reading.page", slug=covering))
    deleted = hidden is not None and hidden.deleted_at is not None and hidden.first_published_at is not None
    if deleted or (moved and target is None):
        raise Gone("What was here has been taken away.")
    if weeks and len(weeks) == 1 and (reason := reason_for(weeks.first)):
        abort(404, f"There is no note about {weeks.title.lower()}: {reason}")
    abort(404)


def former_address(path: str) -> ResponseReturnValue | None:
    """Where a deeper address of an older site leads now (`/2019/03/boats/`); None where nothing was ever there.

    Not a route of its own: it would take every address, also those that only take a form.
    """
    key = path.strip("/")
    if "/" not in key or "\0" in key:
        return None
    _, target = queries.redirect_of(key)
    return None if target is None or _hidden_at(target) is not None else _moved(f"/{target}")


def _hidden_at(slug: str) -> Whole | None:
    """The post there that this reader may not see: not even its new address may be told."""
    post = queries.post_at(slug)
    return None if post is None or post.is_public or _may_see(post) else post


def _may_see(post: Whole) -> bool:
    """Whether a member is asking who may read what is not public."""
    return post.deleted_at is None and sees(db.session(), post, current_member())


def _moved(address: str) -> ResponseReturnValue:
    """A lasting redirect that browsers still ask about: a week may get a note of its own one day."""
    response = redirect(address, code=301)
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/favicon.ico")
def favicon() -> ResponseReturnValue:
    """Where browsers and feed readers look when they read no <link>."""
    return public(icon_png(site_accent(), 32), "image/png")


# Modules that hang further pages on `bp`; at the end, because they import it from here.
from blogapp.reading import faces, feeds, files, own, search, shared, sharing, sitemap, tags  # noqa: E402,F401
