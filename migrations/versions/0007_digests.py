"""Digests, sendings, batches, exceptions, journal."""

import sqlalchemy as sa
from alembic import op

revision = "0007_digests"
down_revision = "0006_subscribers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sendings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_subscriber_id", sa.Integer(), nullable=False),
        sa.Column("planned_to", sa.Integer(), nullable=False),
        sa.Column("candidates", sa.Integer(), nullable=False),
        sa.Column("pause_reason", sa.String(), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pauses", sa.Integer(), nullable=False),
        sa.Column("resume_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('planning', 'sending', 'paused', 'sent')", name=op.f("ck_sendings_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sendings")),
    )
    op.create_table(
        "batches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sending_id", sa.Integer(), nullable=False),
        sa.Column("lo", sa.Integer(), nullable=False),
        sa.Column("hi", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("candidates", sa.Integer(), nullable=False),
        sa.Column("planned", sa.LargeBinary(), nullable=False),
        sa.Column("accepted", sa.LargeBinary(), nullable=True),
        sa.Column("accepted_count", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'claimed', 'done')", name=op.f("ck_batches_state")),
        sa.ForeignKeyConstraint(
            ["sending_id"], ["sendings.id"], name=op.f("fk_batches_sending_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_index("ix_batches_sending_state", "batches", ["sending_id", "state", "id"], unique=False)
    op.create_table(
        "digests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sending_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(state IN ('sending', 'sent')) = (sending_id IS NOT NULL)", name=op.f("ck_digests_sending_has_one")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'held', 'cancelled', 'withdrawn', 'sending', 'sent')", name=op.f("ck_digests_state")
        ),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_digests_post_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["sending_id"], ["sendings.id"], name=op.f("fk_digests_sending_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digests")),
        sa.UniqueConstraint("post_id", name=op.f("uq_digests_post_id")),
    )
    op.create_index(op.f("ix_digests_sending_id"), "digests", ["sending_id"], unique=False)
    op.create_index("ix_digests_state_due", "digests", ["state", "due_at"], unique=False)
    op.create_table(
        "exceptions",
        sa.Column("sending_id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reply", sa.String(), nullable=False),
        sa.CheckConstraint(
            "state IN ('deferred', 'refused', 'skipped', 'in_doubt', 'accepted')", name=op.f("ck_exceptions_state")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_exceptions_batch_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["sending_id"], ["sendings.id"], name=op.f("fk_exceptions_sending_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sending_id", "subscriber_id", name=op.f("pk_exceptions")),
    )
    op.create_index(op.f("ix_exceptions_batch_id"), "exceptions", ["batch_id"], unique=False)
    op.create_index("ix_exceptions_state_due", "exceptions", ["state", "due_at"], unique=False)
    op.create_table(
        "journal",
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_journal_batch_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("batch_id", "subscriber_id", name=op.f("pk_journal")),
    )


def downgrade() -> None:
    op.drop_table("journal")
    op.drop_index("ix_exceptions_state_due", table_name="exceptions")
    op.drop_index(op.f("ix_exceptions_batch_id"), table_name="exceptions")
    op.drop_table("exceptions")
    op.drop_index("ix_digests_state_due", table_name="digests")
    op.drop_index(op.f("ix_digests_sending_id"), table_name="digests")
    op.drop_table("digests")
    op.drop_index("ix_batches_sending_state", table_name="batches")
    op.drop_table("batches")
    op.drop_table("sendings")
