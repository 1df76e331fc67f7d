"""Files that members attach to posts: private until a published post shows them."""

import re
import unicodedata
from pathlib import Path
from typing import IO

from slugify import slugify
from sqlalchemy import Exists, delete, exists, insert, select
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand, may
from blogapp.core import files, variants
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import db, transaction
from blogapp.core.errors import Invalid, NotFound
from blogapp.core.media import DOWNLOAD, EXTENSIONS, Media, prepare
from blogapp.posts.circles import seen_by
from blogapp.posts.models import Attachment, Post, post_attachments
from blogapp.posts.naming import lock_names
from blogapp.posts.queries import find_post
from blogapp.posts.sharelinks import link_shows

MAX_NAME = 80
# What Windows takes for a device, whatever its ending.
RESERVED = re.compile(r"con|prn|aux|nul|(?:com|lpt)[0-9]")


def attach(post_id: int, filename: str, stream: IO[bytes], by: int) -> Attachment:
    """Keep a file with a post. The same file attached again is the same attachment.

    Raises:
        NotFound: there is no such post.
        NotAllowed: `by` may not edit it.
        Invalid: the file is empty or too big, or a picture that is broken. The field is `files`.
    """
    _demand_edit(db.session(), post_id, by)
    db.session.rollback()  # Receiving a file takes as long as the sender likes: hold no snapshot meanwhile.
    with files.scratch() as path:
        _receive(stream, path, filename)
        media = prepare(path)
        name = safe_name(filename, media.media_type)
        sha256 = files.fingerprint(path)
        size_bytes = path.stat().st_size
        files.secure(path, sha256)
        with transaction() as session:
            post = _demand_edit(session, post_id, by)
            lock_names(session)  # As `sweeping.py` does: no content vanishes while somebody attaches the same.
            known = _known(session, post.id, name, sha256)
            if known is not None:
                known.removed_at = None
                return known
            files.store(path, sha256)
            attachment = _add(session, post, name, media, size_bytes, sha256, by)
        files.make_sure(sha256)
        if media.width:
            variants.wish(sha256)
        return attachment


def _receive(stream: IO[bytes], path: Path, filename: str) -> None:
    limit_mb = settings().max_upload_mb
    size = files.receive(stream, path, limit_mb * 1_000_000)
    if size > limit_mb * 1_000_000:
        raise _wrong(f"{filename} is too big: {limit_mb} MB are the most.")
    if size == 0:
        raise _wrong(f"{filename} is empty." if filename else "Choose a file first.")


def _known(session: Session, post_id: int, name: str, sha256: str) -> Attachment | None:
    query = (
        select(Attachment)
        .join(post_attachments, post_attachments.c.attachment_id == Attachment.id)
        .where(post_attachments.c.post_id == post_id, Attachment.sha256 == sha256, Attachment.filename == name)
    )
    return session.execute(query.limit(1)).scalar_one_or_none()


def _add(session: Session, post: Post, name: str, media: Media, size_bytes: int, sha256: str, by: int) -> Attachment:
    attachment = Attachment(
        filename=name,
        media_type=media.media_type,
        size_bytes=size_bytes,
        sha256=sha256,
        width=media.width,
        height=media.height,
        member_id=by,
    )
    session.add(attachment)
    session.flush()
    session.execute(insert(post_attachments).values(post_id=post.id, attachment_id=attachment.id, shown=False))
    record(session, "post.attach", f"post:{post.id}", by=by, attachment=attachment.id, filename=name)
    return attachment


def _demand_edit(session: Session, post_id: int, by: int) -> Post:
    post = find_post(session, post_id, by=by)
    demand(session.get(Member, by), "post.edit", owner_id=post.author_id, public=post.state == "published")
    return post


def safe_name(filename: str, media_type: str) -> str:
    """A name for addresses and disks: small letters, figures, hyphens, and the ending that its content deserves."""
    base = unicodedata.normalize("NFC", filename.replace("\\", "/").rpartition("/")[2])
    stem, dot, ending = base.rpartition(".")
    if not dot:
        stem, ending = base, ""
    ending = EXTENSIONS.get(media_type) or re.sub(r"[^a-z0-9]", "", ending.lower())[:10]
    if media_type == DOWNLOAD and ending in EXTENSIONS.values():
        ending = "bin"  # It says that it is a picture or a film, and is none.
    stem = slugify(stem, max_length=MAX_NAME) or "file"
    if RESERVED.fullmatch(stem):
        stem += "-file"
    return f"{stem}.{ending}" if ending else stem


