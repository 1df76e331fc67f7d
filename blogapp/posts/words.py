"""Words as the search knows them: folded, and in English without their endings. Pure functions.

What is indexed and what is asked for go through the same function, on both databases, so that they mean the same;
SQLite's tokenizers and PostgreSQL's dictionaries differ, and PostgreSQL has no unaccent by itself.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

# `c++` and `c#`; a character of a script that is written without blanks; letters and digits with apostrophes inside.
WORD = re.compile(r"\b[a-zA-Z](?:\+\+|#)(?!\w)|[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+(?:['’][^\W_]+)*")  # fmt: skip  # noqa: E501
LONGEST_WORD = 40
# Letters that Unicode does not take apart.
LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})


def words_of(text: str, *, english: bool) -> Iterator[str]:
    """The words of a text, in their order."""
    for match in WORD.finditer(text):
        if word := known_as(match[0], english):
            yield word


@lru_cache(maxsize=65_536)
def known_as(word: str, english: bool) -> str:
    """`Müller's` -> `muller`, `C++` -> `c++`, in English `boilers` -> `boiler`; empty where no letter is left."""
    plain = word.casefold().replace("’", "'").removesuffix("'s")
    parts = unicodedata.normalize("NFKD", plain).translate(LETTERS)
    folded = "".join(c for c in parts if c.isalnum() or c in "+#")[:LONGEST_WORD]
    return without_ending(folded) if english else folded


def without_ending(word: str) -> str:
    """An English word without its plural, -ing or -ed: boxes, box; making, made no, make; planned, plan.

    A light stemmer (after Harman 1991, "How effective is suffixing?"): what it takes for the same is the same word.
    """
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    word = _singular(word)
    if word.endswith("ied") and len(word) > 4:
        return word[:-3] + "y"
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem != word and re.search(r"[aeiouy].|.[aeiouy]{2}|us", stem) and not word.endswith(("eed", "ied")):
            return _completed(stem)
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if re.search(r"(?:[sxz]|[cs]h)es$", word):
        return word[:-2]
    return word[:-1] if re.search(r"[^sui]s$", word) else word


def _completed(stem: str) -> str:
    """The word before its ending: runn -> run, mak -> make."""
    if re.search(r"([^aeiouslz])\1$", stem) or (len(stem) > 5 and stem.endswith("ll")):
        return stem[:-1]
    short = len(stem) < 4 and re.search(r"(?:^|[^aeiou])[aeiouy][^aeiouwxy]$", stem)
    return stem + "e" if short else stem


# In nearly every English text: they tell nothing, and a phrase of them takes longer to find than anything else. So they
# are looked for in titles only. As `known_as` has them.
IDLE = frozenset(
    known_as(word, True)
    for word in "a about all an and are as at be been but by can did do for from had has have how i if in into is it "
    "its me my no not of on or our so than that the their them then there they this to us was we were what when where "
    "which who will with you your".split()
)


def telling(words: Iterable[str], *, english: bool) -> Iterator[str]:
    """Those of a text's words that it is found by."""
    return (word for word in words if word not in IDLE) if english else iter(words)
