"""What holds for every member: names, addresses, slugs, roles, passwords, and that there is an admin.

The functions that take a session join the caller's transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from blogapp.auth import passwords
from blogapp.auth.address import normalise_email
from blogapp.auth.models import ROLES, Member
from blogapp.core.addresses import Slug, reserved, suggest_slug
from blogapp.core.errors import Conflict, Invalid
from blogapp.core.site import choice

LONGEST_NAME = 80


def clean_name(name: str) -> str:
    """The name without blanks around it or twice in a row.

    Raises:
        Invalid: there is none, or it is too long for a page. The field is `name`.
    """
    plain = " ".join(name.split())
    if not plain or len(plain) > LONGEST_NAME or not plain.isprintable():
        message = f"Give a name of up to {LONGEST_NAME} characters."
        raise Invalid(message, {"name": message})
    return plain


def check_role(role: str) -> None:
    """
    Raises:
        Invalid: there is no such role. The field is `role`.
    """
    if role not in ROLES:
        message = f"The role should be one of {', '.join(ROLES)}."
        raise Invalid(message, {"role": message})


def free_email(session: Session, email: str, *, own_id: int | None = None) -> str:
    """The normalised address, if no other member has it.

    Raises:
        Invalid: it is malformed or taken. The field is `email`.
    """
    address = normalise_email(email)
    holder = session.execute(select(Member).where(Member.email == address)).scalar_one_or_none()
    if holder is not None and holder.id != own_id:
        message = f"{holder.name} has this address already."
        raise Invalid(message, {"email": message})
    return address


def free_slug(session: Session, name: str) -> str:
    """A slug made from a name that nobody has: `chris-roos`, else `chris-roos-2`, …"""
    base = suggest_slug(name) or "member"
    slug, number = base, 1
    while reserved(slug) or session.get(Slug, slug) is not None:
        number += 1
        slug = f"{base}-{number}"
    return slug


def hash_new_password(password: str, name: str, email: str | None) -> str:
    """Hold a new password against the rules and hash it: a tenth of a second, so never inside a transaction.

    Raises:
        Invalid: it breaks a rule. The field is `password`.
    """
    passwords.check_password(password, about=(name, email, choice("site_title")))
    return passwords.hash_password(password)


@contextmanager
def first_come(session: Session) -> Iterator[None]:
    """Write what the block takes, where PostgreSQL may find that another one took it at the same moment.

    Raises:
        Conflict: it did, as after a double click.
    """
    try:
        yield
        session.flush()
    except IntegrityError:
        raise Conflict("Somebody took this address at the same moment. Look at the list of members.") from None


def lock_admins(session: Session) -> None:
    """Make two admins who would demote each other at the same moment take turns (SQLite's writers always do)."""
    admins = select(Member.id).where(Member.role == "admin").order_by(Member.id)
    session.execute(admins.with_for_update()).all()


def keep_an_admin(session: Session, member: Member) -> None:
    """
    Raises:
        Conflict: without `member` nobody could manage the team.
    """
    if member.role != "admin" or not member.active:
        return
    others = select(Member.id).where(Member.role == "admin", Member.active, Member.id != member.id)
    if member.password_hash is not None:
        others = others.where(Member.password_hash.is_not(None))
    if session.execute(others.limit(1)).first() is None:
        raise Conflict(f"{member.name} is the last admin who can log in. Make somebody else an admin first.")
