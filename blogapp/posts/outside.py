"""Links to other sites: whether something is there, asked in the background when a member wants to know.

A row for each address, whoever links to it: what is known is good for a day. `ask_outside` only writes rows; the worker
claims one by moving its `due_at` on, asks outside any transaction, and settles it. Its loop is a thread of its own, and
each request another: no mail and no page ever waits for somebody else's server.
"""

import logging
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from queue import Empty, SimpleQueue
from urllib.parse import urljoin, urlsplit

from flask import Flask
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import Base, UTCDateTime, db, insert_missing, transaction
from blogapp.core.guard import PUBLIC, Guard, NoSuchName, Refused, target_of
from blogapp.core.outside import NO_NAMES, Outcome, look_at
from blogapp.core.turns import Turns
from blogapp.posts.anchors import outside_addresses
from blogapp.posts.queries import find_post

log = logging.getLogger(__name__)

FRESH_FOR = timedelta(days=1)
KEPT_FOR = timedelta(days=30)
# Of one text; nobody reads so many.
MOST = 200
# How long a worker has for an address before another may take it up: longer than all that `look_at` may take.
CLAIM = timedelta(minutes=5)
# What was in the hands of so many workers that died is asked no more.
TRIES = 3
# So many hosts are asked at a time.
AT_ONCE = 4
LOOK_SECONDS = 1.0
Answers = SimpleQueue[tuple[str, Outcome]]
AFTER_ERROR_SECONDS = 10.0


class OutsideLink(Base):
    """An address of another site, and what is known of it; see `Outcome` for `state` (and `waiting`) and `why`.

    `due_at`: when it is to be asked; None: not any more. `attempts`: how often it was taken up since it was wanted.
    """

    __tablename__ = "outside_links"

    url: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    state: Mapped[str] = mapped_column(default="waiting")
    status: Mapped[int | None]
    why: Mapped[str] = mapped_column(default="")
    moved_to: Mapped[str] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    checked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)


@dataclass(frozen=True)
class Wanted:
    """A link as its author wrote it, and the one spelling under which it is asked; or why it is not (`refused`)."""

    address: str
    url: str = ""
    host: str = ""
    refused: str = ""


def wanted_in(html: str) -> list[Wanted]:
    """The links of sanitised HTML to other sites, in their order; no more than so many."""
    base_url = settings().base_url
    return [_wanted(address, base_url) for address in outside_addresses(html, base_url)[:MOST]]


def _wanted(address: str, base_url: str) -> Wanted:
    try:
        target = target_of(urljoin(base_url, address))  # //example.org has the site's own scheme.
    except (Refused, ValueError) as why:
        return Wanted(address, refused=str(why) if isinstance(why, Refused) else "is no address that can be asked")
    return Wanted(address, target.url, target.host)


def ask_outside(post_id: int, by: int, html: str) -> None:
    """Have the worker look whether something is at the addresses of other sites in a text of this post.

    What is known since less than a day is not asked anew. Returns at once.

    Raises:
        NotFound: there is no such post.
        NotAllowed: `by` may not edit it.
    """
    hosts = {one.url: one.host for one in wanted_in(html) if one.url}
    urls, at = sorted(hosts), now()
    with transaction() as session:
        post = find_post(session, post_id, by=by)
        demand(session.get(Member, by), "post.edit", owner_id=post.author_id, public=post.state == "published")
        if not urls:
            return
        fresh = {"state": "waiting", "why": "", "moved_to": "", "attempts": 0, "asked_at": at, "due_at": at}
        insert_missing(session, OutsideLink, "url", [{"url": url, "host": hosts[url], **fresh} for url in urls])
        # Locked in their order, so that two who ask at once never wait for each other.
        rows = select(OutsideLink).where(OutsideLink.url.in_(urls)).order_by(OutsideLink.url).with_for_update()
        for row in session.execute(rows.execution_options(populate_existing=True)).scalars():
            row.asked_at = at
            if row.checked_at is not None and row.checked_at <= at - FRESH_FOR and row.state != "waiting":
                row.state, row.attempts, row.due_at = "waiting", 0, at


def known_of(urls: Collection[str]) -> dict[str, OutsideLink]:
    """What is known of addresses, by their one spelling (`Target.url`)."""
    query = select(OutsideLink).where(OutsideLink.url.in_(urls)).execution_options(populate_existing=True)
    return {row.url: row for row in db.session.execute(query).scalars()}


def run_outside(app: Flask, stop: threading.Event, _: object) -> None:
    """Look at what is due until `stop` is set: the worker's loop."""
    turns = Turns()
    with app.app_context():
        nap = LOOK_SECONDS
        while not stop.wait(nap):
            try:
                check_due(turns, stopped=stop.is_set)
                nap = LOOK_SECONDS
            except Exception:
                # A database that is away, a bug: say so, and look again. Nothing else of the worker ends for it.
                log.exception("the loop of outside links stumbled")
                nap = AFTER_ERROR_SECONDS
            finally:
                db.session.remove()


