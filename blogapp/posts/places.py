"""What stands at addresses of this site: for the checklist, which asks about all links of a text at once."""

import re
from collections.abc import Collection

from flask import current_app
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from blogapp.auth.models import Member
from blogapp.core.addresses import Redirect, reserved
from blogapp.posts.anchors import ids_in
from blogapp.posts.checking import Place
from blogapp.posts.circles import seen_by
from blogapp.posts.models import Attachment, Post, post_attachments
from blogapp.posts.rendering import may_show
from blogapp.posts.weeks import parse_week_slug

FILE = re.compile(r"/files/(\d{1,9})/([^/]+)")
HERE, NOWHERE = Place("here"), Place("nowhere")


def places_at(
    session: Session, paths: Collection[str], member: Member | None, *, but: int | None = None
) -> dict[str, Place]:
    """What is at each of these paths, in a few queries however many they are.

    Args:
        member: who is told: where there is only what they may not know of, there is nothing.
        but: the id of the post that asks: it counts as public.
    """
    found = _files(session, {path for path in paths if FILE.fullmatch(path)}, member, but)
    slugs = {path: path.strip("/").lower() for path in paths if path not in found and "\0" not in path}
    flat = {slug for slug in slugs.values() if "/" not in slug and slug and not reserved(slug)}
    known = _at_slugs(session, flat, member, but)
    moved = _moved(session, set(slugs.values()) - known.keys())
    known |= _at_slugs(session, {target for target in moved.values() if target}, member, but)
    for path, slug in slugs.items():
        if slug in moved:
            target = moved[slug]
            found[path] = Place("gone") if target is None else known.get(target, HERE)
        elif slug in flat:
            place = known.get(slug, NOWHERE)
            found[path] = _week(session, slug) if place == NOWHERE else place
        else:
            found[path] = HERE if not slug or _answered(path) else NOWHERE
    return found


def _files(session: Session, paths: Collection[str], member: Member | None, but: int | None) -> dict[str, Place]:
    """The files that the post shows with this text, and those that it leaves where they are."""
    asked = {path: (int(match[1]), match[2]) for path in paths if (match := FILE.fullmatch(path))}
    links, shown = post_attachments.c, may_show(but)
    known = exists().where(links.attachment_id == Attachment.id, links.post_id == Post.id, seen_by(member))
    query = select(Attachment.id, Attachment.filename, shown.label("shown")).where(
        Attachment.id.in_({number for number, _ in asked.values()}), or_(shown, known)
    )
    rows = session.execute(query).all() if asked else []
    found = {(row.id, row.filename): HERE if row.shown else Place("kept") for row in rows}
    return {path: found.get(file, NOWHERE) for path, file in asked.items()}


def _at_slugs(session: Session, slugs: Collection[str], member: Member | None, but: int | None) -> dict[str, Place]:
    """The posts and members that own these addresses."""
    if not slugs:
        return {}
    found = dict.fromkeys(session.execute(select(Member.slug).where(Member.slug.in_(slugs))).scalars(), HERE)
    columns = (
        Post.id, Post.slug, Post.html, Post.state, Post.visibility, Post.deleted_at, Post.first_published_at,
        seen_by(member).label("seen"),
    )  # fmt: skip
    for row in session.execute(select(*columns).where(Post.slug.in_(slugs))):
        if row.deleted_at is not None:
            found[row.slug] = Place("gone") if row.first_published_at else NOWHERE
        elif not row.seen:
            found[row.slug] = NOWHERE
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
