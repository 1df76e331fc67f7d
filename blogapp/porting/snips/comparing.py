"""Which lines of two texts are the same, in a time that grows as the texts do. Pure.

Lines that each text has once are held against each other first, then what lies between them (patience diff:
https://bramcohen.livejournal.com/73318.html). difflib by itself takes minutes where many lines are blank.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher

# Up to so many lines difflib finds the best answer quickly, whatever they are.
SMALL = 100
DEEPEST = 20
Block = tuple[int, int, int]


def compare(one: list[str], other: list[str]) -> Iterator[tuple[bool, int, int, int, int]]:
    """(whether they are the same, start, end, start, end) of stretches that cover both texts; like ones alternate."""
    at, ours = 0, 0  # How far the two are.
    start, first = 0, 0  # Where the stretch of same lines that ends there began.
    for place, place_ours, length in [*_same(one, other, (0, len(one)), (0, len(other))), (len(one), len(other), 0)]:
        if place > at or place_ours > ours:
            if at > start:
                yield True, start, at, first, ours
            yield False, at, place, ours, place_ours
            start, first = place, place_ours
        at, ours = place + length, place_ours + length
    if at > start:
        yield True, start, at, first, ours


def _same(one: list[str], other: list[str], a: tuple[int, int], b: tuple[int, int], depth: int = 0) -> Iterator[Block]:
    """(start, start, length) of same lines within the two ranges, in order; neighbours may touch."""
    (start, end), (first, last) = a, b
    length = 0
    while start + length < end and first + length < last and one[start + length] == other[first + length]:
        length += 1
    yield start, first, length
    start, first = start + length, first + length
    length = 0
    while start < end - length and first < last - length and one[end - length - 1] == other[last - length - 1]:
        length += 1
    end, last = end - length, last - length
    if start < end and first < last:
        if max(end - start, last - first) <= SMALL:
            blocks = SequenceMatcher(None, one[start:end], other[first:last]).get_matching_blocks()
            yield from ((start + i, first + j, size) for i, j, size in blocks if size)
        elif depth < DEEPEST:
            yield from _between_anchors(one, other, (start, end), (first, last), depth)
    yield end, last, length


def _between_anchors(
    one: list[str], other: list[str], a: tuple[int, int], b: tuple[int, int], depth: int
) -> Iterator[Block]:
    (start, end), (first, last) = a, b
    anchors = _anchors(one, other, a, b)
    for place, ours in anchors:
        yield from _same(one, other, (start, place), (first, ours), depth + 1)
        yield place, ours, 1
        start, first = place + 1, ours + 1
    if anchors:
        yield from _same(one, other, (start, end), (first, last), depth + 1)


def _anchors(one: list[str], other: list[str], a: tuple[int, int], b: tuple[int, int]) -> list[tuple[int, int]]:
    """The most lines that both ranges have just once, in an order that is both's."""
    once, once_ours = _once(one, *a), _once(other, *b)
    pairs = [(at, once_ours[line]) for line, at in once.items() if line in once_ours]
    # The longest rising sequence: the last of each length so far, and for each pair the one before it.
    ends: list[int] = []
    end_pairs: list[int] = []
    before: list[int] = []
    for number, (_, ours) in enumerate(pairs):
        length = bisect_left(ends, ours)
        before.append(end_pairs[length - 1] if length else -1)
        ends[length : length + 1] = [ours]
        end_pairs[length : length + 1] = [number]
    found = []
    number = end_pairs[-1] if end_pairs else -1
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]


def _once(lines: list[str], start: int, end: int) -> dict[str, int]:
    counts = Counter(lines[start:end])
    return {line: at for at, line in enumerate(lines[start:end], start) if counts[line] == 1}
