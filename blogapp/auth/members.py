"""The team: who is in it, in which role, invited how. Each verb is one transaction.

`by` is the acting member's id; None is the program itself (the command line, an import), which may do everything.
"""

from collections.abc import Sequence

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth import mails
from blogapp.auth.links import invitation_expired, make_link
from blogapp.auth.logins import end_logins
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.auth.rules import (
    check_role,
    clean_name,
    first_come,
    free_email,
    free_slug,
    hash_new_password,
    keep_an_admin,
    lock_admins,
)
from blogapp.core.addresses import Slug, claim_slug
from blogapp.core.clock import now
from blogapp.core.db import bump_version, db, transaction
from blogapp.core.errors import Conflict, Invalid, NotFound


def find_member(key: int | str) -> Member:
    """The member with this id, slug or e-mail address.

    Raises:
        NotFound: there is none.
    """
    text = str(key).strip().lower()
    wanted = [Member.slug == text, Member.email == text]
    if text.isascii() and text.isdigit() and len(text) < 10:
        wanted.append(Member.id == int(text))
    # A slug of figures loses against the id.
    found = db.session.execute(select(Member).where(or_(*wanted))).scalars().all()
    for member in sorted(found, key=lambda m: str(m.id) != text):
        return member
    raise NotFound(f"There is no member {key}.")


def list_members() -> Sequence[Member]:
    """Everybody, by name; the inactive last."""
    query = select(Member).order_by(Member.active.desc(), func.lower(Member.name), Member.id)
    return db.session.execute(query).scalars().all()


def add_member(
    name: str,
    email: str | None,
    *,
    role: str = "author",
    slug: str | None = None,
    by: int | None = None,
    active: bool = True,
    password: str | None = None,
) -> Member:
    """Make a member, who can log in once they have a password.

    Args:
        email: None only for an inactive member that an import makes from a name.
        slug: made from the name if None, with a number after it where that is taken.

    Raises:
        NotAllowed: `by` may not manage members.
        Invalid: something is missing, malformed, taken, or a bad password.
    """
    # Before the write lock is taken: it takes a tenth of a second.
    password_hash = None if password is None else hash_new_password(password, name, email)
    with transaction() as session:
        demand_manager(session, by)
        member = _add(session, name, email, role, slug, active)
        member.password_hash = password_hash
        record(session, "member.add", f"member:{member.id}", by=by, role=role)
        bump_version(session)
        return member


def invite(member_id: int, by: int | None = None, *, email: str | None = None) -> str:
    """Mail a member a link to choose their password with; earlier invitations end. Returns the link.

    Args:
        email: for a member without an address, who becomes active thereby.

    Raises:
        NotAllowed: `by` may not manage members.
        Conflict: they have a password already, or are inactive with an address.
        Invalid: there is no address to mail to, or it is somebody else's.
    """
    with transaction() as session:
        demand_manager(session, by)
        member = get_member(session, member_id)
        if member.email is None:
            member.email = free_email(session, email or "")
            member.active = True
        return _invite(session, member, by)


def invite_new(name: str, email: str, role: str, by: int | None) -> tuple[Member, str]:
    """Make a member and invite them, both or neither. Returns the member and the link.

    Raises:
        NotAllowed, Invalid: as for `add_member`.
    """
    with transaction() as session:
        demand_manager(session, by)
        member = _add(session, name, email, role, None, True)
        record(session, "member.add", f"member:{member.id}", by=by, role=role)
        bump_version(session)
        return member, _invite(session, member, by)


def set_password(member_id: int, password: str, by: int | None = None) -> None:
    """Give a member a new password and end all their log-ins; they get a note by mail.

    Raises:
        NotFound: there is no such member.
        Invalid: the password breaks a rule.
    """
    known = find_member(member_id)
    fresh = hash_new_password(password, known.name, known.email)
    with transaction() as session:
        if by is not None and by != member_id:
            demand_manager(session, by)
        member = get_member(session, member_id)
        replace_password(session, member, fresh)
        record(session, "member.set_password", f"member:{member_id}", by=by)


