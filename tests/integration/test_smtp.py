"""The SMTP client against aiosmtpd, and against a relay that takes RFC 2920 at its word. No database."""

import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import pytest

from blogapp.delivery import opening, smtp, wire
from blogapp.delivery.engine import Engine
from blogapp.delivery.envelopes import Envelope
from blogapp.delivery.relay import Relay as Address
from blogapp.delivery.replies import Phase, Verdict
from blogapp.delivery.smtp import Connection, RelayTrouble
from tests.relay import Relay
from tests.sink import Sink

CERTIFICATE = Path(__file__).parent / "localhost.pem"
BODY = b"Subject: x\r\n\r\nhello\r\n"


@pytest.fixture
def relay() -> Iterator[Relay]:
    with Relay() as relay:
        yield relay


def server_tls() -> ssl.SSLContext:
    """What a relay on this machine shows: a certificate of its own making."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    return context


def mails(count: int, body: bytes = BODY) -> Iterator[Envelope]:
    return (Envelope(n, "notes@blog.test", f"r{n}@reader.test", body) for n in range(count))


def deliver(address: Address, envelopes: Iterator[Envelope]) -> dict[object, Verdict]:
    engine = Engine(address)
    try:
        return {envelope.key: outcome.verdict for envelope, outcome in engine.deliver(envelopes)}
    finally:
        engine.close()


def at(relay: Relay | Sink, **more: object) -> Address:
    port = relay.port if isinstance(relay, Relay) else int(relay.server_address[1])
    return Address(**({"host": "127.0.0.1", "port": port, "starttls": "never"} | more))  # type: ignore[arg-type]


@pytest.mark.parametrize("pipelining", [True, False])
def test_mails_arrive_whole_and_once_with_pipelining_and_without(pipelining: bool) -> None:
    body = BODY + b".\r\n..dots\r\n" + (b"x" * 900 + b"\r\n") * 80
    with Relay(pipelining=pipelining) as relay:
        outcomes = deliver(at(relay), mails(20, body))
        assert set(outcomes.values()) == {Verdict.ACCEPTED}
        assert relay.accepted == Counter({f"r{n}@reader.test": 1 for n in range(20)})
        assert set(relay.bodies.values()) == {body}
        assert relay.connections == 1


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_refused_recipient_concerns_nobody_else(pipelining: bool) -> None:
    with Relay(pipelining=pipelining) as relay:
        relay.at_rcpt = {"r2@reader.test": "550 5.1.1 no", "r3@reader.test": "450 4.2.1 later"}
        relay.at_dot = {"r5@reader.test": "554 5.6.0 no"}
        outcomes = deliver(at(relay), mails(8))
        assert [number for number, verdict in outcomes.items() if verdict is not Verdict.ACCEPTED] == [2, 3, 5]
        assert set(relay.accepted) == {f"r{n}@reader.test" for n in (0, 1, 4, 6, 7)}
        assert relay.connections == 1


def test_a_354_after_a_refused_recipient_gets_a_lone_dot_that_counts_for_nobody() -> None:
    with Sink(eager=True, refuse=lambda recipient: "550 5.1.1 no" if recipient.startswith("r1") else "") as sink:
        outcomes = deliver(at(sink), mails(13))
        refused = [number for number, verdict in outcomes.items() if verdict is Verdict.REFUSED]
        assert refused == [1, 10, 11, 12]
        assert len(sink.accepted) == 9
        assert sink.empty == 4
        assert sink.connections == 1


def test_with_pipelining_a_mail_costs_one_round_trip_and_without_it_four() -> None:
    reads: Counter[bool] = Counter()
    for pipelining in (True, False):
        with Sink(pipelining=pipelining) as sink:
            connection = Connection(at(sink))
            sends = connection._wire.send

            def counted(data: bytes, timeout: float, sends=sends, pipelining: bool = pipelining) -> None:  # type: ignore[no-untyped-def]
                reads[pipelining] += 1
                sends(data, timeout)

            connection._wire.send = counted  # type: ignore[method-assign]
            assert len(list(connection.deliver(mails(10)))) == 10
            connection.quit()
    assert (reads[True], reads[False]) == (11 + 1, 40 + 1)  # and QUIT


def test_a_password_is_accepted_by_plain_and_by_login(monkeypatch: pytest.MonkeyPatch) -> None:
    for exclude in (None, ["PLAIN"]):
        with Relay(login=("ada", "pässword"), auth_exclude_mechanism=exclude) as relay:
            address = at(relay, username="ada", password="pässword")
            assert set(deliver(address, mails(2)).values()) == {Verdict.ACCEPTED}
            assert relay.logins == [b"LOGIN" if exclude else b"PLAIN"]


def test_a_wrong_password_or_none_is_trouble_and_refuses_nobody() -> None:
    with Relay(login=("ada", "secret")) as relay:
        with pytest.raises(RelayTrouble, match="535"):
            deliver(at(relay, username="ada", password="wrong"), mails(2))
        with pytest.raises(RelayTrouble, match="530"):
            deliver(at(relay), mails(2))
        assert relay.accepted.total() == 0


def test_a_relay_without_log_in_gets_no_password(relay: Relay) -> None:
    with pytest.raises(RelayTrouble, match="no log-in"):
        deliver(at(relay, username="ada", password="secret"), mails(1))


@pytest.mark.parametrize("implicit", [True, False])
def test_a_relay_that_proves_who_it_is_is_trusted(monkeypatch: pytest.MonkeyPatch, implicit: bool) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with Relay(tls=server_tls(), smtps=implicit, require_starttls=not implicit) as relay:
        address = at(relay, host="localhost", implicit_tls=implicit, starttls="required")
        assert set(deliver(address, mails(3)).values()) == {Verdict.ACCEPTED}
        assert relay.connections == 1


@pytest.mark.parametrize("implicit", [True, False])
def test_a_relay_that_cannot_prove_who_it_is_gets_nothing(implicit: bool) -> None:
    with Relay(tls=server_tls(), smtps=implicit) as relay:
        address = at(relay, host="localhost", implicit_tls=implicit, starttls="required")
        with pytest.raises(RelayTrouble, match=r"certificate does not hold: self[- ]signed"):
            deliver(address, mails(1))
        assert relay.accepted.total() == 0


def test_a_certificate_for_another_name_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with Relay(tls=server_tls(), smtps=True) as relay, pytest.raises(RelayTrouble, match="certificate does not hold"):
        deliver(at(relay, host="127.0.0.1", implicit_tls=True), mails(1))


def test_opportunistic_encryption_asks_no_names_and_does_without_where_there_is_none(relay: Relay) -> None:
    with Relay(tls=server_tls(), require_starttls=True) as secret:
        assert set(deliver(at(secret, starttls="opportunistic"), mails(1)).values()) == {Verdict.ACCEPTED}
    assert set(deliver(at(relay, starttls="opportunistic"), mails(1)).values()) == {Verdict.ACCEPTED}
    with pytest.raises(RelayTrouble, match="does not offer STARTTLS"):
        deliver(at(relay, starttls="required"), mails(1))


def test_a_relay_that_speaks_no_tls_is_trouble(relay: Relay) -> None:
    with pytest.raises(RelayTrouble, match="TLS handshake failed"):
        deliver(at(relay, implicit_tls=True), mails(1))


def test_letters_outside_ascii_go_where_the_relay_can_carry_them(relay: Relay) -> None:
    zoe = Envelope(1, "notes@blog.test", "zoë@reader.test", BODY)
    assert deliver(at(relay), iter([zoe])) == {1: Verdict.REFUSED}
    with Relay(enable_SMTPUTF8=True) as modern:
        assert deliver(at(modern), iter([zoe, Envelope(2, "notes@blog.test", "ada@bücher.test", BODY)])) == {
            1: Verdict.ACCEPTED,
            2: Verdict.ACCEPTED,
        }
        assert set(modern.accepted) == {"zoë@reader.test", "ada@xn--bcher-kva.test"}
        assert ["SMTPUTF8" in options for options in modern.mail_options] == [True, False]


def test_a_connection_that_breaks_within_a_body_leaves_no_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body larger than all buffers between us: the final dot cannot have left."""
    monkeypatch.setattr(wire, "TICK", 0.05)
    with Sink() as sink:
        big = b"Subject: x\r\n\r\n" + b"y" * 60_000_000 + b"\r\n"
        connection = Connection(at(sink))
        tick = iter([""] * 3)

        def hang_up_soon() -> str:
            if next(tick, None) is None:
                sink.stop()
            return ""

        connection._wire._tick = hang_up_soon
        sink.hold_body = True
        ((_, outcome),) = list(connection.deliver(mails(1, big)))
        assert outcome.verdict is Verdict.TROUBLE
        assert not connection.alive


