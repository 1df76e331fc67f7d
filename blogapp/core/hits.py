"""The log's lines of pages that came from the cache: the same as any other request's, for a tenth of the price.

Logging one request took 20 of a cached page's 40 µs (measured): here nothing is made twice, and the lines of half a
second are written at once.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from blogapp.core.logs import Batch, clock, encode, one_line

# (method, path, status, ms, name of the request) -> nothing
Note = Callable[[str, str, int, float, str], None]


def hit_log(log_format: str, batch: Batch) -> Note:
    """What notes a hit in that format, `text` or `json`."""
    add = batch.add

    def as_json(method: str, path: str, status: int, ms: float, name: str) -> None:
        now = time.time()
        second = int(now)
        add(
            f'{{"at": "{_utc(second)}.{int((now - second) * 1000):03d}+00:00", "level": "info", '
            f'"logger": "blogapp.access", "event": "request", "request": "{name}", "method": "{method}", '
            f'"path": {_quoted(path)}, "status": {status}, "ms": {ms}}}\n'
        )

    def as_text(method: str, path: str, status: int, ms: float, name: str) -> None:
        add(
            f"{clock(int(time.time()))} info    blogapp.access: request method={method} path={_plain(path)} "
            f"status={status} ms={ms} request={name}\n"
        )

    return as_json if log_format == "json" else as_text


@lru_cache(maxsize=2)
def _utc(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat(timespec="seconds").removesuffix("+00:00")


@lru_cache(maxsize=4096)
def _quoted(path: str) -> str:
    return encode(path)


@lru_cache(maxsize=4096)
def _plain(path: str) -> str:
    return one_line(path, " ")
