"""All checks in their order. A check that breaks off does not keep the others from theirs."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from blogapp.core.db import db
from blogapp.digest.doctor import domain, queue, relay, site, web
from blogapp.digest.doctor.findings import Finding, failed, unknown
from blogapp.digest.doctor.names import NoAnswer, NoDNS
from blogapp.digest.doctor.tools import Tools

Check = Callable[[Tools], Iterable[Finding]]

# Heading -> what is looked at (under this name where it cannot be), and by whom. A new check is a new row.
SECTIONS: dict[str, list[tuple[str, Check]]] = {
    "Site": [
        ("settings", site.chosen),
        ("database", site.database),
        ("data folder", site.folder),
        ("files", site.bucket),
        ("worker", site.worker),
    ],
    "Mail that waits": [
        ("this copy", queue.this_copy),
        ("single mails", queue.singles),
        ("digests", queue.digests),
    ],
    "Relay": [("log-in", relay.relay)],
    "Sender": [
        ("DNS", domain.dns),
        ("MX", domain.receives),
        ("SPF", domain.spf),
        ("DKIM", domain.dkim),
        ("DMARC", domain.dmarc),
        ("PTR", relay.pointer),
    ],
    "Web": [("base URL", web.web)],
}


def examine(tools: Tools | None = None) -> Iterator[tuple[str, Finding]]:
    """Look at everything. Gives each finding, under its heading, as soon as it is known; reads only, sends nothing."""
    tools = tools or Tools()
    for heading, checks in SECTIONS.items():
        for name, check in checks:
            for finding in tried(name, check, tools):
                yield heading, finding


def tried(name: str, check: Check, tools: Tools) -> Iterator[Finding]:
    """What a check finds; where it breaks off, that."""
    try:
        yield from check(tools)
    except NoDNS:
        yield unknown(name, "It takes DNS to tell.")
    except NoAnswer as error:
        yield unknown(name, f"A look-up failed: {error}.", "Try again later.")
    except SQLAlchemyError as error:
        reason = (str(getattr(error, "orig", None) or error).strip().splitlines() or ["no reason given"])[0]
        yield failed(name, f"The database does not answer as it should: {reason}.")
    finally:
        with suppress(SQLAlchemyError):  # what was read is no transaction to keep open while others are asked
            db.session.rollback()
