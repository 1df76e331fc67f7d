"""What every importer reads its files into, whatever they are: documents and people."""

from dataclasses import dataclass
from datetime import datetime

from blogapp.core.errors import Invalid
from blogapp.posts.weeks import Weeks


class BadDocument(Invalid):
    """It cannot be imported; the message is the reason, without the name of the file."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A post to be, in this program's terms. Times are aware, UTC.

    origin, name: which document it is; the same pair on the next import is the same post.
    path: where in the import it was found, for reports and the way out.
    content: its bytes as they came (or as its own part of a larger file), never changed.
    kind: `week`, `links`, `article`, `page`.
    body: the text in `format` (`markdown` or `html`), template helpers translated, images still at their old addresses.
    author: the slug of who wrote it; "" where nobody is named. signers: slugs of others who are named in it.
    old_paths: addresses, without the leading slash, at which it used to be read.
    image_roots: what addresses of images in the body begin with that lie in the folder of images (`/images/`).
    meta: every key that came with it, in order.
    """

    origin: str
    name: str
    path: str
    content: bytes
    kind: str
    title: str
    body: str
    format: str = "markdown"
    weeks: Weeks | None = None
    author: str = ""
    signers: frozenset[str] = frozenset()
    draft: bool = False
    created_at: datetime | None = None
    published_at: datetime | None = None
    updated_at: datetime | None = None
    slug: str = ""
    tags: tuple[str, ...] = ()
    old_paths: tuple[str, ...] = ()
    image_roots: tuple[str, ...] = ()
    meta: tuple[tuple[str, str], ...] = ()
    # What somebody should know of it: (line from 1, or 0 for all of it; a sentence).
    warnings: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Person:
    """A member to be: inactive until invited. `bio` is Markdown; `content` as for documents.

    face: the name of a picture of them in the folder of images; "" where there is none.
    """

    origin: str
    slug: str
    name: str
    path: str
    content: bytes
    email: str = ""
    bio: str = ""
    face: str = ""


@dataclass(frozen=True)
class Leftover:
    """What is kept for the way out, and becomes nothing that anybody reads: a template."""

    origin: str
    name: str
    path: str
    content: bytes


@dataclass(frozen=True)
class Refusal:
    """What cannot be imported, and why."""

    path: str
    reason: str


Item = Document | Person | Leftover | Refusal
