"""The short words of a digest: its subject, the line after it in the inbox, the dates of the week."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from blogapp.core.markup import plain
from blogapp.posts.weeks import Weeks

# Phones show about 40 characters of a subject and desktops about 75; what counts comes first.
SUBJECT = 76
TEASER = 60
_WEEK = re.compile(r"\s*weeks?\s+\d+(?:\s*(?:-|–|—|to|and|&|,)\s*\d+)*\s*[-:–—.,|]*\s*", re.IGNORECASE)
_HEADING = re.compile(r"<h[1-6](?:\s[^>]*)?>(.*?)</h[1-6]>", re.DOTALL)
_NOTE = re.compile(r"<sup[^>]*>.*?</sup>", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")


@dataclass(frozen=True)
class Letter:
    """What the words are made from: a post as it is now."""

    title: str
    html: str
    summary: str
    weeks: Weeks | None


def own_title(letter: Letter) -> str:
    """The title without the week that the mail's head shows already: `Week 473: Moving house` -> `Moving house`."""
    match = _WEEK.match(letter.title)
    if not match or not letter.weeks:
        return letter.title.strip()
    shown = {letter.weeks.first, letter.weeks.last}
    is_shown = {int(number) for number in re.findall(r"\d+", match[0])} <= shown
    return letter.title[match.end() :].strip() if is_shown else letter.title.strip()


def subject(letter: Letter) -> str:
    """What the inbox shows: `Week 473: Moving house`, `Week 473: GDS, CoTech, Social`, else the first words.

    A week's title seldom says more than its number; its headings say what it is about.
    """
    if letter.weeks is None:
        return letter.title.strip()
    start = letter.weeks.title
    rest = own_title(letter) or _headings(letter.html, SUBJECT - len(start) - 2) or _cut(teaser(letter), TEASER)
    return f"{start}: {rest}" if rest else start


def _headings(html: str, room: int) -> str:
    """The headings in a row, as many as there is room for; nothing where they would not tell (fewer than two)."""
    found = [plain(_NOTE.sub("", inside)).rstrip(" :.") for inside in _HEADING.findall(html)]
    found = [words for words in dict.fromkeys(found) if words and not _WEEK.fullmatch(words)]
    if len(found) < 2:
        return ""
    for count in range(len(found), 1, -1):
        text = ", ".join(found[:count]) + ("" if count == len(found) else " …")
        if len(text) <= room:
            return text
    return ""


def teaser(letter: Letter) -> str:
    """The first lines without a greeting: sentences of up to three words at the beginning tell nothing."""
    sentences = _SENTENCE.split(letter.summary.strip())
    while len(sentences) > 1 and len(sentences[0].split()) <= 3:
        del sentences[0]
    return " ".join(sentences)


def _cut(text: str, length: int) -> str:
    """The first sentence if it is short enough, else as many words as there is room for."""
    first = _SENTENCE.split(text)[0]
    if len(first) <= length:
        return first.rstrip(".")
    cut = text[: length + 1].rsplit(" ", 1)[0] if " " in text[: length + 1] else text[:length]
    return cut.rstrip(" ,;:.–—-(") + " …"


def figure_of(weeks: Sequence[Weeks]) -> str:
    """The numbers of several weeks' notes as one graphic element: `898–899`, `470, 472`; nothing for none."""
    numbers = sorted({number for one in weeks for number in range(one.first, one.last + 1)})
    if not numbers:
        return ""
    if len(numbers) == 1:
        return str(numbers[0])
    whole = numbers[-1] - numbers[0] == len(numbers) - 1
    return f"{numbers[0]}–{numbers[-1]}" if whole or len(numbers) > 3 else ", ".join(map(str, numbers))


def names_of(letters: Sequence[Letter]) -> str:
    """What several posts are called in one breath: `Weeks 898 and 899`, `Weeks 470 to 473`, `Boats and 2 more`."""
    weeks = [letter.weeks for letter in letters if letter.weeks]
    if len(letters) == 1:
        return weeks[0].title if weeks else letters[0].title.strip()
    if len(weeks) < len(letters):
        return f"{letters[0].title.strip()} and {len(letters) - 1} more"
    numbers = sorted({number for one in weeks for number in range(one.first, one.last + 1)})
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"Weeks {numbers[0]} to {numbers[-1]}"
    *most, last = map(str, numbers)
    return f"Weeks {', '.join(most)} and {last}" if most else f"Week {last}"


def dates(first: date, last: date) -> str:
    """`5–11 February 2018`, `29 January – 4 February 2018`, `30 December 2024 – 5 January 2025`."""
    end = f"{last.day} {last:%B %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{end}" if first.day != last.day else end
    return f"{first.day} {first:%B %Y} – {end}" if first.year != last.year else f"{first.day} {first:%B} – {end}"
