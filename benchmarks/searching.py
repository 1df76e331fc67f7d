"""What a search costs the database: rare, common and nasty questions on the site of benchmarks/crowd.py.

use: ./run python benchmarks/searching.py FOLDER     (BLOG_DATABASE_URL names another database than FOLDER's own)

Per question: how many posts it finds, the page's statements, the time of all of them, the time that finding takes with
its rows fetched, the page's CPU; each the best of nine.
"""

import os
import sys
import time
from typing import Any

from flask import Flask
from sqlalchemy import event

from blogapp.app import create_app
from blogapp.core import config
from blogapp.core.db import db

QUESTIONS = (
    "q=kettle", "q=spreadsheets", "q=printer", "q=ruby", "q=work", "q=week", "q=the", "q=zzzz", "q=473", "q=week+473",
    "q=kettle+work", "q=ruby+printer", "q=week+work+time", "q=kettle+-work", "q=work+-week", "q=kettle+dora",
    "q=kettle+2015", "q=kettle&author=cleo-3", "q=work&author=cleo-3", "q=work&author=zoe-24", "q=work&year=2012",
    "q=work&tag=bread", "q=work&week=470-480", "q=work&author=cleo-3&year=2012&tag=bread", "author=cleo-3",
    "tag=bread", "year=2012&tag=bread", "q=%22code+review%22", "q=%22next+week%22", "q=%22last+week+work%22",
    "q=%22week+work+week%22", "q=%22work+work+work+work+work+work%22", "q=" + "work+week+time+day+one+new+" * 20,
    "q=work&page=10",
)  # fmt: skip


class Clock:
    """Adds up what the database takes, from the statement's start to its last row."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.statements = 0
        self.slowest = (0.0, "")
        self.since = 0.0
        event.listen(db.engine, "before_cursor_execute", self._begin)
        event.listen(db.engine, "after_cursor_execute", self._end)

    def _begin(self, *_: Any) -> None:
        self.since = time.perf_counter()

    def _end(self, connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        spent = time.perf_counter() - self.since
        self.seconds += spent
        self.statements += 1
        self.slowest = max(self.slowest, (spent, " ".join(statement.split())[:60]))


def measure(app: Flask) -> None:
    """Print the table."""
    from blogapp.reading import search_queries as asked

    client, plain = app.test_client(), asked._newest
    for query in QUESTIONS:
        runs = []
        for _ in range(9):
            search = [0.0]

            def timed(*given: Any, search: list[float] = search) -> Any:
                since = time.perf_counter()
                places = plain(*given)
                search[0] += time.perf_counter() - since
                return places

            asked._newest = timed
            with app.app_context():
                clock = CLOCKS[0]
                clock.seconds, clock.statements, clock.slowest = 0.0, 0, (0.0, "")
                cpu = time.process_time()
                page = client.get(f"/search?{query}")
                cpu = time.process_time() - cpu
                runs.append((clock.seconds * 1000, search[0] * 1000, cpu * 1000, clock.statements, clock.slowest[1]))
        heading = page.text.partition('id="found">')[2].partition("<")[0]
        whole, finding, spent, statements, slowest = map(min, zip(*runs, strict=True))
        print(f"{query[:50]:50} {heading:20} {statements:3} {whole:8.2f} {finding:8.2f} {spent:7.1f}  {slowest}")


CLOCKS: list[Clock] = []


def main() -> None:
    app = create_app(config.load({"BLOG_SECRET_KEY": "x" * 40, **os.environ, "BLOG_DATA_DIR": sys.argv[1]}))
    with app.app_context():
        CLOCKS.append(Clock())
    print(f"{'question':50} {'found':20} {'n':>3} {'all ms':>8} {'find ms':>8} {'CPU ms':>7}  the slowest statement")
    measure(app)


if __name__ == "__main__":
    main()
