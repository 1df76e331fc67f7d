"""A document becomes a post, or changes the one that it became; what both sides changed is kept beside it."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.core.addresses import Redirect, Slug, claim_slug
from blogapp.core.clock import now
from blogapp.core.db import bump_version, transaction
from blogapp.porting.beside import keep_beside
from blogapp.porting.documents import BadDocument, Document, Leftover
from blogapp.porting.fresh import Fresh, freshened
from blogapp.porting.known import Known, find_known, note
from blogapp.porting.matching import adopt, came_before, is_as_before, made_here, unescaped
from blogapp.porting.people import Undone, member_id
from blogapp.porting.pictures import show_as_before
from blogapp.porting.report import Outcome
from blogapp.porting.snips.parsing import ORIGIN as SNIPS
from blogapp.posts.finding import keep_findable
from blogapp.posts.models import Post
from blogapp.posts.naming import check_weeks, free_slug, lock_names, make_room, move_to, text_for, title_for
from blogapp.posts.rendering import link_files, show_rendered, show_sections
from blogapp.posts.revisions import keep_revision
from blogapp.posts.sections import exported_text, note_woven, waits
from blogapp.posts.tags import set_tags

if TYPE_CHECKING:
    from blogapp.porting.importing import Run

# A clock or an offset may be a little wrong; a year may not.
LEEWAY = timedelta(days=1)


def bring(document: Document, run: "Run") -> Outcome:
    """Make or change the post of a document.

    Raises:
        BadDocument: it would come out as a post that makes no sense, or its post stands in the way.
        Invalid: its title, address or weeks cannot be had.
    """
    sha256 = hashlib.sha256(document.content).hexdigest()
    known = came_before(document, sha256, run)
    title, body = title_for(document.title, document.weeks), text_for(document.body)
    places, missing = run.pictures.places(body, document.image_roots)
    if known is not None and is_as_before(known, document, sha256, body, places):
        return Outcome(document.path, "unchanged", post_id=known.post_id)
    own = made_here(document, title, body) if known is None and not run.is_first else None
    if own is not None:
        return adopt(own, document, sha256, run)
    _check(document, body)
    if known is not None and not places:
        body = show_as_before(body, known.pictures)
    warnings = [f"line {line}: {what}" if line else what for line, what in document.warnings]
    warnings += [f"{address} is not in the folder of images" for address in missing]
    with freshened(document, run, known, title, body, places) as fresh:
        warnings += [f"{path.name}: {why}" for path, why in fresh.broken.items()]
        outcome = _write(fresh, known)
    if known is not None and known.post_id is not None and not run.dry_run and waits(known.post_id):
        show_sections(known.post_id)
    return replace(outcome, warnings=tuple(warnings))


def _write(fresh: Fresh, known: Known | None) -> Outcome:
    """One transaction; of a dry run nothing stays."""
    run = fresh.run
    try:
        with transaction() as session:
            if known is None or known.post_id is None:
                outcome = _make(session, known, fresh)
            else:
                outcome = _change(session, known, fresh)
            if run.dry_run:
                raise Undone
        run.authors.update(fresh.met)
    except Undone:
        weeks = fresh.document.weeks
        if outcome.result == "made" and fresh.document.kind == "week" and weeks:
            run.weeks_met.update(range(weeks.first, weeks.last + 1))
    return outcome


def keep_leftover(leftover: Leftover, run: "Run") -> Outcome:
    """Keep what becomes no post for the way out."""
    sha256 = hashlib.sha256(leftover.content).hexdigest()
    known = find_known(leftover.origin, leftover.name)
    if known is not None and known.path not in ("", leftover.path) and run.lies(known.path):
        raise BadDocument(f"{known.path} has the same name")
    if known is not None and (known.post_id or known.member_id):
        raise BadDocument("a post or a member came from a document of that name")
    if known is not None and known.sha256 == sha256:
        return Outcome(leftover.path, "unchanged")
    if not run.dry_run:
        with transaction() as session:
            values = {"origin": leftover.origin, "name": leftover.name, "path": leftover.path}
            note(session, known, **values, content=leftover.content, sha256=sha256)
    return Outcome(leftover.path, "made" if known is None else "changed")


def _check(document: Document, body: str) -> None:
    """
    Raises:
        BadDocument: it would come out as a post that makes no sense.
    """
    if not document.draft:
        if not body.strip():
            raise BadDocument("there is nothing to read in it")
        if _published_at(document) is None and document.kind != "page":
            raise BadDocument("it is published but has no date (`:created_at:`)")
    for key in ("created_at", "published_at", "updated_at"):
        at = getattr(document, key)
        if at is not None and at > now() + LEEWAY:
            raise BadDocument(f"`:{key}:` lies in the future: {at:%Y-%m-%d}")


def _published_at(document: Document) -> datetime | None:
    """A page may have no date; it stands in no order."""
    undated = document.updated_at if document.kind == "page" else None
    return document.published_at or document.created_at or undated


def _make(session: Session, known: Known | None, fresh: Fresh) -> Outcome:
    document = fresh.document
    if known is not None and known.member_id is not None:
        raise BadDocument("the text about a member came from a document of that name; give the file another name")
    lock_names(session)
    created_at = _past(document.created_at or document.published_at)
    author_id = _author(session, fresh)
    post = Post(author_id=author_id, created_at=created_at, state="draft", version=1, in_menu=_wants_menu(document))
    fresh = fresh.with_pictures(session)
    _say(session, post, fresh, {})
    post.slug = _address(session, document)
    session.add(post)
    session.flush()
    claim_slug(session, post.slug, f"post:{post.id}")
    if not document.draft:
        _publish(post, document)
    _lead_here(session, post, document)
    _keep(session, post, fresh, known, "made")
    return Outcome(document.path, "made", post_id=post.id)


def _address(session: Session, document: Document) -> str:
    """Its own. What comes from elsewhere may have another one where its own is taken: nobody there could choose.

    The names of snips are addresses that somebody chose, and that links in other documents count on.

    Raises:
        Invalid: it is taken, reserved or malformed.
    """
    wanted = document.slug or document.name
    if document.origin != SNIPS:
        wanted = free_slug(session, wanted, "")
    make_room(session, wanted)
    return wanted


def _change(session: Session, known: Known, fresh: Fresh) -> Outcome:
    document = fresh.document
    post = session.get_one(Post, known.post_id, with_for_update={"of": Post}, populate_existing=True)
    if post.deleted_at is not None:
        raise BadDocument("its post was deleted here; restore the post first")
    if document.draft and post.is_public:
        raise BadDocument("it says that it is a draft, but its post is public; withdraw the post first")
    lock_names(session)
    fresh = fresh.with_pictures(session)
    edited = not _says(session, post, known.title, known.body)
    same = _says(session, post, fresh.title, fresh.body) and post.format == document.format
    moved_on = (fresh.title, fresh.body) != (known.title, known.body) or post.format != document.format
    if edited and moved_on and not same:
        return keep_beside(session, post, known, fresh, _author(session, fresh))
    publishes = not document.draft and post.first_published_at is None and post.state == "draft"
    if edited and publishes and not same:
        raise BadDocument("it is no draft any more, but its text was edited here: publish the post here")
    if publishes and waits(post.id, fresh.body):
        raise BadDocument("it is no draft any more, but members added sections here: publish the post here")
    if known.facts.get("author") != document.author:
        post.author_id = _author(session, fresh)
    if moved_on and not (edited and same):
        _say(session, post, fresh, known.facts)
    _follow_name(session, post, known, document)
    if publishes:
        _publish(post, document)
    _lead_here(session, post, document)
    result = "unchanged" if edited and same and not publishes else "changed"
    _keep(session, post, fresh, known, result)
    return Outcome(document.path, result, post_id=post.id)


def _says(session: Session, post: Post, title: str, body: str) -> bool:
    """Whether the post says that; its way out adds its sections, and the definitions that only this site has."""
    texts = {post.body, exported_text(session, post)}
    return any(_same_text((post.title, text), (title, body)) for text in texts)


def _same_text(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two titles and texts are the same but for empty lines around, and blanks that our way out puts in."""
    return (one[0], unescaped(one[1])) == (other[0], unescaped(other[1]))


