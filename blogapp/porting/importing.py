"""Bringing snips in: one transaction a document, so that a bad file changes nothing and a good one is whole.

Nothing is mailed and no digest is made. Running again changes nothing for files that have not changed; a changed file
becomes a revision, unless the post was edited here in the meantime: then it is refused, so that neither text is lost.
`Post.extra["snip"]` keeps every key of the file in order, and the fingerprints that this needs.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.addresses import SLUG, Redirect, claim_slug, suggest_slug
from blogapp.core.clock import now
from blogapp.core.db import bump_version, db, transaction
from blogapp.core.errors import BlogError
from blogapp.core.markup import Rendered, render
from blogapp.porting.files import Candidate, decode, find_candidates, read_bytes
from blogapp.porting.snips import BadSnip, Document, humanise, parse_snip, read_document
from blogapp.posts.models import Post
from blogapp.posts.naming import check_weeks, lock_names, make_room, text_for, title_for
from blogapp.posts.rendering import link_files, show_rendered
from blogapp.posts.revisions import keep_revision

RESULTS = ("made", "changed", "unchanged", "refused")
# A clock or an offset may be a little wrong; a year may not.
LEEWAY = timedelta(days=1)


@dataclass(frozen=True)
class Outcome:
    """What became of one file: `result` is one of RESULTS; `reason` says why it was refused."""

    path: Path
    result: str
    reason: str = ""
    post_id: int | None = None


@dataclass
class Report:
    """What became of all of them, in the order in which they were read."""

    outcomes: list[Outcome] = field(default_factory=list)

    def count(self, result: str) -> int:
        return sum(outcome.result == result for outcome in self.outcomes)

    @property
    def refused(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.result == "refused"]


@dataclass(frozen=True)
class Source:
    """A document, its title and text as a post keeps them, how that looks, and the SHA-256 of the file's bytes."""

    document: Document
    title: str
    body: str
    rendered: Rendered
    sha256: str


def import_snips(
    paths: Iterable[str | Path], *, by: int | None = None, on_progress: Callable[[int, int], None] | None = None
) -> Report:
    """Import files and folders of snips.

    Args:
        by: the member who does it; None is the operator at the command line.
        on_progress: called after each file with how many are done and how many there are.

    Raises:
        NotAllowed: `by` may not add members, which an import does.
    """
    if by is not None:
        demand(db.session.get(Member, by), "member.manage")
    candidates = list(find_candidates(Path(path) for path in paths))
    known = _imported_before()
    seen: dict[str, Path] = {}
    report = Report()
    for candidate in candidates:
        report.outcomes.append(_import_one(candidate, known, seen, by))
        if on_progress:
            on_progress(len(report.outcomes), len(candidates))
    return report


def _import_one(candidate: Candidate, known: dict[str, int], seen: dict[str, Path], by: int | None) -> Outcome:
    path = candidate.path
    try:
        if candidate.reason:
            raise BadSnip(candidate.reason)
        data = read_bytes(path)
        document = read_document(parse_snip(path.name, decode(data)), path.absolute().parent.name)
        if (first := seen.setdefault(document.name, path)) != path:
            raise BadSnip(f"{first} has the same name")
        _check(document)
        sha256 = hashlib.sha256(data).hexdigest()
        post_id = known.get(document.name)
        if post_id is not None and _is_unchanged(post_id, sha256):
            return Outcome(path, "unchanged", post_id=post_id)
        title, body = title_for(document.title, document.weeks), text_for(document.body)
        source = Source(document, title, body, render(body, title=title), sha256)
        with transaction() as session:
            post = _make(session, source, by) if post_id is None else _change(session, post_id, source, by)
            number = post.id
    except BlogError as error:
        return Outcome(path, "refused", str(error))
    except IntegrityError:
        return Outcome(path, "refused", "somebody else took its address at the same moment; run the import again")
    known[document.name] = number
    return Outcome(path, "made" if post_id is None else "changed", post_id=number)


def _imported_before() -> dict[str, int]:
    """Name of the document -> id of the post that it became."""
    name = Post.extra["snip"]["name"].as_string()
    return {row[0]: row[1] for row in db.session.execute(select(name, Post.id).where(name.is_not(None)))}


def _is_unchanged(post_id: int, sha256: str) -> bool:
    query = select(Post.extra["snip"]["sha256"].as_string()).where(Post.id == post_id)
    return db.session.execute(query).scalar_one_or_none() == sha256


