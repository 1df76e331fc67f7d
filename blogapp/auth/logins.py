"""Log-ins: which browsers a member is logged in with. Each verb is one transaction."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Login
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.errors import NotFound

# NIST 800-63B-4, 2.1.3: ask for the password again after 30 days at the latest.
LONGEST = timedelta(days=30)
IDLE = timedelta(hours=12)
# How stale `seen_at` may get before a request writes it anew.
SEEN_EVERY = timedelta(minutes=5)


def begin_login(
    member_id: int, *, remember: bool = False, user_agent: str = "", address: str = "", instead_of: int | None = None
) -> Login:
    """Log a browser in; its `secret` is known on the returned object only.

    Args:
        instead_of: the log-in that this browser had until now; it ends.
    """
    secret = secrets.token_urlsafe(32)
    with transaction() as session:
        expired = and_(Login.member_id == member_id, Login.expires_at <= now())
        session.execute(delete(Login).where(or_(expired, Login.id == (instead_of or 0))))
        login = Login(
            member_id=member_id,
            secret_hash=_hash(secret),
            user_agent=user_agent[:400],
            address=address[:64],
            expires_at=now() + (LONGEST if remember else IDLE),
            remembered=remember,
        )
        session.add(login)
    login.secret = secret
    return login


def find_login(cookie: str) -> Login | None:
    """The log-in that a cookie (`id:secret`) proves, unless it has ended or its member is inactive."""
    number, _, secret = cookie.partition(":")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        return None
    login = db.session.get(Login, int(number))
    if login is None or not hmac.compare_digest(login.secret_hash, _hash(secret)):
        return None
    if login.expires_at <= now() or not login.member.active:
        return None
    login.secret = secret
    return login


def note_seen(login_id: int) -> None:
    """Say that a log-in is in use; one that is not remembered thereby lives on for another 12 hours."""
    with transaction() as session:
        this = Login.id == login_id
        login = session.execute(select(Login.remembered, Login.created_at).where(this)).one_or_none()
        if login is None:
            return
        values = {"seen_at": now()}
        if not login.remembered:
            values["expires_at"] = min(now() + IDLE, login.created_at + LONGEST)
        # Not through the object: a log-in that ends at this moment is no conflict.
        session.execute(update(Login).where(this).values(values))


def list_logins(member_id: int) -> Sequence[Login]:
    """A member's living log-ins, the last used first."""
    living = select(Login).where(Login.member_id == member_id, Login.expires_at > now())
    return db.session.execute(living.order_by(Login.seen_at.desc(), Login.id.desc())).scalars().all()


def end_login(login_id: int, by: int) -> None:
    """End one of the member's own log-ins.

    Raises:
        NotFound: it is somebody else's, or has ended already.
    """
    with transaction() as session:
        gone = session.execute(delete(Login).where(Login.id == login_id, Login.member_id == by).returning(Login.id))
        if gone.first() is None:
            raise NotFound("This log-in has ended already.")
        record(session, "login.end", f"member:{by}", by=by, login=login_id)


def end_other_logins(keep: int, by: int) -> int:
    """End all of the member's own log-ins but one. Returns how many ended."""
    with transaction() as session:
        count = end_logins(session, by, keep=keep)
        record(session, "login.end_others", f"member:{by}", by=by, count=count)
        return count


def end_logins(session: Session, member_id: int, *, keep: int | None = None) -> int:
    """End a member's log-ins in the caller's transaction; dead from the next request on. Returns how many."""
    others = delete(Login).where(Login.member_id == member_id, Login.id != (keep or 0))
    return len(session.execute(others.returning(Login.id)).all())


def forget_ended_logins() -> int:
    """Delete the log-ins that have ended by themselves; the worker calls it daily. Returns how many."""
    with transaction() as session:
        return len(session.execute(delete(Login).where(Login.expires_at <= now()).returning(Login.id)).all())


def due_to_be_seen(seen_at: datetime) -> bool:
    """Whether `seen_at` is old enough to be written anew."""
    return now() - seen_at >= SEEN_EVERY


def _hash(secret: str) -> str:
    # The secret is 256 random bits: there is nothing to guess, so a quick hash does.
    return hashlib.sha256(secret.encode()).hexdigest()
