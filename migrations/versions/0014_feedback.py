"""What came back of mails to subscribers: bounces and complaints."""

import sqlalchemy as sa
from alembic import op

revision = "0014_feedback"
down_revision = "0013_nonce"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bounces",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sending_id", sa.Integer(), nullable=True),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("diagnostic", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('hard', 'soft', 'complaint')", name=op.f("ck_bounces_kind")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name=op.f("fk_bounces_subscriber_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounces")),
        sa.UniqueConstraint(
            "sending_id", "subscriber_id", "kind", name=op.f("uq_bounces_sending_id_subscriber_id_kind")
        ),
    )
    op.create_index(op.f("ix_bounces_subscriber_id"), "bounces", ["subscriber_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_bounces_subscriber_id"), table_name="bounces")
    op.drop_table("bounces")
