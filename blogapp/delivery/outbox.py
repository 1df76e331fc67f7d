"""Single mails: queued in the transaction that wants them sent, then claimed, sent and settled by the worker."""

import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from jinja2 import TemplateNotFound
from sqlalchemy import ColumnElement, Row, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import db, transaction
from blogapp.core.site import choice, link_key
from blogapp.delivery import days, verp
from blogapp.delivery.backoff import after_trouble, next_single_try
from blogapp.delivery.dkim import signer
from blogapp.delivery.engine import Engine
from blogapp.delivery.envelopes import Envelope
from blogapp.delivery.headers import Mailbox, parse_mailbox
from blogapp.delivery.lease import LENGTH, Lease
from blogapp.delivery.message import build_message
from blogapp.delivery.models import OutboxMail
from blogapp.delivery.owners import gone_among
from blogapp.delivery.relay import parse_relay
from blogapp.delivery.replies import Outcome, Verdict
from blogapp.delivery.smtp import RelayTrouble
from blogapp.delivery.suppressions import suppress, suppressed
from blogapp.delivery.wake import OUTBOX, notify
from blogapp.delivery.wrapping import fitted

# Somebody's way into their account: sent whatever is known about the address.
SECURITY = frozenset({"invitation", "password-reset", "password-changed", "email-changed"})
# Few at a time: a mail that is queued now should not wait behind a long claim.
CLAIM = 10
# How many are forgotten in one transaction, so that nobody waits long for the write lock.
SLICE = 1000
KEEP_SENT = timedelta(days=7)
KEEP_FAILED = timedelta(days=90)
# What a try that ends in this state is on the day's list.
COUNTED_AS = {"sent": "accepted", "failed": "refused", "waiting": "deferred"}


def queue_mail(
    session: Session,
    purpose: str,
    to: str,
    *,
    context: Mapping[str, Any],
    to_name: str = "",
    reply_to: Mailbox | str | None = None,
    headers: Mapping[str, str] | None = None,
    due_at: datetime | None = None,
    expires_at: datetime | None = None,
) -> OutboxMail:
    """Write a mail now, to be sent when the caller's transaction commits.

    Args:
        purpose: names the templates: templates/emails/<purpose>/subject.txt, body.txt and, if there is one, body.html.
        context: for the templates; `subject` and the address (`to`) are there anyway.
        due_at: when it may leave; None: at once. A mail of later is dated then.
        expires_at: when it is of no use any more (its link has expired): it is not sent later than that.
    """
    subject = " ".join(_render(purpose, "subject.txt", context).split())
    whole = {"subject": subject, "to": to, **context}
    try:
        html = _render(purpose, "body.html", whole)
    except TemplateNotFound as missing:
        if missing.name != f"emails/{purpose}/body.html":
            raise
        html = ""
    message = build_message(
        sender=site_mailbox(),
        to=Mailbox(to_name, to),
        subject=subject,
        text=fitted(_render(purpose, "body.txt", whole).strip() + "\n"),
        html=html,
        headers={"Auto-Submitted": "auto-generated", **(headers or {})},  # RFC 3834 §5
        reply_to=reply_to,
        date=due_at or now(),
        message_id=f"<{uuid.uuid4()}@{site_mailbox().address.rpartition('@')[2]}>",
    )
    return queue_message(session, purpose, to, subject, message, due_at=due_at, expires_at=expires_at)


def queue_message(
    session: Session,
    purpose: str,
    to: str,
    subject: str,
    message: bytes,
    *,
    due_at: datetime | None = None,
    expires_at: datetime | None = None,
) -> OutboxMail:
    """The same with a message that is built already (RFC 5322 bytes)."""
    mail = OutboxMail(purpose=purpose, recipient=to, subject=subject, message=message, expires_at=expires_at)
    # Five days of tries are counted from `created_at`: for a mail of next week they begin next week.
    mail.due_at = mail.created_at = due_at or now()
    session.add(mail)
    notify(session, OUTBOX)
    return mail


