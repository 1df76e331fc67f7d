"""Renaming a tag, and making two tags one."""

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.db import bump_version, db, transaction
from blogapp.core.errors import Invalid, NotFound
from blogapp.posts.searching import SLICE, index_again
from blogapp.posts.tags import Tag, lock_tags, names_typed, post_tags, tag_slug


def rename_tag(slug: str, name: str, by: int) -> Tag:
    """Give a tag another name; where a tag has that name already the two become one. Its old address leads there.

    Where it was cut off before the search knew all posts by the new name, the same once more finishes that.

    Raises:
        NotAllowed: `by` may not manage tags.
        NotFound: there is no such tag.
        Invalid: the name is none.
    """
    names = names_typed(name)
    if len(names) != 1:
        message = "Give one name, without a comma."
        raise Invalid(message, {"name": message, "tags": message})
    target = _in_one_act(slug, names[0], by)
    _index_posts(target.id)
    return target


def _index_posts(tag_id: int) -> None:
    """Have the search know the tag's posts by its new name, a few a transaction: there may be thousands."""
    of_tag = select(post_tags.c.post_id).where(post_tags.c.tag_id == tag_id, post_tags.c.published_at.is_not(None))
    numbers = db.session.execute(of_tag.order_by(post_tags.c.post_id)).scalars().all()
    for start in range(0, len(numbers), SLICE):
        with transaction() as session:
            for number in numbers[start : start + SLICE]:
                index_again(session, number)


def _in_one_act(slug: str, name: str, by: int) -> Tag:
    with transaction() as session:
        demand(session.get(Member, by), "tag.manage")
        wanted = tag_slug(name)
        tags = _locked(session, slug, wanted)
        tag = tags.get(slug)
        if tag is None or (tag.leads_to_id is not None and tag.leads_to_id != getattr(tags.get(wanted), "id", None)):
            raise NotFound("There is no such tag.")
        if tag.leads_to_id is not None:  # Done before, but perhaps cut off before the search knew.
            return tags[wanted]
        there = tags.get(wanted)
        target = tag if there is None else session.get_one(Tag, there.leads_to_id or there.id)
        if target is tag:
            _rename(session, tag, there, name, wanted)
        else:
            _merge(session, tag, target)
        record(session, "tag.rename", f"tag:{target.id}", by=by, before=slug, after=target.slug)
        bump_version(session)
        return target


def _locked(session: Session, slug: str, wanted: str) -> dict[str, Tag]:
    """The tags of these names, what they lead to and what leads to them, by name."""
    named = session.execute(select(Tag.id, Tag.leads_to_id).where(Tag.slug.in_([slug, wanted]))).all()
    ids = {number for row in named for number in row if number is not None}
    lock_tags(session, ids | set(session.execute(select(Tag.id).where(Tag.leads_to_id.in_(ids))).scalars()))
    rows = session.execute(select(Tag).where(Tag.id.in_(ids)).execution_options(populate_existing=True)).scalars()
    return {tag.slug: tag for tag in rows}


def _rename(session: Session, tag: Tag, there: Tag | None, name: str, wanted: str) -> None:
    before = (tag.slug, tag.name)
    if there is not None and there is not tag:  # It had that name before.
        session.delete(there)
        session.flush()
    tag.slug, tag.name = wanted, name
    if tag.slug != before[0]:
        session.flush()
        session.add(Tag(slug=before[0], name=before[1], posts=0, leads_to_id=tag.id))


def _merge(session: Session, tag: Tag, target: Tag) -> None:
    has_both = select(post_tags.c.post_id).where(post_tags.c.tag_id == target.id)
    moved = post_tags.c.tag_id == tag.id
    session.execute(delete(post_tags).where(moved, post_tags.c.post_id.in_(has_both)))
    session.execute(update(post_tags).where(moved).values(tag_id=target.id))
    shown = select(func.count()).where(post_tags.c.tag_id == target.id, post_tags.c.published_at.is_not(None))
    target.posts, tag.posts, tag.leads_to_id = session.execute(shown).scalar_one(), 0, target.id
    session.execute(update(Tag).where(Tag.leads_to_id == tag.id).values(leads_to_id=target.id))
