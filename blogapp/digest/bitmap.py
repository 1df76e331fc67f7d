"""Sets of ids as bytes: bit `id - lo`, least significant first. 500 ids in a row take 63 bytes. Pure."""

from collections.abc import Iterable


def from_ids(ids: Iterable[int], lo: int, hi: int) -> bytes:
    """The set `ids`, all from `lo` to `hi` inclusive.

    Raises:
        ValueError: one lies outside.
    """
    bits = bytearray((hi - lo) // 8 + 1)
    for number in ids:
        if not lo <= number <= hi:
            raise ValueError(f"{number} is not from {lo} to {hi}")
        bits[(number - lo) >> 3] |= 1 << ((number - lo) & 7)
    return bytes(bits)


def to_ids(bits: bytes | None, lo: int) -> list[int]:
    """The ids in the set, ascending; None is the empty set."""
    return [
        lo + 8 * index + bit for index, byte in enumerate(bits or b"") if byte for bit in range(8) if byte >> bit & 1
    ]


def holds(bits: bytes | None, lo: int, number: int) -> bool:
    """Whether `number`, which is not below `lo`, is in the set."""
    place = number - lo
    return bits is not None and place >> 3 < len(bits) and bool(bits[place >> 3] >> (place & 7) & 1)
