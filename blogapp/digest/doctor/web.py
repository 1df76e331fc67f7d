"""The site as its readers reach it: the base URL, its certificate, the unsubscribe page, and the clock over there."""

import ssl
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.digest.doctor.findings import Finding, failed, ok, unknown, warning
from blogapp.subscribing.links import NOBODYS_TOKEN

if TYPE_CHECKING:
    from blogapp.digest.doctor.tools import Tools

TIMEOUT_SECONDS = 10
# What a certificate should still hold: renewal has then failed for two weeks.
FEW_DAYS = 14
# What clocks may differ by: a lease lasts 60 s, and a Date header knows whole seconds.
CLOSE_SECONDS, FAR_SECONDS = 5, 30


class Unreachable(Exception):
    """Nothing usable answers there. `str()` says why."""


@dataclass(frozen=True)
class Answer:
    """What came back: no redirect was followed. `certificate_ends`: None without TLS."""

    status: int
    body: bytes
    date: datetime | None = None
    location: str = ""
    certificate_ends: datetime | None = None


def fetch(url: str, context: ssl.SSLContext | None = None) -> Answer:
    """GET an address.

    Raises:
        Unreachable: nobody answers, or nobody who can prove to be that host.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection: HTTPConnection
    if parts.scheme == "https":
        context = context or ssl.create_default_context()
        connection = HTTPSConnection(host, parts.port, timeout=TIMEOUT_SECONDS, context=context)
    else:
        connection = HTTPConnection(host, parts.port, timeout=TIMEOUT_SECONDS)
    with closing(connection):
        try:
            connection.connect()
            ends = _certificate_ends(connection)
            connection.request("GET", parts.path or "/", headers={"User-Agent": "blogapp doctor", "Accept": "*/*"})
            response = connection.getresponse()
            return Answer(
                response.status,
                response.read(100_000),
                _date(response.getheader("Date")),
                response.getheader("Location") or "",
                ends,
            )
        except ssl.SSLCertVerificationError as error:
            raise Unreachable(f"its certificate does not hold: {error.verify_message}") from None
        except (OSError, HTTPException) as error:
            raise Unreachable(getattr(error, "strerror", None) or str(error) or type(error).__name__) from None


def web(tools: "Tools") -> Iterator[Finding]:
    """The base URL, its certificate, one-click unsubscribing, the clock."""
    base = settings().base_url
    try:
        answer = tools.fetch(f"{base}/healthz")
    except Unreachable as trouble:
        advice = "Look at BLOG_BASE_URL, the reverse proxy and the firewall. It may be only this machine that cannot."
        yield failed("base URL", f"{base} cannot be reached from here: {trouble}.", advice)
        yield unknown("unsubscribe", "Without the base URL nobody can tell whether the links in mails work.")
        yield from clock(None)
        return
    yield _base(base, answer)
    if answer.certificate_ends is not None:
        yield certificate("web certificate", answer.certificate_ends)
    yield _unsubscribe(base, tools)
    yield from clock(answer.date)


def _base(base: str, answer: Answer) -> Finding:
    if 300 <= answer.status <= 399:
        return failed(
            "base URL", f"{base} leads on to {answer.location}.", "Set BLOG_BASE_URL to where readers end up."
        )
    if answer.status != 200 or answer.body.strip() != b"ok":
        advice = "Does the reverse proxy lead there to blogapp, and does `blogapp serve` run?"
        return failed("base URL", f"{base} answers ({answer.status}), but not as blogapp does.", advice)
    if not base.startswith("https://"):
        return warning("base URL", f"{base} answers, without https.", "Mail programs offer one-click only with https.")
    return ok("base URL", f"{base} answers.")


def _unsubscribe(base: str, tools: "Tools") -> Finding:
    """The page behind nobody's link, opened as a scanner of mail would; nothing is posted, nobody is unsubscribed."""
    url = f"{base}/unsubscribe/{NOBODYS_TOKEN}"
    try:
        answer = tools.fetch(url)
    except Unreachable as trouble:
        return failed("unsubscribe", f"The unsubscribe page does not answer: {trouble}.")
    if answer.status != 200:
        advice = "It has to answer strangers at once, without a log-in and without a redirect (RFC 8058)."
        return failed("unsubscribe", f"The unsubscribe page answers with {answer.status}.", advice)
    if not base.startswith("https://"):
        return warning("unsubscribe", "The unsubscribe page answers, without https.", "See base URL.")
    return ok("unsubscribe", "The unsubscribe page answers over https.")


def certificate(check: str, ends: datetime, *, proves: bool = True) -> Finding:
    """How long a certificate still holds. `proves`: whether anybody goes by it."""
    days = (ends - now()).days
    if days < 0:
        return (failed if proves else warning)(check, f"It ended on {ends:%Y-%m-%d}.", "Renew it.")
    if days < FEW_DAYS:
        return warning(check, f"It ends in {days} days, on {ends:%Y-%m-%d}.", "Is its renewal still working?")
    return ok(check, f"It holds for {days} more days.")


def clock(elsewhere: datetime | None) -> Iterator[Finding]:
    """This machine's clock against others: the site's web server and, where it is a server, the database.

    Either may run on this machine and then proves nothing.
    """
    others = {} if elsewhere is None else {"the web server at the base URL": elsewhere}
    if db.engine.dialect.name == "postgresql":
        # Where it does not answer, that is the finding of another check.
        with suppress(SQLAlchemyError), db.engine.connect() as connection:
            others["the database"] = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    if not others:
        yield unknown("clock", f"It is {now():%Y-%m-%d %H:%M:%S} UTC here; there is nothing to compare that with.")
        return
    name, other = max(others.items(), key=lambda pair: abs(pair[1] - now()))
    seconds = abs((other - now()).total_seconds())
    if seconds <= CLOSE_SECONDS:
        yield ok("clock", f"It agrees with {' and '.join(others)} within {CLOSE_SECONDS} s.")
        return
    advice = "Run a time service (chrony, systemd-timesyncd) on both."
    verdict = failed if seconds > FAR_SECONDS else warning
    yield verdict("clock", f"This machine's clock and that of {name} differ by {seconds:.0f} s.", advice)


def _certificate_ends(connection: HTTPConnection) -> datetime | None:
    if not isinstance(connection.sock, ssl.SSLSocket):
        return None
    found = connection.sock.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found["notAfter"])), UTC) if found else None


def _date(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC) if header else None
    except ValueError:
        return None