def site_mailbox() -> Mailbox:
    """Who single mails come from: BLOG_MAIL_FROM, under the site's name where it has none."""
    box = parse_mailbox(settings().mail_from)
    return box if box.name else Mailbox(choice("site_title"), box.address)


def deliver_outbox(owner: str, stop: threading.Event | None = None) -> int:
    """Send all single mails that are due, over a connection of its own. Returns how many were settled."""
    engine, settled = Engine(parse_relay(settings().smtp_url)), 0
    try:
        while handled := dispatch(owner, stop or threading.Event(), engine):
            settled += handled
    except RelayTrouble:
        pass  # Said in the log and on the mails; they wait.
    finally:
        engine.close()
    return settled


def dispatch(owner: str, stop: threading.Event, engine: Engine) -> int:
    """Claim a few due mails, send and settle them. Returns how many were settled.

    Raises:
        RelayTrouble: the relay cannot be used; the mails wait, and none counts as tried.
    """
    if not db.session.execute(select(OutboxMail.id).where(_claimable(owner)).limit(1)).first():
        return 0
    mails = _claim(owner)
    before = len(mails)
    waiting = {mail.id: mail for mail in mails if not _settle_unsent(mail, owner)}
    lease = Lease(lambda until: _renew(owner, until), stop)
    engine.tick = lease.tick
    db.session.rollback()  # What was read is no transaction to keep open while the relay takes its time.
    try:
        with closing(engine.deliver(_envelopes(waiting.values(), stop))) as results:
            for envelope, outcome in results:
                _settle(waiting.pop(int(str(envelope.key))), outcome, owner)
    except RelayTrouble as trouble:
        _release(waiting.values(), owner, str(trouble))
        current_app.logger.warning("mail cannot leave", extra={"reason": str(trouble), "waiting": len(waiting)})
        raise
    finally:
        engine.tick = lambda: ""
    _release(waiting.values(), owner)
    return before - len(waiting)


def forget_old_mail() -> int:
    """Delete settled mails, which hold addresses and links: sent ones after a week, failed ones after 90 days."""
    at = now()
    old = or_(
        and_(OutboxMail.state == "sent", OutboxMail.sent_at < at - KEEP_SENT),
        and_(OutboxMail.state == "failed", OutboxMail.created_at < at - KEEP_FAILED),
    )
    total = 0
    while True:
        with transaction() as session:
            some = select(OutboxMail.id).where(old).limit(SLICE).with_for_update(skip_locked=True)
            gone = session.execute(delete(OutboxMail).where(OutboxMail.id.in_(some)).returning(OutboxMail.id)).all()
        total += len(gone)
        if len(gone) < SLICE:
            return total


def next_due() -> datetime | None:
    """When the next waiting mail is due."""
    query = select(OutboxMail.due_at).where(OutboxMail.state == "waiting").order_by(OutboxMail.due_at).limit(1)
    return db.session.execute(query).scalar()


Mail = Row[int, str, str, bytes, int, datetime, datetime | None]
COLUMNS = (
    OutboxMail.id,
    OutboxMail.purpose,
    OutboxMail.recipient,
    OutboxMail.message,
    OutboxMail.attempts,
    OutboxMail.created_at,
    OutboxMail.expires_at,
)


def _render(purpose: str, name: str, context: Mapping[str, Any]) -> str:
    # Not flask.render_template: its context processors ask who is logged in, and here nobody is.
    return current_app.jinja_env.get_template(f"emails/{purpose}/{name}").render(**context)


def _claimable(owner: str) -> ColumnElement[bool]:
    claimed = select(OutboxMail.owner).where(OutboxMail.state == "claimed").distinct()
    lost = [owner, *gone_among(db.session.execute(claimed).scalars())]
    over = or_(OutboxMail.lease_until < now(), OutboxMail.owner.in_(lost))
    due = and_(OutboxMail.state == "waiting", OutboxMail.due_at <= now())
    return or_(due, and_(OutboxMail.state == "claimed", over))


