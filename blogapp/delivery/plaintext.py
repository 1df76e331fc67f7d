"""The plain text of a mail, made from the HTML: every word and address, and a pleasure to read in fixed columns.

Titles are underlined, links numbered and listed where their section ends, quotations marked `> `, code left alone.
"""

from collections.abc import Callable

from blogapp.delivery.inlinetext import Links, inline_text, link_apart, lone_link, note_mark
from blogapp.delivery.texttable import text_table
from blogapp.delivery.tree import BLOCKS, Element, Node, parse
from blogapp.delivery.wrapping import columns, wrap

UNDERLINES = {"h1": "=", "h2": "-", "h3": "~", "h4": "~", "h5": "~", "h6": "~"}
NARROWEST = 24
Lines = list[str]


def plain_text(html: str, *, base_url: str, width: int = 72) -> str:
    """
    Args:
        html: sanitised.
        base_url: what relative addresses are relative to.
        width: in columns; addresses and code may be wider.

    Returns:
        Lines that end in a line feed; nothing for nothing.
    """
    writer = _Writer(base_url)
    blocks = writer.blocks(parse(html).children, width)
    blocks += writer.listed_links()
    text = "\n\n".join("\n".join(block) for block in blocks).strip("\n")
    return f"{text}\n" if text else ""


