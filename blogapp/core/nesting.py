"""How deep HTML nests, told from its tags before a parser builds a tree.

html5ever takes time by the square of the depth (100,000 <div> within each other: 450 s, measured), in native code that
nothing interrupts. Unclosed <b id="1">, <b id="2">, … are copied into every paragraph behind: 2,000 of them made 32 MB.
What closes by itself (<p>, <li>, <td>) is not counted. Whoever hides tags from the count needs some 20 characters for
each, and a text has too few of them to hold anybody up for more than seconds.
"""

import re
from collections import Counter, defaultdict

DEEPEST = 500
MOST_RUNNING = 100
# As the HTML standard reads tags and comments ("tokenization"); what is open at the end goes on to the end.
TOKEN = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))"
    r"|<(?P<closing>/?)(?P<name>[a-zA-Z][^\s/>]*+)"
    r"""(?:[^>=]|=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))?)*+(?:>|\Z)""",
    re.DOTALL,
)
LISTS = frozenset("dir dl menu ol ul".split())
# Of these one closes the other, or stands in one that is counted.
CLOSE_THEMSELVES = frozenset("area base br caption col colgroup embed frame hr img input link meta optgroup option p "
                             "param source tbody td tfoot th thead tr track wbr".split())  # fmt: skip
CELLS = frozenset(("td", "th", "tr"))
ITEMS = {"li": "li", "dd": "dd", "dt": "dd"}
HEADINGS = frozenset("h1 h2 h3 h4 h5 h6".split())
# They go on from paragraph to paragraph until they are closed ("active formatting elements").
RUNNING = frozenset("b big code em font i nobr s small strike strong tt u".split())


def is_too_deep(html: str) -> bool:
    """Whether elements stand deeper within each other than any text needs. Linear in its length."""
    open_ = _Open()
    return any(open_.read(token) for token in TOKEN.finditer(html) if token["name"])


class _Open:
    """What is open at one place of a text."""

    def __init__(self) -> None:
        self.depth = 0
        self.of: Counter[str] = Counter()
        self.item: str | None = None
        self.running: defaultdict[str, list[str]] = defaultdict(list)
        self.run = 0
        self.repeated = 0

    def read(self, token: re.Match[str]) -> bool:
        """Take a tag; whether it is too deep now."""
        name = token["name"].lower()
        if name in LISTS:
            self.item = None
        if not token["closing"] and (name == "p" or name in ITEMS or (name in CELLS and self.of["table"])):
            self.repeated = 0  # It closes the one before with all in that.
        if name in RUNNING:
            self._run(name, token)
        elif name in ITEMS:
            self._item(ITEMS[name], closing=bool(token["closing"]))
        elif name not in CLOSE_THEMSELVES and name != "a":
            self._count("h" if name in HEADINGS else name, -1 if token["closing"] else 1)
        return self.run > MOST_RUNNING or self.depth + self.run + self.repeated > DEEPEST

    def _count(self, name: str, by: int) -> None:
        by = max(by, -self.of[name])
        self.of[name] += by
        self.depth += by
        if name == "ruby" and by < 0:
            for part in ("rb", "rp", "rt", "rtc"):
                self._count(part, -self.of[part])

    def _item(self, family: str, *, closing: bool) -> None:
        """An item closes the one before it, except one of another kind that no list keeps apart."""
        if not closing and self.item not in (None, family):
            self.depth += 1
        if not closing:
            self.item = family

    def _run(self, name: str, token: re.Match[str]) -> None:
        alike = self.running[name]
        if token["closing"]:
            self.run -= 1 if alike else 0
            del alike[-1:]
        elif alike.count(token[0]) < 3:  # The standard keeps no more that are equal.
            alike.append(token[0])
            self.run += 1
        else:
            self.repeated += 1
