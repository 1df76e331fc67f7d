"""Whom another list has, and what becomes of them here: pure rules.

Nobody is revived: who left or must not be mailed here stays so, whatever a file says.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What became of an entry: exactly one of these."""

    CONFIRMED = "confirmed"  # added
    PENDING = "pending"  # added
    UNSUBSCRIBED = "unsubscribed"  # added, so that it is known that they left
    SUPPRESSED = "suppressed"  # not to be mailed from now on
    LEFT = "left"  # was on the list here; is unsubscribed now
    KNOWN = "known"
    STAYS_UNSUBSCRIBED = "stays unsubscribed"
    STAYS_SUPPRESSED = "stays suppressed"
    STAYS_CONFIRMED = "stays confirmed"  # they left elsewhere, and agreed here


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody as another list has them. `address` is normalised.

    Args:
        state: `confirmed`, `pending` or `unsubscribed`; nothing where only a suppression is known of them.
        service: the list's own name; its undated departures count against a consent that came from it.
        frequency: `every` or `monthly`.
        created_at, confirmed_at, unsubscribed_at: None where it is not known.
        barred: why the address must not be mailed; nothing where it may be.
        evidence: what is known of that.
    """

    address: str
    state: str
    name: str = ""
    service: str = ""
    consent: dict[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    confirmed_at: datetime | None = None
    unsubscribed_at: datetime | None = None
    paused_until: datetime | None = None
    barred: str = ""
    barred_at: datetime | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    frequency: str = "every"


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands here.

    Args:
        state: as in `Entry`; nothing where they are not known.
        since: when they agreed, or asked; None where the list that they came from did not say.
        service: the list that their consent came from, where they have said nothing here since.
    """

    state: str = ""
    since: datetime | None = None
    service: str = ""
    barred: bool = False


def stand(state: str, consent: Mapping[str, Any], since: datetime | None, barred: bool) -> Standing:
    """How somebody stands whose row says so.

    Args:
        since: when they confirmed, else when they asked.
    """
    said = [consent[key] for key in ("confirmed_at", "returned_at") if consent.get(key)]
    if consent.get("source") == "import" and not said:
        # "at" is missing where the file did not say when, and `since` is then only the day of the import.
        return Standing(state, _moment(consent.get("at")), str(consent.get("service", "")), barred)
    moments = [moment for moment in (since, *map(_moment, said)) if moment]
    return Standing(state, max(moments, default=None), "", barred)


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


@dataclass
class Plan:
    """What is to be written for a run of entries, by address, and what became of each of them."""

    fresh: dict[str, Entry] = field(default_factory=dict)
    leaving: dict[str, Entry] = field(default_factory=dict)
    barred: dict[str, Entry] = field(default_factory=dict)
    outcomes: Counter[Outcome] = field(default_factory=Counter)


def make_plan(entries: Iterable[Entry], here: MutableMapping[str, Standing]) -> Plan:
    """Decide, one after the other. `here` is how they stand now, and afterwards how they will stand."""
    plan = Plan()
    for entry in entries:
        standing = here.get(entry.address, Standing())
        outcome, after = judge(entry, standing)
        plan.outcomes[outcome] += 1
        if after == standing:
            continue
        here[entry.address] = after
        if after.barred and not standing.barred:
            plan.barred[entry.address] = entry
        if after.state == standing.state:
            continue
        if not standing.state:
            plan.fresh[entry.address] = entry
        elif entry.address in plan.fresh:
            there = plan.fresh[entry.address]
            plan.fresh[entry.address] = replace(there, state=after.state, unsubscribed_at=entry.unsubscribed_at)
        else:
            plan.leaving[entry.address] = entry
    return plan


def judge(entry: Entry, here: Standing) -> tuple[Outcome, Standing]:
    """What becomes of an entry, and how its owner stands afterwards."""
    bars = bool(entry.barred) and not here.barred
    barred = here.barred or bars
    if not here.state:
        if entry.state and _may_come_in(entry, here):
            after = stand(entry.state, entry.consent, entry.confirmed_at or entry.created_at, barred)
            return (Outcome.SUPPRESSED if bars else Outcome(entry.state)), after
        outcome = Outcome.KNOWN if entry.barred else Outcome.STAYS_SUPPRESSED
        return (Outcome.SUPPRESSED if bars else outcome), replace(here, barred=barred)
    after = replace(here, barred=barred)
    outcome = Outcome.KNOWN
    if entry.state == "unsubscribed" and here.state != "unsubscribed":
        if left_since(entry, here):
            outcome, after = Outcome.LEFT, replace(after, state="unsubscribed")
        else:
            outcome = Outcome.STAYS_CONFIRMED
    elif here.state == "unsubscribed" and entry.state in ("confirmed", "pending"):
        outcome = Outcome.STAYS_UNSUBSCRIBED
    return (Outcome.SUPPRESSED if bars else outcome), after


def left_since(entry: Entry, here: Standing) -> bool:
    """Whether they left the other list after they agreed here. Without dates: whether they only agreed there."""
    if entry.unsubscribed_at is not None and here.since is not None:
        return entry.unsubscribed_at > here.since
    return bool(entry.service) and entry.service == here.service


def _may_come_in(entry: Entry, here: Standing) -> bool:
    # That somebody left is worth knowing of a suppressed address too; that they once agreed is not.
    return not here.barred or bool(entry.barred) or entry.state == "unsubscribed"
