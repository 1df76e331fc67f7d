"""Names in a row, as people write them."""

from collections.abc import Sequence


def in_a_row(names: Sequence[str], joint: str = "and") -> str:
    """`Ada`, `Ada and Ben`, `Ada, Ben and Cy`; nothing for none."""
    if not names:
        return ""
    *most, last = names
    return f"{', '.join(most)} {joint} {last}" if most else last
