"""Tables as kramdown reads them: also without a line under the head, with several bodies, with a foot."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree as etree

from blogapp.core.dialect.attributes import assign, take_attributes
from blogapp.core.dialect.lines import ATTRIBUTES, Block, end_before, take

FIRST_PIPE = re.compile(r"[^\n]*\|")
TABLE_END = re.compile(rf"^(?:{ATTRIBUTES.pattern}|\^[ \t]*$)", re.MULTILINE)
SIDES = {("", ""): "", (":", ""): "left", ("", ":"): "right", (":", ":"): "center"}
ALIGNMENT = re.compile(r"(:?)-+(:?)")
CELL_PIECE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)|<code\b.*?</code>|\\.|(?P<pipe>\|)|.", re.DOTALL)


@dataclass
class Table:
    """The rows as they come, gathered into the sections they belong to."""

    sections: list[tuple[str, list[list[str]]]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    alignment: list[str] = field(default_factory=list)
    has_foot: bool = False

    def take(self, line: str, *, leading_pipe: bool) -> None:
        if _is_ruled(line, "-"):
            if self.rows and not self.alignment and not self.has_foot:
                self.alignment = [SIDES[match[1], match[2]] for match in ALIGNMENT.finditer(line)]
                self.close("thead")
            elif not self.has_foot:
                self.close("tbody")
        elif _is_ruled(line, "="):
            self.close("tbody")
            self.has_foot = True
        else:
            self.rows.append(cells(line, leading_pipe=leading_pipe))

    def close(self, section: str) -> None:
        if self.rows:
            self.sections.append((section, self.rows))
            self.rows = []


def _is_ruled(line: str, character: str) -> bool:
    return character in line and not line.strip(f"+|: \t{character}")


def split(line: str) -> list[str]:
    """Cut a line at its pipes, but not at those that are escaped or in code."""
    parts = [""]
    for piece in CELL_PIECE.finditer(line):
        if piece["pipe"]:
            parts.append("")
        else:
            parts[-1] += "|" if piece[0] == r"\|" else piece[0]
    return parts


def cells(line: str, *, leading_pipe: bool) -> list[str]:
    found = split(line)
    if leading_pipe and not found[0].strip():
        found.pop(0)
    if found and not found[-1].strip():
        found.pop()
    return [cell.strip() for cell in found]


def read(lines: Sequence[str]) -> Table | None:
    """The table that the lines are; None if they are none."""
    if not all("|" in line and len(split(line)) > 1 for line in lines):
        return None
    table = Table()
    leading_pipe = lines[0].lstrip().startswith("|")
    for line in lines:
        table.take(line.rstrip(), leading_pipe=leading_pipe)
    table.close("tfoot" if table.has_foot else "tbody")
    has_cells = any(row for section, rows in table.sections if section == "tbody" for row in rows)
    return table if has_cells else None


class Tables(Block):
    """A block whose every line holds a pipe."""

    def test(self, parent: etree.Element, block: str) -> bool:
        return (
            FIRST_PIPE.match(block) is not None and read(block[: end_before(TABLE_END, block)].split("\n")) is not None
        )

    def run(self, parent: etree.Element, blocks: list[str]) -> bool:
        end = end_before(TABLE_END, blocks[0])
        table = read(blocks[0][:end].split("\n"))
        if table is None:
            return False
        take(blocks, end)
        element = etree.SubElement(parent, "table")
        width = max(len(row) for _, rows in table.sections for row in rows)
        alignment = [*table.alignment, *[""] * width][:width]
        for section, rows in table.sections:
            part = etree.SubElement(element, section)
            for row in rows:
                line = etree.SubElement(part, "tr")
                for text, side in zip([*row, *[""] * (width - len(row))], alignment, strict=True):
                    cell = etree.SubElement(line, "th" if section == "thead" else "td")
                    cell.text = text
                    if side:  # By class: the page's policy allows no inline style.
                        cell.set("class", f"align-{side}")
        for given in take_attributes(blocks):
            assign(element, given)
        return True
