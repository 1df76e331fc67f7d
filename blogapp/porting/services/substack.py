"""Reading Substack's export: `posts.csv`, which lists the posts, and `posts/<number>.<slug>.html` with their texts.

Drafts have a line and mostly a file; the export holds no pictures (they stay at Substack's) and no names of authors.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from blogapp.core.errors import Invalid
from blogapp.delivery.tree import Element
from blogapp.porting.documents import BadDocument, Document, Item, Refusal
from blogapp.porting.files import decode, open_regular, read_bytes
from blogapp.porting.services.embeds import embed, youtube
from blogapp.porting.services.fragments import figure, find, image, inner, link, replace, words_of
from blogapp.porting.services.terms import (
    as_text,
    check_length,
    kind_and_weeks,
    moment,
    not_in_future,
    old_paths,
    slug_from,
    title_from,
)

ORIGIN = "substack"
MAX_CSV_BYTES = 100_000_000
NUMBERED = re.compile(r"(\d+)\.(.+)")
TRUE = frozenset(("true", "t", "1", "yes"))
PAYWALL = re.compile(r"class=\"[^\"]*\bpaywall\b|paywall-jump|PaywallToDOM", re.IGNORECASE)
DROPPED = frozenset(
    "subscription-widget-wrap subscription-widget subscribe-widget image-link-expand paywall-jump paywall "
    "captioned-button-wrap install-substack-app-embed community-chat poll-embed".split()
)
# Buttons of Substack's own: subscribe, share, comment.
OWN_BUTTON = re.compile(r"%%|/subscribe\b|action=share|/comments\b|utm_source=substack", re.IGNORECASE)


def read(path: Path) -> Iterator[Item]:
    """Every post and page, in the order of the list. Never raises: what cannot be read is refused.

    Args:
        path: the folder, or `posts.csv` in it.
    """
    table = path / "posts.csv" if path.is_dir() else path
    try:
        with open_regular(table, MAX_CSV_BYTES) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
            yield from _read_rows(text, table)
    except UnicodeDecodeError:
        yield Refusal(table.name, "it is not UTF-8")
    except csv.Error as error:
        yield Refusal(table.name, f"it is no table: {error}")
    except Invalid as error:
        yield Refusal(table.name, str(error))


def _read_rows(text: io.TextIOWrapper, table: Path) -> Iterator[Item]:
    rows = csv.DictReader(text)
    if not {"post_id", "is_published", "title"} <= set(rows.fieldnames or ()):
        raise BadDocument("it is no list of posts from Substack: it has no columns post_id, is_published and title")
    read_names = set()
    for row in rows:
        known = {key: as_text(value).strip() for key, value in row.items() if key and not isinstance(value, list)}
        name = known["post_id"]
        file = table.parent / "posts" / f"{name}.html"
        where = f"posts/{name}.html"
        read_names.add(file.name)
        try:
            if not name or "/" in name or "\\" in name or "\0" in name:
                raise BadDocument(f"line {rows.line_num} names no post")
            if not file.exists() and not file.is_symlink():
                raise BadDocument("its text is not in the export")
            yield _document(known, where, read_bytes(file))
        except Invalid as error:
            yield Refusal(where, str(error))
    for file in sorted((table.parent / "posts").glob("*.html")):
        if file.name not in read_names:
            yield Refusal(f"posts/{file.name}", "posts.csv does not list it, so nobody can say whether it was public")


def _document(row: dict[str, str], where: str, content: bytes) -> Document:
    match = NUMBERED.fullmatch(row["post_id"])
    number, name = (match[1], match[2]) if match else (row["post_id"], "")
    html = decode(content)
    check_length(html)
    subtitle = row.get("subtitle", "")
    body = _podcast(row) + replace(html, _plain).strip()
    slug = slug_from(name, row["title"])
    title = title_from(row["title"], body, "html", slug)
    kind, weeks = kind_and_weeks(slug, title, page=row.get("type") == "page")
    draft, reasons = _is_draft(row, html)
    published = not_in_future(moment(row.get("post_date"), "post_date"))
    return Document(
        origin=ORIGIN,
        name=number,
        path=where,
        content=json.dumps(row, ensure_ascii=False).encode() + b"\n" + content,
        kind=kind,
        title=title,
        body=(f"<p><em>{escape(subtitle)}</em></p>\n" if subtitle else "") + body,
        format="html",
        weeks=weeks,
        draft=draft,
        created_at=published,
        published_at=published,
        slug=slug,
        old_paths=old_paths([f"/p/{name}"], slug) if name else (),
        meta=tuple((key, value) for key, value in row.items() if value),
        warnings=tuple((0, reason) for reason in reasons),
    )


def _is_draft(row: dict[str, str], html: str) -> tuple[bool, list[str]]:
    """Whether it comes in as a draft (all but what anybody could read), and why."""
    audience = row.get("audience", "") or "nobody named"
    reasons = []
    if audience != "everyone":
        reasons.append(f"it was for “{audience}”: it comes in as a draft")
    elif PAYWALL.search(html):
        reasons.append("a part of it was behind a paywall: it comes in as a draft")
    if row.get("type") in ("thread", "private_thread", "restack", "adhoc_email"):
        reasons.append(f"it was no post (“{row['type']}”): it comes in as a draft")
    published = row["is_published"].lower() in TRUE
    if published and row.get("post_date") and not_in_future(moment(row["post_date"], "post_date")) is None:
        reasons.append("it was to be published later: it comes in as a draft")
    return not published or bool(reasons), reasons if published else []


def _podcast(row: dict[str, str]) -> str:
    address = row.get("podcast_url", "")
    return figure(f'<audio src="{escape(address)}"></audio>') + "\n" if address.startswith("https://") else ""


def _plain(element: Element) -> str | None:
    """What stands for a part that only Substack's own pages show."""
    names = set(element.classes)
    if names & DROPPED:
        return ""
    return next((say(element) for name, say in PARTS.items() if name in names), None)


