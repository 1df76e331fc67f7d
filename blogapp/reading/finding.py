"""What leads from one post to others: tags, shared links, mentions; and what was corrected in it."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Table, func, select, tuple_
from sqlalchemy.orm import aliased

from blogapp.core.db import db
from blogapp.posts.corrections import Correction
from blogapp.posts.links import Link, post_links
from blogapp.posts.tags import Tag, post_tags
from blogapp.reading.queries import PUBLIC, WHOLE, Entry, Whole, entries, listed, members, posts

RELATED = 4
MENTIONS = 6
# A link that more posts than this have says nothing about any two of them.
COMMON = 40
# The rarest links of a post decide; a list of two hundred is not looked through.
COMPARED = 24
links = cast(Table, Link.__table__)


@dataclass(frozen=True)
class Topic:
    """A tag as readers see it; `posts`: how many public posts have it."""

    id: int
    slug: str
    name: str
    posts: int


def topics() -> list[Topic]:
    """All tags with a public post, by name."""
    rows = db.session.execute(select(Tag.id, Tag.slug, Tag.name, Tag.posts).where(Tag.posts > 0))
    return sorted((Topic(*row) for row in rows), key=lambda topic: (topic.name.casefold(), topic.slug))


def topic_at(slug: str) -> Topic | None:
    """The tag of that address, or the one that it has become; None where no public post has it."""
    target = aliased(Tag)
    query = select(target.id, target.slug, target.name, target.posts)
    query = query.join_from(Tag, target, target.id == func.coalesce(Tag.leads_to_id, Tag.id))
    row = db.session.execute(query.where(Tag.slug == slug, target.posts > 0)).one_or_none()
    return None if row is None else Topic(*row)


def topics_of(post_id: int) -> list[Topic]:
    """The tags of a post, by name; of those that are a draft's only, `posts` is 0."""
    query = select(Tag.id, Tag.slug, Tag.name, Tag.posts).join(post_tags, post_tags.c.tag_id == Tag.id)
    rows = db.session.execute(query.where(post_tags.c.post_id == post_id))
    return sorted((Topic(*row) for row in rows), key=lambda topic: (topic.name.casefold(), topic.slug))


def tagged(tag_id: int, limit: int, *, before: int | None = None) -> list[Entry] | None:
    """A tag's posts, the newest first. None: there is no such place in the list."""
    query = listed().join(post_tags, post_tags.c.post_id == posts.c.id)
    query = query.where(post_tags.c.tag_id == tag_id, post_tags.c.published_at.is_not(None))
    if before is not None:
        of_place = (post_tags.c.post_id == before, post_tags.c.tag_id == tag_id)
        stamp = db.session.execute(select(post_tags.c.published_at).where(*of_place)).scalar_one_or_none()
        if stamp is None:
            return None
        query = query.where(tuple_(post_tags.c.published_at, post_tags.c.post_id) < tuple_(stamp, before))
    ordered = query.order_by(post_tags.c.published_at.desc(), post_tags.c.post_id.desc())
    return entries(db.session.execute(ordered.limit(limit)))


def newest_tagged(tag_id: int, limit: int) -> list[Whole]:
    """A tag's newest posts with their text, for feeds."""
    query = select(*WHOLE).join_from(posts, members, members.c.id == posts.c.author_id)
    query = query.join(post_tags, post_tags.c.post_id == posts.c.id).where(PUBLIC, post_tags.c.tag_id == tag_id)
    query = query.where(post_tags.c.published_at.is_not(None), posts.c.kind != "page")
    ordered = query.order_by(post_tags.c.published_at.desc(), post_tags.c.post_id.desc())
    return [Whole(**row._mapping) for row in db.session.execute(ordered.limit(limit))]


def latest_of_topics() -> list[tuple[str, datetime]]:
    """(slug, when a post with it was last published) of all tags with a public post."""
    latest = select(post_tags.c.published_at).where(post_tags.c.tag_id == Tag.id, post_tags.c.published_at.is_not(None))
    latest = latest.order_by(post_tags.c.published_at.desc()).limit(1)
    rows = db.session.execute(select(Tag.slug, latest.scalar_subquery()).where(Tag.posts > 0).order_by(Tag.slug))
    return [(row[0], row[1]) for row in rows if row[1] is not None]


def related(post_id: int, limit: int = RELATED) -> list[Entry]:
    """The posts that share the most links with a public one; a link that few posts have counts more."""
    rare = select(post_links.c.link_id, links.c.posts).join(links, links.c.id == post_links.c.link_id)
    rare = rare.where(post_links.c.post_id == post_id, links.c.posts >= 2, links.c.posts <= COMMON)
    shared = rare.order_by(links.c.posts, post_links.c.link_id).limit(COMPARED).subquery()
    score = func.sum(1.0 / (shared.c.posts - 1)).label("score")
    others = select(post_links.c.post_id, score).join(shared, shared.c.link_id == post_links.c.link_id)
    others = others.where(post_links.c.post_id != post_id).group_by(post_links.c.post_id)
    best = others.order_by(score.desc(), post_links.c.post_id.desc()).limit(limit).subquery()
    query = listed().join(best, best.c.post_id == posts.c.id)
    return entries(db.session.execute(query.order_by(best.c.score.desc(), posts.c.id.desc())))


def mentions(post_id: int) -> list[Entry]:
    """The posts that link to a public one, the latest written first."""
    own = select(post_links.c.link_id).where(post_links.c.post_id == post_id, post_links.c.own)
    linking = select(post_links.c.post_id).where(post_links.c.link_id.in_(own), ~post_links.c.own)
    linking = linking.where(post_links.c.post_id != post_id).distinct()
    newest = linking.order_by(post_links.c.post_id.desc()).limit(MENTIONS).subquery()
    query = listed().join(newest, newest.c.post_id == posts.c.id)
    return entries(db.session.execute(query.order_by(posts.c.published_at.desc(), posts.c.id.desc())))


def corrections_of(post_id: int) -> list[tuple[datetime, str]]:
    """(when, what was wrong or "") of a post's corrections, the first one first."""
    query = select(Correction.at, Correction.note).where(Correction.post_id == post_id)
    return [(row.at, row.note) for row in db.session.execute(query.order_by(Correction.at, Correction.id))]
