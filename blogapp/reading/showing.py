"""What a page does to rendered HTML that a mail or a feed does not want. Pure functions over sanitised HTML."""

import re
from collections.abc import Sequence
from itertools import count

from blogapp.core.markup import plain
from blogapp.core.remembered import remembering
from blogapp.reading.asking import asked_for
from blogapp.reading.outline import addressed, outlined
from blogapp.reading.pictures import with_pictures

# About 700 words: a week's note of the usual length stands on the front page as a whole.
GENEROUS = 4500
TAG = re.compile(r'<(/?)([a-z][a-z0-9]*)(?:[^"<>]|"[^"]*")*>')
NOTES = re.compile(r'<div class="footnote">.*?</div>', re.DOTALL)
NOTE = re.compile(r'<li id="(?P<id>fn:[^"]+)">\s*<p>(?P<words>(?:(?!</?p>).)*)</p>\s*</li>', re.DOTALL)
MARK = re.compile(r'<sup id="fnref:[^"]*"><a class="footnote-ref" href="#(?P<id>fn:[^"]+)">(?P<sign>[^<]*)</a></sup>')
# The blanks before it are looked at from their first only: from each of them it would take a minute for a long row.
BACK = re.compile(r'(?<!&nbsp;)(?<!\s)(?:&nbsp;|\s)*<a class="footnote-backref"[^>]*>[^<]*</a>')
NOTE_LINK = re.compile(r'<a class="footnote-ref"(?=[^<>]*>(?P<sign>[^<]*)</a>)')
BACK_LINK = re.compile(r'<a class="footnote-backref"(?! role)')
# The corner of many tables: a header that says nothing.
EMPTY_HEADER = re.compile(r"<th([^<>]*)>\s*</th>")
# A picture alone in its paragraph, with a title.
TITLED = re.compile(
    r'<p>(?P<before>(?:<picture>(?:(?!</picture>|<img).)*)?<img[^<>]*?) title="(?P<words>[^"]+)"'
    r"(?P<after>[^<>]*>(?:</picture>)?)</p>"
)
# Where a note in the margin would be cut off, or be read as part of a title.
NO_PLACE = re.compile(r'<(?P<closing>/?)(?P<name>table|h[1-6])(?=[\s>])|class="footnote-ref"')
VOID = frozenset("area br col hr img source wbr".split())


@remembering(8_000_000)
def for_page(html: str, highest: int = 2, *, linked: bool = False, own_origin: str = "", pictures: bool = True) -> str:
    """Notes beside the text; wide tables and code that scroll by themselves, by keyboard too (axe demands it).

    Args:
        highest: the level of the highest heading that may stand in it, 1 to 6.
        linked: whether each heading links to itself.
        own_origin, pictures: as in `asking.asked_for`.
    """
    numbers = count(1)

    def table(_: re.Match[str]) -> str:
        return f'<div class="scroll" role="region" aria-label="Table {next(numbers)}" tabindex="0"><table'

    html = with_sidenotes(outlined(asked_for(html, own_origin, pictures=pictures), highest))
    html = captioned(with_named_notes(html))
    html = with_pictures(addressed(html) if linked else html)
    html = EMPTY_HEADER.sub(r"<td\1></td>", html)
    html = re.sub(r"<table(?=[\s>])", table, html).replace("</table>", "</table></div>")
    return re.sub(r"<pre(?=[\s>])(?![^>]*tabindex)", '<pre tabindex="0"', html)


def sheets_of(html: str, sections: Sequence[object] = ()) -> tuple[str, ...]:
    """The sheets of static/ that a page with this text carries beside reading.css.

    Args:
        html: as `for_page` gives it.
        sections: the contents that stand before it.
    """
    return ("long",) if sections or 'class="asks' in html else ()


def with_named_notes(html: str) -> str:
    """Say aloud what the marks of notes are: a screen reader would read "1" and an arrow, and call both links."""
    html = NOTE_LINK.sub(r'\g<0> role="doc-noteref" aria-label="Note \g<sign>"', html)
    return BACK_LINK.sub(r'\g<0> role="doc-backlink" aria-label="Back to the text"', html)


def captioned(html: str) -> str:
    """A picture that stands alone shows its title as a caption, not only to who holds a mouse over it."""
    return TITLED.sub(r"<figure>\g<before>\g<after><figcaption>\g<words></figcaption></figure>", html)


def with_sidenotes(html: str) -> str:
    """Put each footnote beside its mark as well: a wide screen shows it in the margin, a narrow one at the foot.

    Where a note is more than one paragraph, or has no place in the margin, all stay at the foot only.
    """
    foot = NOTES.search(html)
    if foot is None or _has_mark_without_place(html):
        return html
    notes = {note["id"]: BACK.sub("", note["words"]) for note in NOTE.finditer(foot[0])}
    if len(notes) != foot[0].count("<li"):
        return html

    def beside(mark: re.Match[str]) -> str:
        words = notes.pop(mark["id"], None)
        if words is None:
            return mark[0]
        return f'{mark[0]}<small class="sidenote" role="note"><span>{mark["sign"]}</span> {words}</small>'

    return MARK.sub(beside, html[: foot.start()]) + html[foot.start() :]


def _has_mark_without_place(html: str) -> bool:
    depth = 0
    for found in NO_PLACE.finditer(html):
        if found["name"] is None and depth > 0:
            return True
        depth += 0 if found["name"] is None else -1 if found["closing"] else 1
    return False


@remembering(1_000_000)
def beginning(html: str, path: str) -> tuple[str, bool]:
    """The whole of a note, or the blocks that make a generous beginning; and whether anything was left out.

    Args:
        path: of the whole post; links to notes at its foot lead there when that is left out.
    """
    if len(plain(html)) <= GENEROUS * 1.3:
        return html, False
    cut = _cut(html)
    if cut is None:
        return html, False
    return re.sub(r'href="#', f'href="{path}#', html[:cut]), True


def _cut(html: str) -> int | None:
    """Where to stop: after a block at the outermost level that is no heading, with enough words before it."""
    depth, words_until, gathered = 0, 0, 0
    for tag in TAG.finditer(html):
        gathered += tag.start() - words_until
        words_until = tag.end()
        closing, name = bool(tag[1]), tag[2]
        if name in VOID:
            continue
        depth += -1 if closing else 1
        heading = re.fullmatch(r"h[1-6]", name)
        if closing and depth == 0 and not heading and gathered >= GENEROUS:
            return tag.end() if html[tag.end() :].strip() else None
    return None