def check_due(turns: Turns, *, guard: Guard = PUBLIC, stopped: Callable[[], bool] = lambda: False) -> int:
    """Ask for all addresses that are due, a few hosts at a time. Returns how many were settled.

    What is on its way when it is stopped is left to the next worker: its threads end with the process.
    """
    agent = f"blogapp link check (+{settings().base_url}/)"
    answers: Answers = SimpleQueue()
    asked: dict[str, str] = {}
    waiting: dict[str, Outcome] = {}
    done, online = 0, False
    while not stopped():
        while len(asked) < AT_ONCE and (found := _next(asked.values())):
            url, host = found
            if _claim(url):
                asked[url] = host
                ask = partial(_ask, url, answers, agent=agent, turns=turns, guard=guard)
                threading.Thread(target=ask, name="outside link", daemon=True).start()
        if not asked:
            break
        try:
            url, outcome = answers.get(timeout=LOOK_SECONDS)
        except Empty:
            continue
        del asked[url]
        online = online or outcome.status is not None
        waiting[url] = outcome
        if online or not outcome.no_name:  # Else told when it is known whether any name at all is found.
            ready = [*waiting] if online else [url]
            for one in ready:
                _settle(one, waiting.pop(one))
            done += len(ready)
    else:
        for url in (*asked, *waiting):
            _put_back(url)
        return done
    online = bool(waiting) and _finds_us(guard)
    for url, outcome in waiting.items():
        _settle(url, outcome if online else NO_NAMES)
    return done + len(waiting)


def _ask(url: str, answers: Answers, *, agent: str, turns: Turns, guard: Guard) -> None:
    try:
        outcome = look_at(url, agent=agent, turns=turns, guard=guard)
    except Exception:  # What strangers' servers can make of a library is nowhere promised.
        log.warning("an outside link could not be looked at", exc_info=True, extra={"url": url})
        outcome = Outcome("unsure", None, "could not be asked")
    answers.put((url, outcome))


def _finds_us(guard: Guard) -> bool:
    """Whether our own name is found: then names are looked up here, and one that is not found is nobody's."""
    host = urlsplit(settings().base_url).hostname or ""
    try:
        return host != "localhost" and host not in guard.resolve(host, 443)  # An address "leads to" itself.
    except (NoSuchName, OSError):
        return False


def _next(busy: Collection[str]) -> tuple[str, str] | None:
    """An address that is due, of a host that is not being asked by this or another worker, with its host."""
    at = now()
    others = select(OutsideLink.host).where(OutsideLink.state == "waiting", OutsideLink.attempts > 0)
    query = select(OutsideLink.url, OutsideLink.host).where(OutsideLink.due_at <= at)
    query = query.where(OutsideLink.host.not_in(others.where(OutsideLink.due_at > at)))
    query = query.where(OutsideLink.host.not_in(list(busy))).order_by(OutsideLink.due_at, OutsideLink.url).limit(1)
    found = db.session.execute(query).first()
    db.session.rollback()
    return (found.url, found.host) if found else None


def _claim(url: str) -> bool:
    """Take an address up. False where somebody else has, or too many have."""
    with transaction() as session:
        at = now()
        due = (OutsideLink.url == url, OutsideLink.due_at <= at)
        mine = update(OutsideLink).where(*due).values(due_at=at + CLAIM, attempts=OutsideLink.attempts + 1)
        attempts = session.execute(mine.returning(OutsideLink.attempts)).scalar_one_or_none()
        if attempts is not None and attempts > TRIES:
            given_up = {"state": "unsure", "why": "could not be asked", "checked_at": at, "due_at": None}
            session.execute(update(OutsideLink).where(OutsideLink.url == url).values(given_up))
            return False
        return attempts is not None


def _settle(url: str, outcome: Outcome) -> None:
    """Note what was found; what may be otherwise in a while is due once more."""
    try:
        _note(url, outcome)
    except DataError:  # The database does not take what a stranger said. The other sites are none the worse.
        log.warning("what a site answered could not be kept", exc_info=True, extra={"url": url})
        _note(url, Outcome("unsure", None, "answers what cannot be kept"))


def _note(url: str, outcome: Outcome) -> None:
    at = now()
    with transaction() as session:
        row = session.get(OutsideLink, url, with_for_update=True, populate_existing=True)
        if row is None:
            return  # Forgotten meanwhile.
        again = bool(outcome.again_seconds) and row.attempts == 1
        row.state, row.status, row.why, row.moved_to = outcome.state, outcome.status, outcome.why, outcome.moved_to
        row.checked_at, row.due_at = at, at + timedelta(seconds=outcome.again_seconds) if again else None


def _put_back(url: str) -> None:
    """Leave an address to whoever looks next."""
    with transaction() as session:
        back = update(OutsideLink).where(OutsideLink.url == url)
        session.execute(back.values(due_at=now(), attempts=OutsideLink.attempts - 1))


def forget_outside_links() -> int:
    """Delete what nobody has asked for in 30 days; the worker calls it daily. Returns how many."""
    with transaction() as session:
        old = delete(OutsideLink).where(OutsideLink.asked_at < now() - KEPT_FOR)
        return len(session.execute(old.returning(OutsideLink.url)).all())
