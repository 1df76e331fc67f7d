"""Which post a document belongs to: the one that it became before, or one that was written here and says the same."""

import re
from typing import TYPE_CHECKING

from sqlalchemy import Row, select

from blogapp.core.db import db, transaction
from blogapp.porting.documents import BadDocument, Document
from blogapp.porting.known import Known, find_known, find_same_content, note
from blogapp.porting.models import Source
from blogapp.porting.pictures import Place, bad_mark
from blogapp.porting.report import Outcome
from blogapp.posts.glossary import spelled_out
from blogapp.posts.models import Post

if TYPE_CHECKING:
    from blogapp.porting.importing import Run

# A post's id, title, body, format and what was frozen into it.
Own = Row[int, str, str, str, dict[str, str]]


def came_before(document: Document, sha256: str, run: "Run") -> Known | None:
    """The document as it came before: under its name, or under another one whose file is no longer there.

    Raises:
        BadDocument: another file of the same import has its name.
    """
    known = find_known(document.origin, document.name)
    if known is None and run.is_first:
        return None
    if known is None:
        known = find_same_content(document.origin, sha256)
        return known if known is not None and run.gone(known.path) else None
    if known.path not in ("", document.path) and run.lies(known.path):
        raise BadDocument(f"{known.path} has the same name")
    return known


def made_here(document: Document, title: str, body: str) -> Own | None:
    """The post that was written here and says just this: what comes is its own export."""
    query = select(Post.id, Post.title, Post.body, Post.format, Post.frozen)
    query = query.where(Post.slug == document.slug, Post.deleted_at.is_(None), Post.format == document.format)
    post = db.session.execute(query.where(~select(Source.id).where(Source.post_id == Post.id).exists())).one_or_none()
    db.session.rollback()
    same = post is not None and (post.title, unescaped(_as_exported(post))) == (title, unescaped(body))
    return post if same else None


def _as_exported(post: Own) -> str:
    return spelled_out(post.body, post.format, post.frozen)


def unescaped(body: str) -> str:
    """Our way out puts a blank before a colon at the beginning of a line."""
    return re.sub(r"^ ?:", ":", body, flags=re.MULTILINE).strip()


def adopt(own: Own, document: Document, sha256: str, run: "Run") -> Outcome:
    """Note where the post's file is; the post stays as it is."""
    if not run.dry_run:
        with transaction() as session:
            note(
                session, None, origin=document.origin, name=document.name, path=document.path, post_id=own.id,
                content=document.content, sha256=sha256, title=own.title, body=_as_exported(own),
            )  # fmt: skip
    return Outcome(document.path, "unchanged", post_id=own.id)


def is_as_before(known: Known, document: Document, sha256: str, body: str, places: list[Place]) -> bool:
    """Whether it came like this before; helpers and pictures that had been left then get another chance."""
    if known.beside_sha256 == sha256:
        return True
    same = (known.sha256, known.name, known.path, known.has_content) == (sha256, document.name, document.path, True)
    return same and not shows_more(known, body, places) and known.body.count("<%") == body.count("<%")


def shows_more(known: Known, body: str, places: list[Place]) -> bool:
    """Whether a picture is there now that was not, or was no good, when the document came before."""
    kept = known.pictures
    for place in places:
        before = kept.get(body[place.start : place.end])
        if before is None or (before.startswith("!") and before != bad_mark(place.path)):
            return True
    return False
