"""What comes back of mails, taken in: one message, one transaction. Without a valid proof nothing changes."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.audit import AuditEntry, record
from blogapp.core.db import transaction
from blogapp.core.errors import Gone
from blogapp.core.site import link_key
from blogapp.delivery import verp
from blogapp.delivery.bounces import LARGEST, Kind, Report, comparable, is_about_us, read_report
from blogapp.delivery.models import OutboxMail
from blogapp.delivery.suppressions import suppress, suppressed
from blogapp.digest.models import Sending
from blogapp.digest.proofs import Trace, traced, wished
from blogapp.digest.sent import last_sent
from blogapp.subscribing.leaving import leave
from blogapp.subscribing.models import Bounce, Subscriber
from blogapp.subscribing.records import find

# So many soft bounces among the reader's last so many digests, and nothing more is sent.
OFTEN, OF_THE_LAST = 3, 5
NO_MAILBOX, KEPT_COMING, COMPLAINT = "no such mailbox", "mails kept coming back", "complaint"
CAME_BACK = "came back: "
# Kinds from which nothing follows.
QUIET = frozenset({Kind.DELAYED, Kind.DELIVERED, Kind.AUTOMATIC, Kind.UNKNOWN})


class Fate(StrEnum):
    """What became of a message."""

    SUPPRESSED = "never mailed again"
    COUNTED = "counted"
    UNSUBSCRIBED = "unsubscribed"
    KNOWN = "known already"
    MOVED = "it is about an address that they have left"
    GONE = "nobody is on record there any more"
    IGNORED = "nothing to do"
    UNPROVEN = "not proven to be about a mail of ours: nothing was changed"
    UNKNOWN = "not understood"


@dataclass(frozen=True)
class Outcome:
    """What became of a message, and what it was. `about`: the subscriber or mail, as the audit trail names it."""

    fate: Fate
    kind: Kind = Kind.UNKNOWN
    about: str = ""

    @property
    def for_people(self) -> bool:
        """Whether somebody should have a look at it."""
        return self.fate in (Fate.UNPROVEN, Fate.UNKNOWN)

    def __str__(self) -> str:
        return f"{self.kind}{f', {self.about}' if self.about else ''}: {self.fate}"


def take_in(message: bytes, envelope_to: str | None = None) -> Outcome:
    """Take in what came back: a bounce, a complaint, a wish to be taken off the list. The same twice is once.

    Args:
        message: any message's bytes; of a very large one its first 2 MB are read.
        envelope_to: where it was sent, if that is known from elsewhere than its own header.
    """
    message = message[:LARGEST]
    report = read_report(message)
    addresses = [envelope_to, *report.addressed_to] if envelope_to else list(report.addressed_to)
    # Nothing ever leaves with such an address as its sender, so what comes to it is no answer to a mail.
    wish = report.kind in (Kind.UNKNOWN, Kind.AUTOMATIC) and any(map(verp.read_wish, addresses))
    if report.kind in QUIET and not wish:
        return Outcome(Fate.UNKNOWN if report.kind is Kind.UNKNOWN else Fate.IGNORED, report.kind)
    with transaction() as session:
        key = link_key()
        if wish:
            return _wish(session, wished(key, addresses))
        if trace := traced(key, addresses, message):
            return _of_subscriber(session, trace, report)
        if mail := _single(session, key, addresses, message):
            return _of_single(session, mail, report)
    return Outcome(Fate.UNPROVEN, report.kind)


def _wish(session: Session, subscriber_id: int | None) -> Outcome:
    if subscriber_id is None:
        return Outcome(Fate.UNPROVEN, Kind.WISH)
    about = f"subscriber:{subscriber_id}"
    try:
        left = leave(session, find(subscriber_id, session, lock=True), "mail")
    except Gone:
        return Outcome(Fate.GONE, Kind.WISH, about)
    return Outcome(Fate.UNSUBSCRIBED if left else Fate.KNOWN, Kind.WISH, about)


def _of_subscriber(session: Session, trace: Trace, report: Report) -> Outcome:
    about = f"subscriber:{trace.subscriber_id}"
    try:
        subscriber = find(trace.subscriber_id, session, lock=True)
    except Gone:
        return Outcome(Fate.GONE, report.kind, about)
    kind = report.kind if report.kind is Kind.COMPLAINT else _weight(session, subscriber, trace, report)
    if kind is None:
        return Outcome(Fate.MOVED, report.kind, about)
    return Outcome(_note(session, subscriber, trace.sending_id, kind, report), kind, about)


def _weight(session: Session, subscriber: Subscriber, trace: Trace, report: Report) -> Kind | None:
    """What a bounce counts for: None for nothing, as it is about an address that they have left.

    One that names somebody else's address, though they have not moved, is about where their mail is forwarded to.
    """
    if comparable(subscriber.address) in report.recipients:
        return report.kind
    if _has_moved(session, trace):
        return None
    return Kind.SOFT if report.recipients else report.kind


def _has_moved(session: Session, trace: Trace) -> bool:
    """Whether they have changed their address since that sending; any time, where it is not known which."""
    moved = select(AuditEntry.id).where(
        AuditEntry.subject == f"subscriber:{trace.subscriber_id}", AuditEntry.act == "subscriber.change_address"
    )
    if trace.sending_id is not None and (sending := session.get(Sending, trace.sending_id)) is not None:
        moved = moved.where(AuditEntry.at >= sending.planned_at)
    return session.execute(moved.limit(1)).first() is not None


def _note(session: Session, subscriber: Subscriber, sending_id: int | None, kind: Kind, report: Report) -> Fate:
    """Write it down, once, with what follows from it. The subscriber is locked."""
    known = select(Bounce.id).where(Bounce.subscriber_id == subscriber.id, Bounce.kind == kind.value)
    same = Bounce.sending_id.is_(None) if sending_id is None else Bounce.sending_id == sending_id
    if session.execute(known.where(same)).first() is None:
        said = {"status": report.status, "diagnostic": report.diagnostic}
        session.add(Bounce(sending_id=sending_id, subscriber_id=subscriber.id, kind=kind.value, **said))
        session.flush()
    elif sending_id or kind is Kind.SOFT or suppressed(session, subscriber.address):
        return Fate.KNOWN
    evidence = {"status": report.status, "reply": report.diagnostic, "sending": sending_id}
    if kind is Kind.COMPLAINT:
        # Suppressed too, so that no import brings them back; an admin who is asked can lift it.
        leave(session, subscriber, "complaint")
        suppress(session, subscriber.address, COMPLAINT, evidence)
        return Fate.UNSUBSCRIBED
    how = "often" if kind is Kind.SOFT and _too_often(session, subscriber.id, sending_id) else kind.value
    record(session, "subscriber.bounce", f"subscriber:{subscriber.id}", by=None, how=how, status=report.status)
    if how == "soft":
        return Fate.COUNTED
    suppress(session, subscriber.address, NO_MAILBOX if how == "hard" else KEPT_COMING, evidence)
    return Fate.SUPPRESSED


def _too_often(session: Session, subscriber_id: int, sending_id: int | None) -> bool:
    """Whether of their last five digests three came back. This one may be in a batch that is not written yet.

    Those that say something of us do not count: a block list that we are on for a month must not cost us its readers.
    """
    soft = select(Bounce.sending_id, Bounce.status, Bounce.diagnostic).where(
        Bounce.subscriber_id == subscriber_id, Bounce.kind == Kind.SOFT.value, Bounce.sending_id.is_not(None)
    )
    came_back = {number for number, *why in session.execute(soft).all() if not is_about_us(*why)}
    if len(came_back) < OFTEN:
        return False
    sent = {*last_sent(session, subscriber_id, OF_THE_LAST), *({sending_id} if sending_id else ())}
    return len(came_back & set(sorted(sent)[-OF_THE_LAST:])) >= OFTEN


def _single(session: Session, key: bytes, addresses: list[str], message: bytes) -> OutboxMail | None:
    """The single mail that a message is about, locked; None where nothing proves it, or it is forgotten."""
    for text in (*(address.encode("utf-8", "replace") for address in addresses), message):
        for claim in verp.claims(text):
            mail = session.get(OutboxMail, claim.number) if claim.number < 2**31 else None
            if mail is not None and verp.fits(key, claim, mail.recipient):
                return session.get(OutboxMail, mail.id, with_for_update=True, populate_existing=True)
    return None


def _of_single(session: Session, mail: OutboxMail, report: Report) -> Outcome:
    """A confirmation, an invitation: its address is what counts, whoever has it by now."""
    about = f"mail:{mail.id}"
    if mail.reply.startswith(CAME_BACK):
        return Outcome(Fate.KNOWN, report.kind, about)
    reply = f"{CAME_BACK}{report.kind}, {report.status} {report.diagnostic}"
    mail.state, mail.reply, mail.owner, mail.lease_until = "failed", " ".join(reply.split()), None, None
    record(session, "mail.fail", about, by=None, purpose=mail.purpose, reply=mail.reply)
    who = select(Subscriber.id).where(Subscriber.address == mail.recipient)
    number = session.execute(who).scalar_one_or_none()
    if number is not None:
        subscriber = find(number, session, lock=True)
        return Outcome(_note(session, subscriber, None, report.kind, report), report.kind, about)
    if report.kind is Kind.SOFT:
        return Outcome(Fate.COUNTED, report.kind, about)
    evidence: dict[str, Any] = {"status": report.status, "reply": report.diagnostic, "purpose": mail.purpose}
    suppress(session, mail.recipient, COMPLAINT if report.kind is Kind.COMPLAINT else NO_MAILBOX, evidence)
    return Outcome(Fate.SUPPRESSED, report.kind, about)
