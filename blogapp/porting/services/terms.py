"""From other programs' terms to ours: kinds, weeks, titles, slugs, times, addresses. Pure."""

import json
import re
from bisect import bisect_left
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from blogapp.core.addresses import MAX_LENGTH, SLUG, suggest_slug
from blogapp.core.clock import now
from blogapp.core.errors import Invalid
from blogapp.core.markup import MAX_CHARACTERS, plain, summarise
from blogapp.core.sanitise import sanitise
from blogapp.porting.documents import BadDocument
from blogapp.porting.snips.parsing import first_heading, kind_of
from blogapp.porting.snips.templating import humanise
from blogapp.posts.naming import MAX_TITLE
from blogapp.posts.weeks import Weeks

TIME = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[Tt ]+(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,6})\d*)?)?"
    r"\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII | re.IGNORECASE,
)
# Ghost's first exports count milliseconds since 1970. What is smaller than this many is no such time.
FIRST_MILLISECOND = 100_000_000_000
FALLBACK_TITLE = 80
NOT_TEXT = re.compile("[\0\ud800-\udfff]")


def kind_and_weeks(slug: str, title: str, *, page: bool = False) -> tuple[str, Weeks | None]:
    """A week or its links where slug or title say so (`week-473`, `Weeks 853 and 854`), else article or page."""
    for name in (slug, suggest_slug(title)):
        kind, weeks = kind_of(name, "", "")
        if weeks:
            return kind, weeks
    return ("page" if page else "article"), None


def title_from(given: str, body: str, format: str, slug: str) -> str:
    """The title on one line; where none is given the first heading, the first words, or the slug in words.

    One that is too long for this program is cut at a word; the whole of it stays in the document's keys.
    """
    title = _one_line(given)
    if not title and format == "markdown":
        title = _one_line(first_heading(body))
    elif not title:
        html = _shown(body)
        heading = re.search(r"<h[1-6][^>]*>(.*?)</h[1-6]>", html, re.DOTALL)
        title = _one_line(plain(heading[1]) if heading else summarise(html, FALLBACK_TITLE))
    title = title or humanise(slug) or "Untitled"
    return title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1].rsplit(' ', 1)[0]}…"


def _shown(body: str) -> str:
    try:
        return sanitise(body)
    except Invalid:  # Whoever brings the document in says so, by its name.
        return ""


def _one_line(text: str) -> str:
    return re.sub(r"[\s\x00-\x1f\x7f]+", " ", text).strip()


def check_length(text: str) -> None:
    """
    Raises:
        BadDocument: it is so long that no post can hold it, even where much of it is another program's.
    """
    if len(text) > 2 * MAX_CHARACTERS:
        raise BadDocument(f"its text is longer than {MAX_CHARACTERS:,} characters")


def slug_from(*candidates: str) -> str:
    """The first of these that makes an address; "" where none does. One that is an address already stays as it is."""
    for candidate in candidates:
        text = unquote(candidate).strip().strip("/")
        slug = text if SLUG.fullmatch(text) and len(text) <= MAX_LENGTH else suggest_slug(text)
        if slug:
            return slug
    return ""


def moment(value: object, key: str) -> datetime | None:
    """A time in UTC, from what YAML, TOML and JSON make of one; without an offset it is UTC. None where there is none.

    Raises:
        BadDocument: it is no time.
    """
    try:
        if value is None or value == "":
            return None
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > FIRST_MILLISECOND:
            return datetime.fromtimestamp(value / 1000, UTC)
        return _parse(str(value))
    except (ValueError, OverflowError, OSError):
        raise BadDocument(f"`{key}` is not a date and time: {shorten(str(value))}") from None


def not_in_future(at: datetime | None) -> datetime | None:
    """The time, unless it is still to come: then nobody published anything at it, and the keys keep it."""
    return None if at is None or at > now() else at


def _parse(text: str) -> datetime:
    match = TIME.fullmatch(text.strip())
    if match is None:
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    at = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC)
    at = at.replace(microsecond=int((fraction or "").ljust(6, "0") or 0))
    if zone and zone[0] in "+-":
        figures = zone[1:].replace(":", "").ljust(4, "0")
        offset = datetime.strptime(zone[0] + figures, "%z").tzinfo
        return at.replace(tzinfo=offset).astimezone(UTC)
    return at


def old_path(address: str) -> str:
    """The path of an address at which something used to be read, without slashes at its ends; "" where it has none."""
    try:
        path = unquote(urlsplit(address.strip()).path)
    except ValueError:
        return ""
    path = re.sub(r"/+", "/", path).strip("/")
    return "" if re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", path) or ".." in path.split("/") else path


def old_paths(addresses: list[str], slug: str) -> tuple[str, ...]:
    """The old paths of several addresses, each once, without the one that is the new address anyway."""
    paths = dict.fromkeys(map(old_path, addresses))
    return tuple(path for path in paths if path and path != slug)


def as_text(value: object) -> str:
    """A value of a foreign file as a string that any database can hold."""
    if value is None:
        return ""
    if isinstance(value, str):
        return NOT_TEXT.sub("", value)
    if isinstance(value, bool | dict | list):
        return NOT_TEXT.sub("", json.dumps(value, ensure_ascii=False, default=str))
    return str(value)


def words(value: object) -> list[str]:
    """A list of names, however it is written: a list, one name, or several with commas."""
    found: list[Any] = value if isinstance(value, list) else str(value or "").split(",")
    return [text for item in found if item is not None and (text := _one_line(as_text(item)))]


def shorten(text: str) -> str:
    """The first words of a text, on one line, for messages."""
    flat = _one_line(text)
    return flat if len(flat) <= 60 else f"{flat[:59]}…"


class Lines:
    """Finds the line, from 1, that a place in a text is in."""

    def __init__(self, text: str, first: int = 1) -> None:
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._first = first

    def at(self, place: int) -> int:
        return self._first + bisect_left(self._ends, place)
