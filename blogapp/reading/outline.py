"""Headings: their levels, their addresses, and the contents of a long post. Pure functions over sanitised HTML."""

import re
from dataclasses import dataclass, field
from html import escape, unescape

from blogapp.core.remembered import remembering

HEADING = re.compile(r"<(/?)h([1-6])(?=[\s>])")
WHOLE = re.compile(r'<h(?P<level>[1-6])(?P<attributes>(?:[^"<>]|"[^"]*")*)>(?P<words>.*?)</h(?P=level)>', re.DOTALL)
ID = re.compile(r'\sid="([^"]+)"')
TAG = re.compile(r'<(?:[^"<>]|"[^"]*")*>')
NOTE_MARK = re.compile(r'<sup id="fnref.*?</sup>', re.DOTALL)
# Of 570 posts of a team, 52 are this long and have so many headings; shorter ones are seen at a glance.
ENOUGH_HEADINGS = 4
ENOUGH_WORDS = 900


@dataclass
class Section:
    """An entry of the contents. `title` is plain text."""

    id: str
    title: str
    level: int
    inner: list["Section"] = field(default_factory=list)


def outlined(html: str, highest: int) -> str:
    """The headings as an outline below the page's own: none above `highest`, none that leaves out a level.

    Authors choose levels by their looks (a body that begins with ### is common); what is kept is which is under which.
    """
    under: list[int] = []
    level = highest

    def renamed(match: re.Match[str]) -> str:
        nonlocal level
        if not match[1]:
            chosen = int(match[2])
            while under and under[-1] >= chosen:
                under.pop()
            level = min(highest + len(under), 6)
            under.append(chosen)
        return f"<{match[1]}h{level}"

    return HEADING.sub(renamed, html)


def addressed(html: str) -> str:
    """Each heading with an id and a link to itself, which has the heading's own words for a name.

    A heading that holds a link already gets a short one behind it.
    """
    if not HEADING.search(html):
        return html
    taken = dict.fromkeys(ID.findall(html), 0)

    def linked(match: re.Match[str]) -> str:
        level, attributes, words = match["level"], match["attributes"], match["words"]
        found = ID.search(attributes)
        name = found[1] if found else _unique(_slug(words), taken)
        head = f"<h{level}{attributes}" + ("" if found else f' id="{name}"')
        if "<a " not in words and "<details" not in words:
            return f'{head}><a class="self" href="#{name}">{words}</a></h{level}>'
        label = escape(f"Link to: {_plain(words)}")
        return f'{head}>{words} <a class="self" href="#{name}" aria-label="{label}">#</a></h{level}>'

    return WHOLE.sub(linked, html)


def _slug(words: str) -> str:
    """As kramdown makes ids: small letters, only word characters, hyphens for blanks."""
    return re.sub(r"[^\w -]", "", _plain(words).lower()).replace(" ", "-") or "section"


def _unique(name: str, taken: dict[str, int]) -> str:
    """`name`, or the first of `name-1`, `name-2`, … that is free; `taken`: name -> the last number it was given."""
    chosen, number = name, taken.get(name, 0)
    while chosen in taken:
        number += 1
        chosen = f"{name}-{number}"
    taken[name] = number
    taken.setdefault(chosen, 0)
    return chosen


def _plain(html: str) -> str:
    return " ".join(unescape(TAG.sub("", NOTE_MARK.sub("", html))).split())


@remembering(8_000_000)
def contents(html: str) -> list[Section]:
    """The sections of a long post, those of a lower level within those above; empty where nobody needs them.

    Args:
        html: with an id on every heading (`addressed`).
    """
    if html.count("</h") < ENOUGH_HEADINGS:
        return []
    headings = list(WHOLE.finditer(html))
    if len(headings) < ENOUGH_HEADINGS or len(TAG.sub(" ", html).split()) < ENOUGH_WORDS:
        return []
    top = Section("", "", 0)
    path = [top]
    for match in headings:
        found = ID.search(match["attributes"])
        words = re.sub(r'<a class="self"[^>]*>#</a>', "", match["words"])
        if found is None or not (title := _plain(words)):
            continue
        section = Section(unescape(found[1]), title, int(match["level"]))
        while path[-1].level >= section.level:
            path.pop()
        path[-1].inner.append(section)
        path.append(section)
    return top.inner
