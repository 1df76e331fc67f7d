"""What readers have missed, as sets of ids in whole numbers: bit 0 is the first id of a slice. Pure.

A slice of thousands of readers is a handful of numbers and a few `&` and `|`, whoever they are: nobody is looked at one
by one. A gap is the set of digests that a reader misses.
"""

from collections.abc import Iterable, Mapping, Sequence

Gap = frozenset[int]
NOTHING: Gap = frozenset()


def split(readers: int, missing: Mapping[int, int]) -> dict[Gap, int]:
    """The readers by their gap; together they are `readers` again, and none is in two of the sets.

    Args:
        missing: digest -> the readers who miss it.
    """
    groups = {NOTHING: readers} if readers else {}
    for digest, without in missing.items():
        parted: dict[Gap, int] = {}
        for gap, some in groups.items():
            if hit := some & without:
                parted[gap | {digest}] = hit
            if rest := some & ~without:
                parted[gap] = rest
        groups = parted
    return groups


def choose(counts: Mapping[Gap, int], most: int) -> list[Gap]:
    """The gaps that get an edition of their own: those that most readers have."""
    wanted = sorted((gap for gap in counts if gap), key=lambda gap: (-counts[gap], -len(gap), sorted(gap)))
    return wanted[:most]


def largest_within(owed: Gap, carried: Iterable[tuple[int, Gap]]) -> int | None:
    """Of sendings and what they carry: the one that brings most of what is owed, and nothing else. None: there is none.

    So nobody gets anything twice; what it does not bring is still owed next time.
    """
    fitting = [(len(what), -sending) for sending, what in carried if what and what <= owed]
    return -max(fitting)[1] if fitting else None


def said(gap: Gap) -> str:
    """`471,472`, as `Sending.gaps` keeps it."""
    return ",".join(map(str, sorted(gap)))


def heard(text: str) -> Gap:
    """The gap that `said` wrote."""
    return frozenset(int(number) for number in text.split(",") if number)


def to_bits(ids: Sequence[int], lo: int) -> int:
    """Ascending ids, all >= `lo`, as a number."""
    if not ids:
        return 0
    if ids[-1] - ids[0] == len(ids) - 1:  # A run without a hole, as most are.
        return ((1 << len(ids)) - 1) << (ids[0] - lo)
    found = bytearray((ids[-1] - lo) // 8 + 1)
    for number in ids:
        found[(number - lo) >> 3] |= 1 << ((number - lo) & 7)
    return int.from_bytes(found, "little")


def to_ids(bits: int, lo: int) -> list[int]:
    """The ids again."""
    spelt = bin(bits)[:1:-1]
    found, index = [], spelt.find("1")
    while index >= 0:
        found.append(lo + index)
        index = spelt.find("1", index + 1)
    return found