def change_role(member_id: int, role: str, by: int | None) -> Member:
    """Give a member another role; it holds from their next click on.

    Raises:
        NotAllowed: `by` may not manage members.
        Conflict: they are the last admin.
    """
    with transaction() as session:
        demand_manager(session, by)
        check_role(role)
        lock_admins(session)
        member = get_member(session, member_id)
        if role != "admin":
            keep_an_admin(session, member)
        before, member.role = member.role, role
        if before != role:
            record(session, "member.change_role", f"member:{member_id}", by=by, before=before, after=role)
        return member


def deactivate(member_id: int, by: int | None) -> Member:
    """Shut a member out at once, everywhere. What they wrote stays.

    Raises:
        NotAllowed: `by` may not manage members.
        Conflict: they are the last admin.
    """
    with transaction() as session:
        demand_manager(session, by)
        lock_admins(session)
        member = get_member(session, member_id)
        if member.active:
            keep_an_admin(session, member)
            member.active = False
            end_logins(session, member_id)
            record(session, "member.deactivate", f"member:{member_id}", by=by)
            bump_version(session)  # Who wrote nothing has no page from now on.
        return member


def reactivate(member_id: int, by: int | None) -> Member:
    """Let an inactive member log in again, with the password they had.

    Raises:
        NotAllowed: `by` may not manage members.
        Conflict: they have no address yet: invite them instead.
    """
    with transaction() as session:
        demand_manager(session, by)
        member = get_member(session, member_id)
        if member.email is None:
            raise Conflict(f"{member.name} has no e-mail address yet. Invite them instead.")
        if not member.active:
            member.active = True
            record(session, "member.reactivate", f"member:{member_id}", by=by)
            bump_version(session)
        return member


def invitation_link(member_id: int, by: int) -> str | None:
    """The link of the invitation that stands, to be passed on by hand; None where none does.

    Raises:
        NotAllowed: `by` may not manage members.
    """
    session = db.session()
    demand_manager(session, by)
    member = get_member(session, member_id)
    stands = member.state == "invited" and not invitation_expired(member)
    return make_link("invitation", member) if stands else None


def replace_password(session: Session, member: Member, password_hash: str, *, keep: int | None = None) -> None:
    """Set the hash, end the log-ins but `keep`, and queue a note if there was a password before. Joins the caller."""
    had_one = member.password_hash is not None
    # Not through the object: its version counts what people edit, and a form in another tab must not go stale.
    session.execute(update(Member).where(Member.id == member.id).values(password_hash=password_hash))
    end_logins(session, member.id, keep=keep)
    if had_one and member.active:
        mails.password_changed(session, member)


def demand_manager(session: Session, by: int | None) -> None:
    """
    Raises:
        NotAllowed: `by` may not manage members.
    """
    if by is not None:
        demand(session.get(Member, by), "member.manage")


def get_member(session: Session, member_id: int) -> Member:
    """The member as they are now, locked against other writers where the database can.

    Raises:
        NotFound: there is none.
    """
    member = session.get(Member, member_id, with_for_update=True, populate_existing=True)
    if member is None:
        raise NotFound("There is no such member.")
    return member


def _add(session: Session, name: str, email: str | None, role: str, slug: str | None, active: bool) -> Member:
    name = clean_name(name)
    check_role(role)
    if email is None and active:
        raise Invalid("A member needs an e-mail address to log in with.", {"email": "Give an e-mail address."})
    address = None if email is None else free_email(session, email)
    chosen = slug if slug is not None else free_slug(session, name)
    # Claimed before there is a row and an id, so that a slug that is taken is refused in words.
    with first_come(session):
        claim_slug(session, chosen, "member:new")
        member = Member(name=name, slug=chosen, role=role, email=address, active=active)
        session.add(member)
    session.get_one(Slug, chosen).owner = f"member:{member.id}"
    return member


def _invite(session: Session, member: Member, by: int | None) -> str:
    if member.email is None:
        raise Invalid("There is no address to invite.", {"email": "Give an e-mail address."})
    if not member.active:
        raise Conflict(f"{member.name} is inactive. Make them active first.")
    if member.password_hash is not None:
        raise Conflict(f"{member.name} has a password already, and can ask for a new one on the log-in page.")
    member.invited_at = now()
    session.flush()
    link = make_link("invitation", member)
    mails.invitation(session, member, session.get(Member, by) if by is not None else None, link)
    record(session, "member.invite", f"member:{member.id}", by=by)
    return link
