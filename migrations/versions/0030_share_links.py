"""Links that show a draft to whoever has them."""

import sqlalchemy as sa
from alembic import op

revision = "0030_share_links"
down_revision = "0029_schedules"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "share_links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_share_links_member_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_share_links_post_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_links")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_share_links_post_id"), "share_links", ["post_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_share_links_post_id"), table_name="share_links")
    op.drop_table("share_links")
