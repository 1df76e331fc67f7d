"""Quotes, dashes and dots as kramdown sets them, whose rules come from RubyPants and SmartyPants."""

import re
from collections.abc import Callable
from itertools import zip_longest
from xml.etree import ElementTree as etree

from markdown.extensions.footnotes import NBSP_PLACEHOLDER
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString

PUNCTUATION = r"[!\"#$%'()*+,\-./:;<=>?@\[\\\]^_`{|}~]"
# A backslash and what it escapes, as the library keeps them until the end.
ESCAPED = r"\x02\d"
QUOTES = {"'": ("‘", "’"), '"': ("“", "”")}
Set = Callable[[re.Match[str]], str]


def _opening(match: re.Match[str]) -> str:
    return match["before"] + QUOTES[match["quote"]][0]


def _closing(match: re.Match[str]) -> str:
    return match["before"] + QUOTES[match["quote"]][1]


def _rule(pattern: str, setting: Set) -> tuple[re.Pattern[str], Set]:
    return re.compile(pattern, re.DOTALL | re.MULTILINE), setting


# kramdown's SQ_RULES in their order: the first that matches at a place counts.
RULES = (
    _rule(r"(?P<before>)(?P<quote>[\"'])(?=[_*]{1,2}\S)", _opening),
    _rule(rf"(?P<before>)(?P<quote>[\"'])(?={PUNCTUATION}(?!\.\.)\B|{ESCAPED})", _closing),
    _rule(r"(?P<before>\s?)\"'(?=\w)", lambda match: match["before"] + "“‘"),
    _rule(r"(?P<before>\s?)'\"(?=\w)", lambda match: match["before"] + "‘“"),
    _rule(r"(?P<before>\s?)(?P<quote>')(?=\d\ds)", _closing),
    _rule(r"(?P<before>\s)(?P<quote>['\"])(?=\w)", _opening),
    _rule(r"(?P<before>[^ \\\t\r\n\[{(-])(?P<quote>['\"])", _closing),
    _rule(rf"(?P<before>)(?P<quote>[\"'])(?=\s|s\b|$|{NBSP_PLACEHOLDER})", _closing),
    _rule(r"(?P<before>.?)(?P<quote>['\"])", _opening),
)
SYMBOLS = {"---": "—", "--": "–", "...": "…", "<< ": "«\u00a0", " >>": "\u00a0»", "<<": "«", ">>": "»"}
START = re.compile(r"[^\\\x02\x03]?[\"']|---?|\.\.\.|<< | >>|<<|>>|\x02[^\x03]*\x03", re.DOTALL)
# What the source had where an element begins: kramdown looks at it, and we have the element.
SOURCE_OF = {"em": "*", "strong": "**", "del": "~~", "code": "`", "a": "[", "img": "![", "sup": "[^"}


def set_text(text: str, after: str) -> str:
    """Set a piece of running text; `after` is what stands behind it, and stays."""
    source, place, done = text + after, 0, []
    while (found := START.search(source, place)) and found.start() < len(text):
        done.append(source[place : found.start()])
        place = found.end()
        token = found[0]
        if token[0] == "\x02":
            done.append(token)
        elif token in SYMBOLS:
            done.append(SYMBOLS[token])
        else:
            quoted = next((match, setting) for rule, setting in RULES if (match := rule.match(source, found.start())))
            done.append(quoted[1](quoted[0]))
            place = quoted[0].end()
    return "".join(done) + text[place:]


class Typography(Treeprocessor):
    """Sets all running text; code and addresses are atomic, and stay."""

    def run(self, root: etree.Element) -> None:
        for element in root.iter():
            if element.tag in ("code", "pre"):
                continue
            children = list(element)
            behind = SOURCE_OF.get(str(element.tag), "") if element.tag != "a" else "]"
            if element.text and not isinstance(element.text, AtomicString):
                element.text = set_text(element.text, _source(children[0]) if children else behind)
            for child, following in zip_longest(children, children[1:]):
                if child.tail and not isinstance(child.tail, AtomicString):
                    child.tail = set_text(child.tail, behind if following is None else _source(following))


def _source(element: etree.Element) -> str:
    """How the source of an element begins, as far as the rules look."""
    inner = "x" if element.text and re.match(r"\w", element.text) else "."
    return SOURCE_OF.get(str(element.tag), "\n" if element.tag == "br" else "<") + inner
