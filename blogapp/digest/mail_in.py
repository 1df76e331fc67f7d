"""Looking into the mailbox where bounces arrive: a job of the worker (BLOG_MAIL_IN)."""

import logging
import time

from sqlalchemy.exc import DBAPIError

from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.errors import BlogError
from blogapp.delivery.bounces import LARGEST
from blogapp.delivery.mailboxes import Mailbox, MailboxTrouble, UnreadableMessage, Waiting, open_mailbox
from blogapp.digest.feedback import take_in

log = logging.getLogger(__name__)

# One look takes no longer than that, and a step; what is left waits for the next.
LOOK_SECONDS = 20


def look_for_mail() -> int:
    """Take in what waits in the mailbox. Returns how many messages were; safe where several look at once."""
    url = settings().mail_in
    if not url:
        return 0
    until, taken = time.monotonic() + LOOK_SECONDS, 0
    try:
        with open_mailbox(url) as mailbox:
            for waiting in mailbox.waiting():
                taken += _take(mailbox, waiting)
                if time.monotonic() > until:
                    break
    except MailboxTrouble as trouble:
        log.warning("the mailbox for bounces cannot be read", extra={"reason": str(trouble)})
    except DBAPIError as error:
        # What waits is still there the next time.
        log.warning("bounces wait for the database", extra={"reason": str(error.orig)})
    return taken


def _take(mailbox: Mailbox, waiting: Waiting) -> bool:
    """Take in one message and mark it. A message that cannot be taken in must not keep the others waiting."""
    if waiting.size_bytes > LARGEST:
        log.warning("a message is too large to be a bounce", extra={"mail": waiting.key, "bytes": waiting.size_bytes})
        mailbox.keep(waiting.key)
        return False
    try:
        message = mailbox.read(waiting.key)
    except UnreadableMessage as trouble:
        log.warning("a message cannot be read", extra={"mail": waiting.key, "reason": str(trouble)})
        return False
    if message is None:
        return False
    try:
        outcome = take_in(message)
    except (DBAPIError, BlogError):
        raise
    except Exception:
        log.exception("a message could not be taken in; it stays for people", extra={"mail": waiting.key})
        mailbox.keep(waiting.key)
        return False
    finally:
        db.session.rollback()  # Nothing stays open while a server takes its time.
    mark = mailbox.keep if outcome.for_people else mailbox.done
    mark(waiting.key)
    log.info("mail came in", extra={"what": str(outcome)})
    return True
