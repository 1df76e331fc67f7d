"""Two people's changes of one text, put together: three-way, by line, then by word.

diff3's rule (Khanna, Kunal, Pierce: A Formal Investigation of Diff3, 2007): what all three texts share parts them into
stretches; a stretch that one side changed is that side's, one that both changed alike is theirs together, and one that
both changed differently is a clash, which holds both texts. So whatever anybody typed is in the result or in a clash.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from blogapp.core.matching import Block, Work, matches

WORD = re.compile(r"\w+|\s+|[^\w\s]")
# More words than these in one stretch are a clash: nobody can follow what would be made of them.
MOST_WORDS = 3_000
# What taking a clash apart into words costs, in steps of `Work`: once, and for each character.
SET_UP, A_CHARACTER = 300, 1
# Below this, somebody wrote the stretch anew, and mixing single words of two such texts makes no sense to anybody.
ALIKE = 0.5
# Clashes with fewer untouched words between them are one: nobody can judge them apart.
APART = 4


@dataclass(frozen=True)
class Part:
    """A stretch of the result, or a clash: then `mine` and `theirs` differ from `base` and from each other."""

    base: str
    mine: str
    theirs: str

    @property
    def clashes(self) -> bool:
        return self.mine != self.theirs and self.base not in (self.mine, self.theirs)

    @property
    def text(self) -> str:
        """What the stretch says where it is no clash."""
        return self.theirs if self.mine == self.base else self.mine


def merge(base: str, mine: str, theirs: str) -> list[Part]:
    """Put two changes of `base` together; the parts in order are the whole text.

    Adjacent parts are never both clashes. Where both put something at the same place, that is a clash. The time is
    bounded: what would take longer to put together is a clash as a whole.
    """
    work, parts = Work(), list[Part]()
    before, my_own, their_own = (text.splitlines(keepends=True) for text in (base, mine, theirs))
    # Each has work of its own: what the one side says must not keep the other from being understood.
    ours, others = (matches(before, side, lines=True) for side in (my_own, their_own))
    for part in _stretches(before, my_own, their_own, ours, others, blank_holds=True):
        parts += _by_words(part, work) if part.clashes else [part]
    return _joined(parts)


def merged_text(parts: Sequence[Part]) -> str | None:
    """The result; None while there is a clash in it."""
    return None if any(part.clashes for part in parts) else "".join(part.text for part in parts)


def settled(parts: Sequence[Part], choices: Sequence[str]) -> str:
    """The text with each clash, in order, settled as chosen: `mine`, `theirs` or `both`.

    Raises:
        ValueError: there are more or fewer choices than clashes, or one is none of the three.
    """
    left = iter(choices)
    pieces = []
    for part in parts:
        if not part.clashes:
            pieces.append(part.text)
            continue
        choice = next(left, None)
        if choice is None:
            raise ValueError("a clash without a choice")
        pieces.append(_settle(part, choice))
    if next(left, None) is not None:
        raise ValueError("a choice without a clash")
    return "".join(pieces)


def _settle(part: Part, choice: str) -> str:
    if choice == "both":
        first, then = part.theirs, part.mine
        return f"{first}{'' if not first or not then or first[-1].isspace() or then[0].isspace() else ' '}{then}"
    if choice not in ("mine", "theirs"):
        raise ValueError(choice)
    return part.mine if choice == "mine" else part.theirs


def _by_words(clash: Part, work: Work) -> list[Part]:
    """The same stretch with only what really clashes as a clash; whole where it was written anew."""
    texts = (clash.base, clash.mine, clash.theirs)
    if not work.take(SET_UP + A_CHARACTER * sum(map(len, texts))):
        return [clash]
    base, mine, theirs = (WORD.findall(text) for text in texts)
    if max(map(len, (base, mine, theirs))) > MOST_WORDS:
        return [clash]
    ours, others = matches(base, mine, work), matches(base, theirs, work)
    if not (_alike(base, mine, ours) and _alike(base, theirs, others)):
        return [clash]
    return list(_close_ones_as_one(list(_stretches(base, mine, theirs, ours, others, blank_holds=False))))


def _alike(before: list[str], after: list[str], same: list[Block]) -> bool:
    in_both = sum(not word.isspace() for start, _, length in same for word in before[start : start + length])
    words = sum(not word.isspace() for side in (before, after) for word in side)
    return 2 * in_both >= ALIKE * words


def _close_ones_as_one(parts: list[Part]) -> Iterator[Part]:
    """With clashes joined that have next to nothing between them."""
    held: list[Part] = []
    for part in parts:
        if part.clashes or held:
            held.append(part)
        else:
            yield part
        if held and not part.clashes and len([w for w in WORD.findall(part.base) if not w.isspace()]) >= APART:
            yield from _up_to_the_last_clash(held)
            held = []
    yield from _up_to_the_last_clash(held)


def _up_to_the_last_clash(held: list[Part]) -> list[Part]:
    last = max((number for number, part in enumerate(held) if part.clashes), default=-1)
    return [_one(held[: last + 1]), *held[last + 1 :]] if held else []


def _one(parts: Sequence[Part]) -> Part:
    """Several parts as one. What only one side changed counts as that side's there."""
    return Part(*("".join(getattr(part, side) for part in parts) for side in ("base", "mine", "theirs")))


def _joined(parts: list[Part]) -> list[Part]:
    """Clashes that touch as one, and nothing empty."""
    joined: list[Part] = []
    for part in parts:
        if joined and part.clashes and joined[-1].clashes:
            joined[-1] = _one([joined[-1], part])
        elif part.base or part.mine or part.theirs:
            joined.append(part)
    return joined


def _stretches(
    base: list[str], mine: list[str], theirs: list[str], ours: list[Block], others: list[Block], *, blank_holds: bool
) -> Iterator[Part]:
    """The texts cut where all three agree, in order: what agrees, and what stands between.

    Args:
        ours: what `base` and `mine` share; `others`: what `base` and `theirs` do.
        blank_holds: whether blank tokens alone part two changes: a blank line does, the blank between two words not.
    """
    a = b = c = 0
    for start, mine_at, theirs_at, length in [*_agreements(ours, others), (len(base), len(mine), len(theirs), 0)]:
        shared = "".join(base[start : start + length])
        if shared and not blank_holds and shared.isspace():
            continue
        yield Part("".join(base[a:start]), "".join(mine[b:mine_at]), "".join(theirs[c:theirs_at]))
        yield Part(shared, shared, shared)
        a, b, c = start + length, mine_at + length, theirs_at + length


def _agreements(ours: list[Block], others: list[Block]) -> Iterator[tuple[int, int, int, int]]:
    """Where a stretch of the base stands in both others: (in base, in mine, in theirs, length)."""
    i = j = 0
    while i < len(ours) and j < len(others):
        (a, b, length), (d, c, other_length) = ours[i], others[j]
        start, end = max(a, d), min(a + length, d + other_length)
        if start < end:
            yield start, b + start - a, c + start - d, end - start
        if a + length < d + other_length:
            i += 1
        else:
            j += 1
