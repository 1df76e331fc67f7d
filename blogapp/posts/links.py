"""What public posts link to, so that those which share a link can be shown beside each other.

A post has rows only while readers see it. `own` marks its own addresses (all that ever led to it, and its weeks'):
whoever links to one of these shares it with the post. `links.posts` counts, so that what everybody links to is left
out and what few link to says more.
"""

import re
from collections.abc import Iterable, Sequence
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from sqlalchemy import Boolean, Column, ColumnElement, ForeignKey, Index, Integer, Table, delete, exists, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from blogapp.core.addresses import Redirect, reserved
from blogapp.core.config import settings
from blogapp.core.db import Base, db, insert_missing, transaction
from blogapp.core.tracking import without_tracking
from blogapp.posts.models import Post
from blogapp.posts.weeks import Weeks

HREF = re.compile(r'<a\s(?:[^<>"]|"[^"]*")*?href="(?P<address>[^"]*)"')
# A list of links may be long; nobody reads so many, and a row costs a little.
MOST = 300
# What an index of either database takes in any language.
LONGEST = 500
# So many at once are looked at and removed.
A_SLICE = 500


class Link(Base):
    """An address, in the form that all its spellings share; `posts`: how many public posts have it."""

    __tablename__ = "links"

    id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(unique=True)
    posts: Mapped[int] = mapped_column(default=0, server_default="0")


post_links = Table(
    "post_links",
    Base.metadata,
    Column("post_id", Integer, ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True),
    Column("link_id", Integer, ForeignKey("links.id"), primary_key=True),
    Column("own", Boolean, nullable=False, default=False),
    Index("ix_post_links_link", "link_id", "post_id"),
)


def links_in(html: str, base_url: str) -> list[str]:
    """The addresses that sanitised HTML links to, each once: `example.org/a?b=1` outside, `/week-473` on this site."""
    found = (tidy_link(unescape(match["address"]), base_url) for match in HREF.finditer(html))
    return list(dict.fromkeys(filter(None, found)))[:MOST]


def tidy_link(address: str, base_url: str) -> str:
    """One form for all spellings of an address: no scheme, no `www.`, no fragment, nothing that tracks. "": no page."""
    try:
        parts = urlsplit(address.strip())
        host = (parts.hostname or "").removeprefix("www.")
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    except ValueError:
        return ""
    own = (urlsplit(base_url).hostname or "").removeprefix("www.")
    path = re.sub(r"/{2,}", "/", unquote(parts.path, errors="replace")).rstrip("/")
    if parts.scheme not in ("", "http", "https") or re.search(r"[\x00-\x1f\x7f\ufffd]", path):
        return ""
    if host in ("", own):
        inside = path.strip("/")
        return f"/{inside.lower()}"[:LONGEST] if inside and (host or path.startswith("/")) else ""
    pairs = parse_qsl(without_tracking(parts.query))
    query = f"?{urlencode(sorted(pairs))}" if pairs else ""
    return f"{host}{port}{path}{query}".encode(errors="replace").decode()[:LONGEST]


def own_links(slug: str, weeks: Weeks | None, former: Iterable[str]) -> set[str]:
    """The addresses at which a post is read, was read, or would be looked for."""
    found = {slug, *former} | ({f"week-{number}" for number in range(weeks.first, weeks.last + 1)} if weeks else set())
    return {f"/{path.lower()}"[:LONGEST] for path in found}


def keep_links(session: Session, post: Post) -> None:
    """Note what a post that has an id links to, if readers see it, and else nothing; in the caller's transaction."""
    of_post = post_links.c.post_id == post.id
    present = {row.link_id: row.own for row in session.execute(select(post_links).where(of_post))}
    wanted = _wanted(session, post) if post.is_public else {}
    changed = {link for link, own in present.items() if wanted.get(link) != own}
    if changed:
        session.execute(delete(post_links).where(of_post, post_links.c.link_id.in_(changed)))
    fresh = [{"post_id": post.id, "link_id": link, "own": wanted[link]} for link in wanted.keys() - present.keys() | (
        changed & wanted.keys())]  # fmt: skip
    if fresh:
        session.execute(post_links.insert(), fresh)
    _count(session, wanted.keys() - present.keys(), present.keys() - wanted.keys())


def _wanted(session: Session, post: Post) -> dict[int, bool]:
    """Link -> whether it is the post's own address."""
    former = session.execute(select(Redirect.path).where(Redirect.target == post.slug)).scalars().all()
    weeks = post.weeks if post.kind == "week" else None
    own = own_links(post.slug, weeks, former)
    others = [url for url in links_in(post.html, settings().base_url) if _is_read(url)]
    urls = sorted(own | set(others))
    # Locked, so that none goes away as unused; what was just going had to be waited for, and is made again.
    query = select(Link.id, Link.url).where(Link.url.in_(urls)).order_by(Link.url)
    query = query.with_for_update(read=True, key_share=True)
    rows: Sequence[Any] = []
    while len(rows) < len(urls):
        insert_missing(session, Link, "url", [{"url": url, "posts": 0} for url in urls])
        rows = session.execute(query).all()
    return {row.id: row.url in own for row in rows}


def forget_unused_links() -> int:
    """Remove the addresses that no public post has any more; the worker calls it daily. Returns how many."""
    gone, last = 0, 0
    while ids := _unused(Link.id > last):
        gone, last = gone + _forget(ids), ids[-1]
    return gone


def _unused(condition: ColumnElement[bool], *, lock: bool = False) -> list[int]:
    has_post = exists().where(post_links.c.link_id == Link.id)
    query = select(Link.id).where(condition, Link.posts <= 0, ~has_post).order_by(Link.id).limit(A_SLICE)
    # A row that somebody is about to count up is locked by them, and no longer for us.
    query = query.with_for_update(skip_locked=True) if lock else query
    found = list(db.session.execute(query).scalars())
    if not lock:
        db.session.rollback()
    return found


def _forget(ids: list[int]) -> int:
    with transaction() as session:
        still = _unused(Link.id.in_(ids), lock=True)
        session.execute(delete(Link).where(Link.id.in_(still)))
        return len(still)


def _is_read(url: str) -> bool:
    """Whether it is a place of its own: not the archive, a file or anything else that the site makes."""
    return not url.startswith("/") or not reserved(url[1:].partition("/")[0])


def _count(session: Session, gained: Iterable[int], lost: Iterable[int]) -> None:
    more, fewer = set(gained), set(lost)
    if not more | fewer:
        return
    # In their order, so that two transactions never wait for each other; nor for those who only look (`_wanted`).
    rows = select(Link.id).where(Link.id.in_(more | fewer)).order_by(Link.id)
    session.execute(rows.with_for_update(key_share=True)).all()
    for numbers, by in ((more, 1), (fewer, -1)):
        if numbers:
            session.execute(update(Link).where(Link.id.in_(numbers)).values(posts=Link.posts + by))
