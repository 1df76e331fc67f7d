"""Deleting for good what nobody wants any more: files that were put away, and contents that nothing has."""

from datetime import datetime, timedelta

from sqlalchemy import Select, delete, exists, select
from sqlalchemy.orm import Session

from blogapp.auth.models import Member
from blogapp.core import files, variants
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.logo import site_logo
from blogapp.posts.models import Attachment, post_attachments
from blogapp.posts.naming import lock_names

# So many files are deleted within one transaction.
SLICE = 200
# Share images are drawn again when somebody asks.
DRAWN_FOR = timedelta(days=90)


def sweep_files(until: datetime) -> int:
    """Delete for good the files that were put away before `until`, and those whose posts are gone. Returns how many."""
    numbers = unwanted(db.session(), select(Attachment.id), until)
    db.session.rollback()
    slices = [numbers[start : start + SLICE] for start in range(0, len(numbers), SLICE)]
    swept = sum(_sweep_some(some, until) for some in slices)
    _discard_unowned()
    return swept


def unwanted(session: Session, among: Select[tuple[int]] | list[int], until: datetime) -> list[int]:
    """The ids of those files that no post has, or that were put away before `until` and stand in no text."""
    of_posts = exists().where(post_attachments.c.attachment_id == Attachment.id)
    put_away = (Attachment.removed_at <= until) & ~of_posts.where(post_attachments.c.shown)
    query = select(Attachment.id).where(Attachment.id.in_(among), put_away | ~of_posts)
    return list(session.execute(query.order_by(Attachment.id)).scalars())


def _sweep_some(numbers: list[int], until: datetime) -> int:
    """Delete those that are unwanted still: since they were chosen somebody may have shown one again.

    Whoever shows a file holds it (`link_files`): what they hold by now is left to them, and what we hold they wait for.
    """
    with transaction() as session:
        lock_names(session)
        query = select(Attachment.id).where(Attachment.id.in_(numbers)).order_by(Attachment.id)
        held = list(session.execute(query.with_for_update(skip_locked=True)).scalars())
        still = unwanted(session, held, until)
        session.execute(delete(Attachment).where(Attachment.id.in_(still)))
        return len(still)


def _discard_unowned() -> None:
    """Remove the contents that nothing here has: of deleted ones, and of uploads that a crash cut off.

    A content is spared for a day. Looking through the folder takes long and needs no lock; what is found is deleted a
    slice at a time while nobody attaches, if still nobody has it. No transaction waits for a bucket: what is swept
    there while somebody attaches the same is put back by them (`files.make_sure`).
    """
    before = now() - timedelta(days=1)
    present = dict(files.stored())
    owned = _owned()
    db.session.rollback()
    unowned = [sha256 for sha256, at in present.items() if at < before and sha256 not in owned]
    if files.bucket() is not None:
        for sha256 in unowned:
            if not _owned([sha256]):
                files.discard_if_old(sha256, before)
            db.session.rollback()
    else:
        _discard_here(unowned)
    files.tidy(present.keys() - set(unowned), before)
    variants.sweep(now() - DRAWN_FOR, present.keys() - set(unowned))


def _discard_here(unowned: list[str]) -> None:
    for start in range(0, len(unowned), SLICE):
        some = unowned[start : start + SLICE]
        with transaction() as session:
            lock_names(session)
            still = _owned(some)
            for sha256 in some:
                if sha256 not in still:
                    files.discard(sha256)


def _owned(among: list[str] | None = None) -> set[str]:
    """The contents that something here has, of these or of all: attachments, members' faces, the site's logo."""
    attached, faces = select(Attachment.sha256), select(Member.face_sha256).where(Member.face_sha256.is_not(None))
    if among is not None:
        attached, faces = attached.where(Attachment.sha256.in_(among)), faces.where(Member.face_sha256.in_(among))
    owned = {*db.session.execute(attached).scalars(), *db.session.execute(faces).scalars()}
    logo = site_logo()
    return {str(sha256) for sha256 in owned} | ({logo.sha256} if logo else set())
