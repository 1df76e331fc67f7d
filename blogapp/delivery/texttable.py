"""A table in plain text: aligned columns where they fit the width, else one record per row."""

from blogapp.delivery.wrapping import columns, wrap

GAP = "  "


def text_table(rows: list[list[str]], heads: int, right: set[int], width: int) -> list[str]:
    """
    Args:
        rows: of cells; all rows are made as long as the longest.
        heads: how many of the rows, from the first, are the table's head.
        right: the columns that are set to the right.
        width: in columns of the screen.
    """
    count = max((len(row) for row in rows), default=0)
    rows = [row + [""] * (count - len(row)) for row in rows]
    if not count:
        return []
    widths = _fit(rows, width - len(GAP) * (count - 1))
    if widths is None:
        return _records(rows, heads, width)
    lines: list[str] = []
    for number, row in enumerate(rows):
        if heads and number == heads:
            lines.append(GAP.join("-" * w for w in widths))
        cells = [wrap(cell, w) for cell, w in zip(row, widths, strict=True)]
        tallest = max(map(len, cells))
        for index in range(tallest):
            parts = [cell[index] if index < len(cell) else "" for cell in cells]
            lines.append(_line(parts, widths, right))
        # Rows of several lines need air between them, or nobody sees where one ends.
        if tallest > 1 and number not in (heads - 1, len(rows) - 1):
            lines.append("")
    return lines


def _line(parts: list[str], widths: list[int], right: set[int]) -> str:
    padded = []
    for number, (part, width) in enumerate(zip(parts, widths, strict=True)):
        padding = " " * (width - columns(part))
        padded.append(padding + part if number in right else part + padding)
    return GAP.join(padded).rstrip()


def _fit(rows: list[list[str]], room: int) -> list[int] | None:
    """A width per column that sums to at most `room`: what each wants, less where the widest give way. None: no way."""
    by_column = list(zip(*rows, strict=True))
    wanted = [max(columns(line) for cell in cells for line in cell.split("\n")) for cells in by_column]
    # No word is broken, and a column of less than 12 is no pleasure.
    least = [
        min(want, max(12, *(columns(word) for cell in cells for word in cell.split())))
        if any(cell.strip() for cell in cells)
        else 0
        for want, cells in zip(wanted, by_column, strict=True)
    ]
    if sum(least) > room:
        return None
    while sum(wanted) > room:
        widest = max((i for i in range(len(wanted)) if wanted[i] > least[i]), key=lambda i: wanted[i] - least[i])
        wanted[widest] -= 1
    return wanted


def _records(rows: list[list[str]], heads: int, width: int) -> list[str]:
    """`Head: cell`, a line each, an empty line between rows."""
    names = [" ".join(part for part in column if part) for column in zip(*rows[:heads], strict=True)] if heads else []
    lines: list[str] = []
    if heads == len(rows):
        return wrap(", ".join(name for name in names if name), width)
    for row in rows[heads:]:
        if lines:
            lines.append("")
        for number, cell in enumerate(row):
            name = names[number] if number < len(names) else ""
            if cell.strip() or name:
                lines += wrap(f"{name}: {cell}" if name else cell, width, "", "    ")
    return lines
