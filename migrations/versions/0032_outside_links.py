"""What is known of the addresses outside that texts link to."""

import sqlalchemy as sa
from alembic import op

revision = "0032_outside_links"
down_revision = "0031_notes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outside_links",
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("moved_to", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_outside_links")),
    )
    op.create_index(op.f("ix_outside_links_due_at"), "outside_links", ["due_at"])
    op.create_index(op.f("ix_outside_links_asked_at"), "outside_links", ["asked_at"])


def downgrade() -> None:
    op.drop_table("outside_links")