def test_a_relay_that_does_not_answer_in_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(smtp.TIMEOUTS, Phase.DOT, 0.3)
    monkeypatch.setattr(wire, "TICK", 0.05)
    with Sink(delay=1.0) as sink:
        connection = Connection(at(sink))
        began = time.monotonic()
        outcomes = [outcome.verdict for _, outcome in connection.deliver(mails(2))]
        assert outcomes == [Verdict.IN_DOUBT, Verdict.TROUBLE]
        assert time.monotonic() - began < 0.9


def test_who_is_told_to_stop_leaves_a_silent_relay_and_says_what_is_in_doubt() -> None:
    with Sink(delay=5.0) as sink:
        engine = Engine(at(sink))
        began = time.monotonic()
        engine.tick = lambda: "the worker was told to stop" if time.monotonic() - began > 0.2 else ""
        outcomes = [(envelope.key, outcome.verdict) for envelope, outcome in engine.deliver(mails(3))]
        assert outcomes == [(0, Verdict.IN_DOUBT)]
        assert time.monotonic() - began < 2
        engine.close()


def test_a_connection_is_recycled_after_so_many_mails(relay: Relay) -> None:
    engine = Engine(at(relay), recycle_after=4)
    assert len(list(engine.deliver(mails(10)))) == 10
    engine.close()
    assert relay.connections == 3
    assert set(relay.accepted.values()) == {1}