def _say(session: Session, post: Post, fresh: Fresh, before: Mapping[str, Any]) -> None:
    """Let the post say what the document says. What was set here stays where the document says the same as before.

    Raises:
        WeekTaken: another post covers one of its weeks.
    """
    document, facts = fresh.document, fresh.facts
    post.format, post.title, post.body = document.format, fresh.title, fresh.body
    if any(before.get(name) != facts[name] for name in ("kind", "weeks")):
        weeks = document.weeks
        post.kind = document.kind
        post.week_from, post.week_to = (weeks.first, weeks.last) if weeks else (None, None)
        if document.kind == "week" and weeks and fresh.run.weeks_met & set(range(weeks.first, weeks.last + 1)):
            raise BadDocument("another document of this import covers one of its weeks")
        with session.no_autoflush:
            check_weeks(session, post)
    post.updated_at = max(post.created_at, _past(document.updated_at or post.created_at))


def _keep(session: Session, post: Post, fresh: Fresh, known: Known | None, result: str) -> None:
    """What follows from the text: its HTML, a revision, the audit entry, and that readers see it."""
    document = fresh.document
    for signer in sorted(document.signers):  # So that their names lead somewhere.
        member_id(session, signer, fresh.run, fresh.met)
    # As with the rest: tags that were set here stay where the document says the same as before.
    retagged = post.extra.get("tags", []) != list(document.tags)
    post.extra = {**post.extra, "meta": [list(pair) for pair in document.meta], "tags": list(document.tags)}
    if (post.title, post.body) == (fresh.title, fresh.body):
        shown = show_rendered(session, post, fresh.rendered)
        if shown or known is not None:
            link_files(session, post.id, shown)
        keep_revision(session, post, post.author_id, post.updated_at, fresh=True, first=known is None)
        note_woven(session, post)
    if retagged:
        session.flush()
        set_tags(session, post, document.tags)
    _note(session, post, known, fresh)
    keep_findable(session, post)
    record(session, "post.import", f"post:{post.id}", by=fresh.run.by, name=document.name, result=result)
    if post.state == "published":
        bump_version(session)


