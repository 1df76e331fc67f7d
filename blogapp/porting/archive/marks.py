"""Who got which digest, as an archive says it: settled, and nobody's to claim.

A batch that is being sent has its newest acceptances in a journal (digest/journal.py), and an owner with a lease.
Neither means anything elsewhere, so the journal is written into the batch, and what was claimed is open again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from blogapp.core.db import db
from blogapp.digest import bitmap
from blogapp.digest.journal import read_entries
from blogapp.digest.models import Batch, SendingException

CLAIMED = select(Batch.id, Batch.owner, Batch.accepted).where(Batch.state == "claimed").order_by(Batch.id)


@dataclass(frozen=True)
class Marks:
    """The batches that were claimed at one moment, and whom their journals held a moment later."""

    claimed: list[tuple[Any, ...]]
    journalled: dict[int, set[int]] = field(default_factory=dict)

    def hold_still(self) -> bool:
        """Whether nothing was settled, and so no journal cleared, since that moment: they are not of its snapshot."""
        with db.engine.connect() as connection:
            return not self.claimed or self.claimed == _read_claimed(connection)

    def mend(self, table: str, names: list[str], row: Sequence[Any]) -> Sequence[Any]:
        """The row as it travels."""
        if table not in (Batch.__tablename__, SendingException.__tablename__):
            return row
        values = dict(zip(names, row, strict=True))
        values["owner"] = values["lease_until"] = None
        if table == Batch.__tablename__ and values["state"] == "claimed":
            planned, accepted = (set(bitmap.to_ids(values[name], values["lo"])) for name in ("planned", "accepted"))
            accepted |= self.journalled.get(values["id"], set()) & planned
            values["state"], values["accepted_count"] = "open", len(accepted)
            values["accepted"] = bitmap.from_ids(accepted, values["lo"], values["hi"])
        return list(values.values())


def read_marks(connection: Connection) -> Marks:
    """The claimed batches as the connection's transaction sees them, and their journals."""
    claimed = _read_claimed(connection)
    return Marks(claimed, read_entries(connection, [number for number, *_ in claimed]))


def _read_claimed(connection: Connection) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(CLAIMED)]
