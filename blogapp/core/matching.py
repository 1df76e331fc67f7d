"""Which tokens (lines, words, letters) of two texts are the same, in bounded time whatever they say. Pure.

Tokens that both have just once are held against each other first, then what lies between them (patience diff:
https://bramcohen.livejournal.com/73318.html). difflib gives the best answer for what is left, but is cubic where tokens
repeat: minutes for two pages of `a` and `b`. So it gets only what is small, and all its work comes out of one `Work`;
what is beyond that counts as different as a whole, which is always true, if less telling.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

WORD = re.compile(r"\w+")
# Steps of difflib's that are always tried first, and the most for one stretch where there is nothing else to go by.
SMALL = 20_000
MOST_AT_ONCE = 500_000
# What making a matcher costs, in steps.
SET_UP = 100
DEEPEST = 20
Block = tuple[int, int, int]


@dataclass
class Work:
    """What may still be spent, in steps of some 0.1 µs: one for all that one request compares."""

    left: int = 4_000_000

    def take(self, steps: int) -> bool:
        """Spend them; False, and nothing spent, where there are not as many left."""
        if steps > self.left:
            return False
        self.left -= steps
        return True


def matches(one: Sequence[str], other: Sequence[str], work: Work | None = None, *, lines: bool = False) -> list[Block]:
    """(start in one, start in other, length) of what is the same, in order; no two touch on both sides.

    Args:
        lines: the tokens are lines. Then an empty one counts as any other, and changed lines are told by their words;
            of words, blanks alone are never the same.
    """
    work = work or Work()
    if lines:
        return _Matching(one, other, work, lines).all()
    # Without the blanks between them: a run of words is what tells where two texts are the same.
    solid, ours = ([place for place, token in enumerate(side) if not token.isspace()] for side in (one, other))
    found = _Matching([one[place] for place in solid], [other[place] for place in ours], work, lines).all()
    pairs = ((solid[start + n], ours[first + n]) for start, first, length in found for n in range(length))
    return _with_blanks(one, other, pairs)


def _with_blanks(one: Sequence[str], other: Sequence[str], pairs: Iterable[tuple[int, int]]) -> list[Block]:
    """The pairs of same words as stretches, with the same blanks around them."""
    found: list[Block] = []
    at = ours = 0  # What comes before these is settled.
    for place, first in pairs:
        start = place
        while (
            start > at
            and first - place + start > ours
            and _same_blank(one, other, start - 1, first - place + start - 1)
        ):
            start -= 1
        _add(found, start, first - place + start, place + 1 - start)
        at, ours = place + 1, first + 1
        while at < len(one) and ours < len(other) and _same_blank(one, other, at, ours):
            _add(found, at, ours, 1)
            at, ours = at + 1, ours + 1
    return found


def _same_blank(one: Sequence[str], other: Sequence[str], at: int, ours: int) -> bool:
    return one[at] == other[ours] and one[at].isspace()


def _add(found: list[Block], start: int, first: int, length: int) -> None:
    """Put a stretch behind those found; one that goes on with the last makes it longer."""
    if not length:
        return
    if found:
        before, ours, so_far = found[-1]
        if before + so_far == start and ours + so_far == first:
            found[-1] = (before, ours, so_far + length)
            return
    found.append((start, first, length))


def regions(
    one: Sequence[str], other: Sequence[str], work: Work | None = None, *, lines: bool = False
) -> Iterator[tuple[bool, int, int, int, int]]:
    """(whether they are the same, start, end, start, end) of stretches that cover both texts; like ones alternate."""
    at = ours = 0
    for start, first, length in [*matches(one, other, work, lines=lines), (len(one), len(other), 0)]:
        if start > at or first > ours:
            yield False, at, start, ours, first
        at, ours = start + length, first + length
        if length:
            yield True, start, at, first, ours


class _Matching:
    def __init__(self, one: Sequence[str], other: Sequence[str], work: Work, lines: bool) -> None:
        self.one, self.other, self.work, self.lines = one, other, work, lines
        self.found: list[Block] = []

    def all(self) -> list[Block]:
        self.within(0, len(self.one), 0, len(self.other))
        return self.found

    def within(self, a: int, b: int, c: int, d: int, depth: int = 0) -> None:
        """Find what is the same in [a, b) of the one and [c, d) of the other."""
        one, other, length = self.one, self.other, 0
        while a + length < b and c + length < d and one[a + length] == other[c + length]:
            length += 1
        _add(self.found, a, c, length)
        a, c, length = a + length, c + length, 0
        while a < b - length and c < d - length and one[b - length - 1] == other[d - length - 1]:
            length += 1
        b, d = b - length, d - length
        if a < b and c < d:
            self._inside(a, b, c, d, depth)
        _add(self.found, b, d, length)

    def _inside(self, a: int, b: int, c: int, d: int, depth: int) -> None:
        """The same where neither the beginnings nor the ends are."""
        if not self.work.take(b - a + d - c):
            return
        steps = self._steps(a, b, c, d)
        if steps <= SMALL:
            self._by_difflib(a, b, c, d, steps)
            return
        anchors = self._anchors(a, b, c, d) if depth < DEEPEST else []
        if not anchors:
            if steps <= MOST_AT_ONCE:
                self._by_difflib(a, b, c, d, steps)
            return
        for start, first, length in anchors:
            self.within(a, start, c, first, depth + 1)
            _add(self.found, start, first, length)
            a, c = start + length, first + length
        self.within(a, b, c, d, depth + 1)

    def _steps(self, a: int, b: int, c: int, d: int) -> int:
        """The most that difflib takes: for each stretch that it finds it looks at all pairs of same tokens."""
        counts = Counter(self.other[c:d])
        pairs = [counts[token] for token in self.one[a:b] if token in counts]
        return (b - a + sum(pairs)) * min(len(pairs), d - c) + (SET_UP if pairs else 0)

    def _by_difflib(self, a: int, b: int, c: int, d: int, steps: int) -> None:
        if not steps or not self.work.take(steps):
            return
        matcher = SequenceMatcher(None, self.one[a:b], self.other[c:d], autojunk=False)
        for start, first, length in matcher.get_matching_blocks():
            _add(self.found, a + start, c + first, length)

    def _anchors(self, a: int, b: int, c: int, d: int) -> list[Block]:
        """What belongs together beyond doubt. Blank lines never do, however few: they stand anywhere."""
        once, once_ours = _once(self.one[a:b], a), _once(self.other[c:d], c)
        same = _rising([(at, once_ours[token]) for token, at in once.items() if token in once_ours])
        if same or not self.lines:
            return [(at, ours, 1) for at, ours in same]
        return [(at, ours, 0) for at, ours in self._kin(a, b, c, d)]

    def _kin(self, a: int, b: int, c: int, d: int) -> list[tuple[int, int]]:
        """Changed lines of which one became the other: they share a word that each text has once."""
        sides = []
        for lines, start, end in ((self.one, a, b), (self.other, c, d)):
            words = [(word, at) for at in range(start, end) for word in set(WORD.findall(lines[at]))]
            if not self.work.take(10 * len(words)):
                return []
            counts = Counter(word for word, _ in words)
            sides.append({word: at for word, at in words if counts[word] == 1})
        mine, ours = sides
        votes = Counter((at, ours[word]) for word, at in mine.items() if word in ours)
        best: dict[int, tuple[int, int]] = {}
        for (at, place), count in votes.items():
            best[at] = max(best.get(at, (0, 0)), (count, -place))
        pairs = _rising(sorted((at, -place) for at, (_, place) in best.items()))
        # Where a pair would part nothing off, the same would be asked again without end.
        return [pair for pair in pairs if pair not in ((a, c), (b, d))]


def _once(tokens: Sequence[str], start: int) -> dict[str, int]:
    counts = Counter(tokens)
    return {token: at for at, token in enumerate(tokens, start) if counts[token] == 1 and not token.isspace()}


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The most of the pairs, whose first numbers rise, so that the second ones rise too."""
    # The last of each length so far, and for each pair the one before it.
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
