"""The passages of a post that somebody can say something about, and finding one again after the text was edited. Pure.

A passage is a top-level element of the rendered post: a paragraph, a heading, a list, a table, a picture. That is what
a reader points at, it is the same for Markdown and HTML, and it can be shown with something beside it. It is known by
its words and not by a number, because numbers move with every paragraph that comes or goes; blocks of the source would
also change when only a link's address does.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from itertools import islice

from blogapp.core.markup import plain
from blogapp.core.matching import Work, matches

# A passage is known by its beginning. It bounds what is kept of one, and how long two take to compare.
MOST_CHARACTERS = 1000
# How alike two texts have to be, 0 to 1: half a paragraph still is, another one on the same subject is not.
LEAST = 0.6
# Below so many words it is letters that are compared: a heading of one word may lose a typing error.
FEW_WORDS = 6
# What is further away than these, counted in changed passages, is not looked at.
MOST_LOOKED_AT = 200
# For all notes of one edit together, in steps of `Work`: a fifth of a second, as the edit holds SQLite's write lock.
MOST_WORK = 1_500_000
# Only for what the cleaner gave back: there every "<" begins a tag and every value stands in double quotes.
TAG = re.compile(r'<(?P<closing>/?)(?P<name>[a-z][a-z0-9]*)(?:[^"<>]|"[^"]*")*>')
MEDIA = re.compile(r'\s(?:alt|src)="([^"]+)"')
WORD = re.compile(r"\w+")
VOID = frozenset("area br col hr img source wbr".split())
# At the outermost level these are part of the words around them; only texts that came as HTML have such.
INLINE = frozenset(
    "a abbr b bdi bdo br cite code del dfn em i img ins kbd mark q s samp small span strong sub sup time tt u var "
    "wbr".split()
)


@dataclass(frozen=True)
class Passage:
    """A piece of a post. `words`: what it is known by; "" for a line that nobody can say anything about."""

    html: str
    words: str


def passages_of(html: str) -> list[Passage]:
    """The passages of sanitised HTML, in order; together they are all of it but for blanks at its end."""
    return [Passage(piece, _words(piece)) for piece in _pieces(html)]


def _pieces(html: str) -> Iterator[str]:
    depth, start = 0, 0
    for tag in TAG.finditer(html):
        closing, name = bool(tag["closing"]), tag["name"]
        if depth == 0 and name not in INLINE and html[start : tag.start()].strip():
            yield html[start : tag.start()]
            start = tag.start()
        if name not in VOID:
            depth += -1 if closing else 1
        if depth == 0 and name not in INLINE:
            yield html[start : tag.end()]
            start = tag.end()
    if html[start:].strip():
        yield html[start:]


def _words(html: str) -> str:
    """What it says; of a picture or a film without words its name, else its address."""
    words = plain(html) or next((unescape(value) for value in MEDIA.findall(html)), "")
    return words[:MOST_CHARACTERS].strip()


class Finder:
    """Finds passages by what they said, any number of them in bounded time: an edit waits for it, and others for that.

    Args:
        passages: the words of those there are.
        known: words that others had before the edit: what stood beside it all the time did not come of it.
    """

    def __init__(self, passages: Sequence[str], known: Collection[str] = ()) -> None:
        self.passages = passages
        self.fresh = [place for place, words in enumerate(passages) if words and words not in known]
        self.work = Work(MOST_WORK)
        self._places: dict[str, list[int]] = {}
        self._found: dict[tuple[str, int], int | None] = {}
        for place, words in enumerate(passages):
            if words:
                self._places.setdefault(words, []).append(place)

    def find(self, words: str, place: int) -> int | None:
        """Which passage is the one with these words by now: the same one, else the most similar; of equals the nearest.

        None: none is, or there was no time left to look.

        Args:
            words: what it said when it was seen last, at `place`.
        """
        if (words, place) not in self._found:
            self._found[words, place] = self._find(words, place)
        return self._found[words, place]

    def _find(self, words: str, place: int) -> int | None:
        if words in self._places:
            return next(_nearest(self._places[words], place))
        best, most = None, LEAST
        for near in islice(_nearest(self.fresh, place), MOST_LOOKED_AT):
            alike = likeness(words, self.passages[near], self.work)
            if alike > most or (best is None and alike >= most):
                best, most = near, alike
        return best


def find_passage(words: str, place: int, passages: Sequence[str], known: Collection[str] = ()) -> int | None:
    """A single one of `Finder`."""
    return Finder(passages, known).find(words, place)


def _nearest(places: Sequence[int], place: int) -> Iterator[int]:
    """The places, which rise, by how far they are from this one; of two as far the earlier."""
    after = bisect_left(places, place)
    before = after - 1
    while before >= 0 or after < len(places):
        if after >= len(places) or (before >= 0 and place - places[before] <= places[after] - place):
            yield places[before]
            before -= 1
        else:
            yield places[after]
            after += 1


def likeness(one: str, other: str, work: Work) -> float:
    """How alike two passages are, 0 to 1; more than 1 where all of one is in the other (it was cut, or joined).

    0 where they are less alike than `LEAST`, or where the work is used up.
    """
    few, many = sorted((_said(one), _said(other)), key=lambda said: len(said.words))
    if not work.take(15 + len(few.words) // 3):
        return 0.0
    shared = len(few.counted & many.counted)
    inside = 2 < len(few.words) == shared and f" {' '.join(few.words)} " in f" {' '.join(many.words)} "
    pair: tuple[Sequence[str], Sequence[str]] = (few.words, many.words)
    if len(few.words) < FEW_WORDS:
        pair, shared = (one, other), min(len(one), len(other))
    total = len(pair[0]) + len(pair[1])
    # No order of what they share makes them more alike than this; it is told at once, and so of nearly all pairs.
    if not inside and 2 * shared < LEAST * total:
        return 0.0
    return 2 * sum(length for _, _, length in matches(*pair, work)) / (total or 1) + inside


@dataclass(frozen=True)
class _Said:
    """`counted`: each word with how often it stood there before, so that two texts share as many as the sets do."""

    words: list[str]
    counted: frozenset[tuple[str, int]]


@lru_cache(maxsize=1024)
def _said(passage: str) -> _Said:
    words, before = WORD.findall(passage.lower()), Counter[str]()
    counted = set()
    for word in words:
        counted.add((word, before[word]))
        before[word] += 1
    return _Said(words, frozenset(counted))
