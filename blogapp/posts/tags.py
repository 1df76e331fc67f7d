"""Tags: what posts are about, in the authors' own words. Two names with the same address are one tag.

`post_tags.published_at` is the post's own, so that a tag's page is one range of an index; it is NULL where readers do
not see the post, and `tags.posts` counts only what they do.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, delete, exists, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from blogapp.core.addresses import suggest_slug
from blogapp.core.db import Base, UTCDateTime, db, insert_missing
from blogapp.core.errors import Invalid
from blogapp.posts.models import Post

LONGEST_NAME = 60
MOST = 20
SUGGESTED = 40


class Tag(Base):
    """A tag. One that was renamed or merged stays as a row that leads to the other: its address and its name go on."""

    __tablename__ = "tags"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    # How many posts that readers see have it.
    posts: Mapped[int] = mapped_column(default=0, server_default="0")
    leads_to_id: Mapped[int | None] = mapped_column(ForeignKey("tags.id"), index=True)


post_tags = Table(
    "post_tags",
    Base.metadata,
    Column("post_id", Integer, ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True),
    Column("tag_id", Integer, ForeignKey("tags.id"), primary_key=True),
    Column("published_at", UTCDateTime),
    Index("ix_post_tags_listing", "tag_id", "published_at", "post_id"),
)


def tag_slug(name: str) -> str:
    """The address of a tag of that name; "" where none can be made: `C++` -> `c-plus-plus`."""
    return suggest_slug(name.replace("+", " plus ").replace("#", " sharp "))


def tidy_names(names: Iterable[str]) -> list[str]:
    """The names that can be a tag, each once, on one line, without a comma or the `#` that other sites put before."""
    found: dict[str, str] = {}
    for given in names:
        name = " ".join(given.replace(",", " ").split()).lstrip("#")[:LONGEST_NAME].strip()
        if name.isprintable() and (slug := tag_slug(name)):
            found.setdefault(slug, name)
    return list(found.values())


def names_typed(text: str) -> list[str]:
    """The tags in a line that somebody typed, with commas in between.

    Raises:
        Invalid: a name is too long or has nothing that an address can be made of, or there are too many.
    """
    names = [" ".join(name.split()) for name in text.split(",")]
    for name in filter(None, names):
        if len(name.lstrip("#")) > LONGEST_NAME:
            raise _wrong(f"A tag has at most {LONGEST_NAME} characters: {name[:LONGEST_NAME]}…")
        if not tidy_names([name]):
            raise _wrong(f"A tag needs a letter or a figure: {name}")
    found = tidy_names(names)
    if len(found) > MOST:
        raise _wrong(f"At most {MOST} tags; these are {len(found)}.")
    return found


def _wrong(message: str) -> Invalid:
    return Invalid(message, {"tags": message})


def tags_of(post_id: int) -> list[str]:
    """The names of a post's tags, by name."""
    query = select(Tag.name).join(post_tags, post_tags.c.tag_id == Tag.id).where(post_tags.c.post_id == post_id)
    return sorted(db.session.execute(query).scalars(), key=str.lower)


def has_tags(post_id: int, names: Iterable[str]) -> bool:
    """Whether a post has just the tags of these names, or those that these have become."""
    slugs = {tag_slug(name) for name in tidy_names(names)}
    meant = select(func.coalesce(Tag.leads_to_id, Tag.id)).where(Tag.slug.in_(slugs))
    found = set(db.session.execute(meant).scalars()) if slugs else set()
    present = select(post_tags.c.tag_id).where(post_tags.c.post_id == post_id)
    return set(db.session.execute(present).scalars()) == found


def suggestions() -> list[str]:
    """The names of the tags used most, for whoever writes; none that only posts for a few members have."""
    for_all = Post.visibility != "listed"
    used = exists().where(post_tags.c.tag_id == Tag.id, Post.id == post_tags.c.post_id, for_all)
    query = select(Tag.name).where(used).order_by(Tag.posts.desc(), Tag.name).limit(SUGGESTED)
    return list(db.session.execute(query).scalars())


def set_tags(session: Session, post: Post, names: Iterable[str]) -> bool:
    """Give a post that has an id these tags and no others, in the caller's transaction. Whether that changed any."""
    named = {tag_slug(name): name for name in tidy_names(names)}
    if named:
        fresh = [{"slug": slug, "name": named[slug], "posts": 0} for slug in sorted(named)]
        insert_missing(session, Tag, "slug", fresh)
    of_post = post_tags.c.post_id == post.id
    before = session.execute(select(post_tags.c.tag_id).where(of_post)).scalars()
    lock_tags(session, {*before, *_ids(session, named)})
    wanted = _ids(session, named)  # One may have become another's meanwhile.
    present = {row.tag_id: row.published_at for row in session.execute(select(post_tags).where(of_post))}
    lost, gained = sorted(present.keys() - wanted), sorted(wanted - present.keys())
    if lost:
        session.execute(delete(post_tags).where(of_post, post_tags.c.tag_id.in_(lost)))
        _count(session, [tag for tag in lost if present[tag] is not None], -1)
    if gained:
        session.execute(post_tags.insert(), [{"post_id": post.id, "tag_id": tag} for tag in gained])
    show_tags(session, post)
    return bool(lost or gained)


def show_tags(session: Session, post: Post) -> None:
    """Let the post stand on its tags' pages if readers see it, and else not; in the caller's transaction."""
    at: datetime | None = post.published_at if post.is_public else None
    of_post = post_tags.c.post_id == post.id
    query = select(post_tags.c.tag_id, post_tags.c.published_at).where(of_post)
    rows = session.execute(query).all()
    if all(row.published_at == at for row in rows):
        return
    lock_tags(session, [row.tag_id for row in rows])
    rows = session.execute(query).all()
    session.execute(update(post_tags).where(of_post).values(published_at=at))
    changed = [row.tag_id for row in rows if (row.published_at is None) != (at is None)]
    _count(session, changed, -1 if at is None else 1)


def lock_tags(session: Session, tag_ids: Iterable[int]) -> None:
    """Keep others from these tags to the transaction's end: all at once, in their order, before any of their posts.

    So two transactions never wait for each other.
    """
    session.execute(select(Tag.id).where(Tag.id.in_(tag_ids)).order_by(Tag.id).with_for_update()).all()


def _count(session: Session, tag_ids: list[int], by: int) -> None:
    if tag_ids:
        session.execute(update(Tag).where(Tag.id.in_(tag_ids)).values(posts=Tag.posts + by))


def _ids(session: Session, slugs: Iterable[str]) -> set[int]:
    """The tags of these names; those that lead to another one stand for that."""
    query = select(func.coalesce(Tag.leads_to_id, Tag.id)).where(Tag.slug.in_(slugs))
    return set(session.execute(query).scalars())
