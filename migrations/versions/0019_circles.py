"""Posts that only members may read, or only some of them.

`visibility` said nothing but `public` until now. Who published for members alone was never public, so it is not held
against such a post that it was; going back makes drafts of them, for an older program would show them to everybody.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019_circles"
down_revision = "0018_sendings_state"
branch_labels = None
depends_on = None

KINDS = "visibility IN ('public', 'members', 'listed')"


def upgrade() -> None:
    with op.batch_alter_table("posts") as batch:
        batch.create_check_constraint(op.f("ck_posts_visibility"), KINDS)
    op.create_table(
        "post_viewers",
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_post_viewers_post_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["member_id"], ["members.id"], name=op.f("fk_post_viewers_member_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("post_id", "member_id", name=op.f("pk_post_viewers")),
    )
    op.create_index(op.f("ix_post_viewers_member_id"), "post_viewers", ["member_id"], unique=False)


def downgrade() -> None:
    op.execute("UPDATE posts SET state = 'draft', published_at = NULL WHERE visibility <> 'public'")
    op.execute("UPDATE posts SET visibility = 'public'")
    op.drop_index(op.f("ix_post_viewers_member_id"), table_name="post_viewers")
    op.drop_table("post_viewers")
    with op.batch_alter_table("posts") as batch:
        batch.drop_constraint(op.f("ck_posts_visibility"), type_="check")