def _note(session: Session, post: Post, known: Known | None, fresh: Fresh) -> None:
    document = fresh.document
    note(
        session, known, origin=document.origin, name=document.name, path=document.path, post_id=post.id,
        content=document.content, sha256=fresh.sha256, title=fresh.title, body=fresh.body, beside_sha256=None,
        facts=fresh.facts,
    )  # fmt: skip


def _follow_name(session: Session, post: Post, known: Known, document: Document) -> None:
    """A document that was renamed takes its post's address along, unless the post was moved here."""
    if known.name != document.name and post.slug == known.name and document.slug != post.slug:
        move_to(session, post, document.slug or document.name)


def _lead_here(session: Session, post: Post, document: Document) -> None:
    """Addresses at which it used to be read lead to it, where nothing else is."""
    for path in document.old_paths:
        key = path.strip("/") if "/" in path.strip("/") else path.strip("/").lower()
        if key and key != post.slug and session.get(Slug, key) is None and session.get(Redirect, key) is None:
            session.add(Redirect(path=key, target=post.slug))


def _publish(post: Post, document: Document) -> None:
    """Public since then, but not published here: no digest, and nobody is told."""
    post.state = "published"
    post.published_at = _past(_published_at(document))
    if not post.is_limited:
        post.first_published_at = post.published_at
    post.published_here = False


def _author(session: Session, fresh: Fresh) -> int:
    """Who wrote it."""
    document, run = fresh.document, fresh.run
    if document.author:
        return member_id(session, document.author, run, fresh.met)
    admins = select(Member.id).where(Member.role == "admin", Member.active).order_by(Member.id).limit(1)
    stand_in = run.by if run.by is not None else session.execute(admins).scalar_one_or_none()
    if stand_in is None:
        raise BadDocument("it names no `:author:`, and there is no admin to stand in")
    return stand_in


def _wants_menu(document: Document) -> bool:
    """A team brings dozens of pages: only those that say so stand in the menu."""
    return dict(document.meta).get("menu", "").lower() in ("true", "yes")


def _past(at: datetime | None) -> datetime:
    return min(at, now()) if at else now()
