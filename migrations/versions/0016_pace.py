"""What left on each day; a mark on each sending; what a worker says about its work."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0016_pace"
down_revision = "0015_editions"
branch_labels = None
depends_on = None

# A sending of before there were marks: it does not tell that this database has sent since (digest/instance.py).
BEFORE = "before-"


def upgrade() -> None:
    op.create_table(
        "mail_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("deferred", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_mail_days")),
    )
    with op.batch_alter_table("heartbeats") as batch:
        batch.add_column(sa.Column("note", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("heartbeats") as batch:
        batch.alter_column("note", existing_type=sa.String(), server_default=None)
    with op.batch_alter_table("sendings") as batch:
        batch.add_column(sa.Column("mark", sa.String(), nullable=True))
    sendings = sa.table("sendings", sa.column("id", sa.Integer), sa.column("mark", sa.String))
    numbers = op.get_bind().execute(sa.select(sendings.c.id)).scalars().all()
    for number in numbers:
        mark = BEFORE + secrets.token_hex(8)
        op.execute(sendings.update().where(sendings.c.id == number).values(mark=mark))
    with op.batch_alter_table("sendings") as batch:
        batch.alter_column("mark", existing_type=sa.String(), nullable=False)
        batch.create_unique_constraint(op.f("uq_sendings_mark"), ["mark"])


def downgrade() -> None:
    with op.batch_alter_table("sendings") as batch:
        batch.drop_constraint(op.f("uq_sendings_mark"), type_="unique")
        batch.drop_column("mark")
    with op.batch_alter_table("heartbeats") as batch:
        batch.drop_column("note")
    op.drop_table("mail_days")
