"""A text as it was typed: which line a place of it is in, and where no code stands. Pure, and linear in the text."""

import re
from bisect import bisect_left
from urllib.parse import unquote

OPENING = re.compile(r"[ ]*(?P<fence>`{3,}|~{3,})[^`]*$")
CLOSING = re.compile(r"[ ]*(?P<fence>`{3,}|~{3,})[`~]*[ ]*$")
CODE = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)(?P<code>.{1,2000}?)(?<!`)(?P=ticks)(?!`)", re.DOTALL)
WORDS_SHOWN = 80
# Of a line as long as the text only its beginning is ever asked for.
LOOKED_AT = 2_000
# Looking for words reads the whole text each time; so many lines are more than anybody mends at once.
MOST_LOOKED_FOR = 200


class Typed:
    """A text whose lines are asked for again and again."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._ends = [found.start() for found in re.finditer("\n", text)]
        self._left = MOST_LOOKED_FOR

    def line_at(self, place: int) -> int:
        """The line that the place is in, from 1."""
        return bisect_left(self._ends, place) + 1

    def line_with(self, place: int) -> str:
        """The words of the line that the place is in."""
        number = self.line_at(place) - 1
        start = self._ends[number - 1] + 1 if number else 0
        end = self._ends[number] if number < len(self._ends) else len(self.text)
        return short(self.text[start : min(end, start + LOOKED_AT)])

    def line_of(self, *wanted: str) -> int | None:
        """The line of the first of these that stands in the text; None too when it was asked very often."""
        self._left -= 1
        place = _place_of(self.text, *wanted) if self._left >= 0 else -1
        return self.line_at(place) if place >= 0 else None

    def line_of_address(self, address: str) -> int | None:
        """The line where a link's address stands, wherever Markdown or HTML has it; None: it comes from elsewhere."""
        return self.line_of(*_as_written(address))


def line_of_address(text: str, address: str) -> int | None:
    """The same for a single one."""
    place = _place_of(text, *_as_written(address))
    return text.count("\n", 0, place) + 1 if place >= 0 else None


def _as_written(address: str) -> tuple[str, ...]:
    return f"({address}", f'"{address}', f" {address}", address, unquote(address)


def _place_of(text: str, *wanted: str) -> int:
    return next((place for words in wanted if words and (place := text.find(words)) >= 0), -1)


def short(words: str) -> str:
    """So much of the words as a line shows."""
    words = " ".join(words[:LOOKED_AT].split())
    return words if len(words) <= WORDS_SHOWN else words[: WORDS_SHOWN - 1] + "…"


def blank(match: re.Match[str]) -> str:
    """As many lines, with nothing in them."""
    return re.sub(r"[^\n]", " ", match[0])


def without_fences(text: str) -> str:
    """The text with nothing in the lines of its fenced code. A fence that nothing closes is none."""
    if "```" not in text and "~~~" not in text:
        return text
    lines = text.split("\n")
    closing = [_closing(line) for line in lines]
    # The longest fence of either kind that closes something from there on: so no line is looked for in vain.
    longest = {kind: [0] * (len(lines) + 1) for kind in "`~"}
    for at in range(len(lines) - 1, -1, -1):
        for kind, lengths in longest.items():
            lengths[at] = max(lengths[at + 1], len(closing[at]) if closing[at].startswith(kind) else 0)
    at = 0
    while at < len(lines):
        opening = OPENING.match(lines[at])
        end = at + 1
        if opening and longest[opening["fence"][0]][end] >= len(opening["fence"]):
            while not closing[end].startswith(opening["fence"]):
                end += 1
            end += 1
            lines[at:end] = [" " * len(line) for line in lines[at:end]]
        at = end
    return "\n".join(lines)


def _closing(line: str) -> str:
    """The fence that the line could close; "" for none."""
    found = CLOSING.match(line) if "```" in line or "~~~" in line else None
    return found["fence"] if found else ""
