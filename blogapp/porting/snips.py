"""Snips: Markdown files with a metadata block at their end. Pure: text in, facts out; no database, no files.

A snip is text, then a block that begins at the FIRST line that starts with a colon (`:key: value`). Blank lines inside
the block are allowed; an indented line goes on with the value above it. Values are plain strings, never YAML.
Nothing of a file is dropped silently: a line in the block that is neither is an error that names it.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from blogapp.core.errors import Invalid
from blogapp.posts.weeks import Weeks, parse_week_slug

KEY_LINE = re.compile(r":([^:\s]+):[ \t]*(.*)")
TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)\d*\s*(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
LINKS_NAME = re.compile(r"(weeks?-\d{1,4}(?:-(?:and|to)-\d{1,4})?)-links")
# The one template helper that can be said in Markdown: who of the team recommends a link.
BY = re.compile(r"""<%=\s*by\(\s*(['"])([a-z0-9]+(?:-[a-z0-9]+)*)\1\s*\)\s*%>""")
YES_OR_NO = {"true": True, "yes": True, "false": False, "no": False, "": False}
DATED_KINDS = frozenset({"blog", "show-and-tell", "article"})


class BadSnip(Invalid):
    """The file cannot be imported; the message is the reason, without the file's name."""


@dataclass(frozen=True)
class Snip:
    """A file taken apart. `meta` holds every key in order, as written; values without surrounding blanks."""

    name: str
    body: str
    meta: tuple[tuple[str, str], ...]

    def get(self, key: str) -> str:
        """The last value of `key`, whatever its capitals; nothing where there is none."""
        return next((value for k, value in reversed(self.meta) if k.lower() == key), "")


@dataclass(frozen=True)
class Document:
    """A snip in this program's terms. `author` and `signers` are slugs; times are aware, UTC."""

    name: str
    kind: str
    weeks: Weeks | None
    title: str
    body: str
    author: str
    signers: frozenset[str]
    draft: bool
    created_at: datetime | None
    updated_at: datetime | None
    meta: tuple[tuple[str, str], ...]


def file_stem(filename: str) -> str:
    """A document's name: what stands before the first dot. `week-400.snip.markdown` -> `week-400`."""
    return filename.partition(".")[0]


def parse_snip(filename: str, text: str) -> Snip:
    """Take a file apart.

    The name is the file's; `:name:` counts only where the file has none (real blocks carry a neighbour's by mistake).

    Raises:
        BadSnip: there is no metadata block, or a line in it that is none.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    start = next((number for number, line in enumerate(lines) if line.startswith(":")), None)
    if start is None:
        raise BadSnip("it has no metadata: no line begins with a colon")
    meta: list[tuple[str, str]] = []
    for number, line in enumerate(lines[start:], start + 1):
        match = KEY_LINE.fullmatch(line)
        if match:
            meta.append((match[1], match[2].strip()))
        elif line.strip() and line[0] in " \t" and meta:
            key, value = meta[-1]
            meta[-1] = (key, f"{value}\n{line.rstrip()}")
        elif line.strip():
            raise BadSnip(f"line {number} stands in the metadata and is not `:key: value`: {_shorten(line)}")
    snip = Snip(file_stem(filename), "\n".join(lines[:start]).strip("\n").rstrip(), tuple(meta))
    return snip if snip.name else Snip(snip.get("name"), snip.body, snip.meta)


def read_document(snip: Snip, folder: str) -> Document:
    """Say what a snip is.

    Args:
        folder: the name of the folder that the file lies in; with the name it decides the kind.

    Raises:
        BadSnip: it needs a template helper, belongs to a folder that is not imported, or a value makes no sense.
    """
    if folder == "people":
        raise BadSnip("it is a member's own page; write it as the member's bio")
    if folder == "templates":
        raise BadSnip("it is a template, not a post")
    kind, weeks = kind_of(snip.name, folder, snip.get("kind"))
    body, signers = _sign(snip.body)
    return Document(
        name=snip.name,
        kind=kind,
        weeks=weeks,
        title=_title(snip, weeks),
        body=body,
        author=snip.get("author").lower(),
        signers=signers,
        draft=_yes_or_no("draft", snip.get("draft")),
        created_at=parse_time("created_at", snip.get("created_at")),
        updated_at=parse_time("updated_at", snip.get("updated_at")),
        meta=snip.meta,
    )


def kind_of(name: str, folder: str, said: str) -> tuple[str, Weeks | None]:
    """The kind of post and the weeks it is about. The name says most, then the folder, then `:kind:`."""
    if weeks := parse_week_slug(name):
        return "week", weeks
    if match := LINKS_NAME.fullmatch(name):
        return "links", parse_week_slug(match[1])
    if folder == "weeklinks" or said == "links":
        return "links", None
    return ("article" if folder == "blog" or said in DATED_KINDS else "page"), None


def parse_time(key: str, value: str) -> datetime | None:
    """A moment like `2018-02-09 10:22:25.858411000 +00:00` or `2017-08-19 10:50:48 +0100`, in UTC.

    One without an offset is taken as UTC; digits after the microsecond are dropped.

    Raises:
        BadSnip: it is something else.
    """
    if not value:
        return None
    match = TIME.fullmatch(value)
    try:
        if match is None:
            raise ValueError(value)
        offset = (match[3] or "+00:00").replace("Z", "+00:00")
        return datetime.fromisoformat(f"{match[1]} {match[2] or '00:00'}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadSnip(f"`:{key}:` is not a date and time: {_shorten(value)}") from None


def humanise(slug: str) -> str:
    """A name for somebody of whom only the slug is known: `chris-roos` -> `Chris Roos`."""
    return " ".join(word.capitalize() for word in slug.split("-") if word)


def first_heading(body: str) -> str:
    """The text of the first heading, without its markup; nothing where there is none."""
    fence = ""
    previous = ""
    for line in body.split("\n"):
        opening = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if opening and (not fence or opening[1].startswith(fence)):
            fence = "" if fence else opening[1]
        elif not fence:
            if match := re.fullmatch(r"#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*", line):
                return _plain(match[1])
            if previous.strip() and re.fullmatch(r"=+[ \t]*|-{2,}[ \t]*", line):
                return _plain(previous)
        previous = "" if fence else line
    return ""


def _title(snip: Snip, weeks: Weeks | None) -> str:
    given = " ".join(snip.get("page_title").split())
    fallback = weeks.title if weeks and parse_week_slug(snip.name) else humanise(snip.name)
    return given or first_heading(snip.body) or fallback


def _plain(heading: str) -> str:
    text = re.sub(r"[ \t]*\{[#.:][^}]*\}$", "", heading.strip())
    text = re.sub(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])", r"\1", text)
    return " ".join(re.sub(r"[*`]|(?<!\w)_|_(?!\w)", "", text).split())


def _sign(body: str) -> tuple[str, frozenset[str]]:
    """Turn `<%= by('chris-roos') %>` into a link to the member.

    Raises:
        BadSnip: any other template tag is left, which would stand on the page as text.
    """
    signers = frozenset(match[2] for match in BY.finditer(body))
    signed = BY.sub(lambda match: f"— [{humanise(match[2])}](/{match[2]})", body)
    if (at := signed.find("<%")) >= 0:
        number = signed.count("\n", 0, at) + 1
        tag = signed[at:].split("\n")[0]
        raise BadSnip(f"line {number} uses a template helper that is not known here: {_shorten(tag)}")
    return signed, signers


def _yes_or_no(key: str, value: str) -> bool:
    try:
        return YES_OR_NO[value.lower()]
    except KeyError:
        raise BadSnip(f"`:{key}:` should be true or false, not {_shorten(value)}") from None


def _shorten(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else f"{flat[:59]}…"
