"""Two texts beside each other, line by line, with the words that changed marked in both."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from blogapp.authoring.comparing import CONTEXT, Piece, words_between

# Lines that have less in common than this are not the same line changed.
ALIKE = 0.4
# Finding which line became which is quadratic: no further ahead than this is looked.
MOST_LINES = 60


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
    operations = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    rows: list[Row] = []
    for number, (operation, a, b, c, d) in enumerate(operations):
        if operation == "equal":
            rows += _unchanged(after[c:d], first=number == 0, last=number == len(operations) - 1)
        else:
            rows += _changed(before[a:b], after[c:d])
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


def _changed(old: list[str], new: list[str]) -> Iterator[Row]:
    """Each new line beside the old one that it was made of, in order; what has no counterpart stands alone."""
    if len(old) == len(new) == 1:
        yield _pair(old[0], new[0])
        return
    a = 0
    for line in new:
        found = next((n for n in range(a, min(len(old), a + MOST_LINES)) if _alike(old[n], line)), None)
        if found is None:
            yield Row(new=[Piece("in", line)])
            continue
        yield from (Row(old=[Piece("out", gone)]) for gone in old[a:found])
        yield _pair(old[found], line)
        a = found + 1
    yield from (Row(old=[Piece("out", gone)]) for gone in old[a:])


def _alike(old: str, new: str) -> bool:
    if not old.strip() or not new.strip():
        return False
    matcher = SequenceMatcher(None, old.split(), new.split(), autojunk=False)
    return matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE


def _pair(old: str, new: str) -> Row:
    pieces = words_between(old, new)
    return Row([p for p in pieces if p.kind != "in"], [p for p in pieces if p.kind != "out"])
