"""Snips: Markdown or HTML files with a metadata block at their end. Pure: text in, facts out; no database, no files.

A snip is text, then a block that begins at the FIRST line that starts with a colon (`:key: value`). Blank lines inside
the block are allowed; an indented line goes on with the value above it. Values are plain strings, never YAML.
Nothing of a file is dropped silently: a line in the block that is neither is an error that names it.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from blogapp.core.addresses import SLUG, suggest_slug
from blogapp.porting.documents import BadDocument, Document
from blogapp.porting.snips.templating import IMAGES, Translation, humanise
from blogapp.posts.weeks import Weeks, parse_week_slug, parse_weeks

ORIGIN = "snips"
KEY_LINE = re.compile(r":([^:\s]+):[ \t]*(.*)")
TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)\d*\s*(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
LINKS_NAME = re.compile(r"(weeks?-\d{1,4}(?:-(?:and|to)-\d{1,4})?)-links")
# No title of a post needs one of these; a browser would be the wrong place to find out.
# Each part ends at the next "<": no stretch of a hostile title is looked through twice.
ACTIVE = re.compile(
    r"<\s*(?:/\s*)?(?:script|iframe|object|embed|svg|style)\b|<[^<>]*\bon\w+\s*=|javascript:", re.IGNORECASE
)
HEADED = re.compile(r"#{1,6}[ \t]|[^\n]+\n(?:=+|-{2,})[ \t]*(?:\n|$)")
OPENING = re.compile(r"#{1,6}[ \t]+")
# Markup in a heading is taken away from so much of it: no title is longer, and brackets that never close cost a square.
HEADING_LENGTH = 2_000
UNKNOWN = "{} is no helper known here; it stays as text"
YES_OR_NO = {"true": True, "yes": True, "false": False, "no": False, "": False}
DATED_KINDS = frozenset({"blog", "show-and-tell", "article"})
KINDS = frozenset({"week", "links", "article", "page"})
DATED_FOLDERS = frozenset({"blog", "show-and-tell"})


class BadSnip(BadDocument):
    """The file cannot be imported; the message is the reason, without the file's name."""


@dataclass(frozen=True)
class Snip:
    """A file taken apart. `meta` holds every key in order, as written; values without surrounding blanks.

    `first_line`: the line of the file, from 1, that the body begins in.
    """

    name: str
    body: str
    meta: tuple[tuple[str, str], ...]
    first_line: int = 1

    def get(self, key: str) -> str:
        """The last value of `key`, whatever its capitals; nothing where there is none."""
        return next((value for k, value in reversed(self.meta) if k.lower() == key), "")


def file_stem(filename: str) -> str:
    """A document's name: what stands before the first dot. `week-400.snip.markdown` -> `week-400`."""
    return filename.partition(".")[0]


