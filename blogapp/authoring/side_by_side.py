"""Two texts beside each other, line by line, with the words that changed marked in both."""

from collections.abc import Iterator
from dataclasses import dataclass

from blogapp.authoring.comparing import CONTEXT, Piece, words_between
from blogapp.core.matching import Work, matches, regions

# Lines that have less in common than this are not the same line changed.
ALIKE = 0.4
# Finding which line became which is quadratic: no further ahead than this is looked.
MOST_LINES = 60
# What holding two lines against each other costs, in steps of `Work`: once, and for each character.
SET_UP, A_CHARACTER = 100, 1


@dataclass(frozen=True)
class Row:
    """One line of each side; None where that side has none. `skipped`: so many unchanged lines are left out here."""

    old: list[Piece] | None = None
    new: list[Piece] | None = None
    skipped: int = 0

    @property
    def changed(self) -> bool:
        return not self.skipped and self.old != self.new


def side_by_side(old: str, new: str) -> list[Row]:
    """The rows of a table that shows both texts; long unchanged stretches are one row that says so."""
    before, after = old.splitlines(), new.splitlines()
    work, rows = Work(), list[Row]()
    found = list(regions(before, after, work, lines=True))
    for number, (same, a, b, c, d) in enumerate(found):
        if same:
            rows += _unchanged(after[c:d], first=number == 0, last=number == len(found) - 1)
        else:
            rows += _changed(before[a:b], after[c:d], work)
    return rows


def _unchanged(lines: list[str], *, first: bool, last: bool) -> Iterator[Row]:
    head, tail = (0 if first else CONTEXT), (0 if last else CONTEXT)
    hidden = len(lines) - head - tail
    skips = hidden > CONTEXT
    for number, line in enumerate(lines):
        if skips and number == head:
            yield Row(skipped=hidden)
        if not skips or number < head or number >= head + hidden:
            yield Row([Piece("same", line)], [Piece("same", line)])


def _changed(old: list[str], new: list[str], work: Work) -> Iterator[Row]:
    """Each new line beside the old one that it was made of, in order; what has no counterpart stands alone."""
    if len(old) == len(new) == 1:
        yield _pair(old[0], new[0], work)
        return
    a = 0
    for line in new:
        reach = MOST_LINES if line.strip() and work.take(SET_UP) else 0
        found = next((n for n in range(a, min(len(old), a + reach)) if _alike(old[n], line, work)), None)
        if found is None:
            yield Row(new=[Piece("in", line)])
            continue
        yield from (Row(old=[Piece("out", gone)]) for gone in old[a:found])
        yield _pair(old[found], line, work)
        a = found + 1
    yield from (Row(old=[Piece("out", gone)]) for gone in old[a:])


def _alike(old: str, new: str, work: Work) -> bool:
    """Whether one became the other; no, where there is no time left to look."""
    if not old.strip() or not new.strip() or not work.take(SET_UP + A_CHARACTER * (len(old) + len(new))):
        return False
    before, after = old.split(), new.split()
    total = len(before) + len(after)
    if set(before).isdisjoint(after) or 2 * min(len(before), len(after)) < ALIKE * total:
        return False
    return 2 * sum(length for _, _, length in matches(before, after, work)) >= ALIKE * total


def _pair(old: str, new: str, work: Work) -> Row:
    pieces = words_between(old, new, work)
    return Row([p for p in pieces if p.kind != "in"], [p for p in pieces if p.kind != "out"])
