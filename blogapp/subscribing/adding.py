"""Adding many subscribers at once, with flat memory and short transactions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import iso, now
from blogapp.core.db import on_sqlite, transaction
from blogapp.core.errors import Invalid
from blogapp.delivery.models import Suppression
from blogapp.subscribing import mails
from blogapp.subscribing.addresses import normalise_address, numbered, split_name
from blogapp.subscribing.models import Subscriber

# Lines in one transaction, so that the write lock is held for less than 200 ms: a row is quickly added, but who still
# has to confirm gets a mail that has to be written.
CHUNK, CHUNK_WITH_MAIL = 1000, 25
# How many bad lines a report names; it counts the others.
NAMED = 100


@dataclass
class Report:
    """What became of the lines. `wrong` names the first bad ones: (line number from 1, the line, why)."""

    added: int = 0
    known: int = 0
    unsubscribed: int = 0
    suppressed: int = 0
    invalid: int = 0
    wrong: list[tuple[int, str, str]] = field(default_factory=list)


def add_subscribers(addresses: Iterable[str], *, confirmed: bool, source: str, by: int | None = None) -> Report:
    """Add addresses (`ann@example.org` or `Ann Lee <ann@example.org>`); blank lines and `# comments` are passed over.

    Nobody is revived: who is known keeps the state they have, who unsubscribed or is suppressed is left alone. Memory
    stays flat, however many there are; every chunk is a transaction of its own, so a second run mends a broken one.

    Args:
        confirmed: they agreed already, and the adder can show it. Else each new one gets a mail that asks.
        source: where they come from, kept as evidence: `command line`, `admin`, `import`.
        by: the member who adds them; None: the program's operator.

    Raises:
        NotAllowed: `by` may not.
    """
    report = Report()
    lines = numbered(addresses)
    while chunk := list(islice(lines, CHUNK if confirmed else CHUNK_WITH_MAIL)):
        names = dict(_read(chunk, report))
        with transaction() as session:
            if by is not None:
                demand(session.get(Member, by), "subscriber.manage")
            _add(session, names, confirmed, {"source": source, "at": iso(now()), "by": by}, report)
    return report


def _read(chunk: list[tuple[int, str]], report: Report) -> Iterator[tuple[str, str]]:
    """(address, name) of the good lines; the bad ones and repetitions go into the report."""
    seen: set[str] = set()
    for number, line in chunk:
        name, address = split_name(line)
        try:
            normalised = normalise_address(address)
        except Invalid as error:
            report.invalid += 1
            if len(report.wrong) < NAMED:
                report.wrong.append((number, line[:80], str(error)))
            continue
        if normalised in seen:
            report.known += 1
            continue
        seen.add(normalised)
        yield normalised, name


def _add(session: Session, names: dict[str, str], confirmed: bool, consent: dict[str, Any], report: Report) -> None:
    addresses = list(names)
    states = select(Subscriber.address, Subscriber.state).where(Subscriber.address.in_(addresses))
    known = dict(session.execute(states).all())
    barred = set(session.scalars(select(Suppression.address).where(Suppression.address.in_(addresses))))
    report.unsubscribed += sum(state == "unsubscribed" for state in known.values())
    report.known += sum(state != "unsubscribed" for state in known.values())
    report.suppressed += len(barred - known.keys())
    # In one order everywhere, so that two who add the same addresses at once wait for each other and never in a ring.
    fresh = sorted(names.keys() - known.keys() - barred)
    added = _insert(session, [_row(address, names[address], confirmed, consent) for address in fresh])
    report.added += len(added)
    report.known += len(fresh) - len(added)
    if added:
        subject = f"subscribers:{min(added)}-{max(added)}"
        record(session, "subscriber.add", subject, by=consent["by"], count=len(added), source=consent["source"])
    if not confirmed:
        for subscriber in session.execute(select(Subscriber).where(Subscriber.id.in_(added))).scalars():
            with mails.kept_only_if(session, mails.may_mail(session, subscriber.address)):
                mails.queue_confirmation(session, subscriber)


def _row(address: str, name: str, confirmed: bool, consent: dict[str, Any]) -> dict[str, Any]:
    moment = now()
    return {
        "address": address,
        "name": name,
        "state": "confirmed" if confirmed else "pending",
        "created_at": moment,
        "confirmed_at": moment if confirmed else None,
        "consent": consent,
    }


def _insert(session: Session, rows: list[dict[str, Any]]) -> list[int]:
    """The ids of those that were new, also where another process adds the same ones meanwhile."""
    if not rows:
        return []
    insert = sqlite.insert if on_sqlite(session) else postgresql.insert
    statement = insert(Subscriber).on_conflict_do_nothing().returning(Subscriber.id)
    return list(session.execute(statement, rows).scalars())