class _Writer:
    """Blocks of lines; an empty line belongs between two blocks."""

    def __init__(self, base_url: str) -> None:
        self.links = Links(base_url)
        # Inside a list, a quotation or a table no section ends.
        self.depth = 0
        self.in_table = False
        self.handlers: dict[str, Callable[[Element, int], list[Lines]]] = {
            "ul": self.list_,
            "ol": self.list_,
            "blockquote": self.quotation,
            "pre": self.code,
            "table": self.table,
            "dl": self.definitions,
            "hr": lambda _, width: ["* * *".center(width).rstrip().splitlines()],
            "iframe": self.player,
            "video": self.player,
            "audio": self.player,
            **dict.fromkeys(UNDERLINES, self.heading),
        }

    def blocks(self, nodes: list[Node], width: int) -> list[Lines]:
        """The blocks of what is inside an element; running text between blocks is one of its own."""
        width = max(width, NARROWEST)
        blocks: list[Lines] = []
        running: list[Node] = []
        for node in nodes:
            if isinstance(node, Element) and self.is_block(node):
                blocks += self.paragraph(running, width)
                running = []
                blocks += self.block(node, width)
            else:
                running.append(node)
        return blocks + self.paragraph(running, width)

    def is_block(self, node: Element) -> bool:
        """Whether it is a block, or something inline that was put around one (a link around a figure)."""
        return node.tag in BLOCKS or any(child.tag in BLOCKS for child in node.walk())

    def block(self, node: Element, width: int) -> list[Lines]:
        if "footnote" in node.classes:
            return self.notes(node, width)
        handler = self.handlers.get(node.tag)
        if handler:
            return handler(node, width)
        return self.blocks(node.children, width) + self.around(node)

    def around(self, node: Element) -> list[Lines]:
        """The address of a link that is around whole blocks."""
        href = node.attributes.get("href", "") if node.tag == "a" else ""
        return [[self.links.whole(href)]] if href and not href.startswith("#") else []

    def paragraph(self, nodes: list[Node], width: int) -> list[Lines]:
        lone = lone_link(nodes)
        if lone is not None:
            words, url = link_apart(lone, self.links)
            return [[*wrap(words, width), url] if words else [url]]
        text = inline_text(nodes, self.links)
        return [wrap(text, width)] if text else []

    def listed_links(self) -> list[Lines]:
        lines = self.links.take()
        return [lines] if lines else []

    def heading(self, node: Element, width: int) -> list[Lines]:
        before = self.listed_links() if not self.depth else []
        text = inline_text(node.children, self.links)
        if not text:
            return before
        lines = wrap(text, width)
        # One more empty line than between paragraphs, so that sections stand apart.
        return [
            *before,
            [*([] if self.depth else [""]), *lines, UNDERLINES[node.tag] * min(width, max(map(columns, lines)))],
        ]

    def inside(self, nodes: list[Node], width: int) -> list[Lines]:
        """As `blocks`, where no section ends."""
        self.depth += 1
        try:
            return self.blocks(nodes, width)
        finally:
            self.depth -= 1

    def list_(self, node: Element, width: int) -> list[Lines]:
        items = [child for child in node.elements if child.tag == "li"]
        loose = any(child.tag == "p" for item in items for child in item.elements)
        numbers = _numbers(node, items)
        indent = max(map(len, numbers), default=0) + 1
        lines: Lines = []
        for number, item in zip(numbers, items, strict=True):
            blocks = self.inside(item.children, width - indent)
            if lines and loose:
                lines.append("")
            inside = _joined(blocks, loose) or [""]
            lines += _hung(inside, f"{number:>{indent - 1}} ")
        return [lines] if lines else []

    def quotation(self, node: Element, width: int) -> list[Lines]:
        lines = _joined(self.inside(node.children, width - 2), loose=True)
        return [[f"> {line}".rstrip() for line in lines]] if lines else []

    def code(self, node: Element, width: int) -> list[Lines]:
        lines = node.text.expandtabs(8).strip("\n").split("\n")
        return [[f"    {line}".rstrip() for line in lines]] if node.text.strip() else []

    def table(self, node: Element, width: int) -> list[Lines]:
        if self.in_table or sum(e.tag in ("td", "th") for e in node.walk()) < 2:
            return self.blocks(node.children, width)  # A table inside another, or of one cell: only there for looks.
        self.depth += 1
        self.in_table = True
        rows = [element for element in node.walk() if element.tag == "tr"]
        cells = [[cell for cell in row.elements if cell.tag in ("td", "th")] for row in rows]
        heads = 0
        while heads < len(cells) and cells[heads] and all(cell.tag == "th" for cell in cells[heads]):
            heads += 1
        texts = [[self.cell(cell, width) for cell in row] for row in cells]
        right = {n for row in cells for n, cell in enumerate(row) if "align-right" in cell.classes}
        captions = [lines for child in node.elements if child.tag == "caption"
                    for lines in self.paragraph(child.children, width)]  # fmt: skip
        self.depth -= 1
        self.in_table = False
        lines = text_table(texts, heads, right, width)
        return [*captions, lines] if lines else captions

    def cell(self, cell: Element, width: int) -> str:
        """What is in a cell, on as many lines as it has blocks."""
        if any(child.tag in BLOCKS for child in cell.elements):
            return "\n".join(line for block in self.blocks(cell.children, width) for line in block)
        return inline_text(cell.children, self.links)

    def definitions(self, node: Element, width: int) -> list[Lines]:
        blocks: list[Lines] = []
        for child in node.elements:
            if child.tag == "dd":
                lines = _hung(_joined(self.inside(child.children, width - 4), loose=True), "    ")
                if blocks and lines:
                    blocks[-1] = blocks[-1] + lines
                    continue
                blocks += [lines] if lines else []
            elif child.tag == "dt":
                blocks += self.paragraph(child.children, width)
            else:
                blocks += self.definitions(child, width)
        return blocks

    def player(self, node: Element, width: int) -> list[Lines]:
        """What cannot play in a mail: its address, after its title and whatever stands in for it."""
        names = {"video": "Video", "audio": "Sound"}
        name = node.attributes.get("title") or names.get(node.tag, "Embedded")
        sources = [e.attributes["src"] for e in node.walk() if e.attributes.get("src")]
        inner = [child for child in node.children if isinstance(child, str) or child.tag not in ("source", "track")]
        addresses = list(dict.fromkeys(map(self.links.whole, sources)))
        lines = [line for block in self.blocks(inner, width) for line in block]
        return [wrap(f"{name}:", width) + addresses + lines] if addresses or lines else []

    def notes(self, node: Element, width: int) -> list[Lines]:
        """Footnotes: after the section's links, each with its raised number."""
        blocks = self.listed_links() if not self.depth else []
        items = [element for element in node.walk() if element.tag == "li" and "fn" in element.attributes.get("id", "")]
        lines: Lines = []
        for number, item in enumerate(items, 1):
            first = f"{note_mark(item.attributes.get('value', str(number)))} "
            lines += _hung(_joined(self.inside(item.children, width - len(first)), loose=True) or [""], first)
        return [*blocks, ["Notes:", *lines]] if lines else blocks


def _joined(blocks: list[Lines], loose: bool) -> Lines:
    """Blocks as one run of lines, with an empty line between two where they are loose."""
    lines: Lines = []
    for block in blocks:
        if lines and loose:
            lines.append("")
        lines += block
    return lines


def _hung(lines: Lines, first: str) -> Lines:
    """Lines behind a mark, the others indented as far."""
    rest = " " * columns(first)
    return [((rest if number else first) + line).rstrip() for number, line in enumerate(lines)]


def _numbers(node: Element, items: list[Element]) -> list[str]:
    """The mark of each item: `*`, or its number, which the list and an item may set."""
    if node.tag == "ul":
        return ["*"] * len(items)
    step = -1 if "reversed" in node.attributes else 1
    number = _integer(node.attributes.get("start"), len(items) if step < 0 else 1)
    marks = []
    for item in items:
        number = _integer(item.attributes.get("value"), number)
        marks.append(f"{number}.")
        number += step
    return marks


def _integer(text: str | None, default: int) -> int:
    text = (text or "").strip()
    return int(text) if text.lstrip("-").isdecimal() and len(text) < 10 else default
