"""What changed between two texts, word by word, for people to read."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

WORD = re.compile(r"\w+|\s+|[^\w\s]")
# Unchanged lines left standing around a change.
CONTEXT = 2
# Beyond this, two paragraphs have so little in common that mixing them word by word reads like confetti.
ALIKE = 0.35
# Comparing is quadratic in words; a longer stretch is shown as taken out and put in.
MOST_WORDS = 4_000


@dataclass(frozen=True)
class Piece:
    """`same`, `out` (only in the older), `in` (only in the newer) or `skip` (unchanged lines left out: `lines`)."""

    kind: str
    text: str
    lines: int = 0


def compare(old: str, new: str) -> list[Piece]:
    """The newer text with what was taken out and put in; long unchanged stretches are skipped."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    pieces: list[Piece] = []
    operations = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for number, (operation, a, b, c, d) in enumerate(operations):
        if operation == "equal":
            pieces += _unchanged(after[c:d], first=number == 0, last=number == len(operations) - 1)
        else:
            pieces += _changed("".join(before[a:b]), "".join(after[c:d]))
    return _joined(pieces)


def words_between(old: str, new: str) -> list[Piece]:
    """What was taken out of a line and put into it."""
    return _joined(_changed(old, new))


def _unchanged(lines: list[str], *, first: bool, last: bool) -> list[Piece]:
    head, tail = (0 if first else CONTEXT), (0 if last else CONTEXT)
    hidden = len(lines) - head - tail
    if hidden <= CONTEXT:
        return [Piece("same", "".join(lines))]
    end = lines[len(lines) - tail :] if tail else []
    return [Piece("same", "".join(lines[:head])), Piece("skip", "", hidden), Piece("same", "".join(end))]


def _changed(old: str, new: str) -> list[Piece]:
    before, after = WORD.findall(old), WORD.findall(new)
    if max(len(before), len(after)) > MOST_WORDS or not _alike(before, after):
        return [Piece("out", old), Piece("in", new)]
    pieces, taken, put = [], "", ""
    for operation, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        same = "".join(after[c:d])
        if operation == "equal" and not (same.isspace() and (taken or put)):
            pieces += [Piece("out", taken), Piece("in", put), Piece("same", same)]
            taken = put = ""
        else:  # A blank between two changes belongs to both.
            taken, put = taken + "".join(before[a:b]), put + same
    return [*pieces, Piece("out", taken), Piece("in", put)]


def _alike(before: list[str], after: list[str]) -> bool:
    old, new = ([word for word in side if not word.isspace()] for side in (before, after))
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE


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
