"""What its author may have overlooked in a post: pure functions of its text, its HTML and what is known of the site.

Nothing here stops anybody. A finding says where it is, in which words, and how to mend it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from html import unescape
from urllib.parse import unquote, urljoin, urlsplit

from blogapp.core.dialect.blocks import Definition, reference_id
from blogapp.core.markup import ATTRIBUTE, plain
from blogapp.core.sanitise import TAG

# Everything is bounded: whoever types ten thousand openings and no end waits no longer than others.
COMMENT = re.compile(r"<!--(?P<words>(?:(?!<!--).){0,5000}?)-->", re.DOTALL)
# What a template leaves for somebody to fill in.
PLACEHOLDER = re.compile(
    r"\b(?:add|insert|write|fill|put|content|here|todo|tbd|tbc|fixme|placeholder)\b", re.IGNORECASE
)
UNFINISHED = re.compile(r"\b(?:TODO|TBD|TBC|FIXME|XXX)\b|\blorem ipsum\b", re.IGNORECASE)
FENCED = re.compile(r"^[ ]*(?P<fence>`{3,}|~{3,})[^\n`]*\n.*?^[ ]*(?P=fence)[`~]*[ ]*$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)(?P<code>.{1,2000}?)(?<!`)(?P=ticks)(?!`)", re.DOTALL)
BRACKETED = re.compile(
    r"(?<![\\\w])\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\]){1,1000})\][ ]?\n?\[(?P<label>[^\[\]^][^\[\]]{0,200}|)\]"
)
NO_ADDRESS = re.compile(r"(?<!\\)\[(?P<text>[^\[\]]*)\]\(\s*\)")
DEFINED = re.compile("^" + Definition.RE.pattern, re.MULTILINE)
HEADING = re.compile(r"<h(?P<level>[1-6])(?:\s[^>]*)?>(?P<words>.*?)</h(?P=level)>", re.DOTALL)
PREFORMATTED = re.compile(r"<pre[\s>].*?</pre>", re.DOTALL)
CAMERA = re.compile(r"(?:img|dsc[nf]?|image|picture|photo|screen ?shot|untitled|file)?[\W_\d]*", re.IGNORECASE)
WORDS_SHOWN = 80


@dataclass(frozen=True)
class Finding:
    """Something to mend, or only to look at (`severity`: `mend` or `look`).

    `line`: of the text, from 1; None where it is about the whole. `words`: as they stand there.
    """

    severity: str
    what: str
    how: str
    line: int | None = None
    words: str = ""


class Standing(Enum):
    """What a label of a reference stands for beyond the text's own definitions."""

    DEFINED = "defined"
    AMBIGUOUS = "ambiguous"
    UNDEFINED = "undefined"


@dataclass(frozen=True)
class Place:
    """What is known of an address on this site.

    `standing`: `here`, `draft` (members only), `gone` or `nowhere`. `ids`: what a fragment can lead to; None: unknown.
    """

    standing: str
    ids: frozenset[str] | None = None


Resolves = Callable[[str], Standing]


def nothing_else(_: str) -> Standing:
    """No label means anything unless the text itself defines it."""
    return Standing.UNDEFINED


def check(
    text: str,
    html: str,
    *,
    base_url: str,
    places: Mapping[str, Place],
    format: str = "markdown",
    resolves: Resolves = nothing_else,
    too_long: bool = False,
) -> list[Finding]:
    """All findings, in the order of the text; what is about the whole comes last.

    Args:
        html: the text as it was rendered.
        places: what stands at each of `own_paths`.
        resolves: what a label means that the text does not define; it is given as `reference_id` makes it.
        too_long: whether its digest would be more than mail programs show (102 kB).
    """
    found = [*_placeholders(text)]
    if format == "markdown":
        found += _references(text, html, resolves)
    found += [*_links(text, html, base_url, places), *_pictures(text, html), *_headings(text, html)]
    found = list(dict.fromkeys(found))
    found.sort(key=lambda finding: finding.line or len(text) + 1)
    if too_long:
        what = "Its digest would be larger than 102 kB, where mail programs cut it off."
        found.append(
            Finding("look", what, "The mail will hold the beginning and a link to the rest; or make two posts.")
        )
    return found


