"""The index that readers search, filled with the posts that are public."""

import sqlalchemy as sa
from alembic import op

from blogapp.posts.searching import fill_all

revision = "0011_search"
down_revision = "0010_tags"
branch_labels = None
depends_on = None


def upgrade() -> None:
    place = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "search_texts",
        sa.Column("place", place, autoincrement=False, nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_search_texts_post_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_search_texts")),
        sa.UniqueConstraint("post_id", name=op.f("uq_search_texts_post_id")),
    )
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE search_words USING fts5(title, body, marks, tokenize = \"ascii tokenchars '+#:-'\")"
        )
    else:
        # The vectors apart from the rows that are counted and put in order: a common word's rows lie on few pages.
        op.execute(
            "CREATE TABLE search_words (place bigint PRIMARY KEY REFERENCES search_texts ON DELETE CASCADE,"
            " words tsvector NOT NULL) WITH (toast_tuple_target = 128)"
        )
        op.execute("ALTER TABLE search_words ALTER COLUMN words SET STORAGE EXTERNAL")
        op.execute("CREATE INDEX ix_search_words_words ON search_words USING gin (words)")
    fill_all(connection)


def downgrade() -> None:
    op.execute("DROP TABLE search_words")
    op.drop_table("search_texts")
