"""The glossary of reference links, filled with what public posts define; what was frozen into a post."""

import sqlalchemy as sa
from alembic import op

from blogapp.posts.glossary import fill_glossary

revision = "0021_glossary"
down_revision = "0019_circles"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("posts", sa.Column("frozen", sa.JSON(), server_default=sa.text("'{}'"), nullable=False))
    op.create_table(
        "glossary_links",
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_glossary_links_post_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("post_id", "label", name=op.f("pk_glossary_links")),
    )
    op.create_index("ix_glossary_links_label", "glossary_links", ["label", "used_at"], unique=False)
    fill_glossary(op.get_bind())


def downgrade() -> None:
    op.drop_table("glossary_links")
    with op.batch_alter_table("posts") as batch:
        batch.drop_column("frozen")
