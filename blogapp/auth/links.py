"""The links in invitations and password mails: timed, and good until the password that they were made for changes."""

import hashlib
from datetime import timedelta
from typing import Literal

from blogapp.auth.models import Member
from blogapp.core import tokens
from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.core.errors import Gone, NotFound
from blogapp.core.web import whole_url

INVITATION = timedelta(days=14)
RESET = timedelta(hours=2)
Purpose = Literal["invitation", "reset"]
LASTS: dict[Purpose, timedelta] = {"invitation": INVITATION, "reset": RESET}


def make_link(purpose: Purpose, member: Member) -> str:
    """The whole address of the page where `member` chooses a password."""
    return whole_url(f"/password/{tokens.sign(purpose, [member.id, _fingerprint(member)])}")


def read_link(token: str) -> tuple[Purpose, Member]:
    """What a link is for and whose it is.

    Raises:
        Gone: it is expired, used, or superseded by a newer one, a changed address or password.
        NotFound: it was never ours.
    """
    purpose, (member_id, fingerprint) = _read(token)
    member = db.session.get(Member, member_id)
    if member is None or not member.active:
        raise Gone("This link no longer works, because the account is not active. An admin of the team can help.")
    if purpose == "invitation" and invitation_expired(member):
        raise Gone("This invitation has expired.")
    if fingerprint != _fingerprint(member):
        raise Gone("This link has been used, or a newer one has taken its place.")
    return purpose, member


def invitation_expired(member: Member) -> bool:
    """Whether the last invitation is older than invitations last. Counted from when it was sent, not copied."""
    return member.invited_at is None or now() >= member.invited_at + INVITATION


def _read(token: str) -> tuple[Purpose, tuple[int, str]]:
    for purpose, lasts in LASTS.items():
        try:
            member_id, fingerprint = tokens.read(purpose, token, int(lasts.total_seconds()))
        except NotFound:
            continue
        return purpose, (int(member_id), str(fingerprint))
    raise NotFound("This link is not complete, or not one of ours.")


def _fingerprint(member: Member) -> str:
    """Changes with the password, the address and each invitation, so that a link works once and for one mailbox."""
    invited = member.invited_at.isoformat() if member.invited_at else ""
    return hashlib.sha256(f"{member.password_hash}\n{member.email}\n{invited}".encode()).hexdigest()[:24]
