"""What was changed in the document and here as well: the document's text as a revision that the post never had."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.core.clock import now
from blogapp.porting.fresh import Fresh
from blogapp.porting.known import Known, note
from blogapp.porting.report import Outcome
from blogapp.posts.models import Post, Revision
from blogapp.posts.queries import next_number

BESIDE = (
    "the document and its post have both changed. The post keeps its text; the document's is its revision {}: "
    "compare the two under Revisions, and put them together"
)


def keep_beside(session: Session, post: Post, known: Known, fresh: Fresh, member_id: int) -> Outcome:
    """The document's text as a revision that the post never had, until somebody puts the two together."""
    newest = session.execute(
        select(Revision).where(Revision.post_id == post.id, Revision.beside).order_by(Revision.number.desc()).limit(1)
    ).scalar_one_or_none()
    if newest is None or (newest.title, newest.body) != (fresh.title, fresh.body):
        at = min(fresh.document.updated_at or now(), now())
        newest = Revision(
            post_id=post.id,
            number=next_number(session, post.id),
            member_id=member_id,
            title=fresh.title,
            body=fresh.body,
            created_at=at,
            updated_at=at,
            beside=True,
        )
        session.add(newest)
    note(session, known, beside_sha256=fresh.sha256)
    record(session, "post.import", f"post:{post.id}", by=fresh.run.by, name=fresh.document.name, result="beside")
    return Outcome(fresh.document.path, "beside", BESIDE.format(newest.number), post_id=post.id)
