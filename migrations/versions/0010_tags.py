"""Finding things: tags, links, corrections, missed weeks, the hub's list, and the archive's indexes."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from blogapp.posts.links import links_in, own_links
from blogapp.posts.tags import tag_slug, tidy_names
from blogapp.posts.weeks import Weeks

revision = "0010_tags"
down_revision = "0009_jobs"
branch_labels = None
depends_on = None

SEEN = "state = 'published' AND visibility = 'public' AND "
INDEXES = {
    "ix_posts_calendar": (["kind", "week_from", "id", "week_to", "slug"], "kind = 'week'"),
    "ix_posts_author_calendar": (["author_id", "kind", "week_from", "id", "week_to", "slug"], "kind = 'week'"),
    "ix_posts_dated": (["week_from", "id"], "week_from IS NOT NULL"),
    "ix_posts_undated": (["published_at", "id"], "week_from IS NULL AND kind <> 'page'"),
}
AT_ONCE = 500


def upgrade() -> None:
    op.add_column("posts", sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=True))
    for name, (columns, also) in INDEXES.items():
        seen = sa.text(SEEN + also)
        op.create_index(name, "posts", columns, unique=False, sqlite_where=seen, postgresql_where=seen)
    _create_tags()
    _create_links()
    op.create_table(
        "corrections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_corrections_post_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_corrections_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
    )
    op.create_index("ix_corrections_post", "corrections", ["post_id", "at"], unique=False)
    op.create_table(
        "missed_weeks",
        sa.Column("week", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_missed_weeks_member_id")),
        sa.PrimaryKeyConstraint("week", name=op.f("pk_missed_weeks")),
    )
    op.create_table(
        "hub_pings",
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_hub_pings")),
    )
    op.create_index(op.f("ix_hub_pings_due_at"), "hub_pings", ["due_at"], unique=False)
    _fill()


def _create_tags() -> None:
    op.create_table(
        "tags",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("posts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("leads_to_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["leads_to_id"], ["tags.id"], name=op.f("fk_tags_leads_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tags")),
        sa.UniqueConstraint("slug", name=op.f("uq_tags_slug")),
    )
    op.create_index(op.f("ix_tags_leads_to_id"), "tags", ["leads_to_id"], unique=False)
    op.create_table(
        "post_tags",
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_post_tags_post_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_post_tags_tag_id")),
        sa.PrimaryKeyConstraint("post_id", "tag_id", name=op.f("pk_post_tags")),
    )
    op.create_index("ix_post_tags_listing", "post_tags", ["tag_id", "published_at", "post_id"], unique=False)


def _create_links() -> None:
    op.create_table(
        "links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("posts", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
        sa.UniqueConstraint("url", name=op.f("uq_links_url")),
    )
    op.create_table(
        "post_links",
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_post_links_post_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("fk_post_links_link_id")),
        sa.PrimaryKeyConstraint("post_id", "link_id", name=op.f("pk_post_links")),
    )
    op.create_index("ix_post_links_link", "post_links", ["link_id", "post_id"], unique=False)


def _fill() -> None:
    """The tags that imports brought, and the links of what is public; a slice of the posts in memory at a time.

    Which host is ours is not known here: links that name it count as outside until `post render` or the next save.
    """
    names = ["id", "kind", "week_from", "week_to", "slug", "html", "state", "visibility"]
    posts = sa.table(
        "posts",
        *map(sa.column, names),
        sa.column("published_at", sa.DateTime(timezone=True)),
        sa.column("extra", sa.JSON()),
    )
    redirects = sa.table("redirects", sa.column("path"), sa.column("target"))
    bind = op.get_bind()
    tags, links, last = _Ids("tags", "slug"), _Ids("links", "url"), 0
    query = sa.select(posts).order_by(posts.c.id).limit(AT_ONCE)
    while rows := bind.execute(query.where(posts.c.id > last)).all():
        last = rows[-1].id
        former: dict[str, list[str]] = {}
        leads = redirects.c.target.in_([row.slug for row in rows])
        for path, target in bind.execute(sa.select(redirects).where(leads)):
            former.setdefault(target, []).append(path)
        _fill_tags(bind, rows, tags)
        _fill_links(bind, rows, former, links)
    for table, rows_of, shown in (("tags", "post_tags", "AND published_at IS NOT NULL"), ("links", "post_links", "")):
        key = f"{table[:-1]}_id"
        count = f"(SELECT count(*) FROM {rows_of} WHERE {key} = {table}.id {shown})"  # noqa: S608  # names of this file
        bind.execute(sa.text(f"UPDATE {table} SET posts = {count}"))  # noqa: S608


class _Ids:
    """Gives each key of a new table its id, in the order in which they are met."""

    def __init__(self, table: str, key: str) -> None:
        self.table = sa.table(table, *map(sa.column, ("id", key, "name") if table == "tags" else ("id", key)))
        self.key = key
        self.known: dict[str, int] = {}

    def of(self, bind: sa.Connection, rows: dict[str, dict[str, Any]]) -> dict[str, int]:
        fresh = [{self.key: key, **rows[key]} for key in rows if key not in self.known]
        if fresh:
            bind.execute(self.table.insert(), fresh)
            column = self.table.c[self.key]
            for start in range(0, len(fresh), AT_ONCE):
                keys = [row[self.key] for row in fresh[start : start + AT_ONCE]]
                found = bind.execute(sa.select(column, self.table.c.id).where(column.in_(keys)))
                self.known.update((row[0], row[1]) for row in found)
        return self.known


def _fill_tags(bind: sa.Connection, rows: Any, tags: _Ids) -> None:
    post_tags = sa.table(
        "post_tags", sa.column("post_id"), sa.column("tag_id"), sa.column("published_at", sa.DateTime(timezone=True))
    )
    named: dict[str, dict[str, Any]] = {}
    tagged: list[tuple[Any, str]] = []
    for row in rows:
        extra = row.extra if isinstance(row.extra, dict) else json.loads(row.extra or "{}")
        for name in tidy_names(str(tag) for tag in extra.get("tags") or []):
            named.setdefault(tag_slug(name), {"name": name})
            tagged.append((row, tag_slug(name)))
    if tagged:
        ids = tags.of(bind, named)
        found = [{"post_id": row.id, "tag_id": ids[slug], "published_at": _shown(row)} for row, slug in tagged]
        bind.execute(post_tags.insert(), found)


def _shown(row: Any) -> Any:
    return row.published_at if row.state == "published" and row.visibility == "public" else None


def _fill_links(bind: sa.Connection, rows: Any, former: dict[str, list[str]], links: _Ids) -> None:
    table = sa.table("post_links", sa.column("post_id"), sa.column("link_id"), sa.column("own", sa.Boolean()))
    of_posts: dict[int, dict[str, bool]] = {}
    for row in rows:
        if _shown(row) is not None:
            weeks = Weeks(row.week_from, row.week_to) if row.kind == "week" and row.week_from is not None else None
            own = own_links(row.slug, weeks, former.get(row.slug, []))
            of_posts[row.id] = dict.fromkeys(links_in(row.html, ""), False) | dict.fromkeys(own, True)
    urls = dict.fromkeys(sorted(url for found in of_posts.values() for url in found))
    if urls:
        ids = links.of(bind, {url: {} for url in urls})
        bind.execute(
            table.insert(),
            [
                {"post_id": post, "link_id": ids[url], "own": own}
                for post, of in of_posts.items()
                for url, own in of.items()
            ],
        )


def downgrade() -> None:
    for table in ("hub_pings", "missed_weeks", "corrections", "post_links", "links", "post_tags", "tags"):
        op.drop_table(table)
    for name in INDEXES:
        op.drop_index(name, table_name="posts")
    with op.batch_alter_table("posts") as batch:
        batch.drop_column("corrected_at")
