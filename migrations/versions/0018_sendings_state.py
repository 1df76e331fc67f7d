"""An index for what a worker asks several times a second: which sendings are on their way.

Without it each of these questions reads past every message that was ever sent.
"""

from alembic import op

revision = "0018_sendings_state"
down_revision = "0017_pages"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_sendings_state"), "sendings", ["state"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_sendings_state"), table_name="sendings")
