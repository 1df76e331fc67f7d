"""What its author may have overlooked in a post: pure functions of its text, its HTML and what is known of the site.

Nothing here stops anybody. A finding says where it is, in which words, and how to mend it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from html import unescape
from urllib.parse import unquote, urlsplit

from blogapp.core.dialect.blocks import reference_id
from blogapp.core.dialect.references import Defined, Use, references_in
from blogapp.core.markup import plain
from blogapp.core.sanitise import TAG
from blogapp.posts.anchors import addresses, attributes, ids_in, own_path

# Everything is bounded: whoever types ten thousand openings and no end waits no longer than others.
COMMENT = re.compile(r"<!--(?P<words>(?:(?!<!--).){0,5000}?)-->", re.DOTALL)
# What a template leaves for somebody to fill in.
PLACEHOLDER = re.compile(
    r"\b(?:add|insert|write|fill|put|content|here|todo|tbd|tbc|fixme|placeholder)\b", re.IGNORECASE
)
UNFINISHED = re.compile(r"\b(?:TODO|TBD|TBC|FIXME|XXX)\b|\blorem ipsum\b", re.IGNORECASE)
FENCED = re.compile(r"^[ ]*(?P<fence>`{3,}|~{3,})[^\n`]*\n.*?^[ ]*(?P=fence)[`~]*[ ]*$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)(?P<code>.{1,2000}?)(?<!`)(?P=ticks)(?!`)", re.DOTALL)
PICTURED = re.compile(r"(?<!\\)!\[(?P<alt>[^\[\]]{0,1000})\][ ]?\n?\[(?P<label>[^\[\]^][^\[\]]{0,200}|)\]")
NO_ADDRESS = re.compile(r"(?<!\\)\[(?P<text>[^\[\]]*)\]\(\s*\)")
HEADING = re.compile(r"<h(?P<level>[1-6])(?:\s[^>]*)?>(?P<words>.*?)</h(?P=level)>", re.DOTALL)
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


UNDEFINED = Standing.UNDEFINED


@dataclass(frozen=True)
class Place:
    """What is known of an address on this site.

    `standing`: `here`, `draft` (members only), `kept` (a file of a post for a few), `gone` or `nowhere`. `ids`: what a
    fragment can lead to; None: unknown.
    """

    standing: str
    ids: frozenset[str] | None = None


Resolves = Callable[[str], Standing]


def nothing_else(_: str) -> Standing:
    """No label means anything unless the text itself defines it."""
    return UNDEFINED


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
        resolves: what a label means that the text does not define.
        too_long: whether its digest would be more than mail programs show (102 kB).
    """
    found = [*_placeholders(text)]
    if format == "markdown":
        found += _references(text, resolves)
    found += [*_links(text, html, base_url, places), *_pictures(text, html), *_headings(text, html)]
    found = list(dict.fromkeys(found))
    found.sort(key=lambda finding: finding.line or len(text) + 1)
    if too_long:
        what = "Its digest would be larger than 102 kB, where mail programs cut it off."
        found.append(
            Finding("look", what, "The mail will hold the beginning and a link to the rest; or make two posts.")
        )
    return found


def _line_at(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _line_with(text: str, place: int) -> str:
    """The words of the line that this place is in."""
    return short(text[text.rfind("\n", 0, place) + 1 :].split("\n", 1)[0])


def _line_of(text: str, *wanted: str) -> int | None:
    """The line of the first of these that stands in the text."""
    for words in wanted:
        if words and (place := text.find(words)) >= 0:
            return _line_at(text, place)
    return None


def line_of_address(text: str, address: str) -> int | None:
    """The line where a link's address stands, wherever Markdown or HTML has it; None: it comes from elsewhere."""
    return _line_of(text, f"({address}", f'"{address}', f" {address}", address, unquote(address))


def short(words: str) -> str:
    """So much of the words as a line shows."""
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
        line, words = _line_at(text, comment.start()), short(text[comment.start() : comment.end()])
        if comment["words"].strip().lower() == "sections":
            continue  # Where the members' sections go.
        if PLACEHOLDER.search(comment["words"]):
            yield Finding("mend", "A placeholder is left.", "Write what belongs there, or take it out.", line, words)
        else:
            what = "The text still holds a comment, which readers do not see."
            yield Finding("look", what, "Take it out if it was a note to yourself.", line, words)
    for mark in UNFINISHED.finditer(COMMENT.sub(_blank, bare)):
        line = _line_at(text, mark.start())
        words = short(text.splitlines()[line - 1])
        yield Finding("look", "This looks unfinished.", "Finish it, or take it out.", line, words)


def _references(text: str, resolves: Resolves) -> Iterator[Finding]:
    found, defined = references_in(text), dict[str, Defined]()
    for one in found.definitions:
        if defined.setdefault(one.label, one).url != one.url:
            line, words = _line_at(text, one.label_start), _line_with(text, one.label_start)
            what = f"“{short(one.label)}” is defined more than once, with different addresses."
            yield Finding("mend", what, "Keep one; as it is, the last one counts.", line, words)
    for use in found.uses:
        if use.label not in defined:
            yield from _reference(text, use, resolves(use.label))
    bare = _without_code(text)
    for match in PICTURED.finditer(bare):
        # Only the text itself says where a picture is.
        label = reference_id(match["label"].strip() or match["alt"])
        if label not in defined:
            yield from _reference(text, Use(label, match["alt"], match.end("alt") + 1, match.end(), "full"), UNDEFINED)
    for match in NO_ADDRESS.finditer(bare):
        line = _line_at(text, match.start())
        yield Finding(
            "mend",
            "This link leads nowhere: its address is empty.",
            "Put the address between the round brackets.",
            line,
            match[0],
        )


def _reference(text: str, use: Use, standing: Standing) -> Iterator[Finding]:
    opening = use.start - len(use.text) - 2
    if standing is UNDEFINED and re.match(r"[\w\\]", text[opening - 1 : opening]):
        return  # x[0][1], or brackets that are meant as such.
    label, line = short(use.label), _line_at(text, use.start)
    words = short(f"[{use.text}]{text[use.start : use.end]}")
    if standing is UNDEFINED:
        how = f"Add a line “[{label}]: https://…” at the end of the text, or mend the label."
        yield Finding("mend", f"“{label}” is defined nowhere, so this is no link.", how, line, words)
    elif standing is Standing.AMBIGUOUS:
        how = f"Define it here: “[{label}]: https://…” at the end of the text."
        yield Finding("mend", f"“{label}” stands for more than one address.", how, line, words)


def _links(text: str, html: str, base_url: str, places: Mapping[str, Place]) -> Iterator[Finding]:
    here = ids_in(html)
    for address in dict.fromkeys(addresses(html)):
        line = line_of_address(text, address)
        path = own_path(address, base_url)
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
    if place.standing == "kept":
        what = "This file belongs to a post for a few members: readers will not see it."
        return "mend", what, "Attach it to this post if it is meant for its readers, or take its line out."
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
            yield Finding("mend", what, "Say between the square brackets what it shows.", line, short(source))
        elif alt and CAMERA.fullmatch(alt):
            what = f"The alternative text “{short(alt)}” does not say what the picture shows."
            yield Finding("look", what, "Say it in a few words.", line, short(source))


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
            yield Finding("look", what, f"Make it level {above + 1} (“{'#' * (above + 1)}”).", line, short(words))
        above = level