def test_a_relay_that_breaks_every_connection_is_trouble_and_what_is_in_doubt_is_said() -> None:
    with Relay() as relay:
        relay.hang_up_after_dot = Counter({f"r{n}@reader.test": 1 for n in range(10)})
        engine = Engine(at(relay))
        said = []
        with pytest.raises(RelayTrouble):
            for envelope, outcome in engine.deliver(mails(10)):
                said.append((envelope.key, outcome.verdict))  # kept although it raises
        assert said == [(n, Verdict.IN_DOUBT) for n in range(3)]
        engine.close()


def test_an_idle_connection_that_the_relay_has_closed_costs_nothing(relay: Relay) -> None:
    engine = Engine(at(relay))
    assert len(list(engine.deliver(mails(1)))) == 1
    relay.stop()
    relay.start()
    assert [outcome.verdict for _, outcome in engine.deliver(mails(2))] == [Verdict.ACCEPTED] * 2
    engine.close()


@dataclass(slots=True)
class Perhaps(Envelope):
    """A mail that is not to be sent any more as soon as something is so."""

    gone: Callable[[], bool] = lambda: False

    @property
    def is_void(self) -> bool:
        return self.gone()


@pytest.mark.parametrize("fault", ["slowed", "hung up on"])
def test_what_came_back_does_not_leave_when_it_is_somebody_elses_by_then(fault: str, relay: Relay) -> None:
    if fault == "slowed":
        relay.too_fast, gone = 1, lambda: bool(relay.accepted)
    else:
        relay.hang_up_at_rcpt, gone = Counter({"r0@reader.test": 1}), lambda: relay.connections > 1
    first = Perhaps(0, "notes@blog.test", "r0@reader.test", BODY, gone=gone)
    outcomes = deliver(at(relay), chain([first], islice(mails(4), 1, None)))
    assert outcomes == dict.fromkeys((1, 2, 3), Verdict.ACCEPTED)
    assert relay.accepted == Counter({f"r{n}@reader.test": 1 for n in (1, 2, 3)})


def test_a_name_that_can_be_none_in_the_dns_is_trouble() -> None:
    with pytest.raises(RelayTrouble):
        Connection(Address("a" * 70 + ".test", 25))


def test_taking_leave_of_many_silent_relays_takes_no_longer_than_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "QUIT_TIMEOUT", 0.2)
    pairs = [socket.socketpair() for _ in range(8)]
    began = time.monotonic()
    opening.take_leave([ours for ours, _ in pairs])
    assert time.monotonic() - began < 1
    assert all(theirs.recv(100) == b"QUIT\r\n" for _, theirs in pairs)
    for _, theirs in pairs:
        theirs.close()
