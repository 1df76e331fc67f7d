"""Who wrote which paragraph of a post, read from its revisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True)
class Paragraph:
    """A paragraph as it is now. `revisions`: those that its lines come from, the newest first."""

    text: str
    revisions: list[int]


def blame(texts: Sequence[tuple[int, str]]) -> list[Paragraph]:
    """The paragraphs of the last text, each with the revisions that its lines come from.

    Args:
        texts: (number, text) of each revision, the oldest first.
    """
    lines: list[str] = []
    origins: list[int] = []
    for number, text in texts:
        after = text.splitlines()
        lines, origins = after, _carried(lines, origins, after, number)
    found: list[Paragraph] = []
    start = 0
    for end, line in enumerate([*lines, ""]):
        if line.strip():
            continue
        if start < end:
            found.append(Paragraph("\n".join(lines[start:end]), sorted(set(origins[start:end]), reverse=True)))
        start = end + 1
    return found


def _carried(before: list[str], origins: list[int], after: list[str], number: int) -> list[int]:
    """Where each line comes from: a line that was there before keeps its origin."""
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    carried = [number] * len(after)
    for a, b, size in matcher.get_matching_blocks():
        carried[b : b + size] = origins[a : a + size]
    return carried
