"""A site of 100,000 posts, to measure what it costs to read: real texts where they are, put together anew by chance.

use: ./run python benchmarks/crowd.py FOLDER [POSTS]     (BLOG_DATABASE_URL names another database than FOLDER's own)
"""

import gzip
import json
import os
import random
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Connection, func, insert, select, text, update

from blogapp.auth.models import Member
from blogapp.core.addresses import Slug
from blogapp.core.db import WRITES, db
from blogapp.core.markup import PIPELINE, plain, render, summarise
from blogapp.posts.links import Link, links_in, post_links
from blogapp.posts.models import Post
from blogapp.posts.searching import fill as fill_index
from blogapp.posts.tags import Tag, post_tags

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT.parent / "shared" / "corpus" / "reference-html-2017.jsonl.gz"
FIRST, LAST = datetime(2009, 1, 19, 9, tzinfo=UTC), datetime(2025, 1, 10, 9, tzinfo=UTC)
NAMES = (
    "Ada Ben Cleo Dora Emil Fay Gus Hana Ivo Jo Kai Lena Max Nora Otto Pia Quin Rosa Sam Tess Uli Vera Will Zoe".split()
)
TAGS = "boats bread code design festival garden garage harbour hiring letters maps money music office open-source reading retrospective rota sewing snow talks tea testing trains travel weather workshop writing".split()  # fmt: skip  # noqa: E501
WEEKS = 801


def fill(app: Flask, posts: int = 100_000, seed: int = 1, *, index: bool = True) -> None:
    """Fill the empty site of `app`: 24 members, notes of weeks 0 to 800, the rest links and articles with tags.

    Straight into the tables, in the order of publication but for every seventh; the same for the same `seed`.

    Args:
        index: fill the search's index too.
    """
    chance = random.Random(seed)
    blocks = list(_blocks())
    known: dict[str, int] = {}
    with app.app_context(), db.engine.connect().execution_options(**{WRITES: True}) as connection:
        with connection.begin():
            _people(connection)
            connection.execute(insert(Tag), [{"id": n, "slug": name, "name": name} for n, name in enumerate(TAGS, 1)])
            batch: list[dict[str, Any]] = []
            for number in range(1, posts + 1):
                batch.append(_post(chance, blocks, number, posts))
                if len(batch) == 2000 or number == posts:
                    _insert(connection, batch, chance)
                    _link(connection, batch, known)
                    batch = []
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT setval(pg_get_serial_sequence('posts', 'id'), :last)"), {"last": posts})
        with connection.begin():
            seen = select(func.count()).where(post_tags.c.tag_id == Tag.id).scalar_subquery()
            connection.execute(update(Tag).values(posts=seen))
            shared = select(func.count()).where(post_links.c.link_id == Link.id).scalar_subquery()
            connection.execute(update(Link).values(posts=shared))
        last = 0
        while index:
            with connection.begin():
                for _ in range(40):
                    last = fill_index(connection, last)
                    index = bool(last)
                    if not index:
                        break
        with connection.begin():
            connection.execute(text("ANALYZE"))


def _blocks() -> Iterator[str]:
    """Paragraphs, lists and headings as HTML."""
    if CORPUS.exists():
        with gzip.open(CORPUS, "rt", encoding="utf-8") as lines:
            pages = [json.loads(line)["html"] for line in lines]
    else:
        pages = [render(path.read_text(encoding="utf-8")).html for path in ROOT.glob("demo/content/*.md")]
    for page in pages:
        yield from (block for block in re.split(r"\n\n+|(?<=</p>)\n", page) if 40 < len(block) < 3000)


def _people(connection: Connection) -> None:
    people = [
        {"id": number, "name": f"{name} {name[0]}arling", "slug": f"{name.lower()}-{number}", "role": "author"}
        for number, name in enumerate(NAMES, 1)
    ]
    connection.execute(insert(Member), people)
    connection.execute(insert(Slug), [{"slug": p["slug"], "owner": f"member:{p['id']}"} for p in people])


def _post(chance: random.Random, blocks: list[str], number: int, posts: int) -> dict[str, Any]:
    html = "\n".join(chance.choices(blocks, k=chance.randint(4, 16)))
    place = chance.random() if number % 7 == 0 else number / posts
    at = FIRST + (LAST - FIRST) * place
    week = (number - 1) * WEEKS // posts
    is_note = number == 1 or week != (number - 2) * WEEKS // posts
    if is_note:
        kind, slug, title, at = "week", f"week-{week}", f"Week {week}", FIRST + timedelta(weeks=week)
    else:
        kind = "links" if number % 5 == 0 else "article"
        words = re.findall(r"[a-z]{4,12}", plain(chance.choice(blocks)))[:5] or ["words"]
        slug, title = f"{kind}-{number}", " ".join(words).capitalize()
    return {
        "id": number, "author_id": min(int(chance.expovariate(0.25)), len(NAMES) - 1) + 1, "kind": kind,
        "week_from": week if is_note else None, "week_to": week if is_note else None, "slug": slug, "title": title,
        "body": html, "html": html, "format": "html", "pipeline": PIPELINE, "summary": summarise(html),
        "state": "published", "created_at": at, "updated_at": at, "published_at": at, "first_published_at": at,
        "extra": {},
    }  # fmt: skip


def _insert(connection: Connection, batch: list[dict[str, Any]], chance: random.Random) -> None:
    connection.execute(insert(Post), batch)
    tagged = [
        {"post_id": row["id"], "tag_id": number, "published_at": row["published_at"]}
        for row in batch
        for number in chance.sample(range(1, len(TAGS) + 1), chance.randint(0, 3))
    ]
    connection.execute(insert(post_tags), tagged)
    connection.execute(insert(Slug), [{"slug": row["slug"], "owner": f"post:{row['id']}"} for row in batch])


def _link(connection: Connection, batch: list[dict[str, Any]], known: dict[str, int]) -> None:
    """What the posts link to; `known`: the number of each address."""
    fresh, rows = [], []
    for row in batch:
        for url in dict.fromkeys([f"/{row['slug']}", *links_in(row["html"], "http://127.0.0.1:8000")]):
            if url not in known:
                known[url] = len(known) + 1
                fresh.append({"id": known[url], "url": url})
            rows.append({"post_id": row["id"], "link_id": known[url], "own": url == f"/{row['slug']}"})
    connection.execute(insert(Link), fresh)
    connection.execute(insert(post_links), rows)


def main() -> None:
    from blogapp.app import create_app
    from blogapp.core import config, migrate

    settings = config.load({"BLOG_SECRET_KEY": "x" * 40, **os.environ, "BLOG_DATA_DIR": sys.argv[1]})
    app = create_app(settings)
    with app.app_context():
        migrate.move_to("head")
    started = time.perf_counter()
    fill(app, int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
    print(f"filled in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
