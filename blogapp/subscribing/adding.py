"""Adding many subscribers at once, with flat memory and short transactions."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
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
from blogapp.delivery.suppressions import suppress_all
from blogapp.subscribing import mails
from blogapp.subscribing.addresses import normalise_address, numbered, split_name
from blogapp.subscribing.entries import Entry, Outcome, Standing, left_since, make_plan, stand
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
    state = "confirmed" if confirmed else "pending"
    while chunk := list(islice(lines, CHUNK if confirmed else CHUNK_WITH_MAIL)):
        people = list(_read(chunk, report))
        with transaction() as session:
            if by is not None:
                demand(session.get(Member, by), "subscriber.manage")
            consent = {"source": source, "at": iso(now()), "by": by}
            entries = [Entry(address, state, name, consent=consent) for address, name in people]
            outcomes = add_entries(session, entries, by=by, noted={"source": source}, ask=not confirmed)
        report.added += outcomes[Outcome(state)]
        report.known += outcomes[Outcome.KNOWN]
        report.unsubscribed += outcomes[Outcome.STAYS_UNSUBSCRIBED]
        report.suppressed += outcomes[Outcome.STAYS_SUPPRESSED]
    return report


def _read(chunk: list[tuple[int, str]], report: Report) -> Iterator[tuple[str, str]]:
    """(address, name) of the good lines; the bad ones go into the report."""
    for number, line in chunk:
        name, address = split_name(line)
        try:
            yield normalise_address(address), name
        except Invalid as error:
            report.invalid += 1
            if len(report.wrong) < NAMED:
                report.wrong.append((number, line[:80], str(error)))


def add_entries(
    session: Session,
    entries: list[Entry],
    *,
    by: int | None,
    noted: Mapping[str, Any],
    ask: bool = False,
    an_hour: int | None = None,
) -> Counter[Outcome]:
    """Take entries in, within the caller's transaction: `make_plan` decides. Returns how many had which outcome.

    Args:
        noted: for the audit trail: `source`, …
        ask: each new pending one gets a mail that asks them.
        an_hour: at most so many of these mails an hour; None: all at once.
    """
    plan = make_plan(entries, standings(session, {entry.address for entry in entries}))
    # In one order everywhere, so that two who add the same addresses at once wait for each other and never in a ring.
    fresh = sorted(plan.fresh.values(), key=lambda entry: entry.address)
    added = _insert(session, [_row(entry) for entry in fresh])
    for entry in fresh:
        if entry.address not in added:  # Somebody else added them at this moment.
            plan.outcomes[Outcome.KNOWN] += 1
            plan.outcomes[Outcome.SUPPRESSED if entry.barred else Outcome(entry.state)] -= 1
    if added:
        subject = f"subscribers:{min(added.values())}-{max(added.values())}"
        record(session, "subscriber.add", subject, by=by, count=len(added), **noted)
    _unsubscribe(session, plan.leaving, by)
    if plan.barred:
        suppress_all(session, [_suppression(entry) for entry in plan.barred.values()])
        record(session, "subscriber.suppress", "suppressions", by=by, count=len(plan.barred), **noted)
    if ask and added:
        _ask(session, list(added.values()), an_hour)
    return plan.outcomes


def standings(session: Session, addresses: set[str]) -> dict[str, Standing]:
    """How those of them stand that are known here or suppressed."""
    columns = (Subscriber.address, Subscriber.state, Subscriber.created_at, Subscriber.confirmed_at, Subscriber.consent)
    found = session.execute(select(*columns).where(Subscriber.address.in_(addresses))).all()
    barred = set(session.scalars(select(Suppression.address).where(Suppression.address.in_(addresses))))
    here = {
        row.address: stand(row.state, row.consent, row.confirmed_at or row.created_at, row.address in barred)
        for row in found
    }
    return {address: Standing(barred=True) for address in barred} | here


def _row(entry: Entry) -> dict[str, Any]:
    moment = now()
    agreed = entry.confirmed_at or (moment if entry.state == "confirmed" else None)
    return {
        "address": entry.address,
        "name": entry.name,
        "state": entry.state,
        "created_at": entry.created_at or agreed or moment,
        "confirmed_at": agreed,
        "unsubscribed_at": (entry.unsubscribed_at or moment) if entry.state == "unsubscribed" else None,
        "paused_until": entry.paused_until,
        "frequency": entry.frequency,
        # Not when they agreed elsewhere: what left here before they came is not owed to them.
        "owed_from": moment,
        "consent": entry.consent,
    }


def _insert(session: Session, rows: list[dict[str, Any]]) -> dict[str, int]:
    """Address -> id of those that were new, also where another process adds the same ones meanwhile."""
    if not rows:
        return {}
    insert = sqlite.insert if on_sqlite(session) else postgresql.insert
    statement = insert(Subscriber).on_conflict_do_nothing().returning(Subscriber.address, Subscriber.id)
    return dict(session.execute(statement, rows).all())


def _unsubscribe(session: Session, leaving: Mapping[str, Entry], by: int | None) -> None:
    if not leaving:
        return
    query = select(Subscriber).where(Subscriber.address.in_(leaving)).order_by(Subscriber.address).with_for_update()
    for subscriber in session.execute(query.execution_options(populate_existing=True)).scalars():
        entry = leaving[subscriber.address]
        since = subscriber.confirmed_at or subscriber.created_at
        # Looked at again: they may have come back at this moment.
        if subscriber.state != "unsubscribed" and left_since(entry, stand("", subscriber.consent, since, False)):
            if subscriber.state == "pending":
                mails.drop_later(session, subscriber)
            subscriber.unsubscribe(entry.unsubscribed_at or now())
            record(session, "subscriber.unsubscribe", f"subscriber:{subscriber.id}", by=by, how="import")


def _suppression(entry: Entry) -> dict[str, Any]:
    return {
        "address": entry.address,
        "reason": entry.barred,
        "evidence": entry.evidence,
        "created_at": entry.barred_at or now(),
    }


def _ask(session: Session, added: list[int], an_hour: int | None) -> None:
    times = mails.due_times(session, an_hour) if an_hour else None
    query = select(Subscriber).where(Subscriber.id.in_(added), Subscriber.state == "pending").order_by(Subscriber.id)
    for subscriber in session.execute(query).scalars():
        due_at = next(times) if times else None
        with mails.kept_only_if(session, mails.may_mail(session, subscriber.address)):
            mails.queue_confirmation(session, subscriber, due_at)
            if due_at:
                # Who does not answer is forgotten a month after they were asked.
                subscriber.created_at = due_at
