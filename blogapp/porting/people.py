"""Members that an import speaks of: found, or made inactive until somebody invites them."""

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.profile import LONGEST_BIO
from blogapp.auth.rules import clean_name
from blogapp.core.addresses import Redirect, Slug, claim_slug
from blogapp.core.db import bump_version, transaction
from blogapp.core.markup import render
from blogapp.porting.documents import BadDocument, Person
from blogapp.porting.known import find_known, note
from blogapp.porting.portraits import with_face
from blogapp.porting.report import Outcome
from blogapp.porting.snips.templating import humanise

if TYPE_CHECKING:
    from blogapp.porting.importing import Run


class Undone(Exception):
    """A dry run's transaction ends here: nothing of it stays."""


def bring(person: Person, run: "Run") -> Outcome:
    """Give a member the text about them, and their picture. A member is made where there is none of that name.

    Raises:
        BadDocument: the text is too long, or the member has another one here.
    """
    outcome = _bring(person, run)
    if outcome.member_id is None or run.dry_run:
        return outcome
    return with_face(outcome, person, run)


def _bring(person: Person, run: "Run") -> Outcome:
    sha256 = hashlib.sha256(person.content).hexdigest()
    known = find_known(person.origin, person.slug)
    if known is not None and known.path not in ("", person.path) and run.lies(known.path):
        raise BadDocument(f"{known.path} has the same name")
    if known is not None and known.post_id is not None:
        raise BadDocument("a post came from a document of that name; delete the post first")
    if known is not None and known.member_id and (known.sha256, known.path) == (sha256, person.path):
        return Outcome(person.path, "unchanged", member_id=known.member_id)
    if len(person.bio) > LONGEST_BIO:
        raise BadDocument(f"the text about them is longer than {LONGEST_BIO:,} characters")
    html = render(person.bio).html
    result = "made" if known is None else "changed"
    member_id = None
    try:
        with transaction() as session:
            member = find_or_make(session, person.slug, run, name=person.name, email=person.email)
            if member.bio not in (person.bio, known.body if known else ""):
                raise BadDocument("its member has another text about them here; put the two together by hand")
            member.bio, member.bio_html = person.bio, html
            if member.name == humanise(person.slug):
                member.name = clean_name(person.name)
            note(
                session, known, origin=person.origin, name=person.slug, path=person.path, member_id=member.id,
                content=person.content, sha256=sha256, title=person.name, body=person.bio,
            )  # fmt: skip
            record(session, "member.import", f"member:{member.id}", by=run.by, result=result)
            bump_version(session)
            member_id = member.id
            if run.dry_run:
                raise Undone
    except Undone:
        pass
    return Outcome(person.path, result, member_id=member_id)


def find_or_make(session: Session, slug: str, run: "Run", *, name: str = "", email: str = "") -> Member:
    """The member of that slug or address, or who had the slug before; else one who cannot log in until invited.

    Raises:
        Invalid: the slug cannot be one, or is a post's.
    """
    email = run.emails.get(slug, email)
    found = _by_slug(session, slug) or _by_email(session, email)
    if found is None:
        found = Member(slug=slug, name=clean_name(name or humanise(slug)), role="author", active=False)
        found.email = email or None
        session.add(found)
        session.flush()
        claim_slug(session, slug, f"member:{found.id}")
        bump_version(session)
    elif email and found.email is None and _by_email(session, email) is None:
        found.email = email
    elif found.slug != slug and session.get(Slug, slug) is None:
        session.merge(Redirect(path=slug, target=found.slug))
    return found


def member_id(session: Session, slug: str, run: "Run", met: dict[str, int]) -> int:
    """The id of `find_or_make`'s member, looked up once in an import.

    Args:
        met: takes those who are not known yet; they are the run's once the transaction is over.
    """
    if slug not in run.authors and slug not in met:
        met[slug] = find_or_make(session, slug, run).id
    return run.authors.get(slug) or met[slug]


def _by_slug(session: Session, slug: str) -> Member | None:
    moved = select(Redirect.target).where(Redirect.path == slug).scalar_subquery()
    found = session.execute(select(Member).where((Member.slug == slug) | (Member.slug == moved)))
    return found.scalars().first()


def _by_email(session: Session, email: str) -> Member | None:
    return session.execute(select(Member).where(Member.email == email)).scalars().first() if email else None
