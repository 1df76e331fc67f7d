"""Who is at the door: address and password, throttled, and as slow for a stranger as for a member."""

import hashlib
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import select, update

from blogapp.auth import passwords
from blogapp.auth.address import normalise_email
from blogapp.auth.models import Member
from blogapp.core.db import db, transaction
from blogapp.core.errors import Invalid
from blogapp.core.throttle import count_try, forgive

WINDOW_SECONDS = 15 * 60
TRIES_FOR_ONE_ACCOUNT = 10
TRIES_FROM_ONE_PLACE = 60
TOO_OFTEN = "There were too many tries to log in."
WRONG = "The address or the password is not right."


def authenticate(email: str, password: str, client: str) -> Member:
    """The active member with this address and password. A hash kept at an older cost is renewed.

    Args:
        client: the network address that the request comes from.

    Raises:
        TooMany: it was tried too often for this address or from this place; the password was not looked at.
        Invalid: they do not belong together, or to nobody, or to an inactive member: the answer does not say which.
    """
    spelling = _spelling(email)
    account = account_key(spelling or email.strip().lower())
    count_try(f"log-in:from:{place(client)}", TRIES_FROM_ONE_PLACE, WINDOW_SECONDS, TOO_OFTEN)
    count_try(account, TRIES_FOR_ONE_ACCOUNT, WINDOW_SECONDS, TOO_OFTEN)
    member = db.session.execute(select(Member).where(Member.email == spelling)).scalar_one_or_none()
    kept = member.password_hash if member is not None and member.active else None
    if not passwords.fits(kept, password) or member is None or kept is None:
        raise Invalid(WRONG)
    forgive(account)
    if passwords.outdated(kept):
        _renew(member.id, kept, password)
    return member


def confirm_password(member_id: int, password: str, field: str) -> None:
    """Ask a member who is logged in for their password once more.

    Raises:
        TooMany: it was tried too often.
        Invalid: it is not theirs; the field is `field`.
    """
    key = f"password:{member_id}"
    count_try(key, TRIES_FOR_ONE_ACCOUNT, WINDOW_SECONDS, "There were too many tries with a wrong password.")
    kept = db.session.execute(select(Member.password_hash).where(Member.id == member_id)).scalar_one()
    if not passwords.fits(kept, password):
        message = "This is not your present password." if password else "Give your present password."
        raise Invalid(message, {field: message})
    forgive(key)


def account_key(email: str) -> str:
    """The throttle's key for an account, known or not; a digest, since people type passwords into the wrong field."""
    return "log-in:for:" + hashlib.sha256(email.encode()).hexdigest()[:32]


def place(client: str) -> str:
    """The client's address, or the /64 of an IPv6 one: whoever has one of those addresses has them all."""
    try:
        ip = ip_address(client)
    except ValueError:
        return client[:64]
    return str(ip_network(f"{ip}/64", strict=False)) if isinstance(ip, IPv6Address) else str(ip)


def _spelling(email: str) -> str:
    """The address as members' are kept; empty, and so nobody's, if it is none."""
    try:
        return normalise_email(email)
    except Invalid:
        return ""


def _renew(member_id: int, kept: str, password: str) -> None:
    # Not through the member's object: its version counts what people edit. And only if it is still the same one.
    renewed = passwords.hash_password(password)
    with transaction() as session:
        same = (Member.id == member_id, Member.password_hash == kept)
        session.execute(update(Member).where(*same).values(password_hash=renewed))
