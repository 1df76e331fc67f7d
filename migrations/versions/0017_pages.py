"""What a digest's author was told of its audience, why it is held, and indexes for what the mail pages ask.

The indexes answer, without a look at everybody: who joined or left since a moment, which batch of a sending a
subscriber is in, and how many exceptions of each state it has.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017_pages"
down_revision = "0016_pace"
branch_labels = None
depends_on = None

MOMENTS = ("confirmed_at", "unsubscribed_at")


def upgrade() -> None:
    with op.batch_alter_table("digests") as batch:
        batch.add_column(sa.Column("audience_seen", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("audience_seen_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("held_reason", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("digests") as batch:
        batch.alter_column("held_reason", existing_type=sa.String(), existing_nullable=False, server_default=None)
    op.create_index("ix_exceptions_sending_state", "exceptions", ["sending_id", "state"], unique=False)
    for name in MOMENTS:
        known = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"ix_subscribers_{name}", "subscribers", [name], unique=False, sqlite_where=known, postgresql_where=known
        )


def downgrade() -> None:
    for name in reversed(MOMENTS):
        op.drop_index(f"ix_subscribers_{name}", table_name="subscribers")
    op.drop_index("ix_exceptions_sending_state", table_name="exceptions")
    with op.batch_alter_table("digests") as batch:
        batch.drop_column("held_reason")
        batch.drop_column("audience_seen_at")
        batch.drop_column("audience_seen")
