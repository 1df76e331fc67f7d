"""Notes that members leave on drafts, and who said that a draft looks good."""

import sqlalchemy as sa
from alembic import op

revision = "0031_notes"
down_revision = "0030_share_links"
branch_labels = None
depends_on = None


def _member(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f(f"fk_{table}_member_id_members"))


def _post(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_post_id_posts")
    return sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=name, ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "note_threads",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("quote", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        _post("note_threads"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note_threads")),
    )
    op.create_index(op.f("ix_note_threads_post_id"), "note_threads", ["post_id"])
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["note_threads.id"], name=op.f("fk_notes_thread_id_note_threads"), ondelete="CASCADE"
        ),
        _member("notes"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    op.create_index(op.f("ix_notes_thread_id"), "notes", ["thread_id"])
    op.create_table(
        "approvals",
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("text_sha256", sa.String(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        _member("approvals"),
        _post("approvals"),
        sa.PrimaryKeyConstraint("post_id", "member_id", name=op.f("pk_approvals")),
    )


def downgrade() -> None:
    for name in ("approvals", "notes", "note_threads"):
        op.drop_table(name)
