"""What somebody may have meant who came to an address where nothing is."""

from difflib import SequenceMatcher

from blogapp.core.addresses import suggest_slug
from blogapp.posts.weeks import Weeks, parse_week_slug
from blogapp.reading import queries
from blogapp.reading.weekly import weeks_written

SHOWN = 5
# How many addresses are compared: a page that is not there must not cost more than one that is.
COMPARED = 200
ALIKE = 0.6


def nearest(path: str) -> list[tuple[str, str]]:
    """(slug, title) of up to five public pages whose address is like this path, the likeliest first."""
    meant = suggest_slug(path.strip("/").rpartition("/")[2])
    if not meant:
        return []
    if weeks := parse_week_slug(meant):
        return _weeks_beside(weeks)
    found = dict(queries.names_like(meant[:3], _after(meant[:3]), COMPARED))
    found |= dict(queries.names_like(meant[:1], _after(meant[:1]), COMPARED))
    scored = [(SequenceMatcher(None, meant, slug).ratio(), slug, title) for slug, title in found.items()]
    likely = sorted((item for item in scored if item[0] >= ALIKE), key=lambda item: (-item[0], item[1]))
    return [(slug, title) for _, slug, title in likely[:SHOWN]]


def _weeks_beside(weeks: Weeks) -> list[tuple[str, str]]:
    """The notes before and after weeks that nobody wrote about."""
    written = weeks_written()
    before = [note for note in written if note.week_from <= weeks.last][-2:]
    after = [note for note in written if note.week_from > weeks.last][:2]
    return [(note.slug, Weeks(note.week_from, note.week_to).title) for note in before + after]


def _after(start: str) -> str:
    """The least text that is greater than everything beginning with `start` (letters, figures and hyphens)."""
    return start[:-1] + chr(ord(start[-1]) + 1)
