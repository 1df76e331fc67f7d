"""What each reader is owed: how often, from when on, and which digests a sending carries. Corrections sent by mail."""

import sqlalchemy as sa
from alembic import op

revision = "0015_editions"
down_revision = "0014_feedback"
branch_labels = None
depends_on = None

MONTHLY = sa.text("frequency = 'monthly'")


def upgrade() -> None:
    _subscribers()
    _sendings()
    op.create_table(
        "sending_digests",
        sa.Column("sending_id", sa.Integer(), nullable=False),
        sa.Column("digest_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sending_id"], ["sendings.id"], name=op.f("fk_sending_digests_sending_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["digest_id"], ["digests.id"], name=op.f("fk_sending_digests_digest_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sending_id", "digest_id", name=op.f("pk_sending_digests")),
    )
    op.create_index(op.f("ix_sending_digests_digest_id"), "sending_digests", ["digest_id"], unique=False)
    op.execute(
        "INSERT INTO sending_digests (sending_id, digest_id) "
        "SELECT sending_id, id FROM digests WHERE sending_id IS NOT NULL"
    )
    op.create_index("ix_batches_sending_lo", "batches", ["sending_id", "lo"], unique=False)
    with op.batch_alter_table("digests") as batch:
        batch.add_column(sa.Column("alone", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("corrections") as batch:
        batch.add_column(sa.Column("told", sa.String(), nullable=True))
        batch.add_column(sa.Column("told_in", sa.Integer(), nullable=True))
        batch.create_check_constraint(op.f("ck_corrections_told"), "told IN ('digest', 'mail')")


def _subscribers() -> None:
    # In these words on both databases: Alembic would rebuild SQLite's table, and with it forget the highest id ever
    # given out, which must never come twice.
    op.execute(
        "ALTER TABLE subscribers ADD COLUMN frequency VARCHAR DEFAULT 'every' NOT NULL "
        "CONSTRAINT ck_subscribers_frequency CHECK (frequency IN ('every', 'monthly'))"
    )
    moment = "DATETIME" if op.get_bind().dialect.name == "sqlite" else "TIMESTAMP WITH TIME ZONE"
    op.execute(f"ALTER TABLE subscribers ADD COLUMN owed_from {moment} DEFAULT '1970-01-01 00:00:00' NOT NULL")
    op.execute("UPDATE subscribers SET owed_from = COALESCE(confirmed_at, created_at)")
    op.create_index("ix_subscribers_monthly", "subscribers", ["id"], sqlite_where=MONTHLY, postgresql_where=MONTHLY)


def _sendings() -> None:
    with op.batch_alter_table("sendings") as batch:
        batch.add_column(sa.Column("kind", sa.String(), nullable=False, server_default="digest"))
        batch.add_column(sa.Column("main_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("original_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("occasion", sa.String(), nullable=True))
        batch.add_column(sa.Column("gaps", sa.JSON(), nullable=False, server_default="{}"))
        batch.add_column(sa.Column("editions_to", sa.Integer(), nullable=True))
        batch.create_check_constraint(op.f("ck_sendings_kind"), "kind IN ('digest', 'catch-up', 'correction')")
        batch.create_unique_constraint(op.f("uq_sendings_occasion"), ["occasion"])
        for name in ("main_id", "original_id"):
            batch.create_foreign_key(op.f(f"fk_sendings_{name}"), "sendings", [name], ["id"])
            batch.create_index(op.f(f"ix_sendings_{name}"), [name], unique=False)


def downgrade() -> None:
    # What the program of then does not know: editions and corrections. Who got them is forgotten with them.
    # A correction may go after an edition, and either may be deleted first.
    op.execute("UPDATE sendings SET original_id = NULL WHERE original_id IS NOT NULL")
    sendings = sa.table("sendings", *map(sa.column, ("id", "main_id", "kind")))
    gone = sendings.c.main_id.is_not(None) | (sendings.c.kind != "digest")
    for name in ("exceptions", "batches", "sending_digests"):
        theirs = sa.table(name, sa.column("sending_id"))
        op.execute(sa.delete(theirs).where(theirs.c.sending_id.in_(sa.select(sendings.c.id).where(gone))))
    op.execute("DELETE FROM sendings WHERE main_id IS NOT NULL")
    op.execute("DELETE FROM sendings WHERE kind <> 'digest'")
    with op.batch_alter_table("corrections") as batch:
        batch.drop_constraint(op.f("ck_corrections_told"), type_="check")
        batch.drop_column("told_in")
        batch.drop_column("told")
    with op.batch_alter_table("digests") as batch:
        batch.drop_column("alone")
    op.drop_index("ix_batches_sending_lo", table_name="batches")
    op.drop_index(op.f("ix_sending_digests_digest_id"), table_name="sending_digests")
    op.drop_table("sending_digests")
    with op.batch_alter_table("sendings") as batch:
        for name in ("main_id", "original_id"):
            batch.drop_index(op.f(f"ix_sendings_{name}"))
            batch.drop_constraint(op.f(f"fk_sendings_{name}"), type_="foreignkey")
        batch.drop_constraint(op.f("uq_sendings_occasion"), type_="unique")
        batch.drop_constraint(op.f("ck_sendings_kind"), type_="check")
        for name in ("editions_to", "gaps", "occasion", "original_id", "main_id", "kind"):
            batch.drop_column(name)
    op.drop_index("ix_subscribers_monthly", table_name="subscribers")
    for name in ("owed_from", "frequency"):
        op.execute(f"ALTER TABLE subscribers DROP COLUMN {name}")
