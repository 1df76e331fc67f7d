"""What was worked out before, by what it was worked out from: the page of one edit has most in common with the last."""

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
# What a key and its place take besides the texts.
BESIDES = 1_000


class Remembered(Generic[T]):
    """Results by their keys, in up to so many bytes; what was not asked for the longest goes first.

    A key holds everything that the result depends on, so that nothing here is ever out of date.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.held_bytes = 0
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable, make: Callable[[], T], key_bytes: int = 0) -> T:
        """The result under that key; made where it is not there. Two threads may make the same at once.

        Args:
            key_bytes: of long texts in the key.
        """
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                self._kept.move_to_end(key)
                return known[0]
        made = make()
        size = sys.getsizeof(made) + key_bytes + BESIDES
        with self._lock:
            if key not in self._kept and size <= self.most_bytes // 8:
                self._kept[key] = made, size
                self.held_bytes += size
                while self.held_bytes > self.most_bytes:
                    _, (_, freed) = self._kept.popitem(last=False)
                    self.held_bytes -= freed
        return made


class _Function(Generic[P, T]):
    def __init__(self, function: Callable[P, T], most_bytes: int) -> None:
        self.function = function
        self.known: Remembered[T] = Remembered(most_bytes)
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        texts = sum(sys.getsizeof(value) for value in args if isinstance(value, str))
        key: tuple[Any, ...] = (args, tuple(kwargs.items()))
        return self.known.get(key, lambda: self.function(*args, **kwargs), texts)


def remembering(most_bytes: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """For a pure function of texts: as functools.lru_cache, bounded by what the texts take and not by their number.

    Nobody may change what it returns.
    """

    def decorated(function: Callable[P, T]) -> Callable[P, T]:
        return _Function(function, most_bytes)

    return decorated
