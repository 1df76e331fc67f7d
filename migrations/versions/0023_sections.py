"""Sections that members add to drafts, and whom a post credits beside its author: found in what posts show by now."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from blogapp.auth.models import initials
from blogapp.posts.signatures import signatures_in

revision = "0023_sections"
down_revision = "0021_glossary"
branch_labels = None
depends_on = None

AT_ONCE = 500


def upgrade() -> None:
    op.create_table(
        "sections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("woven_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_sections_post_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_sections_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sections")),
    )
    op.create_index("ix_sections_post", "sections", ["post_id", "position"], unique=False)
    op.create_table(
        "post_credits",
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_post_credits_post_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_post_credits_member_id")),
        sa.PrimaryKeyConstraint("post_id", "member_id", name=op.f("pk_post_credits")),
    )
    listing = ["member_id", "published_at", "post_id"]
    op.create_index("ix_post_credits_listing", "post_credits", listing, unique=False)
    _fill()


def _fill() -> None:
    """A slice of the posts in memory at a time. Which host is ours is not known: whole addresses are outside."""
    posts = sa.table("posts", *map(sa.column, ("id", "kind", "html", "visibility")), _at())
    credits = sa.table("post_credits", *map(sa.column, ("post_id", "member_id", "position")), _at())
    bind, last = op.get_bind(), 0
    known = _members(bind)
    query = sa.select(posts).where(posts.c.kind != "page").order_by(posts.c.id).limit(AT_ONCE)
    while rows := bind.execute(query.where(posts.c.id > last)).all():
        last = rows[-1].id
        found = []
        for row in rows:
            signed = (known[one.slug][0] for one in signatures_in(row.html, "")
                      if one.slug in known and (one.plainly or one.words == known[one.slug][1]))  # fmt: skip
            for position, number in enumerate(dict.fromkeys(signed), 1):
                of_post = {"post_id": row.id, "published_at": row.published_at if row.visibility == "public" else None}
                found.append({**of_post, "member_id": number, "position": position})
        if found:
            bind.execute(credits.insert(), found)


def _at() -> sa.ColumnClause[Any]:
    return sa.column("published_at", sa.DateTime(timezone=True))


def _members(bind: sa.Connection) -> dict[str, Any]:
    """Slug, former ones too -> (id, initials)."""
    members = sa.table("members", *map(sa.column, ("id", "name", "slug")))
    redirects = sa.table("redirects", sa.column("path"), sa.column("target"))
    found = {row.slug: (row.id, initials(row.name)) for row in bind.execute(sa.select(members))}
    moved = bind.execute(sa.select(redirects).where(redirects.c.target.is_not(None))).all()
    return {row.path: found[row.target] for row in moved if row.target in found} | found


def downgrade() -> None:
    op.drop_table("post_credits")
    op.drop_table("sections")