def own_paths(html: str, base_url: str) -> set[str]:
    """The paths on this site that sanitised HTML links to or shows, as `check` asks for them."""
    return {path for value in addresses(html) if (path := _own_path(value, base_url)) is not None}


def addresses(html: str) -> Iterator[str]:
    """What links and pictures of sanitised HTML lead to, as their author wrote it."""
    for tag in TAG.findall(html):
        if not tag.startswith("</"):
            yield from (value for name, value in attributes(tag).items() if name in ("href", "src"))


def attributes(tag: str) -> dict[str, str]:
    """The attributes of a tag of sanitised HTML."""
    return {match["name"]: unescape(match["value"]) for match in ATTRIBUTE.finditer(tag)}


def ids_in(html: str) -> frozenset[str]:
    """What fragments can lead to in sanitised HTML."""
    return frozenset(value for tag in TAG.findall(html) if (value := attributes(tag).get("id")))


def _own_path(address: str, base_url: str) -> str | None:
    """The path without query and fragment, where the address is one of this site; None for any other, or a fragment."""
    if not address or address.startswith("#"):
        return None
    try:
        parts, own = urlsplit(urljoin(f"{base_url}/", address)), urlsplit(base_url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or parts.netloc != own.netloc:
        return None
    return unquote(parts.path, errors="replace") or "/"


def _line_at(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _line_of(text: str, *wanted: str) -> int | None:
    """The line of the first of these that stands in the text."""
    for words in wanted:
        if words and (place := text.find(words)) >= 0:
            return _line_at(text, place)
    return None


def _short(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) <= WORDS_SHOWN else words[: WORDS_SHOWN - 1] + "…"


def _blank(match: re.Match[str]) -> str:
    """As many lines, with nothing in them."""
    return re.sub(r"[^\n]", " ", match[0])


def _without_code(text: str) -> str:
    """The text with its lines and columns where they were, but no fenced code, comments, or brackets within code."""
    bare = COMMENT.sub(_blank, FENCED.sub(_blank, text))
    return CODE.sub(lambda match: re.sub(r"[\[\]()<>!]", "\x00", match[0]), bare)


def _placeholders(text: str) -> Iterator[Finding]:
    bare = CODE.sub(_blank, FENCED.sub(_blank, text))
    for comment in COMMENT.finditer(bare):
        line, words = _line_at(text, comment.start()), _short(text[comment.start() : comment.end()])
        if PLACEHOLDER.search(comment["words"]):
            yield Finding("mend", "A placeholder is left.", "Write what belongs there, or take it out.", line, words)
        else:
            what = "The text still holds a comment, which readers do not see."
            yield Finding("look", what, "Take it out if it was a note to yourself.", line, words)
    for mark in UNFINISHED.finditer(COMMENT.sub(_blank, bare)):
        line = _line_at(text, mark.start())
        words = _short(text.splitlines()[line - 1])
        yield Finding("look", "This looks unfinished.", "Finish it, or take it out.", line, words)


def _references(text: str, html: str, resolves: Resolves) -> Iterator[Finding]:
    bare = _without_code(text)
    code = plain(" ".join(PREFORMATTED.findall(html)))
    defined: dict[str, str] = {}
    for match in DEFINED.finditer(bare):
        label, address = reference_id(match["id"]), match["rest"].split()[0].strip("<>")
        if label.startswith("^") or address == defined.setdefault(label, address):
            continue
        what = f"“{match['id']}” is defined more than once, with different addresses."
        yield Finding(
            "mend",
            what,
            "Keep one; as it is, the last one counts.",
            _line_at(text, match.start("id")),
            match[0].strip(),
        )
    for match in BRACKETED.finditer(bare):
        label = match["label"].strip() or match["text"]
        if reference_id(label) in defined or plain(match[0]) in code:
            continue
        standing = resolves(reference_id(label))
        line, words = _line_at(text, match.start()), _short(text[match.start() : match.end()])
        if standing is Standing.UNDEFINED:
            how = f"Add a line “[{_short(label)}]: https://…” at the end of the text, or mend the label."
            yield Finding("mend", f"“{_short(label)}” is defined nowhere, so this is no link.", how, line, words)
        elif standing is Standing.AMBIGUOUS:
            how = f"Define it here: “[{_short(label)}]: https://…” at the end of the text."
            yield Finding("mend", f"“{_short(label)}” stands for more than one address.", how, line, words)
    for match in NO_ADDRESS.finditer(bare):
        line = _line_at(text, match.start())
        yield Finding(
            "mend",
            "This link leads nowhere: its address is empty.",
            "Put the address between the round brackets.",
            line,
            match[0],
        )


def _links(text: str, html: str, base_url: str, places: Mapping[str, Place]) -> Iterator[Finding]:
    here = ids_in(html)
    for address in dict.fromkeys(addresses(html)):
        line = _line_of(text, f"({address}", f'"{address}', f" {address}", address, unquote(address))
        path = _own_path(address, base_url)
        fragment = unquote(urlsplit(address).fragment, errors="replace") if path or address.startswith("#") else ""
        if path is None:
            if address.startswith("#") and len(address) > 1 and fragment not in here:
                what = "This leads to a place in the text that is not there."
                yield Finding("mend", what, "Mend what stands after the “#”: it is the id of a heading.", line, address)
            continue
        place = places.get(path)
        if place is None:
            continue
        trouble = _trouble(path, place, fragment)
        if trouble:
            yield Finding(*trouble, line, address)


def _trouble(path: str, place: Place, fragment: str) -> tuple[str, str, str] | None:
    """Severity, what is wrong, how to mend it."""
    if place.standing == "draft":
        return "mend", f"{path} is a draft: readers will not see it.", "Publish that first, or leave the link out."
    if place.standing == "gone":
        return "mend", f"{path} was taken away.", "Take the link out, or link to something else."
    if place.standing == "nowhere" and path.startswith("/files/"):
        return "mend", "This file is not here any more.", "Attach it again, or take its line out."
    if place.standing == "nowhere":
        how = "Mend the address; one of another site begins with https://."
        return "mend", f"Nothing is at {path}.", how
    if fragment and place.ids is not None and fragment not in place.ids:
        return "mend", f"There is no “#{fragment}” at {path}.", "Mend what stands after the “#”, or leave it out."
    return None


def _pictures(text: str, html: str) -> Iterator[Finding]:
    for tag in TAG.findall(html):
        if not tag.startswith("<img"):
            continue
        given = attributes(tag)
        source, alt = given.get("src", ""), given.get("alt", "").strip()
        line = _line_of(text, source, unquote(source))
        if not alt and not _meant_empty(text, source):
            what = "This picture has no alternative text: who cannot see it learns nothing of it."
            yield Finding("mend", what, "Say between the square brackets what it shows.", line, _short(source))
        elif alt and CAMERA.fullmatch(alt):
            what = f"The alternative text “{_short(alt)}” does not say what the picture shows."
            yield Finding("look", what, "Say it in a few words.", line, _short(source))


def _meant_empty(text: str, source: str) -> bool:
    """Whether its author wrote `alt=""` in so many words: a picture that is only decoration."""
    tags = (tag for tag in re.findall(r"<img[^<>]*>", text) if source and source in unescape(tag))
    return any(re.search(r"""\salt=(?:""|'')""", tag) for tag in tags)


def _headings(text: str, html: str) -> Iterator[Finding]:
    above = 0
    for heading in HEADING.finditer(html):
        level, words = int(heading["level"]), plain(heading["words"])
        line = _line_of(text, words, " ".join(words.split()[:3])) if words else None
        if not words:
            yield Finding("mend", "A heading is empty.", "Give it words, or take its line out.", line)
        elif above and level > above + 1:
            what = f"This heading is {level - above} levels below the one before it."
            yield Finding("look", what, f"Make it level {above + 1} (“{'#' * (above + 1)}”).", line, _short(words))
        above = level
