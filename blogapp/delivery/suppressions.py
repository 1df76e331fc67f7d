"""Addresses that must not be mailed. They outlive the subscriber: deleting and importing again does not lift them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from blogapp.core.clock import now
from blogapp.core.db import on_sqlite
from blogapp.delivery.models import Suppression


def suppressed(session: Session, address: str) -> Suppression | None:
    """Why an address must not be mailed; None when it may be."""
    return session.get(Suppression, as_key(address))


def suppress(session: Session, address: str, reason: str, evidence: Mapping[str, Any] | None = None) -> None:
    """Mail an address no more, from the caller's commit on. The first reason stands.

    Args:
        reason: a few words for people: `no such mailbox`, `complaint`, `asked by mail`.
        evidence: what was seen: the reply, the report, who asked.
    """
    row = {"address": as_key(address), "reason": reason, "evidence": dict(evidence or {}), "created_at": now()}
    suppress_all(session, [row])


def suppress_all(session: Session, rows: list[dict[str, Any]]) -> None:
    """The same for many: rows of all columns of `Suppression`, their addresses in the form of `as_key`."""
    insert = sqlite.insert if on_sqlite(session) else postgresql.insert
    session.execute(insert(Suppression).on_conflict_do_nothing(), sorted(rows, key=lambda row: str(row["address"])))


def lift(session: Session, address: str) -> bool:
    """Let an address be mailed again (its owner came back, or an admin knows better). Whether it was suppressed."""
    gone = delete(Suppression).where(Suppression.address == as_key(address)).returning(Suppression.address)
    return session.execute(gone).first() is not None


def as_key(address: str) -> str:
    """The form in which addresses are compared: lower-case, as subscribers' addresses are kept."""
    return address.strip().lower()
