"""Members have faces."""

import sqlalchemy as sa
from alembic import op

revision = "0012_faces"
down_revision = "0011_search"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("members") as batch:
        batch.add_column(sa.Column("face_sha256", sa.String(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("members") as batch:
        batch.drop_column("face_sha256")
