"""What earlier imports brought: looking a document up, and noting what became of one, in the caller's transaction."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.porting.models import Source

COLUMNS = (
    Source.id, Source.name, Source.path, Source.post_id, Source.member_id, Source.sha256, Source.title, Source.body,
    Source.beside_sha256, Source.facts, Source.content.is_not(None).label("has_content"),
)  # fmt: skip


@dataclass(frozen=True)
class Known:
    """A document that came before; the fields are `Source`'s."""

    id: int
    name: str
    path: str
    post_id: int | None
    member_id: int | None
    sha256: str
    title: str
    body: str
    beside_sha256: str | None
    facts: dict[str, Any]
    has_content: bool

    @property
    def pictures(self) -> dict[str, str]:
        """Address in the document -> address of the attachment here; `!size` where the file was no good."""
        return dict(self.facts.get("pictures", {}))


def find_known(origin: str, name: str) -> Known | None:
    """The document of that name, if it came before."""
    return _one(Source.origin == origin, Source.name == name)


def find_same_content(origin: str, sha256: str) -> Known | None:
    """A document that came before with the very same bytes, under whatever name."""
    return _one(Source.origin == origin, Source.sha256 == sha256, Source.post_id.is_not(None))


def _one(*conditions: Any) -> Known | None:
    row = db.session.execute(select(*COLUMNS).where(*conditions).order_by(Source.id).limit(1)).one_or_none()
    db.session.rollback()  # Nothing is held while the document is read and rendered.
    return None if row is None else Known(**row._mapping)


def note(session: Session, known: Known | None, **values: Any) -> None:
    """Put on record what came, over what came before."""
    if known is None:
        session.add(Source(**values))
    else:
        session.execute(update(Source).where(Source.id == known.id).values(imported_at=now(), **values))
