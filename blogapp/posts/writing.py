"""Writing posts: begin, save, go back to an older revision. Each function is one transaction.

Saving a published post is live at once. Publishing itself is `digest/publishing.py`, because mail may follow it.
"""

from collections.abc import Iterable
from enum import Enum

from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.addresses import claim_slug
from blogapp.core.clock import now
from blogapp.core.db import bump_version, db, transaction
from blogapp.core.errors import Conflict, Invalid
from blogapp.core.markup import Rendered, render, without_title
from blogapp.posts.circles import Circle
from blogapp.posts.corrections import correct
from blogapp.posts.finding import keep_findable
from blogapp.posts.glossary import resolving
from blogapp.posts.hub import announce
from blogapp.posts.limiting import set_circle
from blogapp.posts.models import Post
from blogapp.posts.naming import (
    automatic_slug,
    check_kind,
    check_weeks,
    free_slug,
    lock_names,
    make_room,
    move_to,
    text_for,
    title_for,
    weeks_for,
)
from blogapp.posts.queries import find_post, read_format, read_revision
from blogapp.posts.rendering import link_files, show_rendered
from blogapp.posts.revisions import keep_revision
from blogapp.posts.sections import again, check_text, text_of
from blogapp.posts.tags import set_tags
from blogapp.posts.weeks import Weeks


class Keep(Enum):
    """Leave it as it is."""

    KEEP = "keep"


KEEP = Keep.KEEP


def create_post(
    kind: str,
    title: str,
    body: str,
    by: int,
    *,
    weeks: Weeks | None = None,
    slug: str | None = None,
    author_id: int | None = None,
) -> Post:
    """Begin a post as a draft.

    Args:
        title: may be empty where the post is about weeks: it is called after them.
        slug: its address; None makes one from the weeks or the title.
        author_id: whose post it is, if not `by`'s.

    Raises:
        NotAllowed: `by` may not write, or not in somebody else's name.
        Invalid: something is missing or wrong (`fields` says what), or the weeks are covered (`WeekTaken`).
    """
    check_kind(kind)
    weeks = weeks_for(kind, weeks)
    title, body = title_for(title, weeks), text_for(body)
    rendered = render(body, title=title, references=resolving(None, body))
    with transaction() as session:
        author = demand(session.get(Member, by), "post.write")
        if author_id not in (None, by):
            author = _credited(session, author, author_id)
        return begin_post(session, author.id, kind, title, body, rendered, by, weeks=weeks, slug=slug)


def begin_post(
    session: Session,
    author_id: int,
    kind: str,
    title: str,
    body: str,
    rendered: Rendered,
    by: int | None,
    *,
    weeks: Weeks | None = None,
    slug: str | None = None,
) -> Post:
    """The same in the caller's transaction, which has checked all but weeks and address.

    Args:
        by: None is the program itself.

    Raises:
        Invalid: the weeks are covered (`WeekTaken`), or the address is taken.
    """
    at = now()
    post = Post(author_id=author_id, kind=kind, title=title, body=body, created_at=at, updated_at=at, version=1)
    _cover(post, weeks)
    _settle(session, post, rendered, slug)
    keep_revision(session, post, by, at)
    record(session, "post.create", f"post:{post.id}", by=by, kind=kind)
    return post


def _settle(session: Session, post: Post, rendered: Rendered, slug: str | None) -> None:
    """Give a new post its address, its HTML and its id."""
    lock_names(session)
    check_weeks(session, post)
    post.slug = slug or free_slug(session, automatic_slug(post.kind, post.weeks, post.title), "")
    make_room(session, post.slug)
    files = show_rendered(session, post, rendered)
    session.add(post)
    session.flush()
    claim_slug(session, post.slug, f"post:{post.id}")
    link_files(session, post.id, files)


@again
def save_post(
    post_id: int,
    version: int,
    by: int,
    *,
    title: str,
    body: str,
    slug: str | None = None,
    weeks: Weeks | Keep | None = KEEP,
    kind: str | None = None,
    author_id: int | None = None,
    overwrites: bool = False,
    in_menu: bool | None = None,
    tags: Iterable[str] | None = None,
    correction: str | None = None,
    readers: Circle | None = None,
) -> Post:
    """Save what somebody typed. A published post is live with it at once.

    Args:
        version: of the post as the person who types saw it.
        slug, kind, author_id, in_menu, tags: None leaves them as they are; the address of what was never public follows
            its title.
        correction: what was wrong in a published post, in a sentence or ""; None where this is no correction.
        overwrites: the person has seen what somebody else saved meanwhile: that stays a revision of its own.
        readers: who may read it; None leaves that as it is.

    Raises:
        NotFound: there is no such post.
        NotAllowed: `by` may not edit it, or not make somebody else its author.
        Conflict: it was saved since.
        Invalid: something is missing or wrong (`fields` says what), or the weeks are covered (`WeekTaken`).
    """
    body = text_for(body)
    text = text_of(db.session(), post_id, body)
    # Before the transaction: others may write meanwhile.
    rendered = render(text, format=read_format(post_id), references=resolving(post_id, text))
    # One flush, at the end: each raises the version by one.
    with transaction() as session, session.no_autoflush:
        post, member = _open(session, post_id, version, by)
        before = _content(post)
        if author_id not in (None, post.author_id):
            post.author_id = _credited(session, member, author_id).id
        _rename(session, post, title, kind, weeks, slug)
        post.in_menu = post.in_menu if in_menu is None else in_menu
        post.body = body
        tagged = tags is not None and set_tags(session, post, tags)
        limited = readers is not None and set_circle(session, post, readers, by)
        if correction is not None:
            correct(session, post, correction, by, now())
        if _content(post) == before and not tagged and not limited and correction is None:
            return post
        check_text(session, post.id, body, text)
        _store(session, post, rendered, by, fresh=overwrites)
        if correction is not None:
            announce(session, post)
        return post


