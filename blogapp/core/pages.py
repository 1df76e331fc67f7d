"""Pages in memory: the least recently used ones go when there are too many bytes of them."""

import threading
from collections import OrderedDict
from typing import Generic, Protocol, TypeVar

from blogapp.core.stamps import Stamp

# One page takes no more than this share of the cache: a huge sitemap must not drive everything else out.
LARGEST_SHARE = 8


class Stamped(Protocol):
    """What can be kept. It may grow afterwards, and is then put again."""

    @property
    def stamp(self) -> Stamp | None: ...

    @property
    def size_bytes(self) -> int: ...


P = TypeVar("P", bound=Stamped)


class Pages(Generic[P]):
    """A least-recently-used cache bounded by bytes. Safe in many threads.

    Nobody waits while somebody else makes the same page: after a write no more make it at once than there are threads.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.held_bytes = 0
        self._kept: OrderedDict[str, tuple[P, int]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str, stamp: Stamp) -> P | None:
        """The page of that stamp. One of another is let go of."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        page = kept[0]
        if page.stamp == stamp:
            # Without the lock: this is one step of the interpreter, and somebody may have dropped it before.
            try:  # noqa: SIM105
                self._kept.move_to_end(key)
            except KeyError:
                pass  # (suppress would take longer than all else here)
            return page
        with self._lock:
            if self._kept.get(key) is kept:
                self._drop(key)
        return None

    def put(self, key: str, page: P) -> None:
        """Keep it, or weigh it again; unless it is too large."""
        size = page.size_bytes + len(key)
        with self._lock:
            self._drop(key)
            if size > self.most_bytes // LARGEST_SHARE:
                return
            self._kept[key] = page, size
            self.held_bytes += size
            while self.held_bytes > self.most_bytes:
                self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self.held_bytes -= gone[1]
