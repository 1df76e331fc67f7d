"""One SMTP connection (RFC 5321): blocking, pipelined where the relay offers it (RFC 2920), step by step where not.

smtplib cannot pipeline. Here one write carries a message's body, its final dot and the next message's MAIL, RCPT and
DATA, so that a message costs one round trip.
"""

import base64
import socket
from collections.abc import Callable, Generator, Iterator

from blogapp.delivery.envelopes import BadEnvelope, Envelope, Options, mail_commands, with_dot
from blogapp.delivery.relay import Relay
from blogapp.delivery.replies import Outcome, Phase, Reply, Verdict, judge
from blogapp.delivery.wire import BrokenConnection, Listener, Unsent, Wire, connect

# Seconds, RFC 5321 §4.5.3.2. Connecting itself is not in there.
TIMEOUTS = {
    Phase.CONNECT: 300,
    Phase.HELLO: 300,
    Phase.TLS: 120,
    Phase.LOGIN: 300,
    Phase.RESET: 300,
    Phase.MAIL: 300,
    Phase.RCPT: 300,
    Phase.DATA: 120,
    Phase.BODY: 180,
    Phase.DOT: 600,
}
CONNECT_TIMEOUT = 15
HANDSHAKE_TIMEOUT = 30
QUIT_TIMEOUT = 2

Result = tuple[Envelope, Outcome]
Commands = list[tuple[Phase, bytes]]


class RelayTrouble(Exception):
    """The relay cannot be used: nobody there, no trust, no log-in. `str()` is the reason, for people."""


