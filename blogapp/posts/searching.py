"""The index that readers search: a row for each post that is public and for no other, so that no draft can be found.

Whoever writes what readers see of a post calls `index_post` in the same transaction. `search_texts` holds a post's
plain text; its words are in `search_words`, which is an FTS5 table on SQLite and one with a tsvector on PostgreSQL.

A row's number, its `place`, grows with the date of publication: what is found comes newest first without sorting.
Filters are marks among the words (`a:12` author, `y:2015`, `w:473`, `t:7` tag), and so is each word of the title
(`i:boiler`), because a database that walks two lists of numbers side by side is quicker than any join.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from itertools import islice
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Integer,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.orm import Session

from blogapp.core.config import settings
from blogapp.core.db import Base, db, transaction
from blogapp.core.web import local
from blogapp.posts.models import Post
from blogapp.posts.tags import Tag, post_tags, tag_slug
from blogapp.posts.words import telling, words_of

search_texts = Table(
    "search_texts",
    Base.metadata,
    Column("place", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("post_id", Integer, ForeignKey("posts.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("text", Text, nullable=False),
)
posts = cast(Table, Post.__table__)
tags = cast(Table, Tag.__table__)
INDEXED = (
    posts.c.id, posts.c.title, posts.c.html, posts.c.author_id, posts.c.week_from, posts.c.week_to,
    posts.c.published_at, posts.c.visibility,
)  # fmt: skip
LONGEST_TEXT = 200_000
MOST_WORDS = 30_000
# Weeks that one post is found by: a note covers a few, not a century.
MOST_WEEKS = 60
SLICE = 50
# Times any second of a year of four figures it is a number of 64 bits.
MOST_IDS = 2**22
# Tags within a line: what they part is one word.
INLINE = frozenset("a abbr b bdi bdo cite code data del dfn em i ins kbd mark q s samp small span strong sub sup time u var wbr".split())  # fmt: skip  # noqa: E501
PUT_ON_SQLITE = "INSERT INTO search_words (rowid, title, body, marks) VALUES (:place, :title, :body, :marks)"
PUT_ON_POSTGRESQL = "INSERT INTO search_words (place, words) VALUES (:place, CAST(:words AS tsvector))"
MARKUP = re.compile(r'</?(?P<name>[a-z][a-z0-9]*)(?:[^"<>]|"[^"]*")*>')
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_english() -> bool:
    """Whether words lose their English endings here."""
    return settings().site_language.lower().split("-")[0] == "en"


def tag_mark(name: str) -> str:
    """The mark of a tag by its name, its address or one that it had; of none where there is no such tag."""
    found = select(func.coalesce(Tag.leads_to_id, Tag.id)).where(Tag.slug == tag_slug(name))
    return f"t:{db.session.execute(found).scalar_one_or_none() or 0}"


def index_post(session: Session, post: Post) -> None:
    """Bring the index to what readers see of the post, in the caller's transaction."""
    _renew(session, [post.id], [post])


def index_again(session: Session, post_id: int) -> None:
    """The same for a post whose row was changed directly."""
    _renew(session, [post_id], session.execute(select(*INDEXED).where(posts.c.id == post_id)).all())


def fill(connection: Session | Connection, after: int = 0) -> int:
    """Bring the index of the next posts by id, drafts too, to what readers see of them. Returns the last id, or 0."""
    query = select(posts.c.id).where(posts.c.id > after).order_by(posts.c.id).limit(SLICE)
    ids = list(connection.execute(query).scalars())
    if not ids:
        return 0
    rows = connection.execute(select(*INDEXED).where(posts.c.id.in_(ids)).with_for_update(read=True))
    _renew(connection, ids, rows.all())
    return int(ids[-1])


def fill_all(connection: Connection) -> None:
    """Fill the index of a database that is just being made, in the caller's transaction."""
    last = fill(connection)
    while last:
        last = fill(connection, last)


def rebuild() -> Iterator[int]:
    """Fill the index anew, some posts a transaction; yields the last post's id. Stop and begin again as you like."""
    last = 0
    while True:
        with transaction() as session:
            last = fill(session, last)
        if not last:
            return
        yield last


def find_differences() -> tuple[list[int], list[int]]:
    """(ids of public posts that are not in the index, ids of posts in it that are not public)."""
    public = posts.c.published_at.is_not(None) & (posts.c.visibility == "public")
    joined = posts.outerjoin(search_texts, search_texts.c.post_id == posts.c.id)
    missing = select(posts.c.id).select_from(joined).where(public, search_texts.c.post_id.is_(None))
    leaking = select(search_texts.c.post_id).join_from(search_texts, posts, isouter=True).where(~public)
    found = [list(db.session.execute(query).scalars()) for query in (missing, leaking)]
    return found[0], found[1]


