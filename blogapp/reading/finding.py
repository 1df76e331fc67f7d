"""What leads from one post to others: tags, shared links, mentions; and what was corrected in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import Select, Table, bindparam, func, select, tuple_

from blogapp.posts.corrections import Correction
from blogapp.posts.links import Link, post_links
from blogapp.posts.tags import Tag, post_tags
from blogapp.reading.queries import (
    HERE,
    PUBLIC,
    WHOLE,
    Entry,
    Whole,
    asked,
    entries,
    listed,
    members,
    newest_first,
    posts,
)

RELATED = 4
MENTIONS = 6
# A link that more posts than this have says nothing about any two of them.
COMMON = 40
# The rarest links of a post decide; a list of two hundred is not looked through.
COMPARED = 24
links = cast(Table, Link.__table__)
tags = cast(Table, Tag.__table__)


@dataclass(frozen=True)
class Topic:
    """A tag as readers see it; `posts`: how many public posts have it."""

    id: int
    slug: str
    name: str
    posts: int


def topics() -> list[Topic]:
    """All tags with a public post, by name."""
    return _by_name(asked(TOPICS))


def _by_name(rows: Iterable[Any]) -> list[Topic]:
    return sorted((Topic(*row) for row in rows), key=lambda topic: (topic.name.casefold(), topic.slug))


def topic_at(slug: str) -> Topic | None:
    """The tag of that address, or the one that it has become; None where no public post has it."""
    row = asked(TOPIC_AT, slug=slug).one_or_none()
    return None if row is None else Topic(*row)


def topics_of(post_id: int) -> list[Topic]:
    """The tags of a post, by name; of those that are a draft's only, `posts` is 0."""
    return _by_name(asked(TOPICS_OF, number=post_id))


TOPIC = (tags.c.id, tags.c.slug, tags.c.name, tags.c.posts)
TOPICS = select(*TOPIC).where(tags.c.posts > 0)
TOPICS_OF = select(*TOPIC).join(post_tags, post_tags.c.tag_id == tags.c.id)
TOPICS_OF = TOPICS_OF.where(post_tags.c.post_id == bindparam("number"))
was = tags.alias("was")
TOPIC_AT = TOPICS.join(was, tags.c.id == func.coalesce(was.c.leads_to_id, was.c.id))
TOPIC_AT = TOPIC_AT.where(was.c.slug == bindparam("slug"))


def tagged(tag_id: int, limit: int, *, before: int | None = None) -> list[Entry] | None:
    """A tag's posts, the newest first. None: there is no such place in the list."""
    if before is None:
        return entries(asked(TAGGED, tag=tag_id, limit=limit))
    stamp = asked(TAGGED_AT, tag=tag_id, number=before).scalar_one_or_none()
    if stamp is None:
        return None
    return entries(asked(TAGGED_ON, tag=tag_id, limit=limit, at=stamp, number=before))


def _of_tag(query: Select[Any]) -> Select[Any]:
    """The newest posts of a tag first."""
    query = query.join(post_tags, post_tags.c.post_id == posts.c.id).where(post_tags.c.tag_id == bindparam("tag"))
    query = query.where(post_tags.c.published_at.is_not(None))
    return query.order_by(post_tags.c.published_at.desc(), post_tags.c.post_id.desc()).limit(bindparam("limit"))


TAGGED = _of_tag(listed())
TAGGED_AT = select(post_tags.c.published_at)
TAGGED_AT = TAGGED_AT.where(post_tags.c.post_id == bindparam("number"), post_tags.c.tag_id == bindparam("tag"))
TAGGED_ON = TAGGED.where(tuple_(post_tags.c.published_at, post_tags.c.post_id) < HERE)
FED = _of_tag(select(*WHOLE).join_from(posts, members, members.c.id == posts.c.author_id))
FED = FED.where(PUBLIC, posts.c.kind != "page")


def newest_tagged(tag_id: int, limit: int) -> list[Whole]:
    """A tag's newest posts with their text, for feeds."""
    return [Whole(*row) for row in asked(FED, tag=tag_id, limit=limit)]


def latest_of_topics() -> list[tuple[str, datetime]]:
    """(slug, when a post with it was last published) of all tags with a public post."""
    return [(row[0], row[1]) for row in asked(LATEST) if row[1] is not None]


NEWEST = select(post_tags.c.published_at).where(post_tags.c.tag_id == tags.c.id, post_tags.c.published_at.is_not(None))
NEWEST = NEWEST.order_by(post_tags.c.published_at.desc()).limit(1)
LATEST = select(tags.c.slug, NEWEST.scalar_subquery()).where(tags.c.posts > 0).order_by(tags.c.slug)


def related(post_id: int, limit: int = RELATED) -> list[Entry]:
    """The posts that share the most links with a public one; a link that few posts have counts more."""
    return entries(asked(_related(), number=post_id, limit=limit))


@cache
def _related() -> Select[Any]:
    rare = select(post_links.c.link_id, links.c.posts).join(links, links.c.id == post_links.c.link_id)
    rare = rare.where(post_links.c.post_id == bindparam("number"), links.c.posts >= 2, links.c.posts <= COMMON)
    shared = rare.order_by(links.c.posts, post_links.c.link_id).limit(COMPARED).subquery()
    score = func.sum(1.0 / (shared.c.posts - 1)).label("score")
    others = select(post_links.c.post_id, score).join(shared, shared.c.link_id == post_links.c.link_id)
    others = others.where(post_links.c.post_id != bindparam("number")).group_by(post_links.c.post_id)
    best = others.order_by(score.desc(), post_links.c.post_id.desc()).limit(bindparam("limit")).subquery()
    query = listed().join(best, best.c.post_id == posts.c.id)
    return query.order_by(best.c.score.desc(), posts.c.id.desc())


def mentions(post_id: int) -> list[Entry]:
    """The posts that link to a public one, the latest written first."""
    return entries(asked(_mentions(), number=post_id))


@cache
def _mentions() -> Select[Any]:
    own = select(post_links.c.link_id).where(post_links.c.post_id == bindparam("number"), post_links.c.own)
    linking = select(post_links.c.post_id).where(post_links.c.link_id.in_(own), ~post_links.c.own)
    linking = linking.where(post_links.c.post_id != bindparam("number")).distinct()
    newest = linking.order_by(post_links.c.post_id.desc()).limit(MENTIONS).subquery()
    return newest_first(listed().join(newest, newest.c.post_id == posts.c.id))


def corrections_of(post_id: int) -> list[tuple[datetime, str]]:
    """(when, what was wrong or "") of a post's corrections, the first one first."""
    return [(row.at, row.note) for row in asked(CORRECTIONS, number=post_id)]


corrections = cast(Table, Correction.__table__)
CORRECTIONS = select(corrections.c.at, corrections.c.note).where(corrections.c.post_id == bindparam("number"))
CORRECTIONS = CORRECTIONS.order_by(corrections.c.at, corrections.c.id)
