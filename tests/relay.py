"""A mail relay of the tests, by aiosmtpd: somebody else's reading of RFC 5321, with faults on request.

Listens on a port of its own from the moment it is made; `stop` and `start` take it away and bring it back there.
"""

import asyncio
import contextlib
import email
import socket
import ssl
import threading
import warnings
from collections import Counter
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


class Relay:
    """The relay. Set its fields to have it misbehave.

    at_rcpt, at_dot: answers by recipient; at_dot_all: to everybody. say_421_after: mails a connection.
    refuse_connections_after: mails in all, then it is gone. hang_up_*: how often, by recipient. too_fast: how many
    MAILs are told to come more slowly.
    """

    def __init__(self, *, pipelining: bool = True, tls: ssl.SSLContext | None = None, smtps: bool = False,
                 login: tuple[str, str] | None = None, **server: Any) -> None:  # fmt: skip
        self.pipelining, self.tls, self.smtps, self.login, self.server = pipelining, tls, smtps, login, server
        self.at_rcpt: dict[str, str] = {}
        self.at_dot: dict[str, str] = {}
        self.at_dot_all = ""
        self.say_421_after = 0
        self.refuse_connections_after: int | None = None
        self.hang_up_at_rcpt: Counter[str] = Counter()
        self.hang_up_after_dot: Counter[str] = Counter()
        self.takes_before_hanging_up = False
        self.too_fast = 0
        self.accepted: Counter[str] = Counter()
        self.refused: list[str] = []  # at the dot
        self.bodies: dict[str, bytes] = {}
        self.mail_options: list[list[str]] = []
        self.message_ids: list[tuple[str, str]] = []
        self.connections = 0
        self.logins: list[bytes] = []
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listener: socket.socket | None = None
        self._welcomes: set[asyncio.Task[None]] = set()
        self._servers: list[SMTP] = []
        self.start()

    def __enter__(self) -> "Relay":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?starttls=never"

    def start(self) -> None:
        """Listen (again)."""
        self._do(self._start())

    def stop(self) -> None:
        """Listen no more, and hang up on everybody."""
        self._do(self._stop())

    def _do(self, what: Any) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _start(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._loop.add_reader(self._listener, self._accept, self._listener)

    def _accept(self, listener: socket.socket) -> None:
        # Not asyncio's own server, nor its sock_accept: those forget a connection which arrives while they are closed
        # or cancelled (Python 3.11).
        with contextlib.suppress(OSError):  # It was gone before it was taken.
            connection, _ = listener.accept()
            connection.setblocking(False)
            task = self._loop.create_task(self._welcome(connection))
            self._welcomes.add(task)
            task.add_done_callback(self._welcomes.discard)

    async def _welcome(self, connection: socket.socket) -> None:
        context = self.tls if self.smtps else None
        try:
            await self._loop.connect_accepted_socket(self._make, connection, ssl=context)
        except OSError:  # also a TLS handshake that failed
            connection.close()

    async def _stop(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        if self._welcomes:
            await asyncio.wait(self._welcomes, timeout=1)
        for server in self._servers:
            _hang_up(server)
        self._servers.clear()
        await asyncio.sleep(0.02)

    def _make(self) -> SMTP:
        options: dict[str, Any] = {"hostname": "relay.test", "loop": self._loop, **self.server}
        if self.login is not None:
            options |= {"authenticator": self._authenticate, "auth_required": True, "auth_require_tls": False}
        if self.tls is not None and not self.smtps:
            options |= {"tls_context": self.tls}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # It warns of log-ins without TLS: here nothing leaves the machine.
            server = SMTP(self, **options)
        self.connections += 1
        self._servers.append(server)
        return server

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.logins.append(mechanism.encode())
        good = self.login is not None and (data.login, data.password) == tuple(part.encode() for part in self.login)
        return AuthResult(success=good, handled=good)

    # aiosmtpd's hooks

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        extra = ["250-PIPELINING", "250-ENHANCEDSTATUSCODES"] if self.pipelining else []
        return [*responses[:-1], *extra, responses[-1]]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.too_fast:
            self.too_fast -= 1
            return "450 4.7.1 you are sending too fast"
        if self.say_421_after and getattr(session, "taken", 0) >= self.say_421_after:
            self._loop.call_later(0.01, _hang_up, server, True)
            return "421 4.3.2 enough for one connection"
        self.mail_options.append(list(options))
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 fine"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.hang_up_at_rcpt[address] > 0:
            self.hang_up_at_rcpt[address] -= 1
            _hang_up(server)
            return "250 never heard"
        if answer := self.at_rcpt.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        (recipient,) = envelope.rcpt_tos
        if answer := self.at_dot_all or self.at_dot.get(recipient):
            self.refused.append(recipient)
            return answer
        content = envelope.original_content or b""
        self.message_ids.append((recipient, str(email.message_from_bytes(content)["Message-ID"])))
        if self.hang_up_after_dot[recipient] > 0:
            self.hang_up_after_dot[recipient] -= 1
            self.accepted[recipient] += self.takes_before_hanging_up
            _hang_up(server)
            return "250 never heard"
        self.accepted[recipient] += 1
        self.bodies[recipient] = content
        session.taken = getattr(session, "taken", 0) + 1  # type: ignore[attr-defined]
        if self.refuse_connections_after is not None and self.accepted.total() >= self.refuse_connections_after:
            await server.push("250 2.0.0 taken, and good-bye")
            await self._stop()
        return "250 2.0.0 taken"


def _hang_up(server: SMTP, gently: bool = False) -> None:
    """Close the connection; gently: after what has been said."""
    if isinstance(server.transport, asyncio.Transport):
        # asyncio of Python 3.11.2 (Debian 12) has forgotten whose a TLS connection was once that is closed.
        with contextlib.suppress(AttributeError):
            server.transport.close() if gently else server.transport.abort()
