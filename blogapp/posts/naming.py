"""What a post is called: its title, its weeks, its address."""

import re

from sqlalchemy import update
from sqlalchemy.orm import Session

from blogapp.core.addresses import MAX_LENGTH, Slug, check_slug, claim_slug, suggest_slug
from blogapp.core.db import take_turns
from blogapp.core.errors import Invalid
from blogapp.posts.models import KINDS, Post
from blogapp.posts.queries import find_overlap
from blogapp.posts.weeks import Weeks

MAX_TITLE = 200


class WeekTaken(Invalid):
    """Another post covers one of the weeks already; `post_id` and `post_title` say which."""

    def __init__(self, weeks: Weeks, post: Post) -> None:
        what = f"{weeks.title} is" if len(weeks) == 1 else f"One of {weeks.title[0].lower()}{weeks.title[1:]} is"
        message = f"{what} covered by “{post.title}” already. Open that post, or choose another week."
        super().__init__(message, {"weeks": message})
        self.post_id = post.id
        self.post_title = post.title


def check_kind(kind: str) -> None:
    """
    Raises:
        Invalid: there is no such kind of post.
    """
    if kind not in KINDS:
        message = f"A post is one of: {', '.join(KINDS)}."
        raise Invalid(message, {"kind": message})


def weeks_for(kind: str, weeks: Weeks | None) -> Weeks | None:
    """The weeks that a post of this kind is about: needed for `week`, possible for `links`, none for the others.

    Raises:
        Invalid: a week post without a week.
    """
    if kind == "week" and weeks is None:
        message = "Say which week it is about: 473, or 473-475 for several."
        raise Invalid(message, {"weeks": message})
    return weeks if kind in ("week", "links") else None


def title_for(title: str, weeks: Weeks | None) -> str:
    """The title on one line; a post about weeks is called after them where nothing else is said.

    Raises:
        Invalid: there is none, or it is too long.
    """
    title = re.sub(r"[\s\x00-\x1f\x7f]+", " ", title).strip() or (weeks.title if weeks else "")
    if not title:
        raise Invalid("Give it a title.", {"title": "Give it a title."})
    if len(title) > MAX_TITLE:
        message = f"The title is too long: {len(title)} characters, and {MAX_TITLE} is the most."
        raise Invalid(message, {"title": message})
    return title


def text_for(body: str) -> str:
    """The text with one kind of line end, and without characters that no text holds."""
    body = body.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", "", body)


def automatic_slug(kind: str, weeks: Weeks | None, title: str) -> str:
    """`week-473`, `week-473-links`, else from the title."""
    if weeks and kind == "week":
        return weeks.slug
    if weeks and kind == "links":
        return f"{weeks.slug}-links"
    return suggest_slug(title) or kind


def lock_names(session: Session) -> None:
    """Let one transaction at a time choose weeks and addresses."""
    take_turns(session)


def check_weeks(session: Session, post: Post) -> None:
    """
    Raises:
        WeekTaken: another week post covers one of its weeks.
    """
    if post.kind == "week" and post.weeks and (other := find_overlap(session, post.weeks, post.id)):
        raise WeekTaken(post.weeks, other)


def free_slug(session: Session, wanted: str, owner: str) -> str:
    """`wanted`, or the first of `wanted-2`, `wanted-3` … that nobody else has and no route begins with."""
    for number in range(1, 1000):
        tail = f"-{number}" if number > 1 else ""
        slug = wanted[: MAX_LENGTH - len(tail)].rstrip("-_.") + tail
        try:
            check_slug(slug)
        except Invalid:
            continue
        if _can_be_had(session, slug, owner):
            return slug
    raise Invalid("Choose an address for it.", {"slug": "Choose an address for it."})


def make_room(session: Session, slug: str, owner: str = "") -> None:
    """Check that `owner` (nobody yet: "") may have the address; a deleted post gives its own up to a live one.

    Raises:
        Invalid: the address is taken, reserved or malformed.
    """
    check_slug(slug)
    if not _can_be_had(session, slug, owner):
        message = f"/{slug} is taken. Choose another address."
        raise Invalid(message, {"slug": message})
    holder = _holder(session, slug)
    if holder is not None and f"post:{holder.id}" != owner:
        aside = free_slug(session, f"{slug[: MAX_LENGTH - 20]}-deleted-{holder.id}", f"post:{holder.id}")
        claim_slug(session, aside, f"post:{holder.id}")
        session.execute(update(Post).where(Post.id == holder.id).values(slug=aside))


def move_to(session: Session, post: Post, slug: str) -> None:
    """Make `slug` the address of a post that has an id; where it was once public its old one leads here.

    Raises:
        Invalid: the address is taken, reserved or malformed.
    """
    owner = f"post:{post.id}"
    make_room(session, slug, owner)
    claim_slug(session, slug, owner, moved_from=post.slug if post.first_published_at else None)
    post.slug = slug


def _holder(session: Session, slug: str) -> Post | None:
    """The post that has this address, if it is a post's."""
    held = session.get(Slug, slug)
    if held is None or not held.owner.startswith("post:"):
        return None
    return session.get(Post, int(held.owner.removeprefix("post:")))


def _can_be_had(session: Session, slug: str, owner: str) -> bool:
    held = session.get(Slug, slug)
    if held is None or held.owner == owner:
        return True
    holder = _holder(session, slug)
    return holder is not None and holder.deleted_at is not None
