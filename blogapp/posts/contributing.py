"""Adding signed sections to a draft, several members at once: none waits for another, and none touches the text.

Each use case is one transaction; the draft's HTML follows it. Publishing weaves the sections into the text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand, may
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.dialect.references import references_in
from blogapp.core.errors import Conflict, Invalid, NotFound
from blogapp.core.markup import MAX_CHARACTERS, TOO_LONG, Rendered, render, without_title
from blogapp.posts.composing import closed
from blogapp.posts.glossary import resolving
from blogapp.posts.models import Post
from blogapp.posts.naming import text_for
from blogapp.posts.queries import demand_known, find_post
from blogapp.posts.rendering import link_files, show_rendered, show_sections
from blogapp.posts.revisions import keep_revision
from blogapp.posts.sections import Section, check_text, sections_of, text_of

LONGEST_TITLE = 200
LONGEST_ADDRESS = 2000
LONGEST_COMMENT = 50_000
MOST = 200
# A paragraph that has to be one still, whatever stands before it.
BEHIND = "what-stands-behind"


@dataclass(frozen=True)
class Woven:
    """What a draft says in all, rendered before the transaction that writes it; None: its HTML holds as it is."""

    text: str
    rendered: Rendered | None


def add_section(post_id: int, by: int, *, title: str, url: str = "", body: str = "") -> Section:
    """Add a section at the end of a draft, signed by whoever adds it. It conflicts with nobody; twice is once.

    Raises:
        NotFound: there is no such post.
        NotAllowed: `by` is no member who works here.
        Conflict: the post is published by now.
        Invalid: something is missing or wrong (`fields` says what), or the post is written in HTML.
    """
    given = _checked(title, url, body)
    with transaction() as session:
        post = find_post(session, post_id, by=by)
        member = demand(session.get(Member, by), "section.add", owner_id=post.author_id)
        _check_open(post)
        count, last = session.execute(
            select(func.count(), func.max(Section.position)).where(Section.post_id == post_id)
        ).one()
        if count >= MOST:
            raise Invalid("This draft has as many sections as a draft can have.")
        newest = _newest(session, post_id)
        if newest is not None and (newest.member_id, _said(newest)) == (by, given):
            return newest  # Pressed twice.
        section = Section(post_id=post_id, member_id=member.id, position=(last or 0) + 1, **given)
        session.add(section)
        _touch(session, post, by, "section.add", section)
    show_sections(post_id)
    return section


def edit_section(section_id: int, version: int, by: int, *, title: str, url: str = "", body: str = "") -> Section:
    """Change a section that still waits: one's own, or any of a post that `by` may edit. Its signer stays.

    Args:
        version: of the section as the person who types saw it.

    Raises:
        NotFound, NotAllowed, Invalid: as for `add_section`.
        Conflict: it was changed or taken away since, or the post is published by now.
    """
    given = _checked(title, url, body)

    def change(session: Session, section: Section) -> str:
        if section.version != version:
            raise Conflict(
                "Somebody else changed this section meanwhile. What you typed is still here: compare, then save."
            )
        if section.removed_at is not None:
            raise Conflict("This section was taken away meanwhile. Bring it back first; what you typed is still here.")
        section.title, section.url, section.body = given["title"], given["url"], given["body"]
        section.updated_at = now()
        return "section.edit"

    return _change(section_id, by, change)


def move_section(section_id: int, by: int, *, up: bool) -> Section:
    """Put a section before the one above it, or after the one below it. Who may is as for `edit_section`.

    Raises:
        NotFound, NotAllowed, Conflict: as for `edit_section`.
    """

    def change(session: Session, section: Section) -> str:
        shown = [one for one in sections_of(session, section.post_id) if one.removed_at is None]
        at = next((n for n, one in enumerate(shown) if one.id == section.id), None)
        if at is not None and 0 <= (other := at - 1 if up else at + 1) < len(shown):
            here, there = section.position, shown[other].position
            _place(session, section, there)
            _place(session, shown[other], here)
        return "section.move"

    return _change(section_id, by, change)


def remove_section(section_id: int, by: int) -> Section:
    """Take a section away; it can be brought back. Who may is as for `edit_section`.

    Raises:
        NotFound, NotAllowed, Conflict: as for `edit_section`.
    """

    def change(session: Session, section: Section) -> str:
        section.removed_at = section.removed_at or now()
        return "section.remove"

    return _change(section_id, by, change)


def bring_back_section(section_id: int, by: int) -> Section:
    """Let a section that was taken away stand where it stood.

    Raises:
        NotFound, NotAllowed, Conflict: as for `edit_section`.
    """

    def change(session: Session, section: Section) -> str:
        section.removed_at = None
        return "section.return"

    return _change(section_id, by, change)


def may_change(member: Member | None, section: Section, post: Post) -> bool:
    """Whether a member may change this section: their own, or one of a post that they may edit."""
    own = member is not None and section.member_id == member.id and may(member, "section.add", owner_id=post.author_id)
    return own or may(member, "post.edit", owner_id=post.author_id, public=post.state == "published")


def find_section(section_id: int, member: Member) -> tuple[Section, Post]:
    """A section and its post, for a page; nothing is locked.

    Raises:
        NotFound: there is none, or none that `member` may know of.
    """
    section = db.session.get(Section, section_id, populate_existing=True)
    if section is None:
        raise NotFound("There is no such section.")
    demand_known(section.post_id, member)
    return section, db.session.get_one(Post, section.post_id)


def prepare(post_id: int) -> Woven:
    """What a draft says with its sections, rendered; for `weave`, before the transaction."""
    row = db.session.execute(select(Post.title, Post.body, Post.format).where(Post.id == post_id)).one_or_none()
    if row is None:
        return Woven("", None)
    text = text_of(db.session(), post_id, row.body)
    if text == row.body and not (row.format == "markdown" and references_in(text).missing):
        return Woven(text, None)
    return Woven(text, render(text, title=row.title, format=row.format, references=resolving(post_id, text)))


def weave(session: Session, post: Post, woven: Woven, by: int) -> None:
    """Make the sections that wait part of the post's text, in the caller's transaction. A revision is kept.

    Raises:
        SectionsMoved: it says something else by now.
    """
    check_text(session, post.id, post.body, woven.text)
    if woven.rendered is None:
        return
    at = now()
    changed, post.body = woven.text != post.body, woven.text
    link_files(session, post.id, show_rendered(session, post, without_title(woven.rendered, post.title)))
    if not changed:
        return  # Only the addresses of its links are those of this moment.
    post.updated_at = at
    keep_revision(session, post, by, at, fresh=True)
    for section in sections_of(session, post.id):
        if section.removed_at is None:
            section.woven_at = at
    record(session, "section.weave", f"post:{post.id}", by=by)


def _newest(session: Session, post_id: int) -> Section | None:
    waiting = [one for one in sections_of(session, post_id) if one.removed_at is None]
    return waiting[-1] if waiting else None


def _said(section: Section) -> dict[str, str]:
    return {"title": section.title, "url": section.url, "body": section.body}


def _checked(title: str, url: str, body: str) -> dict[str, str]:
    """
    Raises:
        Invalid: one of them is missing or wrong.
    """
    title, url = " ".join(text_for(title).split()), text_for(url).strip()
    body = text_for(body).strip("\n").rstrip()
    wrong = {}
    if not title:
        wrong["title"] = "Give it a title."
    elif len(title) > LONGEST_TITLE:
        wrong["title"] = f"The title is too long: {len(title)} characters, and {LONGEST_TITLE} is the most."
    if url and (problem := _wrong_address(url)):
        wrong["url"] = problem
    if len(body) > LONGEST_COMMENT:
        wrong["body"] = f"The comment is too long: {len(body):,} characters, and {LONGEST_COMMENT:,} is the most."
    if wrong:
        raise Invalid(next(iter(wrong.values())), wrong)
    # What is nested too deeply is refused before anything is kept; so is what would swallow the sections behind it.
    if f"<p>{BEHIND}</p>" not in render(f"{closed(body)}\n\n{BEHIND}").html:
        message = (
            "The comment leaves a tag open, such as <div>: what stands behind it would not be seen. Close the tag."
        )
        raise Invalid(message, {"body": message})
    return {"title": title, "url": url, "body": body}


def _wrong_address(url: str) -> str:
    if len(url) > LONGEST_ADDRESS:
        return f"The link is too long: {len(url):,} characters, and {LONGEST_ADDRESS:,} is the most."
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    whole = parts.scheme in ("http", "https") and bool(parts.hostname)
    inside = url.startswith("/") and not url.startswith("//")
    if re.search(r"\s", url) or not (whole or inside):
        return "A link begins with https:// or http://, or with / for a page of this site."
    return ""


def _check_open(post: Post) -> None:
    """
    Raises:
        Conflict: it is published.
        Invalid: it is not written in Markdown.
    """
    if post.state == "published":
        raise Conflict("This post is published by now, so it takes no more sections. What you typed is still here.")
    if post.format != "markdown":
        raise Invalid("This post is written in HTML; only a post in Markdown takes sections.")


def _change(section_id: int, by: int, change: Callable[[Session, Section], str]) -> Section:
    """Do something to a section that waits, in one transaction that nobody else's change of the draft runs beside."""
    with transaction() as session:
        number = session.execute(select(Section.post_id).where(Section.id == section_id)).scalar_one_or_none()
        if number is None:
            raise NotFound("There is no such section.")
        post = find_post(session, number, by=by)
        section = session.get_one(Section, section_id, populate_existing=True)
        member = session.get(Member, by)
        if not may_change(member, section, post):
            demand(member, "post.edit", owner_id=post.author_id, public=post.state == "published")
        _check_open(post)
        if section.woven_at is not None:
            raise Conflict(
                "This section is part of the text by now. Edit the post instead; what you typed is still here."
            )
        act = change(session, section)
        _touch(session, post, by, act, section)
    show_sections(number)
    return section


def _place(session: Session, section: Section, position: int) -> None:
    """Its place is no part of what it says: nobody's editing of it is disturbed."""
    session.execute(update(Section).where(Section.id == section.id).values(position=position))


def _touch(session: Session, post: Post, by: int, act: str, section: Section) -> None:
    """Check the whole, note who did it, and that the draft changed; its version, which its editors hold, stays.

    Raises:
        Invalid: the draft would be too long.
    """
    session.flush()
    if (length := len(text_of(session, post.id, post.body))) > MAX_CHARACTERS:
        raise Invalid(TOO_LONG.format(length), {"body": TOO_LONG.format(length)})
    session.execute(update(Post).where(Post.id == post.id).values(updated_at=now()))
    record(session, act, f"post:{post.id}", by=by, section=section.id)
