"""The relay: whether it is there, lets us in, and what it can do. No mail is sent."""

import ssl
import time
from collections.abc import Iterator
from dataclasses import fields

from cryptography.x509 import load_der_x509_certificate

from blogapp.core.config import settings
from blogapp.delivery.advice import advice_for
from blogapp.delivery.envelopes import Options
from blogapp.delivery.relay import Relay, parse_relay
from blogapp.delivery.smtp import Connection, RelayTrouble
from blogapp.digest.doctor.findings import Finding, failed, ok, unknown, warning
from blogapp.digest.doctor.names import NoAnswer
from blogapp.digest.doctor.tools import Tools, is_here
from blogapp.digest.doctor.web import certificate

PATIENCE_SECONDS = 30
# A digest is cut to stay below 102 kB; with its headers, signatures and parts it stays below this.
LARGEST_MAIL = 250_000


class _KeptCertificate(ssl.SSLSocket):
    """Keeps what the other end showed, verified or not, where it can be found later: in the context."""

    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        self.context.shown = self.getpeercert(True)  # type: ignore[attr-defined]


class _WatchedRelay(Relay):
    """A relay whose connections tell of their encryption."""

    context: ssl.SSLContext | None = None

    def tls_context(self) -> ssl.SSLContext:
        context = super().tls_context()
        context.sslsocket_class = _KeptCertificate
        object.__setattr__(self, "context", context)
        return context

    @property
    def certificate(self) -> bytes | None:
        """As DER; None where nothing was encrypted."""
        return getattr(self.context, "shown", None)


def relay(tools: Tools) -> Iterator[Finding]:
    """A session up to the log-in."""
    named = parse_relay(settings().smtp_url)
    watched = _WatchedRelay(**{f.name: getattr(named, f.name) for f in fields(Relay)})
    where = f"{watched.host}:{watched.port}"
    deadline = time.monotonic() + PATIENCE_SECONDS
    versions: list[str] = []

    def tick() -> str:
        return "" if time.monotonic() < deadline else f"this took longer than {PATIENCE_SECONDS} s"

    def listen(who: str, data: bytes) -> None:
        if who == "tls":
            versions.append(data.decode())

    try:
        connection = Connection(watched, tick, listen)
    except RelayTrouble as trouble:
        yield failed("log-in", f"No mail can leave by {where}: {trouble}.", advice_for(str(trouble)))
        return
    connection.quit()
    yield ok("log-in", f"{where} takes our log-in." if watched.username else f"{where} answers; no log-in is set.")
    yield from _encryption(watched, versions[-1] if versions else "")
    yield _abilities(connection.options)


def pointer(tools: Tools) -> Iterator[Finding]:
    """The name of the address that mail comes from, and whether that name leads back to it (RFC 1912 §2.1)."""
    named = parse_relay(settings().smtp_url)
    here = is_here(named.host)
    addresses = tools.sending_addresses(named)
    if not addresses:
        where = "this machine's public address" if here else f"a public address of {named.host}"
        yield unknown("PTR", f"The relay passes mail on from an address unknown here: {where} cannot be told.")
        return
    wrong = [trouble for address in addresses if (trouble := _pointer_trouble(tools, address))]
    if not wrong:
        yield ok("PTR", f"{' and '.join(addresses)}: the name leads to the address, and back.")
    elif here:
        advice = "Ask whoever gave you the address to set its name (PTR, reverse DNS) to this machine's."
        yield failed("PTR", f"{'; '.join(wrong)}. Large providers refuse such mail.", advice)
    else:
        yield warning("PTR", f"{'; '.join(wrong)}. The relay may send from another address than it listens at.")


def _pointer_trouble(tools: Tools, address: str) -> str:
    pointers = tools.names.pointers(address)
    if not pointers:
        return f"{address} has no name"
    try:
        if any(address in tools.names.addresses(name) for name in pointers):
            return ""
    except NoAnswer:
        pass
    return f"{address} says that it is {pointers[0]}, which does not lead back to it"


def _encryption(watched: _WatchedRelay, version: str) -> Iterator[Finding]:
    if watched.certificate is None:
        if is_here(watched.host):
            yield ok("encryption", "None, and none is needed: the relay is on this machine.")
        else:
            advice = "Use ?starttls=required or smtps:// in BLOG_SMTP_URL."
            yield warning("encryption", f"Mail goes to {watched.host} unencrypted.", advice)
        return
    proven = "the certificate holds" if watched.verified else "nobody checks whose certificate it is"
    yield ok("encryption", f"{version}; {proven}.")
    ends = load_der_x509_certificate(watched.certificate).not_valid_after_utc
    yield certificate("relay certificate", ends, proves=watched.verified)


def _abilities(options: Options) -> Finding:
    if options.size and options.size < LARGEST_MAIL:
        text = f"It takes mails of up to {options.size // 1000} kB, and a digest may have {LARGEST_MAIL // 1000}."
        return warning("abilities", text, "Ask for a higher limit (message_size_limit in Postfix).")
    size = f"mails of up to {options.size / 1e6:.0f} MB" if options.size else "mails of any size"
    steps = (
        "many commands at once (PIPELINING)" if options.pipelining else "one command at a time (no PIPELINING: slower)"
    )
    return ok("abilities", f"It takes {size}, {steps}.")