def _picture(element: Element) -> str | None:
    picture = find(element, "img")
    if picture is None:
        return None
    facts = _facts(picture)
    address = str(facts.get("src") or "") or picture.attributes.get("src", "")
    shown = image(address, picture.attributes.get("alt", ""))
    target = str(facts.get("href") or "")
    if target.startswith(("http://", "https://")):
        shown = f'<a href="{escape(target)}">{shown}</a>'
    return figure(shown, inner(find(element, "figcaption")))


def _gallery(element: Element) -> str | None:
    gallery = _facts(element).get("gallery")
    if not isinstance(gallery, dict) or not isinstance(gallery.get("images"), list):
        return None
    pictures = [image(str(one["src"])) for one in gallery["images"] if isinstance(one, dict) and one.get("src")]
    return figure("".join(pictures), escape(str(gallery.get("caption") or ""))) if pictures else None


def _film(element: Element) -> str | None:
    frame = find(element, "iframe")
    address = youtube(str(_facts(element).get("videoId", ""))) or (frame.attributes.get("src", "") if frame else "")
    return embed(address) if address else None


def _button(element: Element) -> str | None:
    target = element if element.tag == "a" else find(element, "a")
    address = target.attributes.get("href", "") if target else ""
    return "" if not address or OWN_BUTTON.search(address) else link(address, words_of(target))


def _elsewhere(element: Element) -> str | None:
    facts = _facts(element)
    address = str(facts.get("canonical_url") or facts.get("url") or facts.get("base_url") or "")
    said = str(facts.get("title") or facts.get("full_text") or facts.get("name") or "")
    return link(address, said) if address.startswith("https://") else None


def _facts(element: Element) -> dict[str, Any]:
    """What Substack keeps of a part, as JSON in an attribute."""
    try:
        facts = json.loads(element.attributes.get("data-attrs") or "{}")
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


PARTS: dict[str, Callable[[Element], str | None]] = {
    "captioned-image-container": _picture,
    "image-gallery-embed": _gallery,
    "youtube-wrap": _film,
    "button-wrapper": _button,
    "button": _button,
    "digest-post-embed": _elsewhere,
    "embedded-post-wrap": _elsewhere,
    "embedded-publication-wrap": _elsewhere,
    "tweet": _elsewhere,
}
