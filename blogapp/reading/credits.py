"""Whom readers are told of beside a post's author."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select, true

from blogapp.posts.models import post_credits
from blogapp.reading.queries import Entry, asked, entries, listed, members, posts


@dataclass(frozen=True)
class Credit:
    """A member who signed something in a post."""

    name: str
    slug: str


def credited(post_ids: Sequence[int]) -> dict[int, tuple[Credit, ...]]:
    """Post -> who signed something in it beside its author, in the order of the text. One query however many they are.

    The caller knows who may see the posts.
    """
    found: dict[int, tuple[Credit, ...]] = {}
    for post_id, name, slug in asked(CREDITED, ids=list(post_ids)) if post_ids else ():
        found[post_id] = (*found.get(post_id, ()), Credit(name, slug))
    return found


def credits_of(post_id: int) -> tuple[Credit, ...]:
    """The same for one post."""
    return credited([post_id]).get(post_id, ())


CREDITED = select(post_credits.c.post_id, members.c.name, members.c.slug)
CREDITED = CREDITED.join_from(post_credits, members, members.c.id == post_credits.c.member_id)
CREDITED = CREDITED.join(posts, posts.c.id == post_credits.c.post_id).where(
    post_credits.c.post_id.in_(bindparam("ids", expanding=True)), post_credits.c.member_id != posts.c.author_id
)
CREDITED = CREDITED.order_by(post_credits.c.post_id, post_credits.c.position)


def signed_by(member_id: int, limit: int) -> list[Entry]:
    """The newest posts of others in which a member signed something."""
    return entries(asked(SIGNED, by=member_id, limit=limit))


SIGNED = listed(true()).join(post_credits, post_credits.c.post_id == posts.c.id)
SIGNED = SIGNED.where(
    post_credits.c.member_id == bindparam("by"),
    post_credits.c.published_at.is_not(None),
    posts.c.author_id != bindparam("by"),
)
SIGNED = SIGNED.order_by(post_credits.c.published_at.desc(), post_credits.c.post_id.desc()).limit(bindparam("limit"))
