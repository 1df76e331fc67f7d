"""Lines and bytes over one socket, with a deadline for each step and a heartbeat while waiting."""

import socket
import ssl
import time
from collections.abc import Callable

from blogapp.delivery.replies import Reply, parse_reply

# How often a wait is interrupted to see whether the worker is to stop or a lease needs renewing. Seconds.
TICK = 0.5
# RFC 5321 §4.5.3.1.5 allows 512 octets; some relays write essays. More than this is no mail relay.
LONGEST_LINE = 8192
MOST_LINES = 200
# A TLS record holds 16 kB: what a chunk has begun to send cannot be told apart any finer.
CHUNK = 16384

Listener = Callable[[str, bytes], None]


class BrokenConnection(Exception):
    """The other end went away, did not answer in time, or spoke something else. `str()` says which."""


class Wire:
    """A connected socket.

    Args:
        tick: called every half second while waiting; why to hang up, or "" to go on waiting.
        listen: told what is said: by whom ("we", "relay", "tls"), and the bytes. For `blogapp mail test`.
    """

    def __init__(self, sock: socket.socket, tick: Callable[[], str], listen: Listener | None = None) -> None:
        self._socket = sock
        self._tick = tick
        self._listen = listen
        self._buffer = b""
        sock.settimeout(TICK)
        # Commands and body leave in one write: waiting to fill a packet only costs time.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def local_address(self) -> str:
        """Our end's IP address."""
        return str(self._socket.getsockname()[0])

    def start_tls(self, context: ssl.SSLContext, host: str, timeout: float) -> None:
        """Go on encrypted.

        Raises:
            BrokenConnection: the handshake failed; the reason is OpenSSL's.
        """
        if self._buffer:
            # RFC 3207 §6: what was sent before the handshake could be anybody's (CVE-2011-0411).
            raise BrokenConnection("the relay sent something before the TLS handshake")
        self._socket.settimeout(timeout)
        try:
            self._socket = context.wrap_socket(self._socket, server_hostname=host)
        except ssl.SSLCertVerificationError as error:
            raise BrokenConnection(f"the relay's certificate does not hold: {error.verify_message}") from None
        except (OSError, ValueError) as error:
            raise BrokenConnection(f"the TLS handshake failed: {why(error)}") from None
        self._socket.settimeout(TICK)
        if self._listen:
            self._listen("tls", (self._socket.version() or "").encode())

    def send(self, data: bytes, timeout: float) -> None:
        """Send all of `data`; `timeout` is for each chunk (RFC 5321 §4.5.3.2.5).

        Raises:
            Unsent: with how many bytes may have left.
        """
        if self._listen:
            self._listen("we", data)
        view, left = memoryview(data), 0
        deadline = time.monotonic() + timeout
        while left < len(data):
            chunk = view[left : left + CHUNK]
            try:
                left += self._socket.send(chunk)
                deadline = time.monotonic() + timeout
            except TimeoutError:
                self._wait(deadline, "took nothing more", left + len(chunk))
            except OSError as error:
                raise Unsent(why(error), left + len(chunk)) from None

    def read_reply(self, timeout: float) -> Reply:
        """One whole reply (RFC 5321 §4.2.1).

        Raises:
            BrokenConnection: none came.
        """
        lines: list[bytes] = []
        deadline = time.monotonic() + timeout
        while not lines or lines[-1][3:4] == b"-":
            lines.append(self._read_line(deadline).rstrip(b"\r\n"))
            if len(lines) > MOST_LINES:
                raise BrokenConnection("the relay's answer has no end")
        try:
            return parse_reply(lines)
        except ValueError as error:
            raise BrokenConnection(str(error)) from None

    def read_line(self, timeout: float) -> bytes:
        """One line with its end.

        Raises:
            BrokenConnection: none came.
        """
        return self._read_line(time.monotonic() + timeout)

    def hand_over(self) -> tuple[socket.socket, bytes]:
        """The socket, and what was read ahead."""
        return self._socket, self._buffer

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _read_line(self, deadline: float) -> bytes:
        while b"\n" not in self._buffer:
            if len(self._buffer) > LONGEST_LINE:
                raise BrokenConnection("the relay's answer has no end")
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                self._wait(deadline, "did not answer in time", 0)
                continue
            except OSError as error:
                raise BrokenConnection(why(error)) from None
            if not data:
                raise BrokenConnection("the relay hung up")
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        if self._listen:
            self._listen("relay", line)
        return line + b"\n"

    def _wait(self, deadline: float, what: str, left: int) -> None:
        if time.monotonic() >= deadline:
            raise Unsent(f"the relay {what}", left)
        if reason := self._tick():
            raise Unsent(reason, left)


class Unsent(BrokenConnection):
    """The connection broke while sending; of the data at most the first `left` bytes may have left."""

    def __init__(self, why: str, left: int) -> None:
        super().__init__(why)
        self.left = left


def connect(host: str, port: int, timeout: float) -> socket.socket:
    """Open a TCP connection.

    Raises:
        BrokenConnection: nobody is there.
    """
    try:
        return socket.create_connection((host, port), timeout)
    except (OSError, UnicodeError) as error:  # The latter: a name that cannot be one in the DNS.
        raise BrokenConnection(f"cannot connect to {host}:{port}: {why(error)}") from None


def why(error: Exception) -> str:
    """What went wrong with a socket, in the system's words."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or str(error) or error.__class__.__name__
