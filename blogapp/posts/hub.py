"""Telling a WebSub hub that feeds have changed (W3C WebSub §7; the form is that of PubSubHubbub 0.4 §7.1).

What is to be told is a row, written with the publication itself, so that a worker that dies forgets nothing. A worker
claims a row by moving its `due_at` on, talks to the hub outside any transaction, and removes the row if nothing has
happened to the feed in between.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import Base, UTCDateTime, db, on_sqlite, transaction
from blogapp.core.hurry import hurry
from blogapp.core.web import whole_url
from blogapp.posts.models import Post
from blogapp.posts.tags import Tag, post_tags

log = logging.getLogger(__name__)

FORMATS = ("atom", "rss", "json")
# For each step: to connect, to send, for the next bytes to come.
TIMEOUT_SECONDS = 5
# For the whole answer, however its bytes drip.
ANSWER_SECONDS = 15
# How long a worker has for one row before another may take it up: longer than all of the above.
CLAIM = timedelta(seconds=60)
FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=1)
AT_ONCE = 60


class HubPing(Base):
    """That the hub is to be told of a feed. `changed_at` tells a change that came while it was told of another."""

    __tablename__ = "hub_pings"

    path: Mapped[str] = mapped_column(primary_key=True)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    attempts: Mapped[int] = mapped_column(default=0)


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """A hub that sends us elsewhere has not heard us."""


class _Connection(HTTPConnection):
    def getresponse(self) -> HTTPResponse:
        with hurry(self, ANSWER_SECONDS):
            return super().getresponse()


class _SafeConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class _Http(HTTPHandler):
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_Connection, req)


class _Https(HTTPSHandler):
    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_SafeConnection, req)


def announce(session: Session, post: Post) -> None:
    """Have the hub told of the feeds that this post stands in, or stood in; in the caller's transaction."""
    if not settings().websub_hub or post.kind == "page":
        return
    tagged = select(Tag.slug).join(post_tags, post_tags.c.tag_id == Tag.id).where(post_tags.c.post_id == post.id)
    feeds = ["", f"/{post.author.slug}", *(f"/tags/{slug}" for slug in session.execute(tagged).scalars())]
    # In their order, so that two who publish at once never wait for each other; they share the site's own feeds.
    paths = sorted(f"{feed}/feed.{kind}" for feed in feeds for kind in FORMATS)
    fresh = {"changed_at": now(), "due_at": now(), "attempts": 0}
    insert = sqlite.insert if on_sqlite(session) else postgresql.insert
    told_anew = insert(HubPing).on_conflict_do_update(index_elements=["path"], set_=fresh)
    session.execute(told_anew, [{"path": path, **fresh} for path in paths])


def ping_hub() -> int:
    """Tell the hub of what has changed; the worker calls it every few seconds. Returns how many feeds it took."""
    if not settings().websub_hub:
        return 0
    told = 0
    for path in _due():
        changed_at = _claim(path)
        if changed_at is None:
            continue
        trouble = _tell(whole_url(path))
        _settle(path, changed_at, trouble)
        if trouble:
            break  # It is most likely so for all: the next look is seconds away.
        told += 1
    return told


def _due() -> Iterable[str]:
    query = select(HubPing.path).where(HubPing.due_at <= now()).order_by(HubPing.due_at, HubPing.path)
    found = db.session.execute(query.limit(AT_ONCE)).scalars().all()
    db.session.rollback()
    return found


def _claim(path: str) -> datetime | None:
    """Take a row for a minute; None where somebody else has."""
    with transaction() as session:
        at = now()
        mine = update(HubPing).where(HubPing.path == path, HubPing.due_at <= at)
        mine = mine.values(due_at=at + CLAIM, attempts=HubPing.attempts + 1)
        return session.execute(mine.returning(HubPing.changed_at)).scalar_one_or_none()


def _tell(feed: str) -> str:
    """Post to the hub. Returns what went wrong, "" for nothing."""
    form = urlencode({"hub.mode": "publish", "hub.url": feed}).encode()
    # The start refuses every address but http's.
    request = Request(settings().websub_hub, form, {"User-Agent": "blogapp (WebSub publisher)"})  # noqa: S310
    try:
        with build_opener(_NoRedirect, _Http, _Https).open(request, timeout=TIMEOUT_SECONDS):
            return ""
    except HTTPError as error:
        error.close()
        return f"the hub answered {error.code}"
    except (URLError, OSError, ValueError, HTTPException) as error:  # The last where it speaks no HTTP.
        return str(getattr(error, "reason", error)) or error.__class__.__name__


def _settle(path: str, changed_at: datetime, trouble: str) -> None:
    """Done, or again later; whoever published meanwhile has made it due anew, and that stays."""
    same = (HubPing.path == path, HubPing.changed_at == changed_at)
    at = now()
    with transaction() as session:
        if not trouble or at - changed_at > GIVE_UP_AFTER:
            session.execute(delete(HubPing).where(*same))
        else:
            attempts = session.execute(select(HubPing.attempts).where(*same)).scalar_one_or_none() or 1
            session.execute(update(HubPing).where(*same).values(due_at=at + retry_after(attempts)))
    if trouble:
        log.warning("the WebSub hub was not told", extra={"feed": path, "why": trouble})


def retry_after(attempts: int) -> timedelta:
    """How long to wait after so many tries (1 or more): doubling, from half a minute to an hour."""
    return min(FIRST_RETRY * (1 << min(attempts - 1, 10)), LONGEST_RETRY)
