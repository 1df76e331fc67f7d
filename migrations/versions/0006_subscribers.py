"""Subscribers."""

import sqlalchemy as sa
from alembic import op

revision = "0006_subscribers"
down_revision = "0005_posts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "subscribers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unsubscribed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("new_address", sa.String(), nullable=True),
        sa.Column("consent", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "state <> 'confirmed' OR confirmed_at IS NOT NULL", name=op.f("ck_subscribers_confirmed_has_date")
        ),
        sa.CheckConstraint("state IN ('pending', 'confirmed', 'unsubscribed')", name=op.f("ck_subscribers_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscribers")),
        sa.UniqueConstraint("address", name=op.f("uq_subscribers_address")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_subscribers_state_id", "subscribers", ["state", "id"], unique=False)
    paused = sa.text("paused_until IS NOT NULL")
    op.create_index(
        "ix_subscribers_paused_until",
        "subscribers",
        ["paused_until"],
        unique=False,
        sqlite_where=paused,
        postgresql_where=paused,
    )


def downgrade() -> None:
    op.drop_index("ix_subscribers_paused_until", table_name="subscribers")
    op.drop_index("ix_subscribers_state_id", table_name="subscribers")
    op.drop_table("subscribers")
