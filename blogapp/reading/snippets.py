"""The place in a text that answers a question, with marks. Pure functions: a snippet is pieces of text, never HTML."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from markupsafe import Markup, escape

from blogapp.posts.asking import Phrase
from blogapp.posts.words import WORD, known_as

BEFORE, LENGTH = 60, 220
MARK, END = Markup("<mark>"), Markup("</mark>")
# How much of a text is read, and how many words in it are looked at.
READ = 40_000
MOST_HITS = 200
# The letters that are written for one, such as all of é, è and ê.
_BASES: dict[str, str] = {}
for _code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
    _base = known_as(chr(_code), False)
    if len(_base) == 1 and _base.isascii():
        _BASES[_base] = _BASES.get(_base, "") + chr(_code)


def mark_words(text: str, phrases: Iterable[Phrase], *, english: bool) -> Markup:
    """The whole of a short text, such as a title."""
    return _marked(text, _hits(text, phrases, english))


def snippet(text: str, phrases: Iterable[Phrase], *, english: bool) -> Markup:
    """About 220 characters from where the most of the words stand together; the beginning where none does."""
    text = unicodedata.normalize("NFC", text)
    hits = _hits(text, phrases, english)
    start, end = _window(text, hits)
    inside = [(a - start, b - start, word) for a, b, word in hits if start <= a and b <= end]
    marked = _marked(text[start:end], inside)
    before, after = "… " if start else "", " …" if end < len(text) else ""
    return before + marked + after


def _window(text: str, hits: list[tuple[int, int, str]]) -> tuple[int, int]:
    best, start = 0, 0
    for number, (at, _, _) in enumerate(hits):
        here = {word for a, _, word in hits[number : number + 40] if a < at + LENGTH - BEFORE}
        if len(here) > best:
            best, start = len(here), at
    start = 0 if start <= BEFORE else text.find(" ", start - BEFORE, start) + 1 or start
    end = len(text) if start + LENGTH >= len(text) - 20 else text.rfind(" ", start + BEFORE, start + LENGTH)
    return start, end if end > start else min(start + LENGTH, len(text))


def _hits(text: str, phrases: Iterable[Phrase], english: bool) -> list[tuple[int, int, str]]:
    """(start, end, word) of what is looked for; of phrases each word."""
    wanted = frozenset(word for phrase in phrases for word in phrase)
    if not wanted:
        return []
    found = []
    for match in _finder(wanted).finditer(text):
        word = WORD.match(text, match.start())
        if word and (known := known_as(word[0], english)) in wanted:
            found.append((word.start(), word.end(), known))
            if len(found) == MOST_HITS:
                break
    return found


@lru_cache(maxsize=256)
def _finder(wanted: frozenset[str]) -> re.Pattern[str]:
    """Finds what may be one of these words: quicker than to fold every word of a text (measured: 20 times)."""

    def letters(word: str) -> str:
        # An ending may have changed the last letter: story, stories; use, using.
        start = word[:-1] if len(word) > 2 else word
        return "".join(f"[{re.escape(c)}{_BASES.get(c, '')}]" for c in start)

    begins = rf"(?<![^\W_])(?:{'|'.join(sorted(map(letters, wanted)))})"
    # In scripts without blanks a word begins anywhere.
    single = "".join(sorted(word for word in wanted if len(word) == 1 and not word.isascii()))
    return re.compile(f"{begins}|[{single}]" if single else begins, re.IGNORECASE)


def _marked(text: str, hits: list[tuple[int, int, str]]) -> Markup:
    # By hand: Markup.format took a third of a search's time.
    pieces, done = [], 0
    for start, end, _ in hits:
        pieces += [escape(text[done:start]), MARK, escape(text[start:end]), END]
        done = end
    return Markup().join([*pieces, escape(text[done:])])
