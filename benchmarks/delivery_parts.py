"""Where the microseconds of one mail go: each step of a worker by itself, in this process, on SQLite.

CPU of this process, the best of three. The last line is all that a worker does, from the composing of the message to
`sent`, divided by the readers; what the steps above it do not account for is claims, journal, settling and planning.
"""

import importlib
import importlib.util
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from benchmarks.mailing import Site
from benchmarks.sinks import Sink
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.site import link_key
from blogapp.delivery.engine import Engine
from blogapp.delivery.envelopes import Envelope, Options, mail_commands
from blogapp.delivery.relay import parse_relay
from blogapp.digest import planning
from blogapp.digest.compose import compose, values_for
from blogapp.digest.instance import may_send
from blogapp.digest.publishing import publish
from blogapp.digest.sending import send_some
from blogapp.digest.work import Frozen, _asks_for_readers

TIMES = 3
MAILS = 2000
BATCH = 500
CONNECTIONS = 16
SENDING = 1
SENDER = "notes@coop.example"
OWNER = "benchmark"
DOT = b".\r\n"


class Mail(Envelope):
    """As a digest's: nothing in it needs stuffing."""

    def wire(self) -> list[bytes]:
        return [self.message, DOT]


def measure(site: Site, sink: Sink, size: int) -> None:
    """Print the table. `size`: how many subscribers the site has."""
    print("| step | CPU µs a mail |\n|---|--:|", flush=True)
    with site.app.app_context():
        for name, mails, step in steps(site, sink, min(MAILS, size), size):
            print(f"| {name} | {best(step, mails):.2f} |", flush=True)


def best(step: Callable[[], object], mails: int) -> float:
    """µs of CPU a mail."""
    costs = []
    for _ in range(TIMES):
        before = time.process_time()
        step()
        costs.append(time.process_time() - before)
    return min(costs) / mails * 1e6


def each(function: Callable[[Any], object], items: list[Any]) -> Callable[[], None]:
    """Call it for each, and keep nothing: memory that is new every time has a price of its own."""

    def call() -> None:
        for item in items:
            function(item)

    return call


def steps(site: Site, sink: Sink, mails: int, size: int) -> Iterator[tuple[str, int, Callable[[], object]]]:
    """What it is called, how many mails one call is for, and the call."""
    number, _ = site.draft()
    template = compose(db.session(), number, date=datetime.now(UTC)).template
    key, now = link_key(), datetime.now(UTC)
    ids = list(range(1, mails + 1))
    frozen = Frozen.__new__(Frozen)
    frozen._readers = _asks_for_readers(now, "digest")
    readers = frozen.read_readers(ids)

    values_of = values_for(key, SENDING)

    def personal(reader: Any) -> dict[str, str | bytes]:
        return values_of(reader[0], reader[1], reader[2])

    values = [personal(reader) for reader in readers]
    messages = [template.splice(value) for value in values]
    envelopes = [Mail(r[0], SENDER, r[1], message) for r, message in zip(readers, messages, strict=True)]
    options = Options(pipelining=True, eight_bit=True, sizes=True, size=50_000_000)
    relay = parse_relay(f"smtp://127.0.0.1:{sink.port}?starttls=never")

    yield "read the readers", len(ids[:BATCH]), lambda: frozen.read_readers(ids[:BATCH])
    yield "personal values", mails, each(personal, readers)
    yield "splice", mails, each(template.splice, values)
    yield from _optional(key, envelopes[:BATCH])
    yield "MAIL, RCPT, DATA", mails, each(lambda mail: mail_commands(mail, options), envelopes)
    yield "a bare socket", mails, lambda: _bare(sink.port, messages)
    yield "engine (with the two above)", mails, lambda: _deliver(relay, envelopes)
    yield "everything", size, lambda: _everything(site)


def _optional(key: bytes, envelopes: list[Envelope]) -> Iterator[tuple[str, int, Callable[[], object]]]:
    """What a site may do besides: a sender for each mail, signatures."""
    if importlib.util.find_spec("blogapp.delivery.verp"):
        sender = importlib.import_module("blogapp.delivery.verp").senders_for(key, SENDING)
        yield "VERP", len(envelopes), each(lambda mail: sender(mail.key), envelopes)
    if importlib.util.find_spec("blogapp.delivery.dkim"):
        sign = importlib.import_module("blogapp.delivery.dkim").signer(settings())
        if sign is not None:
            yield "DKIM", len(envelopes), each(lambda mail: sign(mail.message), envelopes)


def _deliver(relay: object, envelopes: list[Envelope]) -> None:
    engine = Engine(relay, CONNECTIONS)  # type: ignore[arg-type]
    accepted = sum(1 for _ in engine.deliver(envelopes))
    assert accepted == len(envelopes)
    engine.close()


def _bare(port: int, messages: list[bytes]) -> None:
    """The system calls that nobody is spared: the same bytes, pipelined, one write and one read a mail."""
    commands = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{SENDER}>\r\nDATA\r\n".encode()
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.recv(4096)
        wire.sendall(b"EHLO localhost\r\n" + commands)
        _until(wire, b"354 ")
        for message in messages[:-1]:
            wire.sendall(message + DOT + commands)
            _until(wire, b"354 ")
        wire.sendall(messages[-1] + DOT + b"QUIT\r\n")
        _until(wire, b"221 ")


def _until(wire: socket.socket, reply: bytes) -> None:
    said = b""
    while reply not in said:
        said += wire.recv(4096)


def _everything(site: Site) -> None:
    """What a worker does for a note that has just been published."""
    publish(*site.draft(), site.author)
    may_send()  # as a worker does when it starts
    planning.begin_due(OWNER)
    while send_some(OWNER, threading.Event()):
        pass
