"""What stands at addresses of this site: for the checklist, which asks about all links of a text at once."""

import re
from collections.abc import Collection

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from blogapp.auth.models import Member
from blogapp.core.addresses import Redirect, reserved
from blogapp.posts.anchors import ids_in
from blogapp.posts.checking import Place
from blogapp.posts.models import Attachment, Post
from blogapp.posts.weeks import parse_week_slug

FILE = re.compile(r"/files/(\d{1,9})/([^/]+)")
HERE, NOWHERE = Place("here"), Place("nowhere")


def places_at(session: Session, paths: Collection[str], *, but: int | None = None) -> dict[str, Place]:
    """What is at each of these paths, in a few queries however many they are.

    Args:
        but: the id of the post that asks: it counts as public.
    """
    found = _files(session, {path for path in paths if FILE.fullmatch(path)})
    slugs = {path: path.strip("/").lower() for path in paths if path not in found and "\0" not in path}
    flat = {slug for slug in slugs.values() if "/" not in slug and slug and not reserved(slug)}
    known = _at_slugs(session, flat, but)
    moved = _moved(session, set(slugs.values()) - known.keys())
    known |= _at_slugs(session, {target for target in moved.values() if target}, but)
    for path, slug in slugs.items():
        if slug in moved:
            target = moved[slug]
            found[path] = Place("gone") if target is None else known.get(target, HERE)
        elif slug in flat:
            found[path] = known.get(slug) or _week(session, slug)
        else:
            found[path] = HERE if not slug or _answered(path) else NOWHERE
    return found


def _files(session: Session, paths: Collection[str]) -> dict[str, Place]:
    asked = {path: (int(match[1]), match[2]) for path in paths if (match := FILE.fullmatch(path))}
    query = select(Attachment.id, Attachment.filename).where(
        Attachment.id.in_({number for number, _ in asked.values()})
    )
    known = {(number, name) for number, name in session.execute(query)} if asked else set()
    return {path: HERE if file in known else NOWHERE for path, file in asked.items()}


def _at_slugs(session: Session, slugs: Collection[str], but: int | None) -> dict[str, Place]:
    """The posts and members that own these addresses."""
    if not slugs:
        return {}
    found = dict.fromkeys(session.execute(select(Member.slug).where(Member.slug.in_(slugs))).scalars(), HERE)
    columns = (Post.id, Post.slug, Post.html, Post.state, Post.visibility, Post.deleted_at, Post.first_published_at)
    for row in session.execute(select(*columns).where(Post.slug.in_(slugs))):
        if row.deleted_at is not None:
            found[row.slug] = Place("gone" if row.first_published_at else "nowhere")
        elif row.id == but or (row.state == "published" and row.visibility == "public"):
            found[row.slug] = Place("here", ids_in(row.html) | {"main"})
        else:
            found[row.slug] = Place("draft")
    return found


def _moved(session: Session, slugs: Collection[str]) -> dict[str, str | None]:
    """Former address -> where it leads now; None: gone for good."""
    if not slugs:
        return {}
    rows = session.execute(select(Redirect.path, Redirect.target).where(Redirect.path.in_(slugs)))
    return {path: target and target.strip("/") for path, target in rows}


def _week(session: Session, slug: str) -> Place:
    """A week's address leads to the note that covers it."""
    weeks = parse_week_slug(slug)
    if weeks is None:
        return NOWHERE
    covers = (Post.kind == "week", Post.week_from <= weeks.first, Post.week_to >= weeks.last)
    shown = (Post.state == "published", Post.visibility == "public")
    return HERE if session.execute(select(Post.id).where(*covers, *shown).limit(1)).scalar() else NOWHERE


def _answered(path: str) -> bool:
    """Whether a page of the site itself is there."""
    try:
        current_app.url_map.bind("localhost").match(path, method="GET")
    except (NotFound, MethodNotAllowed):
        return False
    except (RequestRedirect, HTTPException):
        return True
    return True
