"""The corrections that a digest tells of: of posts that have left by mail, and not told in another way."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from blogapp.core.web import local, whole_url
from blogapp.digest.models import Digest, Sending
from blogapp.posts.corrections import Correction
from blogapp.posts.models import Post

# What is older is no news to anybody.
KEPT = timedelta(weeks=8)
MONTH = timedelta(days=31)


@dataclass(frozen=True)
class Told:
    """One of them, in the words of the mail."""

    id: int
    title: str
    day: str
    note: str
    url: str


def untold(session: Session, at: datetime) -> list[Told]:
    """Those that the next digest tells of."""
    return _read(session, Correction.told_in.is_(None), Correction.at > at - KEPT)


def told_in(session: Session, sending_id: int) -> list[Told]:
    """Those that a digest told of, for its editions."""
    return _read(session, Correction.told_in == sending_id)


def told_lately(session: Session, at: datetime, but: Collection[int]) -> list[Told]:
    """Those of a month, for whoever gets mail monthly.

    Args:
        but: posts whose corrected text is in the mail.
    """
    return _read(session, Correction.at > at - MONTH, Post.id.not_in(but))


def _read(session: Session, *conditions: ColumnElement[bool]) -> list[Told]:
    query = (
        select(Correction.id, Post.title, Post.slug, Correction.at, Correction.note)
        .join(Post, Post.id == Correction.post_id)
        .join(Digest, Digest.post_id == Post.id)
        .join(Sending, Sending.id == Digest.sending_id)
        .where(Correction.told == "digest", Correction.at > Sending.planned_at)
        .where(Post.state == "published", Post.visibility == "public")
        .where(*conditions)
        .order_by(Correction.at, Correction.id)
    )
    found = []
    for number, title, slug, at, note in session.execute(query):
        day = local(at)
        found.append(Told(number, title, f"{day.day} {day:%B}", note, whole_url(f"/{slug}")))
    return found
