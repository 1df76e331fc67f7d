"""A database that was copied or restored never sends by itself: a file here and the database must agree (decision 14).

The file `instance` in the data folder holds the site's `instance`, the mark of the newest sending that this host has
seen, and its own inode number. A copy of the database finds no such file, or another's; a copy of the folder has
another inode; a database older than this host's last sending does not know its mark. Each holds all mail, single ones
too, until an admin says `blogapp resume-sending` here.
"""

import json
import logging
import os
import secrets
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from flask import current_app
from sqlalchemy import Connection, exists, func, or_, select

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core import heartbeat
from blogapp.core.config import settings
from blogapp.core.db import bump_version, db, transaction
from blogapp.core.errors import BlogError, Conflict
from blogapp.core.site import Site, site_row
from blogapp.delivery.models import MailDay, OutboxMail
from blogapp.delivery.wake import DIGESTS, OUTBOX, notify
from blogapp.digest.models import Digest, Sending

log = logging.getLogger(__name__)

FILE = "instance"
# What sendings are marked with that were there before there were marks (migration 0016): no sign of a copy.
BEFORE = "before-"
LONGEST = 4096
STATE = "blogapp.held"

NOT_FROM_HERE = "the database has sent mail, and not from here: it is a copy, was restored, or this host is new to it"
COPIED = "the data folder is a copy of another one"
NOT_TOGETHER = "the data folder and the database do not belong together"
OLDER = "the database does not know this host's last sending: it was restored from an earlier state"
DAMAGED = "the file `instance` in the data folder is damaged"
WAY_OUT = "blogapp resume-sending"

NEWEST = select(Sending.mark).order_by(Sending.id.desc()).limit(1)
# Built once: it is asked for again and again.
PRESENT = select(Site.instance, NEWEST.scalar_subquery().label("newest"))

_saying = threading.Lock()


class Held(BlogError):
    """All mail is held here. The message says why, and what to run."""


@dataclass(frozen=True)
class Waiting:
    """What would leave if nothing were held."""

    sendings: int
    digests: int
    mails: int


@dataclass(frozen=True)
class _Card:
    """What the file says."""

    instance: str
    mark: str
    inode: int


def look() -> str:
    """Why no mail may leave from here; "" where it may. Writes the file where it is to be written first, or anew.

    Some 0.2 ms. Ask before a sending begins, and again before its first mail leaves: then the file tells of it.
    """
    try:
        card, inode = _read()
    except OSError as error:
        return f"the file `instance` in the data folder cannot be read ({error.strerror or error})"
    except ValueError:
        return DAMAGED
    with db.engine.connect() as connection:
        instance, newest = connection.execute(PRESENT).one()
        newest = newest or ""
        if card is None and _has_sent(connection):
            return NOT_FROM_HERE
        if card is not None and (why := _differs(connection, card, inode, instance, newest)):
            return why
    if card is None or card.mark != newest:
        try:
            take_place(instance, newest)
        except OSError as error:
            return f"the file `instance` cannot be written to the data folder ({error.strerror or error})"
    return ""


def may_send() -> bool:
    """Whether mail may leave from here; where that changes, the log says so once."""
    why = look()
    with _saying:
        before = current_app.extensions.get(STATE, "")
        current_app.extensions[STATE] = why
    if why and why != before:
        log.warning("no mail leaves from here", extra={"reason": why, "way_out": WAY_OUT})
    elif before and not why:
        log.info("mail leaves from here again")
    return not why


def insist() -> None:
    """
    Raises:
        Held: no mail may leave from here.
    """
    if why := look():
        raise Held(f"No mail leaves from here: {why}. If no other copy of this site sends, run `{WAY_OUT}`.")


def held() -> str:
    """Which living worker holds all mail, and why, for pages; "" where none does."""
    for name, why in sorted(heartbeat.notes("worker:").items()):
        if why:
            return f"The worker on {name.split(':')[1]} holds all mail: {why}."
    return ""


def what_waits() -> Waiting:
    """What would leave from here, now or when it is due."""
    at_rest = (Sending.state == "paused") & Sending.resume_at.is_(None)
    sendings = select(func.count()).where(Sending.state != "sent", ~at_rest)
    digests = select(func.count()).where(Digest.state == "waiting")
    mails = select(func.count()).where(OutboxMail.state.in_(("waiting", "claimed")))
    return Waiting(*(db.session.execute(query).scalar_one() for query in (sendings, digests, mails)))


def joins_others() -> bool:
    """Whether other workers of this database send: then this is one more of their hosts, and no copy."""
    return "" in heartbeat.notes("worker:").values()


def resume_sending(by: int) -> None:
    """Let mail leave from here. Unless other workers of this database send, the site gets a new instance: whatever
    else was copied from the same place, or is copied here later, holds.

    Raises:
        NotAllowed: `by` is no admin.
        Conflict: nothing is held here.
        OSError: the file cannot be written; then all is held still.
    """
    why = look()
    with transaction() as session:
        demand(session.get(Member, by), "site.settings")
        if not why:
            raise Conflict("Mail may leave from here already.")
        site, joins = site_row(session), joins_others()
        if not joins:
            site.instance = new_instance()
            bump_version(session)
        record(session, "site.resume_sending", "site", by=by, reason=why, joins=joins)
        for channel in (DIGESTS, OUTBOX):
            notify(session, channel)
        instance, newest = site.instance, session.execute(NEWEST).scalar() or ""
    take_place(instance, newest)


def new_instance() -> str:
    """What no other site is called."""
    return secrets.token_hex(16)


def take_place(instance: str, mark: str = "") -> None:
    """Write the file, whole or not at all; it holds its own inode number, which no copy of it has."""
    path = _path()
    number, name = tempfile.mkstemp(prefix=f".{FILE}-", dir=path.parent)
    try:
        with os.fdopen(number, "w", encoding="ascii") as file:
            json.dump({"instance": instance, "mark": mark, "inode": os.fstat(number).st_ino}, file)
            file.flush()
            os.fsync(number)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def take_place_at_rest(instance: str) -> None:
    """Have a site here that has just been made of a copy and in which everything rests: nothing more is held."""
    try:
        take_place(instance)
    except OSError as error:
        log.warning("all mail will be held", extra={"reason": error.strerror, "way_out": WAY_OUT})


def give_up_place() -> None:
    """Take the file away: the database that is here now has sent nothing."""
    _path().unlink(missing_ok=True)


def _path() -> Path:
    return settings().data_dir / FILE


def _read() -> tuple[_Card | None, int]:
    """What the file says, and its inode number; None where there is no file.

    Raises:
        ValueError: it says nothing that can be read.
    """
    try:
        with _path().open("rb") as file:
            return _parse(file), os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return None, 0


def _parse(file: BinaryIO) -> _Card:
    found = json.loads(file.read(LONGEST))
    try:
        return _Card(str(found["instance"]), str(found["mark"]), int(found["inode"]))
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from None


def _has_sent(connection: Connection) -> bool:
    """Whether anything has left of this database since there are marks."""
    sending = exists().where(Sending.mark.not_like(f"{BEFORE}%"))
    return bool(connection.execute(select(or_(sending, exists().where(MailDay.accepted > 0)))).scalar())


def _differs(connection: Connection, card: _Card, inode: int, instance: str, newest: str) -> str:
    if card.inode != inode:
        return COPIED
    if card.instance != instance:
        return NOT_TOGETHER
    if card.mark in ("", newest):
        return ""
    known = connection.execute(select(Sending.id).where(Sending.mark == card.mark)).first()
    return "" if known else OLDER
