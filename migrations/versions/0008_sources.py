"""Where imported posts came from, byte for byte; posts written in HTML; texts kept beside a post; the menu."""

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008_sources"
down_revision = "0007_digests"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sources",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=True),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("beside_sha256", sa.String(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("post_id IS NULL OR member_id IS NULL", name=op.f("ck_sources_one_owner")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_sources_member_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_sources_post_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
        sa.UniqueConstraint("origin", "name", name=op.f("uq_sources_origin_name")),
    )
    op.create_index(op.f("ix_sources_post_id"), "sources", ["post_id"], unique=False)
    op.create_index(op.f("ix_sources_member_id"), "sources", ["member_id"], unique=False)
    op.create_index(op.f("ix_sources_sha256"), "sources", ["sha256"], unique=False)
    with op.batch_alter_table("posts") as batch:
        batch.add_column(sa.Column("format", sa.String(), server_default="markdown", nullable=False))
        batch.add_column(sa.Column("in_menu", sa.Boolean(), server_default=sa.true(), nullable=False))
        batch.create_check_constraint(op.f("ck_posts_format"), "format IN ('markdown', 'html')")
    with op.batch_alter_table("revisions") as batch:
        batch.add_column(sa.Column("beside", sa.Boolean(), server_default=sa.false(), nullable=False))
    _move_marks()


def downgrade() -> None:
    with op.batch_alter_table("revisions") as batch:
        batch.drop_column("beside")
    with op.batch_alter_table("posts") as batch:
        batch.drop_constraint(op.f("ck_posts_format"), type_="check")
        batch.drop_column("in_menu")
        batch.drop_column("format")
    op.drop_index(op.f("ix_sources_sha256"), table_name="sources")
    op.drop_index(op.f("ix_sources_member_id"), table_name="sources")
    op.drop_index(op.f("ix_sources_post_id"), table_name="sources")
    op.drop_table("sources")


def _move_marks() -> None:
    """What an import noted in `posts.extra` becomes a source; its bytes come with the next import."""
    posts = sa.table(
        "posts",
        *[sa.column(name) for name in ("id", "title", "body")],
        sa.column("created_at", sa.DateTime(timezone=True)),
        sa.column("extra", sa.JSON()),
    )
    revisions = sa.table("revisions", *[sa.column(name) for name in ("post_id", "title", "body")])
    sources = sa.table(
        "sources",
        *[sa.column(name) for name in ("origin", "name", "path", "post_id", "sha256", "title", "body")],
        sa.column("imported_at", sa.DateTime(timezone=True)),
        sa.column("facts", sa.JSON()),
    )
    bind = op.get_bind()
    for post in bind.execute(sa.select(posts).where(sa.cast(posts.c.extra, sa.String).like('%"snip"%'))).all():
        extra = post.extra if isinstance(post.extra, dict) else json.loads(post.extra or "{}")
        mark: dict[str, Any] | None = extra.get("snip")
        if not mark:
            continue
        said = bind.execute(sa.select(revisions.c.title, revisions.c.body).where(revisions.c.post_id == post.id)).all()
        texts = [(row.title, row.body) for row in said] + [(post.title, post.body)]
        title, body = next((text for text in texts if _fingerprint(*text) == mark.get("text_sha256")), texts[-1])
        bind.execute(
            sources.insert().values(
                origin="snips",
                name=mark["name"],
                path="",
                post_id=post.id,
                sha256=mark["sha256"],
                title=title,
                body=body,
                imported_at=post.created_at,
                facts={},
            )
        )


def _fingerprint(title: str, body: str) -> str:
    return hashlib.sha256(f"{title}\0{body}".encode()).hexdigest()
