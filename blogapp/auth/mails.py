"""The mails that members get: each function queues one in the caller's transaction, templates/emails has the words."""

from typing import Any

from sqlalchemy.orm import Session

from blogapp.auth.links import INVITATION, RESET
from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.delivery.outbox import queue_mail


def invitation(session: Session, member: Member, inviter: Member | None, link: str) -> None:
    """A link to choose the first password with."""
    until = now() + INVITATION
    context = {"inviter": inviter.name if inviter else None, "link": link, "until": until}
    _queue(session, "invitation", member, context, expires_at=until)


def reset(session: Session, member: Member, link: str) -> None:
    """A link to choose a new password with."""
    _queue(session, "password-reset", member, {"link": link, "hours": RESET.seconds // 3600}, expires_at=now() + RESET)


def password_changed(session: Session, member: Member) -> None:
    """A note, in case it was somebody else who changed it."""
    _queue(session, "password-changed", member, {})


def email_changed(session: Session, member: Member, old: str, *, by_self: bool) -> None:
    """A note to the old address, in case it was somebody else who changed it."""
    _queue(session, "email-changed", member, {"old": old, "by_self": by_self}, to=old)


def _queue(
    session: Session, purpose: str, member: Member, context: dict[str, Any], *, to: str | None = None, **options: Any
) -> None:
    address = to or member.email
    if address is not None:
        queue_mail(session, purpose, address, context={"member": member, **context}, to_name=member.name, **options)