def _check(document: Document) -> None:
    """
    Raises:
        BadSnip: it would come out as a post that makes no sense.
    """
    if not document.draft:
        if not document.body:
            raise BadSnip("there is nothing to read in it")
        if document.created_at is None:
            raise BadSnip("it is published but has no `:created_at:`")
    for key, at in (("created_at", document.created_at), ("updated_at", document.updated_at)):
        if at is not None and at > now() + LEEWAY:
            raise BadSnip(f"`:{key}:` lies in the future: {at:%Y-%m-%d}")


def _make(session: Session, source: Source, by: int | None) -> Post:
    document = source.document
    lock_names(session)
    author = _author(session, document, by)
    created_at = _past(document.created_at)
    post = Post(author_id=author.id, created_at=created_at, state="draft", version=1)
    _fill(session, post, source)
    post.slug = document.name if SLUG.fullmatch(document.name) else suggest_slug(document.name)
    make_room(session, post.slug)
    session.add(post)
    session.flush()
    claim_slug(session, post.slug, f"post:{post.id}")
    if not document.draft:
        _publish(post, created_at)
    return _keep(session, post, source, by, "made")


def _change(session: Session, post_id: int, source: Source, by: int | None) -> Post:
    document = source.document
    post = session.get(Post, post_id, with_for_update={"of": Post}, populate_existing=True)
    if post is None or post.deleted_at is not None:
        raise BadSnip("its post was deleted here; restore the post first")
    if _text_sha256(post.title, post.body) != post.extra["snip"]["text_sha256"]:
        raise BadSnip("it has changed, but so has its post, here; put the two texts together by hand")
    if document.draft and post.state == "published":
        raise BadSnip("it says that it is a draft, but its post is public; withdraw the post first")
    lock_names(session)
    post.author_id = _author(session, document, by).id
    _fill(session, post, source)
    if not document.draft and post.first_published_at is None:
        _publish(post, _past(document.created_at))
    return _keep(session, post, source, by, "changed")


def _fill(session: Session, post: Post, source: Source) -> None:
    """Put into the post what the document says.

    Raises:
        WeekTaken: another post covers one of its weeks.
    """
    document = source.document
    post.kind, post.title, post.body = document.kind, source.title, source.body
    post.week_from, post.week_to = (document.weeks.first, document.weeks.last) if document.weeks else (None, None)
    post.updated_at = max(post.created_at, _past(document.updated_at or post.created_at))
    post.extra = {
        "snip": {
            "name": document.name,
            "sha256": source.sha256,
            "text_sha256": _text_sha256(post.title, post.body),
            "meta": [list(pair) for pair in document.meta],
        }
    }
    with session.no_autoflush:
        check_weeks(session, post)


def _keep(session: Session, post: Post, source: Source, by: int | None, result: str) -> Post:
    """What follows from the text: its HTML, a revision, the audit entry, and that readers see it."""
    link_files(session, post.id, show_rendered(session, post, source.rendered))
    keep_revision(session, post, post.author_id, post.updated_at, fresh=True)
    record(session, "post.import", f"post:{post.id}", by=by, name=source.document.name, result=result)
    if post.state == "published":
        bump_version(session)
    return post


def _publish(post: Post, at: datetime) -> None:
    """Public since `at`, but not published here: no digest, and nobody is told."""
    post.state = "published"
    post.published_at = post.first_published_at = at
    post.published_here = False


def _author(session: Session, document: Document, by: int | None) -> Member:
    """Who wrote it. Those who signed a link in it are made known too, so that their names lead somewhere."""
    for signer in sorted(document.signers):
        _find_or_make_member(session, signer)
    if document.author:
        return _find_or_make_member(session, suggest_slug(document.author))
    admins = select(Member).where(Member.role == "admin", Member.active).order_by(Member.id).limit(1)
    stand_in = session.get(Member, by) if by is not None else session.execute(admins).scalar_one_or_none()
    if stand_in is None:
        raise BadSnip("it names no `:author:`, and there is no admin to stand in")
    return stand_in


def _find_or_make_member(session: Session, slug: str) -> Member:
    """The member of that slug, or who had it before; an unknown one is made, inactive: a name that cannot log in."""
    moved = select(Redirect.target).where(Redirect.path == slug).scalar_subquery()
    found = session.execute(select(Member).where((Member.slug == slug) | (Member.slug == moved))).scalars().first()
    if found is not None:
        return found
    member = Member(slug=slug, name=humanise(slug), role="author", active=False)
    session.add(member)
    session.flush()
    claim_slug(session, slug, f"member:{member.id}")
    bump_version(session)
    return member


def _past(at: datetime | None) -> datetime:
    return min(at, now()) if at else now()


def _text_sha256(title: str, body: str) -> str:
    return hashlib.sha256(f"{title}\0{body}".encode()).hexdigest()
