"""A forgotten password, and the page that invitations and password mails lead to. Each verb is one transaction."""

from sqlalchemy import select

from blogapp.audit import record
from blogapp.auth import mails
from blogapp.auth.address import normalise_email
from blogapp.auth.authentication import account_key, place
from blogapp.auth.links import make_link, read_link
from blogapp.auth.members import get_member, replace_password
from blogapp.auth.models import Member
from blogapp.auth.rules import hash_new_password
from blogapp.core.db import transaction
from blogapp.core.throttle import count_try, forgive

WINDOW_SECONDS = 3600
MAILS_FOR_ONE_ACCOUNT = 3
MAILS_FROM_ONE_PLACE = 20


def ask_for_reset(email: str, client: str) -> None:
    """Mail a link to choose a new password, if the address is an active member's. The caller learns nothing.

    Args:
        client: the network address that the request comes from.

    Raises:
        Invalid: it is no address at all. The field is `email`.
        TooMany: it was asked too often, for this address or from this place.
    """
    address = normalise_email(email)
    count_try(f"reset:from:{place(client)}", MAILS_FROM_ONE_PLACE, WINDOW_SECONDS, "Too many links were asked for.")
    message = "Several links were sent to this address already. Look into the mailbox, also among the junk."
    count_try("reset:" + account_key(address), MAILS_FOR_ONE_ACCOUNT, WINDOW_SECONDS, message)
    with transaction() as session:
        query = select(Member).where(Member.email == address, Member.active)
        member = session.execute(query).scalar_one_or_none()
        # A stranger's mail is written as well and then thrown away, so that both answers take as long.
        attempt = session.begin_nested()
        somebody = member or Member(id=0, name="Nobody", email=address)
        mails.reset(session, somebody, make_link("reset", somebody))
        session.flush()
        if member is None:
            attempt.rollback()
        else:
            record(session, "member.ask_for_reset", f"member:{member.id}", by=None)


def choose_password(token: str, password: str) -> Member:
    """Set the password that an invitation or a reset link allows to set, once; all log-ins end.

    Raises:
        Gone: the link is expired, used or superseded.
        NotFound: it was never ours.
        Invalid: the password breaks a rule.
    """
    _, known = read_link(token)
    password_hash = hash_new_password(password, known.name, known.email)
    with transaction() as session:
        get_member(session, known.id)
        # Once more under the lock: of two clicks at the same moment one is too late.
        purpose, member = read_link(token)
        replace_password(session, member, password_hash)
        record(session, f"member.{purpose}_used", f"member:{member.id}", by=member.id)
    if member.email:
        forgive(account_key(member.email))
    return member
