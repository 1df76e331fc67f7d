"""Flat addresses: every post, member and page owns one `/slug`, and no two own the same.

Posts and members share one namespace, so it is one table with the slug as its key; what an address used to be lives
on as a redirect, or as a mark that it is gone for good (410).
"""

import re
from dataclasses import dataclass

from flask import current_app
from slugify import slugify
from sqlalchemy import delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import MapAdapter, RequestRedirect

from blogapp.core.db import Base
from blogapp.core.errors import Invalid

SLUG = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")
MAX_LENGTH = 120
ROUTES = "blogapp.routes"
# Kept free for pages to come, beside the first part of every route there is.
KEPT = frozenset("api assets images search tags tag feeds rss atom share media about-this-site".split())


class Slug(Base):
    """A name in use. `owner` is `post:12` or `member:3`."""

    __tablename__ = "slugs"

    slug: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(index=True)


class Redirect(Base):
    """A path that used to lead somewhere. `target` is the path it leads to now; NULL: gone for good (410)."""

    __tablename__ = "redirects"

    path: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str | None]


def reserved(slug: str) -> bool:
    """Whether a route of the application begins with this name or answers at it, or it is kept free."""
    routes = _routes()
    return slug in KEPT or slug in routes.firsts or routes.answer(slug)


@dataclass(frozen=True)
class _Routes:
    """The application's routes as far as addresses go, made once: an import asks a thousand times."""

    firsts: frozenset[str]
    adapter: MapAdapter

    def answer(self, slug: str) -> bool:
        """Whether a route such as `/sitemap-<int:number>.xml` takes `/slug` away from the one of all slugs."""
        try:
            rule, _ = self.adapter.match(f"/{slug}", method="GET", return_rule=True)
        except NotFound:
            return False
        except (MethodNotAllowed, RequestRedirect):
            return True
        return rule.rule != "/<slug>"


def _routes() -> _Routes:
    found: _Routes | None = current_app.extensions.get(ROUTES)
    if found is None:
        url_map = current_app.url_map
        firsts = frozenset(rule.rule.split("/")[1] for rule in url_map.iter_rules())
        found = current_app.extensions[ROUTES] = _Routes(firsts, url_map.bind("localhost"))
    return found


def suggest_slug(text: str) -> str:
    """A slug made from a title or a name: `Chris Roos` -> `chris-roos`."""
    return slugify(text, max_length=MAX_LENGTH, word_boundary=True)


def check_slug(slug: str) -> None:
    """
    Raises:
        Invalid: the slug is not of the form that addresses have, or a route begins with it.
    """
    if not SLUG.fullmatch(slug) or len(slug) > MAX_LENGTH:
        hint = "Use small letters, figures and hyphens, as in week-473."
        raise Invalid(hint, {"slug": hint})
    if reserved(slug):
        message = f"/{slug} is a page of the site itself. Choose another address."
        raise Invalid(message, {"slug": message})


def claim_slug(session: Session, slug: str, owner: str, *, moved_from: str | None = None) -> None:
    """Make `slug` the address of `owner` within the caller's transaction; its old address becomes a redirect.

    Args:
        moved_from: the owner's old slug, when a reader may have seen it.

    Raises:
        Invalid: the slug is taken, reserved or malformed. The field is `slug`.
    """
    check_slug(slug)
    holder = session.get(Slug, slug)
    if holder is not None and holder.owner != owner:
        message = f"/{slug} is taken. Choose another address."
        raise Invalid(message, {"slug": message})
    session.execute(delete(Slug).where(Slug.owner == owner, Slug.slug != slug))
    if holder is None:
        session.add(Slug(slug=slug, owner=owner))
    session.execute(delete(Redirect).where(Redirect.path == slug))
    if moved_from and moved_from != slug:
        for older in session.execute(select(Redirect).where(Redirect.target == moved_from)).scalars():
            older.target = slug
        session.merge(Redirect(path=moved_from, target=slug))


def release_slug(session: Session, slug: str, *, gone: bool) -> None:
    """Give a slug up; `gone` leaves a mark so that readers are told 410 rather than 404."""
    session.execute(delete(Slug).where(Slug.slug == slug))
    if gone:
        session.merge(Redirect(path=slug, target=None))
