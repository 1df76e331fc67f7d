"""Where the microseconds of one mail go: each step of a worker by itself, in this process, on SQLite.

CPU of this process, the best of five. What a thousand mails share (composing, TLS, log-in) is left out; what 500 share
(a batch's claim, its query, its settling) is divided by 500.
"""

import importlib
import importlib.util
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from benchmarks.mailing import Site
from benchmarks.sinks import Sink
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.site import link_key
from blogapp.delivery.engine import Engine
from blogapp.delivery.envelopes import Envelope, Options, mail_commands, with_dot
from blogapp.delivery.relay import parse_relay
from blogapp.delivery.template import Template
from blogapp.digest import claims, planning, settling
from blogapp.digest.compose import compose, personal_values
from blogapp.digest.journal import open_journal
from blogapp.digest.publishing import publish
from blogapp.digest.sending import Reader, read_readers
from blogapp.digest.settling import Tally

TIMES = 5
MAILS = 2000
BATCH = 500
SENDING = 1
SENDER = "notes@coop.example"
OWNER = "benchmark"


def measure(site: Site, sink: Sink) -> None:
    """Print the table."""
    print("| step | CPU µs a mail |\n|---|--:|", flush=True)
    whole = 0.0
    with site.app.app_context():
        for name, mails, step in steps(site, sink):
            cost = best(step, mails)
            whole += 0 if name.startswith("(") else cost
            print(f"| {name} | {cost:.2f} |", flush=True)
    print(f"| all but those in brackets | {whole:.1f} |", flush=True)


def best(step: Callable[[], object], mails: int) -> float:
    """µs of CPU a mail."""
    costs = []
    for _ in range(TIMES):
        before = time.process_time()
        step()
        costs.append(time.process_time() - before)
    return min(costs) / mails * 1e6


def steps(site: Site, sink: Sink) -> Iterator[tuple[str, int, Callable[[], object]]]:
    """What it is called, how many mails one call is for, and the call. In brackets: what is no step of its own."""
    number, version = site.draft()
    template = compose(db.session(), number, date=datetime.now(UTC)).template
    key, now = link_key(), datetime.now(UTC)
    readers = read_readers(list(range(1, MAILS + 1)), now)
    values = [personal_values(key, SENDING, reader.id, reader.address, reader.name) for reader in readers]
    envelopes = [_envelope(reader, template, value) for reader, value in zip(readers, values, strict=True)]
    options = Options(pipelining=True, eight_bit=True, sizes=True, size=50_000_000)

    yield "read the readers", BATCH, lambda: read_readers(list(range(1, BATCH + 1)), now)
    yield "personal values", MAILS, lambda: [personal_values(key, SENDING, r.id, r.address, r.name) for r in readers]
    yield "splice", MAILS, lambda: [template.splice(value) for value in values]
    yield from _optional(key, envelopes[:BATCH])
    yield "(commands)", MAILS, lambda: [mail_commands(envelope, options) for envelope in envelopes]
    yield "(final dot)", MAILS, lambda: [with_dot(envelope.message) for envelope in envelopes]
    yield "(a bare socket)", MAILS, lambda: _bare(sink.port, [envelope.message + b".\r\n" for envelope in envelopes])
    relay = parse_relay(f"smtp://127.0.0.1:{sink.port}?starttls=never")
    yield "engine", MAILS, lambda: _deliver(relay, envelopes)

    publish(number, version, site.author)
    planning.begin_due(OWNER)
    while planning.plan_some(60):
        pass
    yield "journal", BATCH, lambda: _journal(template.message)
    yield "claim and settle", BATCH, _claim_and_settle


def _optional(key: bytes, envelopes: list[Envelope]) -> Iterator[tuple[str, int, Callable[[], object]]]:
    """What a site may do besides: a sender for each mail, signatures."""
    if importlib.util.find_spec("blogapp.delivery.verp"):
        sender_for = importlib.import_module("blogapp.delivery.verp").sender_for
        yield "(VERP)", len(envelopes), lambda: [sender_for(key, SENDING, e.key) for e in envelopes]
    if importlib.util.find_spec("blogapp.delivery.dkim"):
        sign = importlib.import_module("blogapp.delivery.dkim").signer(settings())
        if sign is not None:
            yield "(DKIM)", len(envelopes), lambda: [sign(e.message) for e in envelopes]


def _envelope(reader: Reader, template: Template, values: dict[str, str]) -> Envelope:
    return Envelope(reader.id, SENDER, reader.address, template.splice(values))


def _deliver(relay: object, envelopes: list[Envelope]) -> None:
    engine = Engine(relay)  # type: ignore[arg-type]
    accepted = sum(1 for _ in engine.deliver(envelopes))
    assert accepted == len(envelopes)
    engine.close()


def _bare(port: int, bodies: list[bytes]) -> None:
    """The system calls that nobody is spared: the same bytes, pipelined, one write and one read a mail."""
    commands = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{SENDER}>\r\nDATA\r\n".encode()
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.recv(4096)
        wire.sendall(b"EHLO localhost\r\n" + commands)
        _until(wire, b"354 ")
        for body in bodies[:-1]:
            wire.sendall(body + commands)
            _until(wire, b"354 ")
        wire.sendall(bodies[-1] + b"QUIT\r\n")
        _until(wire, b"221 ")


def _until(wire: socket.socket, reply: bytes) -> None:
    said = b""
    while reply not in said:
        said += wire.recv(4096)


def _journal(message: bytes) -> None:
    with open_journal(1, message) as (journal, _):
        for number in range(1, BATCH + 1):
            journal.append(number)
        journal.clear()


def _claim_and_settle() -> None:
    batch = claims.claim_batch(OWNER)
    assert batch is not None
    tally = Tally(accepted=set(batch.planned), news=BATCH)
    settling.settle_batch(batch, OWNER, tally, state="done", planned_at=datetime.now(UTC))
