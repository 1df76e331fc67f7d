"""The site's reference links: `[Asset Manager][asset-manager]` without a definition leads where the label led last.

A post has rows only while readers see it: one for each label that its text uses, with its own address or the one that
was frozen into it (`posts.frozen`). What a draft or a limited post says is nowhere in here.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, ForeignKey, Index, Table, delete, exists, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from blogapp.auth.models import Member
from blogapp.core.addresses import SLUG, suggest_slug
from blogapp.core.db import Base, UTCDateTime, db
from blogapp.core.dialect.references import references_in, with_definitions
from blogapp.core.markup import Rendered
from blogapp.posts.models import Post

SLICE = 200
# More labels of one post are not kept.
MOST = 500


class GlossaryLink(Base):
    """The address that a public post's label leads to; `used_at`: when the post was published."""

    __tablename__ = "glossary_links"
    __table_args__ = (Index("ix_glossary_links_label", "label", "used_at"),)

    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True)
    label: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    used_at: Mapped[datetime] = mapped_column(UTCDateTime)


links = cast(Table, GlossaryLink.__table__)
posts = cast(Table, Post.__table__)
READ = (posts.c.id, posts.c.body, posts.c.format, posts.c.frozen, posts.c.published_at)


def labels_of(body: str, format: str, frozen: Mapping[str, str]) -> dict[str, str]:
    """Label -> address of all that a text uses and that is known without asking others: its own first, then frozen."""
    if format != "markdown":
        return {}
    found = references_in(body)
    known = found.own | {label: frozen[label] for label in found.missing if label in frozen}
    return dict(list(known.items())[:MOST])


def keep_glossary(session: Session, post: Post) -> None:
    """Note which labels a post that has an id uses, if readers see it, and else none; in the caller's transaction."""
    of_post = links.c.post_id == post.id
    present = {row.label: row for row in session.execute(select(links).where(of_post))}
    wanted = labels_of(post.body, post.format, post.frozen) if post.is_public else {}
    at = post.published_at
    gone = [label for label, row in present.items() if (wanted.get(label), at) != (row.url, row.used_at)]
    if gone:
        session.execute(delete(links).where(of_post, links.c.label.in_(gone)))
    kept = present.keys() - set(gone)
    fresh = [{"post_id": post.id, "label": label, "url": url, "used_at": at} for label, url in wanted.items()
             if label not in kept]  # fmt: skip
    if fresh:
        session.execute(links.insert(), fresh)


def fill_glossary(connection: Connection) -> None:
    """Fill the table of a database that is just being made, in the caller's transaction."""
    last = 0
    query = select(*READ).where(posts.c.state == "published", posts.c.visibility == "public").order_by(posts.c.id)
    connection.execute(delete(links))
    while rows := connection.execute(query.where(posts.c.id > last).limit(SLICE)).all():
        last = rows[-1].id
        found = [
            {"post_id": row.id, "label": label, "url": url, "used_at": row.published_at}
            for row in rows
            for label, url in labels_of(row.body, row.format, row.frozen).items()
        ]
        if found:
            connection.execute(links.insert(), found)


def resolving(post_id: int | None, body: str, *, as_it_is: bool = False) -> dict[str, str]:
    """Label -> address for what the text uses and does not define, for `render(references=…)`.

    Frozen into the post, else a member's page, else where the label led last. Asked before a transaction that writes.

    Args:
        as_it_is: only what is frozen, for a post that is not to change.
    """
    missing = references_in(body).missing
    if not missing:
        return {}
    frozen = read_frozen(post_id) if post_id is not None else {}
    found = {label: frozen[label] for label in missing if label in frozen}
    open_ones = [label for label in missing if label not in found]
    if as_it_is or not open_ones:
        return found
    return found | last_addresses(open_ones) | members_pages(open_ones)


def read_frozen(post_id: int) -> dict[str, str]:
    """Label -> address of what was frozen into the post."""
    return dict(db.session.execute(select(Post.frozen).where(Post.id == post_id)).scalar_one_or_none() or {})


def members_pages(labels: Iterable[str]) -> dict[str, str]:
    """Label -> the page of the member of that address or name (`chris roos`), where readers find one there."""
    wanted = {label: label if SLUG.fullmatch(label) else suggest_slug(label) for label in labels}
    writes = exists().where(Post.author_id == Member.id, Post.state == "published", Post.visibility == "public")
    has_page = or_(Member.bio_html != "", Member.active & Member.password_hash.is_not(None), writes)
    query = select(Member.slug).where(Member.slug.in_(set(wanted.values())), has_page)
    there = set(db.session.execute(query).scalars())
    return {label: f"/{slug}" for label, slug in wanted.items() if slug in there}


def last_addresses(labels: Iterable[str]) -> dict[str, str]:
    """Label -> the address that the post published last used it for."""
    turn = func.row_number().over(partition_by=links.c.label, order_by=(links.c.used_at.desc(), links.c.post_id.desc()))
    newest = select(links.c.label, links.c.url, turn.label("turn")).where(links.c.label.in_(list(labels))).subquery()
    rows: Any = db.session.execute(select(newest.c.label, newest.c.url).where(newest.c.turn == 1))
    return {row.label: row.url for row in rows}


def spelled_out(body: str, format: str, frozen: Mapping[str, str]) -> str:
    """The text with the definitions that only this site has at its end, for whoever takes it elsewhere."""
    return with_definitions(body, frozen) if format == "markdown" else body


def freeze(post: Post, rendered: Rendered) -> None:
    """Keep the addresses that a published post's text got from elsewhere: they stay, whatever others write later."""
    frozen = post.frozen or {}  # None until a new post is in the database.
    fresh = {label: url for label, url in rendered.resolved.items() if label not in frozen}
    if post.state == "published" and fresh:
        post.frozen = {**frozen, **fresh}