def line_for(attachment: Attachment, format: str = "markdown") -> str:
    """What to put into a text of that format: a picture is shown, anything else is a link.

    Nothing is escaped: the name is one that `safe_name` made.
    """
    stem = attachment.filename.rpartition(".")[0].replace("-", " ")
    address = address_of(attachment)
    if attachment.media_type.startswith("image/"):
        return f'<img src="{address}" alt="{stem}">' if format == "html" else f"![{stem}]({address})"
    if attachment.media_type.startswith(("video/", "audio/")):
        tag = attachment.media_type.partition("/")[0]
        return f'<{tag} src="{address}" controls></{tag}>'
    name = attachment.filename
    return f'<a href="{address}">{name}</a>' if format == "html" else f"[{name}]({address})"


def address_of(attachment: Attachment) -> str:
    """The path that it is read at."""
    return f"/files/{attachment.id}/{attachment.filename}"


def open_attachment(attachment_id: int, member: Member | None, share: str = "") -> tuple[Attachment, bool]:
    """The file for whoever may read it, and whether everybody may. What it holds is where `files.find` says.

    Args:
        share: the token of a link to a draft that shows it.

    Raises:
        NotFound: there is none, or none that `member` may know of.
    """
    attachment = db.session.get(Attachment, attachment_id)
    if attachment is None:
        raise NotFound("There is no such file.")
    public = is_public(db.session(), attachment_id)
    shared = share != "" and link_shows(db.session(), share, attachment_id)
    if not (public or shared or _is_known_to(db.session(), attachment_id, member)):
        raise NotFound("There is no such file.")
    db.session.expunge(attachment)
    db.session.rollback()  # Sending it takes as long as its reader, or a bucket, likes: hold no snapshot meanwhile.
    return attachment, public


def is_public(session: Session, attachment_id: int) -> bool:
    """Whether a published public post shows it."""
    shown_in = exists().where(
        post_attachments.c.attachment_id == attachment_id,
        post_attachments.c.shown,
        post_attachments.c.post_id == Post.id,
        Post.state == "published",
        Post.visibility == "public",
    )
    return bool(session.execute(select(shown_in)).scalar_one())


def _is_known_to(session: Session, attachment_id: int, member: Member | None) -> bool:
    """Whether a post has it that this member may know of."""
    if not may(member, "post.see"):
        return False
    links = post_attachments.c
    known = exists().where(links.attachment_id == attachment_id, links.post_id == Post.id, seen_by(member))
    return bool(session.execute(select(known)).scalar_one())


def remove_attachment(post_id: int, attachment_id: int, by: int) -> Attachment:
    """Put a file away that the post's text no longer shows; for 30 days it can be brought back.

    While other posts have the file too, this one only lets go of it: it stays theirs.

    Raises:
        NotFound: the post has no such file.
        NotAllowed: `by` may not edit the post.
        Invalid: its text still shows it.
    """
    links = post_attachments
    with transaction() as session:
        attachment = _of_post(session, post_id, attachment_id, by)
        query = select(links.c.post_id, links.c.shown).where(links.c.attachment_id == attachment_id)
        shown = {row.post_id: row.shown for row in session.execute(query)}
        if shown[post_id]:
            raise _wrong("The text still shows this file. Take it out of the text and save first.")
        if len(shown) > 1:
            own = (links.c.post_id == post_id, links.c.attachment_id == attachment_id)
            session.execute(delete(links).where(*own))
        else:
            attachment.removed_at = attachment.removed_at or now()
        record(session, "post.detach", f"post:{post_id}", by=by, attachment=attachment_id)
        return attachment


def bring_back_attachment(post_id: int, attachment_id: int, by: int) -> Attachment:
    """Undo `remove_attachment`. Raises NotFound, NotAllowed."""
    with transaction() as session:
        _demand_edit(session, post_id, by)
        attachment = session.get(Attachment, attachment_id, with_for_update=True)
        if attachment is None or not _is_known_to(session, attachment_id, session.get(Member, by)):
            raise NotFound("There is no such file here.")
        if not session.execute(select(_linked(post_id, attachment_id))).scalar_one():
            # Of those that they may know of: whoever sees a file could as well attach a copy.
            session.execute(insert(post_attachments).values(post_id=post_id, attachment_id=attachment_id, shown=False))
        attachment.removed_at = None
        return attachment


def _of_post(session: Session, post_id: int, attachment_id: int, by: int) -> Attachment:
    """The post's file, locked: of two posts that let go of it at once, one is the last that has it."""
    _demand_edit(session, post_id, by)
    query = select(Attachment).where(Attachment.id == attachment_id).with_for_update()
    found = session.execute(query).scalar_one_or_none()
    if found is None or not session.execute(select(_linked(post_id, attachment_id))).scalar_one():
        raise NotFound("There is no such file here.")
    return found


def _linked(post_id: int, attachment_id: int) -> Exists:
    return exists().where(post_attachments.c.post_id == post_id, post_attachments.c.attachment_id == attachment_id)


def _wrong(message: str) -> Invalid:
    return Invalid(message, {"files": message})