@again
def restore_revision(post_id: int, version: int, number: int, by: int) -> Post:
    """Let the post say again what it said in revision `number`; what it says now stays a revision.

    Raises:
        NotFound, NotAllowed, Conflict: as for `save_post`.
    """
    body = read_revision(db.session(), post_id, number).body
    text = text_of(db.session(), post_id, body)
    rendered = render(text, format=read_format(post_id), references=resolving(post_id, text))
    with transaction() as session, session.no_autoflush:
        post, _ = _open(session, post_id, version, by)
        revision = read_revision(session, post_id, number)
        if revision.body != body:
            raise Conflict("Somebody saved this post at the same moment. Nothing was changed; look again.")
        if (revision.title, revision.body) == (post.title, post.body):
            return post
        post.title, post.body = revision.title, revision.body
        check_text(session, post.id, body, text)
        _store(session, post, rendered, by, fresh=True, restored=number)
        return post


def _open(session: Session, post_id: int, version: int, by: int) -> tuple[Post, Member]:
    """The post as `by` saw it, and `by`, who may edit it."""
    post = find_post(session, post_id, by=by)
    public = post.state == "published"
    member = demand(session.get(Member, by), "post.edit", owner_id=post.author_id, public=public)
    post.check_version(version)
    return post, member


def _store(session: Session, post: Post, rendered: Rendered, by: int, *, fresh: bool, **detail: int) -> None:
    """Keep the HTML and the revision, note who did it; readers see it from the commit on."""
    if post.state == "published" and not post.body.strip():
        message = "A published post cannot be empty. Withdraw it first, or leave some text."
        raise Invalid(message, {"body": message})
    at = now()
    link_files(session, post.id, show_rendered(session, post, without_title(rendered, post.title)))
    post.updated_at = at
    revision = keep_revision(session, post, by, at, fresh=fresh)
    record(session, "post.save", f"post:{post.id}", by=by, revision=revision.number, **detail)
    if post.state == "published":
        bump_version(session)
    keep_findable(session, post)


def _rename(
    session: Session, post: Post, title: str, kind: str | None, weeks: Weeks | Keep | None, slug: str | None
) -> None:
    """Give the post its kind, weeks, title and address."""
    followed = has_automatic_slug(post)
    if kind is not None:
        check_kind(kind)
    wanted_weeks = post.weeks if weeks is KEEP else weeks
    assert not isinstance(wanted_weeks, Keep)
    now_weeks = weeks_for(kind or post.kind, wanted_weeks)
    if (kind or post.kind, now_weeks) != (post.kind, post.weeks):
        lock_names(session)
        post.kind = kind or post.kind
        _cover(post, now_weeks)
        check_weeks(session, post)
    post.title = title_for(title, now_weeks)
    if slug is not None and slug != post.slug:
        lock_names(session)
        move_to(session, post, slug)
    elif slug is None and followed and not _was_read(post) and not has_automatic_slug(post):
        lock_names(session)
        automatic = automatic_slug(post.kind, now_weeks, post.title)
        move_to(session, post, free_slug(session, automatic, f"post:{post.id}"))


def _was_read(post: Post) -> bool:
    """Whether somebody may have kept its address."""
    return post.first_published_at is not None or post.state == "published"


def has_automatic_slug(post: Post) -> bool:
    """Whether nobody chose the address by hand."""
    automatic = automatic_slug(post.kind, post.weeks, post.title)
    tail = post.slug.removeprefix(automatic)
    return post.slug.startswith(automatic) and (not tail or (tail[0] == "-" and tail[1:].isdigit()))


def _cover(post: Post, weeks: Weeks | None) -> None:
    post.week_from, post.week_to = (weeks.first, weeks.last) if weeks else (None, None)


def _content(post: Post) -> tuple[object, ...]:
    return post.title, post.body, post.kind, post.weeks, post.slug, post.author_id, post.in_menu


def _credited(session: Session, by: Member, author_id: int | None) -> Member:
    """The member whose post it is to be.

    Raises:
        NotAllowed: `by` may not write in anybody else's name.
        Invalid: there is no such member.
    """
    demand(by, "post.credit")
    author = session.get(Member, author_id)
    if author is None:
        raise Invalid("There is no such member.", {"author": "There is no such member."})
    return author
