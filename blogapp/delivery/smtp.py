"""One SMTP connection (RFC 5321), blocking: opened, greeted, encrypted, logged in, and used for a few mails.

What is said once it is open is `dialogue.py`'s; the engine opens its connections here and goes on by itself.
"""

import base64
import socket
from collections.abc import Callable, Generator, Iterator, Sequence

from blogapp.delivery.dialogue import Dialogue, Result
from blogapp.delivery.envelopes import BadEnvelope, Envelope, Options
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
    Phase.LONE: 600,
}
CONNECT_TIMEOUT = 15
HANDSHAKE_TIMEOUT = 30
QUIT_TIMEOUT = 2


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
        self._tick = tick
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
        dialogue = Dialogue(self.options)
        try:
            while self.alive and (data := (yield from self._turn(dialogue, envelopes))):
                yield from self._exchange(dialogue, data)
        finally:
            if dialogue.busy:
                # Whoever listens has gone: an open DATA cannot be taken back, and a dot would send an empty mail.
                self.hang_up()

    def hand_over(self) -> tuple[socket.socket, bytes]:
        """The socket, and what has been read ahead, to somebody who goes on by themselves."""
        self.alive = False
        return self._wire.hand_over()

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

    def _turn(self, dialogue: Dialogue, envelopes: Iterator[Envelope]) -> Generator[Result, None, bytes]:
        """What to write next; envelopes that cannot be sent at all over this connection are refused on the way."""
        while dialogue.takes_more and (envelope := next(envelopes, None)) is not None:
            try:
                return _joined(*dialogue.write(envelope))
            except BadEnvelope as error:
                yield envelope, Outcome(Verdict.REFUSED, str(error))
        return _joined(*dialogue.write(None))

    def _exchange(self, dialogue: Dialogue, data: bytes) -> list[Result]:
        """Write, and hear what is said to it."""
        results: list[Result] = []
        try:
            if why := self._tick():
                raise Unsent(why, 0)
            self._wire.send(data, TIMEOUTS[Phase.BODY])
        except Unsent as broken:
            self.hang_up()
            return dialogue.broken(str(broken), broken.left)
        try:
            while (phase := dialogue.awaited) is not None and not dialogue.over:
                results += dialogue.feed(self._wire.read_line(TIMEOUTS[phase]))
        except BrokenConnection as broken:
            self.hang_up()
            return results + dialogue.broken(str(broken), len(data))
        if dialogue.over:
            self.hang_up()
            results += dialogue.broken(dialogue.over, len(data))
        return results


def _joined(body: Sequence[bytes], commands: bytes) -> bytes:
    return b"".join((*body, commands))


def _literal(address: str) -> str:
    return f"[IPv6:{address.partition('%')[0]}]" if ":" in address else f"[{address}]"
