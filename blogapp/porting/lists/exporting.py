"""All subscribers and suppressions as CSV: what `import_subscribers` reads back as it was."""

import csv
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import select

from blogapp.core.db import db
from blogapp.core.errors import BlogError, Conflict
from blogapp.delivery.models import Suppression
from blogapp.subscribing.listing import each_subscriber
from blogapp.subscribing.managing import note_export
from blogapp.subscribing.models import Subscriber

COLUMNS = (
    "email",
    "name",
    "status",
    "created_at",
    "confirmed_at",
    "unsubscribed_at",
    "paused_until",
    "consent",
    "suppressed_reason",
    "suppressed_at",
    "suppressed_evidence",
    "frequency",
)
SLICE = 5000


class ExportFailed(BlogError):
    """The file could not be written; there is none. The message says why."""


def export_subscribers(file: Path, *, by: int | None = None, force: bool = False) -> int:
    """Write everybody into `file`, whole or not at all, readable by its owner alone. Returns how many rows.

    Args:
        by: the member who does it; None is the operator.
        force: write over a file that is there.

    Raises:
        NotAllowed: `by` may not.
        Conflict: there is such a file.
        ExportFailed: it cannot be written.
    """
    if not force and file.exists():
        raise Conflict(f"{file} exists. Say --force to write over it.")
    note_export(by)
    try:
        # `mkstemp` makes it for its owner alone.
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    except OSError as error:
        raise ExportFailed(f"{file} cannot be written ({error.strerror}).") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as text:
            count = write_subscribers(text)
        Path(name).replace(file)
    except OSError as error:
        raise ExportFailed(f"{file} cannot be written ({error.strerror}).") from None
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()
    return count


def write_subscribers(text: TextIO) -> int:
    """The header and a row for everybody, then one for each address that is only suppressed. Returns how many rows."""
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    count = 0
    for count, row in enumerate(_rows(), 1):  # noqa: B007  # how many is returned
        writer.writerow(row)
    return count


def _rows() -> Iterator[tuple[str, ...]]:
    for found in each_subscriber():
        moments = (found.created_at, found.confirmed_at, found.unsubscribed_at, found.paused_until)
        # Suppressed ones are few: one look for each.
        barred = _suppression(found.address) if found.suppressed else ("", "", "")
        yield (
            found.address,
            found.name,
            found.state,
            *map(_moment, moments),
            _json(found.consent),
            *barred,
            found.frequency,
        )
    for suppression in _strangers():
        yield (suppression.address, "", "suppressed", "", "", "", "", "", *_barred(suppression), "")


def _strangers() -> Iterator[Suppression]:
    """Suppressed addresses of nobody here, a slice at a time."""
    after = ""
    while True:
        query = (
            select(Suppression)
            .outerjoin(Subscriber, Subscriber.address == Suppression.address)
            .where(Subscriber.id.is_(None), Suppression.address > after)
            .order_by(Suppression.address)
            .limit(SLICE)
        )
        found = list(db.session.execute(query).scalars())
        db.session.expunge_all()
        db.session.rollback()
        yield from found
        if len(found) < SLICE:
            return
        after = found[-1].address


def _suppression(address: str) -> tuple[str, str, str]:
    found = db.session.get(Suppression, address)
    return _barred(found) if found is not None else ("", "", "")


def _barred(suppression: Suppression) -> tuple[str, str, str]:
    return suppression.reason, _moment(suppression.created_at), _json(suppression.evidence)


def _moment(at: datetime | None) -> str:
    return at.isoformat() if at else ""


def _json(value: dict[str, Any] | None) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""
