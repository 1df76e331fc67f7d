"""Reading WordPress's export (WXR): who wrote, posts and pages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element  # only the type: defusedxml parses

from blogapp.core.errors import Invalid
from blogapp.porting.documents import BadDocument, Document, Item, Person, Refusal
from blogapp.porting.files import open_regular
from blogapp.porting.services.autop import add_paragraphs
from blogapp.porting.services.fragments import figure, image, well_formed
from blogapp.porting.services.shortcodes import translate, without_block_comments
from blogapp.porting.services.terms import (
    check_length,
    kind_and_weeks,
    moment,
    not_in_future,
    old_paths,
    slug_from,
    title_from,
)
from blogapp.porting.services.wxr import Entry, Parser, cut, without_comments

ORIGIN = "wordpress"
MAX_BYTES = 20_000_000_000
MAX_FILES = 200_000
ADDRESS = re.compile(rb"<wp:attachment_url>\s*(?:<!\[CDATA\[)?\s*(.*?)\s*(?:\]\]>)?\s*</wp:attachment_url>", re.DOTALL)
NUMBER = re.compile(rb"<wp:post_id>\s*(?:<!\[CDATA\[)?(\d+)")
PARENT = re.compile(rb"<wp:post_parent>\s*(?:<!\[CDATA\[)?(\d+)")
UPLOADS = re.compile(r"^https?://[^?#]*?/(?:wp-content/uploads|files)/|^https?://[^/]+\.files\.wordpress\.com/")
INLINE_TAG = re.compile(r"</?(?:em|i|strong|b|span|code|br|sup|sub|small|u|mark)\b[^>]*>", re.IGNORECASE)
NO_TIME = "0000-00-00"


@dataclass
class _Site:
    """What the file says of the whole site, and of the files that were uploaded to it."""

    file: str
    base: str
    authors: dict[str, Person] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    by_post: dict[str, list[str]] = field(default_factory=dict)
    roots: tuple[str, ...] = ()


def read(path: Path) -> Iterator[Item]:
    """Who wrote, then every post and page in the order of the file. Never raises: what cannot be read is refused.

    Args:
        path: the .xml file, or a folder of them (large sites are exported in several).
    """
    files = sorted(path.glob("*.xml")) if path.is_dir() else [path]
    for file in files:
        try:
            yield from _read_file(file)
        except Invalid as error:
            yield Refusal(file.name, str(error))


def _read_file(path: Path) -> Iterator[Item]:
    with open_regular(path, MAX_BYTES) as stream:
        pieces = cut(stream)
        head = next(pieces)
        assert isinstance(head, bytes)
        parser = Parser(head)
        site = _survey(path, parser)
        yield from site.authors.values()
        for entry in pieces:
            assert isinstance(entry, Entry)
            where = f"{path.name}: line {entry.line}"
            try:
                if entry.content is None:
                    raise BadDocument(entry.reason)
                yield from _items(site, parser.entry(entry.content), entry.content)
            except Invalid as error:
                yield Refusal(where, str(error))


def _survey(path: Path, parser: Parser) -> _Site:
    """A first look through the whole file: uploads stand anywhere in it, and posts name them by number."""
    channel = parser.channel.find("channel")
    assert channel is not None
    base = _text(channel, "base_blog_url") or _text(channel, "link")
    site = _Site(path.name, base.rstrip("/"))
    for element in channel:
        if _name(element) == "author":
            person = _person(element, path.name, {known.slug for known in site.authors.values()})
            site.authors[_text(element, "author_login").lower()] = person
    with open_regular(path, MAX_BYTES) as stream:
        for entry in cut(stream):
            if isinstance(entry, Entry) and entry.content and len(site.files) < MAX_FILES:
                _note_upload(site, entry.content)
    plain = re.sub(r"^https?://", "", site.base)
    found = {match[0] for address in site.files.values() if (match := UPLOADS.match(address))}
    found |= {f"{scheme}://{plain}/wp-content/uploads/" for scheme in ("http", "https") if plain}
    others = {re.sub(r"^https?://", f"{scheme}://", root) for root in found for scheme in ("http", "https")}
    site.roots = (*sorted(others, key=len, reverse=True)[:20], "/wp-content/uploads/")
    return site


def _note_upload(site: _Site, content: bytes) -> None:
    address, number, parent = ADDRESS.search(content), NUMBER.search(content), PARENT.search(content)
    if address and number:
        url = unescape(address[1].decode("utf-8", "replace"))
        site.files[number[1].decode()] = url
        if parent and parent[1] != b"0":
            site.by_post.setdefault(parent[1].decode(), []).append(url)


def _person(element: Element, file: str, taken: set[str]) -> Person:
    login = _text(element, "author_login")
    name = unescape(_text(element, "author_display_name")) or login
    slugs = [slug_from(name), slug_from(login), *(f"{slug_from(login, name)}-{n}" for n in range(2, 1000))]
    slug = next(slug for slug in slugs if slug and slug not in taken)
    email = _text(element, "author_email")
    content = "\n".join((login, name, email)).encode()
    return Person(origin=ORIGIN, slug=slug, name=" ".join(name.split()), path=file, content=content, email=email)


def _items(site: _Site, item: Element, content: bytes) -> Iterator[Item]:
    if _text(item, "post_type") not in ("post", "page"):
        return
    login = _text(item, "creator")
    author = site.authors.get(login.lower())
    if author is None and slug_from(login):
        content_of_person = login.encode()
        author = Person(origin=ORIGIN, slug=slug_from(login), name=login, path=site.file, content=content_of_person)
        site.authors[login.lower()] = author
        yield author
    if _text(item, "status") != "auto-draft":
        yield _document(site, item, without_comments(content), author.slug if author else "")


def _document(site: _Site, item: Element, content: bytes, author: str) -> Document:
    number = _text(item, "post_id")
    body, warnings, hides = _body(site, item, number)
    name = _text(item, "post_name")
    given = INLINE_TAG.sub("", unescape(_text(item, "title")))
    slug = slug_from(name, given)
    title = title_from(given, body, "html", slug)
    kind, weeks = kind_and_weeks(slug, title, page=_text(item, "post_type") == "page")
    draft, reasons = _is_draft(item, hides)
    published = not_in_future(_time(item, "post_date_gmt", "post_date", "pubDate"))
    terms = [child for child in item if _name(child) == "category" and child.get("domain") in ("category", "post_tag")]
    tags = [unescape(term.text or "").strip() for term in terms if term.get("nicename") != "uncategorized"]
    return Document(
        origin=ORIGIN,
        name=f"{re.sub(r'^https?://', '', site.base)}/?p={number}" if number else _text(item, "guid"),
        path=f"{site.file}: {name or title}",
        content=content,
        kind=kind,
        title=title,
        body=body,
        format="html",
        weeks=weeks,
        author=author,
        draft=draft,
        created_at=published,
        published_at=published,
        updated_at=not_in_future(_time(item, "post_modified_gmt", "post_modified")),
        slug=slug,
        tags=tuple(dict.fromkeys(tag for tag in tags if tag)),
        old_paths=old_paths([_below(site.base, _text(item, "link"))] if published and name else [], slug),
        image_roots=site.roots,
        meta=tuple(_meta(item)),
        warnings=(*((0, reason) for reason in reasons), *warnings),
    )


def _body(site: _Site, item: Element, number: str) -> tuple[str, tuple[tuple[int, str], ...], bool]:
    text = _content(item).replace("\r\n", "\n")
    check_length(text)
    in_blocks = "<!-- wp:" in text
    said, unknown, hides = translate(text, site.files, site.by_post.get(number, []))
    bare, filled_in = without_block_comments(said)
    plain = well_formed(bare)
    thumbnail = next(
        (_text(meta, "meta_value") for meta in _metas(item) if _text(meta, "meta_key") == "_thumbnail_id"), ""
    )
    picture = site.files.get(thumbnail, "")
    head = figure(image(picture)) + "\n" if picture and picture not in plain else ""
    return (head + (plain if in_blocks else add_paragraphs(plain))).strip(), (*unknown, *filled_in), hides


def _content(item: Element) -> str:
    for child in item:
        if _name(child) == "encoded" and "excerpt" not in child.tag:
            return child.text or ""
    return ""


def _is_draft(item: Element, hides: bool) -> tuple[bool, list[str]]:
    """Whether it comes in as a draft (all but what anybody could read), and why."""
    status = _text(item, "status")
    reasons = []
    if status in ("future", "private", "trash", "pending"):
        words = {
            "future": "to be published later",
            "private": "private",
            "trash": "in the trash",
            "pending": "in review",
        }
        reasons.append(f"it was {words[status]}: it comes in as a draft")
    elif status not in ("publish", "draft"):
        reasons.append(f"its state was “{status}”: it comes in as a draft")
    if _text(item, "post_password"):
        reasons.append("it was behind a password: it comes in as a draft")
    if hides:
        reasons.append("a plugin hid a part of it: it comes in as a draft")
    return status != "publish" or bool(reasons), reasons


def _below(base: str, address: str) -> str:
    """The path of an address within the site, which may not have been at the top of its host."""
    inside = address.partition("://")[2]
    top = base.partition("://")[2]
    try:
        plain = urlsplit(address)
    except ValueError:
        return ""
    if plain.query and re.search(r"(?:^|&)(?:p|page_id)=\d+", plain.query):
        return ""
    return inside.removeprefix(top) if top and inside.startswith(top) else address


def _time(item: Element, *names: str) -> datetime | None:
    """The first of these times that is one: drafts have none, which WordPress writes as a row of noughts.

    Raises:
        BadDocument: it is something else.
    """
    for name in names:
        text = _text(item, name)
        if text and not text.startswith(NO_TIME):
            return moment(text, name) if "," not in text else _mail_time(text)
    return None


def _mail_time(text: str) -> datetime | None:
    """A time as feeds have it; the year before the first, which drafts get, is none."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _meta(item: Element) -> Iterator[tuple[str, str]]:
    for child in item:
        name = _name(child)
        if name == "postmeta":
            yield _text(child, "meta_key"), _text(child, "meta_value")
        elif name not in ("encoded", "comment", "post_password") and (child.text or "").strip():
            yield name, (child.text or "").strip()
        elif name == "encoded" and "excerpt" in child.tag and (child.text or "").strip():
            yield "excerpt", child.text or ""


def _metas(item: Element) -> Iterator[Element]:
    return (child for child in item if _name(child) == "postmeta")


def _name(element: Element) -> str:
    """The name without its namespace, whose address has the version in it."""
    return element.tag.rpartition("}")[2]


def _text(element: Element, name: str) -> str:
    return next(((child.text or "").strip() for child in element if _name(child) == name), "")
