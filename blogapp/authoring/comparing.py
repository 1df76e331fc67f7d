"""What changed between two texts, word by word, for people to read."""

import re
from dataclasses import dataclass

from blogapp.core.matching import Work, regions

WORD = re.compile(r"\w+|\s+|[^\w\s]")
# Unchanged lines left standing around a change.
CONTEXT = 2
# Beyond this, two paragraphs have so little in common that mixing them word by word reads like confetti.
ALIKE = 0.35
# Nobody can follow so many words in one stretch; a longer one is shown as taken out and put in.
MOST_WORDS = 4_000
# What taking a stretch apart into words costs, in steps of `Work`: once, and for each character.
SET_UP, A_CHARACTER = 300, 1


@dataclass(frozen=True)
class Piece:
    """`same`, `out` (only in the older), `in` (only in the newer) or `skip` (unchanged lines left out: `lines`)."""

    kind: str
    text: str
    lines: int = 0


def compare(old: str, new: str) -> list[Piece]:
    """The newer text with what was taken out and put in; long unchanged stretches are skipped.

    The time is bounded: what would take longer to compare is shown as taken out and put in.
    """
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    work, pieces = Work(), list[Piece]()
    found = list(regions(before, after, work, lines=True))
    for number, (same, a, b, c, d) in enumerate(found):
        if same:
            pieces += _unchanged(after[c:d], first=number == 0, last=number == len(found) - 1)
        else:
            pieces += _changed("".join(before[a:b]), "".join(after[c:d]), work)
    return _joined(pieces)


def words_between(old: str, new: str, work: Work) -> list[Piece]:
    """What was taken out of a line and put into it."""
    return _joined(_changed(old, new, work))


def _unchanged(lines: list[str], *, first: bool, last: bool) -> list[Piece]:
    head, tail = (0 if first else CONTEXT), (0 if last else CONTEXT)
    hidden = len(lines) - head - tail
    if hidden <= CONTEXT:
        return [Piece("same", "".join(lines))]
    end = lines[len(lines) - tail :] if tail else []
    return [Piece("same", "".join(lines[:head])), Piece("skip", "", hidden), Piece("same", "".join(end))]


def _changed(old: str, new: str, work: Work) -> list[Piece]:
    whole = [Piece("out", old), Piece("in", new)]
    if not (old and new and work.take(SET_UP + A_CHARACTER * (len(old) + len(new)))):
        return whole
    before, after = WORD.findall(old), WORD.findall(new)
    if max(len(before), len(after)) > MOST_WORDS:
        return whole
    found = list(regions(before, after, work))
    in_both = sum(not word.isspace() for same, a, b, _, _ in found if same for word in before[a:b])
    if 2 * in_both < ALIKE * sum(not word.isspace() for side in (before, after) for word in side):
        return whole
    return _by_words(before, after, found)


def _by_words(before: list[str], after: list[str], found: list[tuple[bool, int, int, int, int]]) -> list[Piece]:
    pieces, taken, put = [], "", ""
    for equal, a, b, c, d in found:
        same = "".join(after[c:d])
        if equal and not (same.isspace() and (taken or put)):
            pieces += [Piece("out", taken), Piece("in", put), Piece("same", same)]
            taken = put = ""
        else:  # A blank between two changes belongs to both.
            taken, put = taken + "".join(before[a:b]), put + same
    return [*pieces, Piece("out", taken), Piece("in", put)]


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Without empty pieces, and neighbours of a kind as one."""
    joined: list[Piece] = []
    for piece in pieces:
        if piece.kind != "skip" and not piece.text:
            continue
        if joined and piece.kind == joined[-1].kind != "skip":
            joined[-1] = Piece(piece.kind, joined[-1].text + piece.text)
        else:
            joined.append(piece)
    return joined
