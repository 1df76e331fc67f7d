"""Reading Ghost's export: one JSON file with all tables of the site, and maybe a folder of images beside it.

The tables: https://ghost.org/docs/migration/custom/ — ids are numbers in old exports and strings in newer ones.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from blogapp.core.errors import Invalid
from blogapp.porting.documents import BadDocument, Document, Item, Person, Refusal
from blogapp.porting.files import open_regular
from blogapp.porting.services.fragments import figure, image
from blogapp.porting.services.ghost_cards import open_gates, plain_cards
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

ORIGIN = "ghost"
# JSON is read at once, and takes about three times its size in memory.
MAX_BYTES = 500_000_000
# Stands for the site's address in every export.
HERE = "__GHOST_URL__"
IMAGE_ROOTS = ("/content/images/", "/content/media/", "/content/files/")
# Old editors' forms of the same text, which `html` says already.
NOT_KEYS = frozenset(("html", "lexical", "mobiledoc", "plaintext", "markdown"))

Row = dict[str, Any]


def read(path: Path) -> Iterator[Item]:
    """Who wrote, then every post and page, in the order of the file. Never raises: what cannot be read is refused.

    Args:
        path: the .json file, or the folder that it lies in.
    """
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    for file in files:
        try:
            for data in _load(file):
                yield from _Site(data, file.name).items()
        except Invalid as error:
            yield Refusal(file.name, str(error))


def _load(file: Path) -> list[Row]:
    """The tables of each site in the file: both `{"db": [{"data": …}]}` and `{"data": …}` are in use.

    Raises:
        BadDocument: it is too large, no JSON, or no export of Ghost's.
    """
    with open_regular(file, MAX_BYTES) as stream:
        try:
            said = json.loads(stream.read())
        except UnicodeDecodeError:
            raise BadDocument("it is not UTF-8") from None
        except json.JSONDecodeError as error:
            raise BadDocument(f"it is no JSON, or was cut off: {error.msg} in line {error.lineno}") from None
        except (ValueError, RecursionError):
            raise BadDocument("it is no JSON that Ghost writes") from None
    parts = said.get("db", [said]) if isinstance(said, dict) else []
    found = [part["data"] for part in _rows(parts) if isinstance(part.get("data"), dict)]
    if not any(isinstance(data.get("posts"), list) for data in found):
        raise BadDocument("it is no export of Ghost's: there are no posts in it")
    return found


def _rows(value: object) -> list[Row]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


class _Site:
    """The tables of one site, joined."""

    def __init__(self, data: Row, file: str) -> None:
        self.file = file
        self.posts = _rows(data.pop("posts", None))
        self.users = {str(user.get("id")): user for user in _rows(data.get("users"))}
        self.tags = {str(tag.get("id")): tag for tag in _rows(data.get("tags"))}
        self.more = {str(row.get("post_id")): row for row in _rows(data.get("posts_meta"))}
        self.authors = _linked(data.get("posts_authors"), "author_id")
        self.tagged = _linked(data.get("posts_tags"), "tag_id")

    def items(self) -> Iterator[Item]:
        for user in self.users.values():
            if (slug := _slug_of_user(user)) != "":
                yield Person(
                    origin=ORIGIN,
                    slug=slug,
                    name=" ".join(as_text(user.get("name")).split()) or slug,
                    path=self.file,
                    content=_bytes({key: value for key, value in user.items() if key != "password"}),
                    email=as_text(user.get("email")).strip(),
                    bio=as_text(user.get("bio")),
                )
        for number, post in enumerate(self.posts):
            self.posts[number] = {}  # Each is let go of once it is read.
            where = as_text(post.get("slug") or post.get("title") or post.get("id"))
            try:
                yield self._document(post, where)
            except Invalid as error:
                yield Refusal(f"{self.file}: {where}", str(error))

    def _document(self, post: Row, where: str) -> Document:
        number = str(post.get("id"))
        more = self.more.get(number, {})
        authors = [self.users.get(one, {}) for one in self.authors.get(number, [as_text(post.get("author_id"))])]
        slugs = [slug for user in authors if (slug := _slug_of_user(user))]
        tags = [as_text(self.tags[one].get("name")) for one in self.tagged.get(number, []) if one in self.tags]
        body, format, hidden = _body(post, more)
        slug = slug_from(as_text(post.get("slug")), as_text(post.get("title")))
        title = title_from(as_text(post.get("title")), body, format, slug)
        page = post.get("type") == "page" or post.get("page") in (True, 1, "1")
        kind, weeks = kind_and_weeks(slug, title, page=page)
        draft, reasons = _is_draft(post, more, hidden)
        published = not_in_future(moment(post.get("published_at"), "published_at"))
        return Document(
            origin=ORIGIN,
            name=as_text(post.get("uuid") or post.get("id") or post.get("slug")),
            path=f"{self.file}: {where}",
            content=_bytes({**post, "meta": more, "tags": tags, "authors": slugs}),
            kind=kind,
            title=title,
            body=body,
            format=format,
            weeks=weeks,
            author=slugs[0] if slugs else "",
            signers=frozenset(slugs[1:]),
            draft=draft,
            created_at=not_in_future(moment(post.get("created_at"), "created_at")) or published,
            published_at=published,
            updated_at=not_in_future(moment(post.get("updated_at"), "updated_at")),
            slug=slug,
            tags=tuple(dict.fromkeys(tag for tag in tags if tag and not tag.startswith("#"))),
            old_paths=old_paths([as_text(post.get("slug"))], slug),
            image_roots=IMAGE_ROOTS,
            meta=tuple(
                (key, as_text(value))
                for key, value in {**post, **more}.items()
                if key not in NOT_KEYS and value not in (None, "")
            ),
            warnings=tuple((0, reason) for reason in reasons),
        )


def _linked(rows: object, key: str) -> dict[str, list[str]]:
    """The ids that each post is linked to, in the order that Ghost shows them."""
    found: dict[str, list[str]] = {}
    for row in sorted(_rows(rows), key=lambda row: _number(row.get("sort_order"))):
        found.setdefault(str(row.get("post_id")), []).append(str(row.get(key)))
    return found


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _slug_of_user(user: Row) -> str:
    return slug_from(as_text(user.get("slug")), as_text(user.get("name")))


def _body(post: Row, more: Row) -> tuple[str, str, bool]:
    """The text, its format, and whether a part of it was for members only.

    Raises:
        BadDocument: only Ghost's editor could show it.
    """
    html = as_text(post.get("html"))
    check_length(html)
    if not html.strip():
        if markdown := as_text(post.get("markdown")) or _markdown_card(post):
            text, hidden = open_gates(markdown)
            return text.replace(HERE, ""), "markdown", hidden or '"paywall"' in as_text(post.get("mobiledoc"))
        if _has_text(post):
            raise BadDocument("its text is only there as Ghost's editor keeps it: save it in Ghost, export again")
    html, hidden = open_gates(html)
    head = _feature_image(post, more)
    return (head + plain_cards(html)).replace(HERE, "").strip(), "html", hidden


def _feature_image(post: Row, more: Row) -> str:
    address = as_text(post.get("feature_image") or post.get("image"))
    if not address:
        return ""
    caption = as_text(more.get("feature_image_caption"))
    return figure(image(address, as_text(more.get("feature_image_alt"))), caption) + "\n"


def _markdown_card(post: Row) -> str:
    """The text of a post that is one card of Markdown, as importers for Ghost write it."""
    try:
        cards = json.loads(as_text(post.get("mobiledoc")) or "{}")["cards"]
        texts = [card[1].get("markdown") or card[1].get("html") or "" for card in cards]
        return "\n\n".join(texts)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return ""


def _has_text(post: Row) -> bool:
    return '"text":"' in as_text(post.get("lexical")).replace('"text":""', "") or bool(
        as_text(post.get("plaintext")).strip()
    )


def _is_draft(post: Row, more: Row, hidden: bool) -> tuple[bool, list[str]]:
    """Whether it comes in as a draft, and why where its author did not simply say so."""
    status, visibility = as_text(post.get("status")), as_text(post.get("visibility"))
    reasons = []
    if status == "scheduled":
        reasons.append("it was to be published later: it comes in as a draft")
    elif status == "sent" or more.get("email_only"):
        reasons.append("it was sent by e-mail only: it comes in as a draft")
    if visibility not in ("", "public"):
        reasons.append(f"it was for “{visibility}” only: it comes in as a draft")
    elif hidden:
        reasons.append("a part of it was for members only: it comes in as a draft")
    return status != "published" or bool(reasons), reasons


def _bytes(row: Row) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass")
