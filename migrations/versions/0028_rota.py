"""Whose turn it is to write the week's note, and the weeks that were begun."""

import sqlalchemy as sa
from alembic import op

revision = "0028_rota"
down_revision = "0027_presences"
branch_labels = None
depends_on = None


def _member(table: str, column: str = "member_id") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["members.id"], name=op.f(f"fk_{table}_{column}_members"))


def upgrade() -> None:
    op.create_table(
        "rota_members",
        sa.Column("member_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("from_week", sa.Integer(), nullable=False),
        _member("rota_members"),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_rota_members")),
    )
    op.create_table(
        "rota_aways",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("first_week", sa.Integer(), nullable=False),
        sa.Column("last_week", sa.Integer(), nullable=False),
        sa.CheckConstraint("last_week >= first_week", name=op.f("ck_rota_aways_weeks_in_order")),
        _member("rota_aways"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rota_aways")),
    )
    op.create_index(op.f("ix_rota_aways_member_id"), "rota_aways", ["member_id"])
    op.create_table(
        "rota_changes",
        sa.Column("week", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("other_week", sa.Integer(), nullable=True),
        _member("rota_changes"),
        sa.PrimaryKeyConstraint("week", name=op.f("pk_rota_changes")),
    )
    op.create_table(
        "begun_weeks",
        sa.Column("week", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=True),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        _member("begun_weeks"),
        _member("begun_weeks", "place_id"),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.id"], name=op.f("fk_begun_weeks_post_id_posts"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("week", name=op.f("pk_begun_weeks")),
    )
    op.create_index(op.f("ix_begun_weeks_post_id"), "begun_weeks", ["post_id"])
    op.create_table(
        "nudges",
        sa.Column("week", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("week", "kind", name=op.f("pk_nudges")),
    )
    op.create_table(
        "week_template",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_week_template_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_week_template")),
    )


def downgrade() -> None:
    for name in ("week_template", "nudges", "begun_weeks", "rota_changes", "rota_aways", "rota_members"):
        op.drop_table(name)