def _renew(connection: Session | Connection, ids: Iterable[int], rows: Iterable[Any]) -> None:
    """Take out the posts of these ids; put in again those of `rows` that are public."""
    sqlite = _on_sqlite(connection)
    of_these = search_texts.c.post_id.in_(list(ids))
    if sqlite:
        old = connection.execute(select(search_texts.c.place).where(of_these)).scalars().all()
        if old:
            connection.execute(text("DELETE FROM search_words WHERE rowid = :place"), [{"place": p} for p in old])
    connection.execute(delete(search_texts).where(of_these))
    public = [row for row in rows if row.published_at is not None and row.visibility == "public"]
    if not public:
        return
    places = [_place(row) for row in public]
    texts = [text_of(row.html) for row in public]
    columns = zip(places, public, texts, strict=True)
    rows_of_texts = [{"place": place, "post_id": row.id, "text": plain} for place, row, plain in columns]
    connection.execute(insert(search_texts), rows_of_texts)
    tags = _tags(connection, [row.id for row in public])
    words = [_words(row, plain, tags.get(row.id, []), sqlite) for row, plain in zip(public, texts, strict=True)]
    statement = text(PUT_ON_SQLITE if sqlite else PUT_ON_POSTGRESQL)
    connection.execute(statement, [{"place": place, **its} for place, its in zip(places, words, strict=True)])


def _tags(connection: Session | Connection, ids: list[int]) -> dict[int, list[tuple[int, str]]]:
    """(id, name) of the tags of these posts."""
    query = select(post_tags.c.post_id, tags.c.id, tags.c.name).join_from(post_tags, tags).order_by(tags.c.id)
    found: dict[int, list[tuple[int, str]]] = {}
    for post_id, tag_id, name in connection.execute(query.where(post_tags.c.post_id.in_(ids))):
        found.setdefault(post_id, []).append((tag_id, name))
    return found


def _words(row: Any, plain: str, tags: list[tuple[int, str]], sqlite: bool) -> dict[str, str]:
    """What a post is found by, as the database keeps it."""
    english = is_english()
    title = list(islice(words_of(row.title, english=english), MOST_WORDS))
    body = list(islice(telling(words_of(plain, english=english), english=english), MOST_WORDS))
    marks = [*_marks(row, tags, english), *(f"i:{word}" for word in dict.fromkeys(title))]
    if sqlite:
        return {"title": " ".join(title), "body": " ".join(body), "marks": " ".join(marks)}
    return {"words": _vector(title, body, marks)}


def text_of(html: str) -> str:
    """The words of sanitised HTML on one line, to quote from."""
    spaced = MARKUP.sub(lambda tag: "" if tag["name"] in INLINE else " ", html)
    line = " ".join(unescape(spaced).replace("\0", "").split())
    return unicodedata.normalize("NFC", line)[:LONGEST_TEXT]


def _marks(row: Any, tags: list[tuple[int, str]], english: bool) -> list[str]:
    """What it is filtered by, and what the text need not say: its year, weeks and tags as words."""
    year = local(row.published_at).year
    marks = [f"a:{row.author_id}", f"y:{year}"]
    words = [str(year)]
    if row.week_from is not None:
        weeks = range(row.week_from, min(row.week_to, row.week_from + MOST_WEEKS) + 1)
        marks += [f"w:{week}" for week in weeks]
        words += ["week", *map(str, weeks)]
    for number, name in tags:
        marks.append(f"t:{number}")
        words += words_of(name, english=english)
    return list(dict.fromkeys([*marks, *words]))


def _place(row: Any) -> int:
    """The second of publication, then the id: no two share one before there are four million posts."""
    seconds: int = (row.published_at - EPOCH) // timedelta(seconds=1)
    return seconds * MOST_IDS + int(row.id) % MOST_IDS


def _vector(title: list[str], body: list[str], marks: list[str]) -> str:
    """A tsvector as text: the title's words weigh more, and no phrase reaches from it into the body."""
    places: dict[str, list[str]] = {}
    for number, word in enumerate(title, 1):
        places.setdefault(word, []).append(f"{number}A")
    for number, word in enumerate(body, len(title) + 2):
        found = places.setdefault(word, [])
        if len(found) < 250 and number < 16_000:
            found.append(str(number))
    words = [f"'{word}':{','.join(numbers)}" for word, numbers in places.items()]
    return " ".join([*words, *(f"'{mark}'" for mark in marks if mark not in places)])


def _on_sqlite(connection: Session | Connection) -> bool:
    dialect = connection.dialect if isinstance(connection, Connection) else connection.get_bind().dialect
    return dialect.name == "sqlite"
