"""What members change about themselves: profile and password. Each verb is one transaction."""

from blogapp.audit import record
from blogapp.auth import mails
from blogapp.auth.authentication import confirm_password
from blogapp.auth.members import demand_manager, get_member, replace_password
from blogapp.auth.models import Member
from blogapp.auth.rules import clean_name, first_come, free_email, hash_new_password
from blogapp.core.addresses import claim_slug
from blogapp.core.db import bump_version, db, transaction
from blogapp.core.errors import Conflict, Invalid
from blogapp.core.markup import Rendered, render

LONGEST_BIO = 20_000


def edit_profile(
    member_id: int,
    version: int,
    *,
    name: str,
    email: str,
    slug: str,
    bio: str,
    by: int | None,
    password: str | None = None,
) -> Member:
    """Change what is said about a member. Their old page leads on to the new one; a new address is told to the old.

    Args:
        version: of the member as the person who typed saw it.
        password: the member's own, asked for when they change their own address.

    Raises:
        NotAllowed: it is somebody else's profile, and `by` may not manage members.
        Conflict: it was changed since.
        Invalid: a field is wrong or taken, or the address changes without the right password (`current_password`).
        TooMany: a wrong password was given too often.
    """
    # PostgreSQL keeps every character but this one.
    bio = bio.replace("\x00", "")
    rendered = _render_bio(bio)
    if by == member_id:
        _ask_for_password(member_id, email, password)
    with transaction() as session:
        if by != member_id:
            demand_manager(session, by)
        member = get_member(session, member_id)
        if member.version != version:
            raise Conflict("This profile was changed in the meantime. What you typed is still here; compare and save.")
        old = (member.name, member.slug, member.bio)
        old_email = member.email
        member.name = clean_name(name)
        member.email = free_email(session, email, own_id=member_id) if email.strip() or old_email else None
        member.bio, member.bio_html = bio, rendered.html
        with first_come(session):
            if slug != member.slug:
                claim_slug(session, slug, f"member:{member_id}", moved_from=member.slug)
                member.slug = slug
        if old_email and member.email != old_email:
            mails.email_changed(session, member, old_email, by_self=by == member_id)
        if (member.name, member.slug, member.bio) != old:
            bump_version(session)
        record(session, "member.edit", f"member:{member_id}", by=by, email_changed=member.email != old_email)
        return member


def change_password(member_id: int, current: str, fresh: str, *, keep: int | None = None) -> None:
    """Change one's own password, ending all log-ins but `keep`; a note goes out by mail.

    Raises:
        Invalid: the present password (`current_password`) is wrong, or the new one (`password`) breaks a rule.
        TooMany: a wrong one was given too often.
    """
    confirm_password(member_id, current, "current_password")
    if current == fresh:
        message = "This is your present password. Choose a new one."
        raise Invalid(message, {"password": message})
    known = db.session.get_one(Member, member_id)
    password_hash = hash_new_password(fresh, known.name, known.email)
    with transaction() as session:
        replace_password(session, get_member(session, member_id), password_hash, keep=keep)
        record(session, "member.change_password", f"member:{member_id}", by=member_id)


def _render_bio(bio: str) -> Rendered:
    if len(bio) > LONGEST_BIO:
        message = f"Use {LONGEST_BIO:,} characters at most; these are {len(bio):,}."
        raise Invalid(message, {"bio": message})
    try:
        return render(bio)
    except Invalid as error:
        raise Invalid(str(error), {"bio": str(error)}) from None


def _ask_for_password(member_id: int, email: str, password: str | None) -> None:
    present = db.session.get_one(Member, member_id).email
    if email.strip().lower() != present:
        confirm_password(member_id, password or "", "current_password")
