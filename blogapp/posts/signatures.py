"""Who signed what: `— CR` with a link to the member, at the end of a paragraph. Pure functions over sanitised HTML."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape

from blogapp.core.markup import plain
from blogapp.posts.links import tidy_link

DASH = r"(?:[—–―]|(?<=[\s>])-{1,3})"
BLANK = r"(?:\s|&nbsp;)*"
LINK = r'<a\s(?:[^<>"]|"[^"]*")*?href="[^"]*"(?:[^<>"]|"[^"]*")*>[^<>]{1,80}</a>'
BETWEEN = rf"(?:{BLANK}(?:,|&amp;|and|und|et|\+|/){BLANK})"
# As it stands at the end of a block, or of a line of one.
CHAIN = re.compile(
    rf"{DASH}{BLANK}(?:<(?:em|i|small)>)?(?P<links>{LINK}(?:{BETWEEN}{LINK}){{0,9}})"
    rf"(?=[.\s]*(?:</(?:em|i|small)>[.\s]*)?(?:\Z|<br|</(?:p|li|dd|td|div|blockquote|section|figcaption)>))"
)
ONE = re.compile(
    r'(?P<before><a\s(?:[^<>"]|"[^"]*")*?href=")(?P<address>[^"]*)(?P<after>"(?:[^<>"]|"[^"]*")*>)(?P<words>[^<>]{1,80})</a>'
)


@dataclass(frozen=True)
class Signature:
    """A link to `slug`, which is a member's if it signs at all; `plainly`: nothing but a signature stands so."""

    slug: str
    words: str
    plainly: bool


def signature(initials: str, name: str, slug: str) -> str:
    """The Markdown of one: `— [CR](/chris-roos)`."""
    words = re.sub(r"([\\\[\]*_`<])", r"\\\1", initials or name)
    return f"— [{words}](/{slug})"


def signatures_in(html: str, base_url: str) -> list[Signature]:
    """What may be signatures, in the order of the text: links at the end of a block behind a dash, and short ones.

    Whose address is a member's, and for the short ones whether the words are their initials, the caller knows.
    """
    return [found for _, found in _each(html, base_url)]


def answered(html: str, base_url: str, address_for: Callable[[Signature], str | None]) -> str:
    """The HTML with another address for each signature for which there is one."""
    done, at = [], 0
    for link, found in _each(html, base_url):
        address = address_for(found)
        if address is not None:
            done += [html[at : link.start("address")], address]
            at = link.end("address")
    return "".join([*done, html[at:]])


def _each(html: str, base_url: str) -> Iterator[tuple[re.Match[str], Signature]]:
    signing = [chain.span("links") for chain in CHAIN.finditer(html)]
    at = 0
    for link in ONE.finditer(html):
        path = tidy_link(unescape(link["address"]), base_url)
        slug = path[1:]
        if not path.startswith("/") or "/" in slug:
            continue
        while at < len(signing) and signing[at][1] <= link.start():
            at += 1
        plainly = at < len(signing) and signing[at][0] <= link.start()
        words = plain(link["words"])
        if plainly or (len(words) <= 3 and words.isupper()):
            yield link, Signature(slug, words, plainly)
