"""Lists as kramdown reads them: an item's text begins in its own column, and only an empty line makes it loose."""

import re
from dataclasses import dataclass, field
from typing import cast
from xml.etree import ElementTree as etree

from blogapp.core.dialect.attributes import assign, take_attributes
from blogapp.core.dialect.lines import ATTRIBUTES, LAZY_END, RULE, Block, paragraph_end, parse_inside, take, take_while

ITEM = {
    "ul": re.compile(r"(?P<marker>(?P<indent>[ ]{0,3})[+*-])(?P<text>[ \t].*)$", re.MULTILINE),
    "ol": re.compile(r"(?P<marker>(?P<indent>[ ]{0,3})\d+\.)(?P<text>[ \t].*)$", re.MULTILINE),
    "dl": re.compile(r"(?P<marker>(?P<indent>[ ]{0,3}):)(?P<text>[ \t].*)$", re.MULTILINE),
}
ITEM_ATTRIBUTES = re.compile(r"\s*\{:(?!:|/)(?P<list>(?:\\\}|[^}])+)\}\s*")
TASK = re.compile(r"\s*\[(?P<done>[ xX])\]\s+")


@dataclass
class Item:
    """One item while its lines are gathered; `column` is where its text begins."""

    column: int
    lines: list[str]
    attributes: str
    holds_list: bool
    after_blank: bool


@dataclass
class Gathering:
    """The lines of one list, until one comes that is not its own."""

    tag: str
    items: list[Item] = field(default_factory=list)
    after_blank: bool = False

    def take(self, line: str) -> bool:
        """Take a line in; False if the list ends before it."""
        if not line.strip():
            self.items[-1].lines.append("")
            self.items[-1].holds_list = self.after_blank = True
            return True
        if (self.after_blank and RULE.match(line)) or line.rstrip() == "^":
            return False
        found = ITEM[self.tag].match(line)
        if found and (not self.items or len(found["indent"]) < min(self.items[-1].column, 4)):
            self.items.append(_item(found, after_blank=self.after_blank))
        elif not self.items or not self._continue(line):
            return False
        self.after_blank = False
        return True

    def _continue(self, line: str) -> bool:
        item = self.items[-1]
        indent = len(line) - len(line.lstrip(" "))
        if indent < item.column and (self.after_blank or (indent <= min(item.column, 3) and LAZY_END.match(line))):
            return False
        inside = indent >= item.column
        text = line[item.column :] if inside else line
        if is_item(text):
            if inside and not item.holds_list:
                item.lines.append("^")  # What stands before it is no part of it.
                item.holds_list = True
            elif not inside and item.holds_list:
                text = " " * (item.column + 4) + text
        item.lines.append(text)
        return True


def gather(tag: str, blocks: list[str]) -> Gathering:
    """Take the list that the blocks begin with off them."""
    gathering = Gathering(tag)
    while blocks and take_while(blocks, gathering.take):
        gathering.take("")
    last = gathering.items[-1].lines
    while len(last) > 1 and not last[-1]:
        last.pop()
    return gathering


def is_item(line: str) -> bool:
    return bool(ITEM["ul"].match(line) or ITEM["ol"].match(line))


def _item(found: re.Match[str], *, after_blank: bool) -> Item:
    text, attributes = found["text"], ""
    if given := ITEM_ATTRIBUTES.match(text):
        attributes, text = given["list"], text[given.end() :]
        column = 4
    elif not text.strip():
        column = 4
    else:
        column = len(found["marker"]) + len(text) - len(text.lstrip())
    text = text.strip() if given or not text.strip() else text.lstrip()
    return Item(column, [text], attributes, is_item(text), after_blank)


class List(Block):
    """`ul` or `ol`, whatever it is made for."""

    def __init__(self, parser: object, tag: str) -> None:
        super().__init__(parser)  # type: ignore[arg-type]  # as the library's own stubs have it
        self.tag = tag

    def test(self, parent: etree.Element, block: str) -> bool:
        return bool(ITEM[self.tag].match(block))

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        gathering = gather(self.tag, blocks)
        element = etree.SubElement(parent, self.tag)
        is_tight = False
        for item in gathering.items:
            is_last = item is gathering.items[-1]
            is_tight |= self._add(element, item, may_be_tight=not is_last or len(gathering.items) == 1 or is_tight)
        for given in take_attributes(blocks) if not gathering.after_blank else ():
            assign(element, given)

    def _add(self, element: etree.Element, item: Item, *, may_be_tight: bool) -> bool:
        """Parse an item; its first paragraph is plain text unless an empty line follows it. True if there is none."""
        li = etree.SubElement(element, "li")
        assign(li, item.attributes)
        text = "\n".join(item.lines) + ("\n" if not item.lines[-1] else "")
        first, blank, _ = text.partition("\n\n")
        parse_inside(self.parser, li, text)
        if not len(li) or li[0].tag != "p":
            return True
        self._mark_task(li, cast(str, li[0].text))
        stands_apart = bool(blank) and not ATTRIBUTES.sub("", first[paragraph_end(first) :]).strip()
        if stands_apart or not may_be_tight:
            return False
        unwrap(li)
        return True

    def _mark_task(self, item: etree.Element, text: str) -> None:
        """`[x] done`: as a character, because it has to come through in mails and plain text as well."""
        if found := TASK.match(text):
            item[0].text = ("☐ " if found["done"] == " " else "☑ ") + text[found.end() :]
            item.set("class", f"{item.get('class', '')} task".strip())


def unwrap(item: etree.Element) -> None:
    """Make the first paragraph the item's own text."""
    paragraph = item[0]
    item.text = cast(str, paragraph.text) + ("\n" if len(item) > 1 else "")
    item.remove(paragraph)


class DefinitionList(Block):
    """A paragraph of terms, then `: definition`, with or without an empty line between."""

    def test(self, parent: etree.Element, block: str) -> bool:
        if ITEM["dl"].match(block):
            return len(parent) > 0 and parent[-1].tag == "p"
        return bool(ITEM["dl"].match(block, paragraph_end(block) + 1))

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        is_apart = bool(ITEM["dl"].match(blocks[0]))
        if is_apart:
            terms = cast(str, parent[-1].text).split("\n")
            parent.remove(parent[-1])
        else:
            terms = take(blocks, paragraph_end(blocks[0])).split("\n")
        gathering = gather("dl", blocks)
        element = parent[-1] if len(parent) and parent[-1].tag == "dl" else etree.SubElement(parent, "dl")
        for term in terms:
            given = ITEM_ATTRIBUTES.match(term)
            dt = etree.SubElement(element, "dt")
            dt.text = (term[given.end() :] if given else term).strip()
            assign(dt, given["list"] if given else "")
        for item in gathering.items:
            dd = etree.SubElement(element, "dd")
            assign(dd, item.attributes)
            parse_inside(self.parser, dd, "\n".join(item.lines).rstrip("\n"))
            is_loose = item.after_blank or (is_apart and item is gathering.items[0])
            if len(dd) and dd[0].tag == "p" and not is_loose:
                unwrap(dd)
