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
from blogapp.core.sanitise import TAG, as_browsers_read
from blogapp.posts.anchors import addresses, attributes, ids_in, own_path
from blogapp.posts.typed import CODE, Typed, blank, short, without_fences

# Everything is bounded: whoever types ten thousand openings and no end waits no longer than others.
COMMENT = re.compile(r"<!--(?P<words>(?:(?!<!--).){0,5000}?)-->", re.DOTALL)
# What a template leaves for somebody to fill in.
PLACEHOLDER = re.compile(
    r"\b(?:add|insert|write|fill|put|content|here|todo|tbd|tbc|fixme|placeholder)\b", re.IGNORECASE
)
UNFINISHED = re.compile(r"\b(?:TODO|TBD|TBC|FIXME|XXX)\b|\blorem ipsum\b", re.IGNORECASE)
PICTURED = re.compile(r"(?<!\\)!\[(?P<alt>[^\[\]]{0,1000})\][ ]?\n?\[(?P<label>[^\[\]^][^\[\]]{0,200}|)\]")
NO_ADDRESS = re.compile(r"(?<!\\)\[(?P<text>[^\[\]]*)\]\(\s*\)")
HEADING = re.compile(r"<h(?P<level>[1-6])(?:\s[^>]*)?>(?P<words>.*?)</h(?P=level)>", re.DOTALL)
CAMERA = re.compile(r"(?:img|dsc[nf]?|image|picture|photo|screen ?shot|untitled|file)?[\W_\d]*", re.IGNORECASE)
PICTURE = re.compile(r"<img[^<>]*>", re.IGNORECASE)
NO_WORDS = re.compile(r"""\salt=(?:""|'')""")
SOURCE = re.compile(r"""\ssrc\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)


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
    typed = Typed(text)
    found = [*_placeholders(typed)]
    if format == "markdown":
        found += _references(typed, resolves)
    found += [*_links(typed, html, base_url, places), *_pictures(typed, html), *_headings(typed, html)]
    found = list(dict.fromkeys(found))
    found.sort(key=lambda finding: finding.line or len(text) + 1)
    if too_long:
        what = "Its digest would be larger than 102 kB, where mail programs cut it off."
        found.append(
            Finding("look", what, "The mail will hold the beginning and a link to the rest; or make two posts.")
        )
    return found


def _without_code(text: str) -> str:
    """The text with its lines and columns where they were, but no fenced code, comments, or brackets within code."""
    bare = COMMENT.sub(blank, without_fences(text))
    return CODE.sub(lambda match: re.sub(r"[\[\]()<>!]", "\x00", match[0]), bare)


def _placeholders(typed: Typed) -> Iterator[Finding]:
    text = typed.text
    bare = CODE.sub(blank, without_fences(text))
    for comment in COMMENT.finditer(bare):
        line, words = typed.line_at(comment.start()), short(text[comment.start() : comment.end()])
        if comment["words"].strip().lower() == "sections":
            continue  # Where the members' sections go.
        if PLACEHOLDER.search(comment["words"]):
            yield Finding("mend", "A placeholder is left.", "Write what belongs there, or take it out.", line, words)
        else:
            what = "The text still holds a comment, which readers do not see."
            yield Finding("look", what, "Take it out if it was a note to yourself.", line, words)
    last = 0
    for mark in UNFINISHED.finditer(COMMENT.sub(blank, bare)):
        line = typed.line_at(mark.start())
        if line != last:
            words = typed.line_with(mark.start())
            yield Finding("look", "This looks unfinished.", "Finish it, or take it out.", line, words)
        last = line


def _references(typed: Typed, resolves: Resolves) -> Iterator[Finding]:
    text = typed.text
    found, defined = references_in(text), dict[str, Defined]()
    for one in found.definitions:
        if defined.setdefault(one.label, one).url != one.url:
            line, words = typed.line_at(one.label_start), typed.line_with(one.label_start)
            what = f"“{short(one.label)}” is defined more than once, with different addresses."
            yield Finding("mend", what, "Keep one; as it is, the last one counts.", line, words)
    for use in found.uses:
        if use.label not in defined:
            yield from _reference(typed, use, resolves(use.label))
    bare = _without_code(text)
    for match in PICTURED.finditer(bare):
        # Only the text itself says where a picture is.
        label = reference_id(match["label"].strip() or match["alt"])
        if label not in defined:
            use = Use(label, match["alt"], match.end("alt") + 1, match.end(), "full")
            yield from _reference(typed, use, UNDEFINED)
    for match in NO_ADDRESS.finditer(bare):
        line = typed.line_at(match.start())
        yield Finding(
            "mend",
            "This link leads nowhere: its address is empty.",
            "Put the address between the round brackets.",
            line,
            short(match[0]),
        )


def _reference(typed: Typed, use: Use, standing: Standing) -> Iterator[Finding]:
    text = typed.text
    opening = use.start - len(use.text) - 2
    if standing is UNDEFINED and re.match(r"[\w\\]", text[opening - 1 : opening]):
        return  # x[0][1], or brackets that are meant as such.
    label, line = short(use.label), typed.line_at(use.start)
    words = short(f"[{use.text}]{text[use.start : use.end]}")
    if standing is UNDEFINED:
        how = f"Add a line “[{label}]: https://…” at the end of the text, or mend the label."
        yield Finding("mend", f"“{label}” is defined nowhere, so this is no link.", how, line, words)
    elif standing is Standing.AMBIGUOUS:
        how = f"Define it here: “[{label}]: https://…” at the end of the text."
        yield Finding("mend", f"“{label}” stands for more than one address.", how, line, words)


def _links(typed: Typed, html: str, base_url: str, places: Mapping[str, Place]) -> Iterator[Finding]:
    here = ids_in(html)
    for address in dict.fromkeys(addresses(html)):
        path = own_path(address, base_url)
        fragment = unquote(urlsplit(address).fragment, errors="replace") if path or address.startswith("#") else ""
        if path is None:
            if address.startswith("#") and len(address) > 1 and fragment not in here:
                what = "This leads to a place in the text that is not there."
                how = "Mend what stands after the “#”: it is the id of a heading."
                yield Finding("mend", what, how, typed.line_of_address(address), address)
            continue
        place = places.get(path)
        if place is None:
            continue
        trouble = _trouble(path, place, fragment)
        if trouble:
            yield Finding(*trouble, typed.line_of_address(address), address)


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


def _pictures(typed: Typed, html: str) -> Iterator[Finding]:
    decoration = _meant_empty(typed.text)
    for tag in TAG.findall(html):
        if not tag.startswith("<img"):
            continue
        given = attributes(tag)
        source, alt = given.get("src", ""), given.get("alt", "").strip()
        if not alt and source not in decoration:
            line = typed.line_of(source, unquote(source))
            what = "This picture has no alternative text: who cannot see it learns nothing of it."
            yield Finding("mend", what, "Say between the square brackets what it shows.", line, short(source))
        elif alt and CAMERA.fullmatch(alt):
            line = typed.line_of(source, unquote(source))
            what = f"The alternative text “{short(alt)}” does not say what the picture shows."
            yield Finding("look", what, "Say it in a few words.", line, short(source))


def _meant_empty(text: str) -> set[str]:
    """The pictures of which their author wrote `alt=""` in so many words: they are only decoration."""
    tags = (tag for tag in PICTURE.findall(text) if NO_WORDS.search(tag))
    return {as_browsers_read(unescape("".join(source))) for tag in tags for source in SOURCE.findall(tag)[:1]} - {""}


def _headings(typed: Typed, html: str) -> Iterator[Finding]:
    above = 0
    for heading in HEADING.finditer(html):
        level, words = int(heading["level"]), plain(heading["words"])
        if not words:
            yield Finding("mend", "A heading is empty.", "Give it words, or take its line out.")
        elif above and level > above + 1:
            line = typed.line_of(words, " ".join(words.split()[:3]))
            what = f"This heading is {level - above} levels below the one before it."
            yield Finding("look", what, f"Make it level {above + 1} (“{'#' * (above + 1)}”).", line, short(words))
        above = level