class Connection:
    """An open, greeted and, where asked for, encrypted and logged-in connection.

    Args:
        tick: called every half second while waiting and before each body; why to hang up, or "" to go on.
        listen: told what is said (see `Wire`).

    Raises:
        RelayTrouble: it cannot be had.
    """

    def __init__(self, relay: Relay, tick: Callable[[], str] = lambda: "", listen: Listener | None = None) -> None:
        self.relay = relay
        self.alive = True
        self.accepted = 0
        self._tick = tick
        self._unfinished = False  # a transaction that failed after MAIL: RSET before the next one
        self.options = Options()
        try:
            self._wire = Wire(connect(relay.host, relay.port, CONNECT_TIMEOUT), tick, listen)
        except BrokenConnection as error:
            raise RelayTrouble(str(error)) from None
        try:
            self._set_up()
        except BrokenConnection as error:
            self.hang_up()
            raise RelayTrouble(f"{relay.host}: {error}") from None
        except BaseException:
            self.hang_up()
            raise

    def deliver(self, envelopes: Iterator[Envelope]) -> Generator[Result]:
        """Send each envelope; give back what became of it as soon as that is known.

        Each one pulled gets exactly one outcome; TROUBLE means that it has certainly not been accepted. At most one is
        pulled ahead of the one being sent. Ends early, with `alive` false, when the connection is no longer usable.
        """
        ready: Envelope | None = None  # the relay waits for its body
        try:
            while self.alive:
                upcoming = yield from self._pull(envelopes)
                if ready is None and upcoming is None:
                    return
                ready = yield from self._step(ready, upcoming)
        finally:
            if ready is not None:
                # Whoever listens has gone: an open DATA cannot be taken back, and a dot would send an empty mail.
                self.hang_up()

    def quit(self) -> None:
        """Take leave, without waiting long for the answer."""
        if self.alive:
            try:
                self._wire.send(b"QUIT\r\n", QUIT_TIMEOUT)
                self._wire.read_reply(QUIT_TIMEOUT)
            except BrokenConnection:
                pass
        self.hang_up()

    def hang_up(self) -> None:
        """Close at once."""
        self.alive = False
        self._wire.close()

    # Setting up

    def _set_up(self) -> None:
        if self.relay.implicit_tls:
            self._wire.start_tls(self.relay.tls_context(), self.relay.host, HANDSHAKE_TIMEOUT)
        self._expect(b"", Phase.CONNECT)
        self._hello()
        if not self.relay.implicit_tls and self.relay.starttls != "never":
            self._start_tls()
        if self.relay.username:
            self._log_in()

    def _hello(self) -> None:
        # RFC 5321 §4.1.4: a name that is not fully qualified says nothing; an address literal does.
        name = socket.gethostname()
        name = name if "." in name and name.isascii() else _literal(self._wire.local_address)
        self._wire.send(f"EHLO {name}\r\n".encode("ascii"), TIMEOUTS[Phase.HELLO])
        reply = self._wire.read_reply(TIMEOUTS[Phase.HELLO])
        if 500 <= reply.code <= 599:
            self._expect(f"HELO {name}\r\n".encode("ascii"), Phase.HELLO)
            self.options = Options()
            return
        self._check(reply, Phase.HELLO)
        self.options = Options.from_ehlo(reply.text)

    def _start_tls(self) -> None:
        if not self.options.starttls:
            if self.relay.starttls == "required":
                raise RelayTrouble(f"{self.relay.host} does not offer STARTTLS, and the setting requires it")
            return
        self._expect(b"STARTTLS\r\n", Phase.TLS)
        self._wire.start_tls(self.relay.tls_context(), self.relay.host, HANDSHAKE_TIMEOUT)
        self._hello()  # RFC 3207 §4.2: what was offered before the handshake counts no more

    def _log_in(self) -> None:
        name, password = self.relay.username.encode(), self.relay.password.encode()
        if "PLAIN" in self.options.auth:
            self._expect(b"AUTH PLAIN " + base64.b64encode(b"\0" + name + b"\0" + password) + b"\r\n", Phase.LOGIN)
        elif "LOGIN" in self.options.auth:
            self._expect(b"AUTH LOGIN\r\n", Phase.LOGIN, 334)
            self._expect(base64.b64encode(name) + b"\r\n", Phase.LOGIN, 334)
            self._expect(base64.b64encode(password) + b"\r\n", Phase.LOGIN)
        else:
            raise RelayTrouble(f"{self.relay.host} offers no log-in that we know (AUTH PLAIN or LOGIN)")

    def _expect(self, command: bytes, phase: Phase, code: int | None = None) -> None:
        if command:
            self._wire.send(command, TIMEOUTS[phase])
        self._check(self._wire.read_reply(TIMEOUTS[phase]), phase, code)

    def _check(self, reply: Reply, phase: Phase, code: int | None = None) -> None:
        if reply.code != code if code else not 200 <= reply.code <= 299:
            raise RelayTrouble(f"{self.relay.host}: {judge(reply, phase).reply}")

    # Sending

    def _pull(self, envelopes: Iterator[Envelope]) -> Generator[Result, None, Envelope | None]:
        """The next envelope that can be sent at all over this connection."""
        for envelope in envelopes:
            try:
                self.options.check(envelope)
            except BadEnvelope as error:
                yield envelope, Outcome(Verdict.REFUSED, str(error))
                continue
            return envelope
        return None

    def _step(self, ready: Envelope | None, upcoming: Envelope | None) -> Generator[Result, None, Envelope | None]:
        """Send the body of `ready` and open `upcoming`; the one whose body the relay then waits for."""
        body = with_dot(ready.message) if ready else b""
        commands = self._commands(upcoming) if upcoming else []
        written = body + b"".join(line for _, line in commands) if self.options.pipelining else body
        broken = self._send(written)
        if ready is not None:
            if broken is None:
                outcome = self._read_outcome()
            else:
                self.alive = False
                left = broken.left if isinstance(broken, Unsent) else 0
                outcome = judge(Reply(0, "", str(broken)), Phase.DOT if left >= len(body) else Phase.BODY)
            yield ready, outcome
        if upcoming is None:
            return None
        if not self.alive or broken is not None:
            self.hang_up()
            yield upcoming, judge(Reply(0, "", str(broken or "the connection broke before it")), Phase.MAIL)
            return None
        refusal = self._open(commands)
        if refusal is None:
            return upcoming
        yield upcoming, refusal
        return None

    def _commands(self, envelope: Envelope) -> Commands:
        commands = mail_commands(envelope, self.options)
        if self._unfinished:
            commands.insert(0, (Phase.RESET, b"RSET\r\n"))
            self._unfinished = False
        return commands

    def _send(self, data: bytes) -> BrokenConnection | None:
        if not data:
            return None
        try:
            if why := self._tick():
                raise Unsent(why, 0)
            self._wire.send(data, TIMEOUTS[Phase.BODY])
        except BrokenConnection as broken:
            self.hang_up()
            return broken
        return None

    def _read_outcome(self) -> Outcome:
        try:
            reply = self._wire.read_reply(TIMEOUTS[Phase.DOT])
        except BrokenConnection as broken:
            self.hang_up()
            reply = Reply(0, "", str(broken))
        if reply.code == 421:
            self.hang_up()
        outcome = judge(reply, Phase.DOT)
        self.accepted += outcome.verdict is Verdict.ACCEPTED
        return outcome

    def _open(self, commands: Commands) -> Outcome | None:
        """Read (or, without pipelining, exchange) a transaction's first steps; None: the relay waits for the body."""
        refusal: Outcome | None = None
        reply = Reply(0)
        for phase, line in commands:
            try:
                if not self.options.pipelining:
                    self._wire.send(line, TIMEOUTS[phase])
                reply = self._wire.read_reply(TIMEOUTS[phase])
            except BrokenConnection as broken:
                self.hang_up()
                return refusal or judge(Reply(0, "", str(broken)), phase)
            if reply.code == 421:
                self.hang_up()
                return refusal or judge(reply, phase)
            if phase is Phase.RESET or reply.code == 354 or (phase is not Phase.DATA and 200 <= reply.code <= 299):
                continue
            refusal = refusal or judge(reply, phase)
            if not self.options.pipelining:
                break
        if refusal is not None:
            self._leave_transaction(reply)
        return refusal

    def _leave_transaction(self, last: Reply) -> None:
        """After a refusal. A DATA that was on its way may have got a 354 all the same: a lone dot answers it, and
        whatever is said to that counts for nobody (RFC 2920 §3.1)."""
        if last.code != 354:
            self._unfinished = True
            return
        try:
            self._wire.send(b".\r\n", TIMEOUTS[Phase.BODY])
            self._wire.read_reply(TIMEOUTS[Phase.DOT])
        except BrokenConnection:
            self.hang_up()


def _literal(address: str) -> str:
    return f"[IPv6:{address.partition('%')[0]}]" if ":" in address else f"[{address}]"
