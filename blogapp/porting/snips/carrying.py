"""Carrying edits over to another wording of the same text, so that what nobody touched stays as it was. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from blogapp.core.matching import regions


@dataclass(frozen=True)
class Stretch:
    """Lines `start` to before `end` of the text that both know stand for these lines of the other wording."""

    start: int
    end: int
    lines: tuple[str, ...]


def carry_over(base: str, edited: str, original: str) -> str:
    """The original with the edits that made `edited` of `base`; `base` says the same as the original, in other words.

    Every line that nobody edited comes out as the original has it. Where an edit cuts through lines that have no
    counterpart of their own, they come out as the base has them.
    """
    lines, ours = base.split("\n"), edited.split("\n")
    stretches = list(_stretches(lines, original.split("\n")))
    done: list[str] = []
    at = 0  # Both go forward only, so each stretch comes out once at most.
    for same, start, end, first, last in regions(lines, ours, lines=True):
        if not same:
            done += ours[first:last]
            continue
        while at < len(stretches) and stretches[at].start < start:
            at += 1
        while at < len(stretches) and stretches[at].end <= end:
            done += lines[start : stretches[at].start]
            done += stretches[at].lines
            start = stretches[at].end
            at += 1
        done += lines[start:end]
    return "\n".join(done)


def _stretches(base: list[str], original: list[str]) -> Iterator[Stretch]:
    for _, start, end, first, last in regions(base, original, lines=True):
        if end - start == last - first:
            for offset in range(end - start):
                yield Stretch(start + offset, start + offset + 1, (original[first + offset],))
        else:
            yield Stretch(start, end, tuple(original[first:last]))
