"""The passages of a post that somebody can say something about, and finding one again after the text was edited. Pure.

A passage is a top-level element of the rendered post: a paragraph, a heading, a list, a table, a picture. That is what
a reader points at, it is the same for Markdown and HTML, and it can be shown with something beside it. It is known by
its words and not by a number, because numbers move with every paragraph that comes or goes; blocks of the source would
also change when only a link's address does.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from html import unescape

from blogapp.core.markup import plain

# A passage is known by its beginning. It bounds what is kept of one, and how long two take to compare.
MOST_CHARACTERS = 1000
# How alike two texts have to be, 0 to 1: half a paragraph still is, another one on the same subject is not.
LEAST = 0.6
# Below so many words it is letters that are compared: a heading of one word may lose a typing error.
FEW_WORDS = 6
# What is further away than these, counted in changed passages, is not looked at.
MOST_LOOKED_AT = 200
# Only for what the cleaner gave back: there every "<" begins a tag and every value stands in double quotes.
TAG = re.compile(r'<(?P<closing>/?)(?P<name>[a-z][a-z0-9]*)(?:[^"<>]|"[^"]*")*>')
MEDIA = re.compile(r'\s(?:alt|src)="([^"]+)"')
WORD = re.compile(r"\w+")
VOID = frozenset("area br col hr img source wbr".split())
# At the outermost level these are part of the words around them; only texts that came as HTML have such.
INLINE = frozenset(
    "a abbr b bdi bdo br cite code del dfn em i img ins kbd mark q s samp small span strong sub sup time tt u var "
    "wbr".split()
)


@dataclass(frozen=True)
class Passage:
    """A piece of a post. `words`: what it is known by; "" for a line that nobody can say anything about."""

    html: str
    words: str


def passages_of(html: str) -> list[Passage]:
    """The passages of sanitised HTML, in order; together they are all of it but for blanks at its end."""
    return [Passage(piece, _words(piece)) for piece in _pieces(html)]


def _pieces(html: str) -> Iterator[str]:
    depth, start = 0, 0
    for tag in TAG.finditer(html):
        closing, name = bool(tag["closing"]), tag["name"]
        if depth == 0 and name not in INLINE and html[start : tag.start()].strip():
            yield html[start : tag.start()]
            start = tag.start()
        if name not in VOID:
            depth += -1 if closing else 1
        if depth == 0 and name not in INLINE:
            yield html[start : tag.end()]
            start = tag.end()
    if html[start:].strip():
        yield html[start:]


def _words(html: str) -> str:
    """What it says; of a picture or a film without words its name, else its address."""
    words = plain(html) or next((unescape(value) for value in MEDIA.findall(html)), "")
    return words[:MOST_CHARACTERS].strip()


def find_passage(words: str, place: int, passages: Sequence[str], known: Collection[str] = ()) -> int | None:
    """Which passage is the one with these words by now: the same one, else the most similar; of equals the nearest.

    Args:
        words: what it said when it was seen last, at `place`.
        passages: the words of those there are.
        known: words that others had before the edit: what stood beside it all the time did not come of it.
    """
    near = sorted((n for n, one in enumerate(passages) if one), key=lambda n: abs(n - place))
    same = next((n for n in near if passages[n] == words), None)
    if same is not None:
        return same
    looked_at = [n for n in near if passages[n] not in known][:MOST_LOOKED_AT]
    best = max(looked_at, key=lambda n: likeness(words, passages[n]), default=None)
    return best if best is not None and likeness(words, passages[best]) >= LEAST else None


def likeness(one: str, other: str) -> float:
    """How alike two passages are, 0 to 1; more than 1 where all of one is in the other (it was cut, or joined)."""
    few, many = sorted((WORD.findall(one.lower()), WORD.findall(other.lower())), key=len)
    pair: tuple[Sequence[str], Sequence[str]] = (one, other) if len(few) < FEW_WORDS else (few, many)
    matcher = SequenceMatcher(None, *pair, autojunk=False)
    inside = len(few) > 2 and f" {' '.join(few)} " in f" {' '.join(many)} "
    if not inside and matcher.quick_ratio() < LEAST:
        return 0.0
    return matcher.ratio() + inside