def _claim(owner: str) -> list[Mail]:
    with transaction() as session:
        due = (
            select(OutboxMail.id)
            .where(_claimable(owner))
            .order_by(OutboxMail.due_at, OutboxMail.id)
            .limit(CLAIM)
            .with_for_update(skip_locked=True)
            .cte("due")
        )
        claim = (
            update(OutboxMail)
            .where(OutboxMail.id.in_(select(due.c.id)))
            .values(state="claimed", owner=owner, lease_until=now() + LENGTH)
            .returning(*COLUMNS)
        )
        mails = session.execute(claim, execution_options={"synchronize_session": False}).all()
    return sorted(mails, key=lambda mail: int(mail.id))


def _renew(owner: str, until: datetime) -> bool:
    with transaction() as session:
        ours = and_(OutboxMail.state == "claimed", OutboxMail.owner == owner)
        kept = session.execute(update(OutboxMail).where(ours).values(lease_until=until).returning(OutboxMail.id))
        return bool(kept.all())


def _settle_unsent(mail: Mail, owner: str) -> bool:
    """Settle a mail that should not be sent at all; whether it is one."""
    if mail.expires_at is not None and mail.expires_at <= now():
        _write(mail, owner, state="failed", reply="expired before it could be sent")
        return True
    if mail.purpose in SECURITY or (block := suppressed(db.session(), mail.recipient)) is None:
        return False
    _write(mail, owner, state="failed", reply=f"suppressed: {block.reason}")
    return True


def _envelopes(mails: Any, stop: threading.Event) -> Iterator[Envelope]:
    sender = parse_mailbox(settings().mail_from).address
    key, sign = link_key() if verp.enabled() else b"", signer(settings())
    db.session.rollback()
    for mail in list(mails):
        if stop.is_set():
            return
        if key:
            sender = verp.sender_of_single(key, mail.id, mail.recipient)
        yield Envelope(mail.id, sender, mail.recipient, sign(mail.message) if sign else mail.message)


def _settle(mail: Mail, outcome: Outcome, owner: str) -> None:
    attempts, at = mail.attempts + 1, now()
    again = next_single_try(attempts, mail.created_at, at)
    if outcome.verdict is Verdict.ACCEPTED:
        _write(mail, owner, state="sent", attempts=attempts, reply=outcome.reply, sent_at=at)
    elif outcome.verdict is Verdict.IN_DOUBT and (settings().in_doubt == "hold" or mail.attempts > 0):
        _write(mail, owner, state="failed", attempts=attempts, reply=f"in doubt: {outcome.reply}")
    elif outcome.verdict is Verdict.REFUSED or again is None:
        _write(mail, owner, state="failed", attempts=attempts, reply=outcome.reply, dead=outcome.suppress)
    else:
        _write(mail, owner, state="waiting", attempts=attempts, reply=outcome.reply, due_at=again)


def _write(mail: Mail, owner: str, *, state: str, dead: bool = False, **values: Any) -> None:
    """Settle one mail, if it is still ours. What failed for good is on record, without the address."""
    with transaction() as session:
        ours = update(OutboxMail).where(OutboxMail.id == mail.id, OutboxMail.owner == owner)
        values = {"state": state, "owner": None, "lease_until": None, **values}
        if not session.execute(ours.values(**values).returning(OutboxMail.id)).first():
            return
        if dead:
            suppress(session, mail.recipient, "no such mailbox", {"reply": values["reply"], "purpose": mail.purpose})
        if state == "failed":
            record(session, "mail.fail", f"mail:{mail.id}", by=None, purpose=mail.purpose, reply=values["reply"])
        if values.get("attempts", 0) > mail.attempts:
            days.count(session, **{COUNTED_AS[state]: 1})


def _release(mails: Any, owner: str, trouble: str = "") -> None:
    """Give claimed mails back; after trouble with the relay, for a while."""
    for mail in mails:
        values: dict[str, Any] = {"due_at": after_trouble(mail.created_at, now()), "reply": trouble} if trouble else {}
        _write(mail, owner, state="waiting", **values)
