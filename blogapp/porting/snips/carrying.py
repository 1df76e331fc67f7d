"""Carrying edits over to another wording of the same text, so that what nobody touched stays as it was. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher


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
    for tag, start, end, first, last in SequenceMatcher(None, lines, ours, autojunk=False).get_opcodes():
        if tag == "equal":
            done += _as_original(lines, stretches, start, end)
        else:
            done += ours[first:last]
    return "\n".join(done)


def _stretches(base: list[str], original: list[str]) -> Iterator[Stretch]:
    for _, start, end, first, last in SequenceMatcher(None, base, original, autojunk=False).get_opcodes():
        if end - start == last - first:
            for offset in range(end - start):
                yield Stretch(start + offset, start + offset + 1, (original[first + offset],))
        else:
            yield Stretch(start, end, tuple(original[first:last]))


def _as_original(base: list[str], stretches: list[Stretch], start: int, end: int) -> list[str]:
    done: list[str] = []
    at = start
    for stretch in stretches:
        if start <= stretch.start and stretch.end <= end and (stretch.start < end or stretch.start == stretch.end):
            done += base[at : stretch.start]
            done += stretch.lines
            at = stretch.end
    return [*done, *base[at:end]]
