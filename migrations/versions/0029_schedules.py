"""When a draft is to be published by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0029_schedules"
down_revision = "0028_rota"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "schedules",
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("publish_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("with_digest", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.String(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_schedules_member_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_schedules_post_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("post_id", name=op.f("pk_schedules")),
    )
    op.create_index(op.f("ix_schedules_publish_at"), "schedules", ["publish_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_schedules_publish_at"), table_name="schedules")
    op.drop_table("schedules")
