"""The site's version has a random number beside it, and the moment of the last change that readers can see."""

import secrets
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0013_nonce"
down_revision = "0012_faces"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("site") as batch:
        batch.add_column(sa.Column("nonce", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
    site = sa.table("site", sa.column("nonce", sa.BigInteger), sa.column("changed_at", sa.DateTime(timezone=True)))
    op.execute(site.update().values(nonce=secrets.randbits(63), changed_at=datetime.now(UTC)))
    with op.batch_alter_table("site") as batch:
        batch.alter_column("nonce", existing_type=sa.BigInteger(), nullable=False)
        batch.alter_column("changed_at", existing_type=sa.DateTime(timezone=True), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("site") as batch:
        batch.drop_column("changed_at")
        batch.drop_column("nonce")