def parse_snip(filename: str, text: str) -> Snip:
    """Take a file apart.

    The name is the file's; `:name:` counts only where the file has none or one that begins like it and goes on after a
    dot, as in `v1.2.snip.markdown` (real blocks carry a neighbour's by mistake).

    Raises:
        BadSnip: there is no metadata block, or a line in it that is none.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    start = next((number for number, line in enumerate(lines) if line.startswith(":")), None)
    if start is None:
        raise BadSnip("it has no metadata: no line begins with a colon")
    meta: list[tuple[str, list[str]]] = []
    for number, line in enumerate(lines[start:], start + 1):
        match = KEY_LINE.fullmatch(line)
        if match:
            meta.append((match[1], [match[2].strip()]))
        elif line.strip() and line[0] in " \t" and meta:
            meta[-1][1].append(line.rstrip())
        elif line.strip():
            raise BadSnip(f"line {number} stands in the metadata and is not `:key: value`: {_shorten(line)}")
    text = "\n".join(lines[:start])
    leading = len(text) - len(text.lstrip("\n"))
    values = tuple((key, "\n".join(lines)) for key, lines in meta)
    snip = Snip(file_stem(filename), text.strip("\n").rstrip(), values, leading + 1)
    said = snip.get("name")
    dotted = filename.startswith(f"{said}.") and len(said) > len(snip.name) and SLUG.fullmatch(said)
    return replace(snip, name=said) if dotted or not snip.name else snip


def read_document(snip: Snip, folder: str, said: Translation | None = None, **given: Any) -> Document:
    """Say what a snip is.

    Args:
        folder: the name of the folder that the file lies in; with the name it decides the kind.
        said: its body with the template helpers said in plain words; None takes the body as it is.
        given: further fields of the Document (path, content, format, draft).

    Raises:
        BadSnip: a value makes no sense.
    """
    kind, weeks = what_it_is(snip, folder)
    said = said or Translation(snip.body)
    slug = address_of(snip.name)
    fields: dict[str, Any] = {
        "origin": ORIGIN,
        "name": snip.name,
        "path": snip.name,
        "content": b"",
        "kind": kind,
        "weeks": weeks,
        "title": title_of(snip, weeks),
        "body": said.text,
        "author": suggest_slug(snip.get("author")) or snip.get("author"),
        "signers": said.signers,
        "draft": is_draft(snip),
        "created_at": parse_time("created_at", snip.get("created_at")),
        "updated_at": parse_time("updated_at", snip.get("updated_at")),
        "slug": slug,
        "tags": tags_of(snip),
        "old_paths": () if slug == snip.name else (snip.name,),
        "image_roots": (IMAGES, IMAGES.lstrip("/")),
        "meta": snip.meta,
        "warnings": tuple((line + snip.first_line - 1, UNKNOWN.format(tag)) for line, tag in said.left),
    }
    return Document(**{**fields, **given})


def address_of(name: str) -> str:
    """Its flat address: its name, where that can be one."""
    return name if SLUG.fullmatch(name) else suggest_slug(name)


def tags_of(snip: Snip) -> tuple[str, ...]:
    """What `:tags:` says, with commas in between."""
    return tuple(name for part in re.split(r"[,\n]", snip.get("tags")) if (name := part.strip()))


def what_it_is(snip: Snip, folder: str) -> tuple[str, Weeks | None]:
    """The kind of post and the weeks it is about: as our way out says (`:post_kind:`, `:weeks:`), else by its name.

    Raises:
        BadSnip: `:weeks:` is none, or a post of weeks lacks them.
    """
    kind, weeks = snip.get("post_kind"), snip.get("weeks")
    if kind not in KINDS:
        return kind_of(snip.name, folder, snip.get("kind"))
    if kind in ("article", "page") or (kind == "links" and not weeks):
        return kind, None
    try:
        return kind, parse_weeks(weeks)
    except ValueError:
        raise BadSnip(f"`:weeks:` should be like 473 or 473-475, not {_shorten(weeks)}") from None


def kind_of(name: str, folder: str, said: str) -> tuple[str, Weeks | None]:
    """The kind of post and the weeks it is about. The name says most, then the folder, then `:kind:`."""
    if weeks := parse_week_slug(name):
        return "week", weeks
    if match := LINKS_NAME.fullmatch(name):
        return "links", parse_week_slug(match[1])
    if folder == "weeklinks" or said == "links":
        return "links", None
    return ("article" if folder in DATED_FOLDERS or said in DATED_KINDS else "page"), None


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


def first_heading(body: str) -> str:
    """The text of the first heading, without its markup; nothing where there is none."""
    fence = ""
    previous = ""
    for line in body.split("\n"):
        opening = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if opening and (not fence or opening[1].startswith(fence)):
            fence = "" if fence else opening[1]
        elif not fence:
            if match := OPENING.match(line):
                return _plain(line[match.end() :].rstrip(" \t").rstrip("#"))
            if previous.strip() and re.fullmatch(r"=+[ \t]*|-{2,}[ \t]*", line):
                return _plain(previous)
        previous = "" if fence else line
    return ""


def title_of(snip: Snip, weeks: Weeks | None = None) -> str:
    """What it is called: as it says, else the heading that it begins with, else its weeks or its name.

    Raises:
        BadSnip: the title holds what a browser would run.
    """
    given = " ".join((snip.get("page_title") or snip.get("display_name").strip("\"'")).split())
    fallback = weeks.title if weeks and parse_week_slug(snip.name) else humanise(snip.name)
    # A heading further down is a section's; the page would say it twice.
    heading = first_heading(snip.body) if HEADED.match(snip.body.lstrip()) else ""
    title = given or heading or fallback
    if ACTIVE.search(title):
        raise BadSnip(f"its title holds a script: {_shorten(title)}")
    return title


def is_draft(snip: Snip) -> bool:
    """
    Raises:
        BadSnip: `:draft:` says neither yes nor no.
    """
    return _yes_or_no("draft", snip.get("draft"))


def _plain(heading: str) -> str:
    text = re.sub(r"[ \t]*\{[#.:][^}]*\}$", "", heading.strip()[:HEADING_LENGTH])
    text = re.sub(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])", r"\1", text)
    return " ".join(re.sub(r"[*`]|(?<!\w)_|_(?!\w)", "", text).split())


def _yes_or_no(key: str, value: str) -> bool:
    try:
        return YES_OR_NO[value.lower()]
    except KeyError:
        raise BadSnip(f"`:{key}:` should be true or false, not {_shorten(value)}") from None


def _shorten(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else f"{flat[:59]}…"
