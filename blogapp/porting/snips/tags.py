"""Where template tags and code stand in a text, found in one pass over it. Pure."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

LISTING = re.compile(
    r"<%-?\s*(?P<collection>[A-Z]\w*)\.all\b[^%|]*\bdo\s*\|(?P<names>[^|%]*)\|\s*-?%>\s*"
    r"<%=\s*content_tag\(:li,\s*link_to\((?P<item>\w+)\.page_title,\s*url_to\((?P=item)\.name\)\)(?P<numbered>,\s*value:\s*\w+)?\)"
    r"\s*-?%>\s*<%-?\s*end\s*-?%>"
)
TAG = re.compile(r"<%(?P<mark>[=#%-]?)(?P<inside>(?:[^%]|%(?!>))*)%>")
FENCE = re.compile(r"^ {0,3}(?P<fence>`{3,}|~{3,}).*?(?:^ {0,3}(?P=fence)[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
TICKS = re.compile(r"`+")
FIRST = re.compile(r"\S")


class Stretches:
    """Stretches of a text, of which one asks whether a position lies in one."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        for start, end in sorted(spans):
            if self.ends and start <= self.ends[-1]:
                self.ends[-1] = max(end, self.ends[-1])
            else:
                self.starts.append(start)
                self.ends.append(end)

    def __contains__(self, at: int) -> bool:
        found = bisect_right(self.starts, at) - 1
        return found >= 0 and at < self.ends[found]


class Lines:
    """The line that a position stands in, for positions that only rise."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.number = 1
        self.start = 0
        self._first = -1
        self._at = 0

    def go_to(self, at: int) -> None:
        """Move on: `number` (from 1) and `start` are then those of its line."""
        if breaks := self.text.count("\n", self._at, at):
            self.number += breaks
            self.start = self.text.rfind("\n", self._at, at) + 1
            self._first = -1
        self._at = at

    def is_html(self) -> bool:
        """Whether Markdown lets the rest of the line be: it began as HTML, or is indented (as beneath HTML)."""
        if self._first < 0:
            first = FIRST.search(self.text, self.start)
            self._first = first.start() if first else len(self.text)
        begin = self.text[self._first : self._first + 2]
        begins = self._first < self._at and begin.startswith("<") and begin != "<%"
        return begins or self.text.startswith("    ", self.start, self._at)


def find_tags(text: str) -> list[re.Match[str]]:
    """Listings whole, then every other tag, in order."""
    listings = list(LISTING.finditer(text))
    inside = Stretches(match.span() for match in listings)
    end = text.rfind("%>") + 2  # Beyond it every "<%" would be followed to the end of the text in vain.
    others = (match for match in TAG.finditer(text, 0, end) if match.start() not in inside)
    return sorted([*listings, *others], key=lambda match: match.start())


def find_code(text: str) -> Stretches:
    """Where code stands, fenced or between backticks."""
    return Stretches([*(match.span() for match in FENCE.finditer(text)), *code_spans(text)])


def code_spans(text: str) -> Iterator[tuple[int, int]]:
    """From each run of backticks to the next one as long, no further than the paragraph."""
    runs = [match.span() for match in TICKS.finditer(text)]
    closing: dict[int, int] = {}
    partners: list[int | None] = [None] * len(runs)
    for number in range(len(runs) - 1, -1, -1):
        start, end = runs[number]
        if number + 1 < len(runs) and text.find("\n\n", end, runs[number + 1][0]) >= 0:
            closing.clear()
        partners[number] = closing.get(end - start)
        closing[end - start] = number
    number = 0
    while number < len(runs):
        partner = partners[number]
        if partner is not None:
            yield runs[number][0], runs[partner][1]
            number = partner
        number += 1
