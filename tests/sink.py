"""A mail relay of the tests: takes everything and counts it, as fast or as slowly as it is told, in threads.

Small and on purpose no library: what it answers, and when, is what the tests are about. (tests/relay.py is aiosmtpd.)
"""

import contextlib
import socket
import socketserver
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable


class Sink(socketserver.ThreadingTCPServer):
    """Listens on 127.0.0.1 from the moment it is made; `with Sink() as sink:` ends it.

    Args:
        delay: seconds before the answer to each final dot.
        pipelining: whether EHLO offers it.
        refuse: a recipient's refusal, or "" to take it.
        eager: answer 354 to DATA even after a refused RCPT, as RFC 2920 §3.1 allows.
        on_accept: called with the recipient when a mail is taken, before the answer leaves.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        *,
        delay: float = 0.0,
        pipelining: bool = True,
        refuse: Callable[[str], str] = lambda recipient: "",
        eager: bool = False,
        port: int = 0,
        on_accept: Callable[[str], None] = lambda recipient: None,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Session)
        self.delay, self.pipelining, self.refuse, self.eager, self.on_accept = (
            delay,
            pipelining,
            refuse,
            eager,
            on_accept,
        )
        self.accepted: Counter[str] = Counter()
        self.messages: list[tuple[str, bytes]] = []
        self.keep_messages = True
        self.hold_body = False
        self.stopped = threading.Event()
        self.empty = 0
        self.connections = 0
        self.commands: list[str] = []
        self.lock = threading.Lock()
        self.sockets: set[socket.socket] = set()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """For BLOG_SMTP_URL."""
        return f"smtp://127.0.0.1:{self.server_address[1]}?starttls=never"

    @property
    def total(self) -> int:
        """How many mails were taken."""
        with self.lock:
            return self.accepted.total()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Listen no more and hang up on everybody."""
        self.stopped.set()
        self.shutdown()
        self.server_close()
        with self.lock:
            for one in self.sockets:
                with contextlib.suppress(OSError):
                    # A reset, as when a machine goes: the other end is not to wait for us to take what it sent.
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    one.shutdown(socket.SHUT_RD)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is no error."""


class _Session(socketserver.StreamRequestHandler):
    server: Sink
    disable_nagle_algorithm = True

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self) -> None:
        with self.server.lock:
            self.server.connections += 1
            self.server.sockets.add(self.request)
        self.recipient, self.refused = "", ""
        self.say("220 sink.test ESMTP")
        try:
            while line := self.rfile.readline():
                if not self.obey(line.decode().strip()):
                    return
        except (OSError, ValueError):
            pass
        finally:
            with self.server.lock:
                self.server.sockets.discard(self.request)

    def obey(self, line: str) -> bool:
        verb = line.split(" ")[0].upper()
        self.server.commands.append(verb)
        if verb == "EHLO":
            self.say("250-sink.test" if self.server.pipelining else "250 sink.test")
            if self.server.pipelining:
                self.say("250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES")
        elif verb == "RCPT":
            recipient = line.partition("<")[2].rpartition(">")[0]
            self.refused = self.server.refuse(recipient)
            self.recipient = "" if self.refused else recipient
            self.say(self.refused or "250 2.1.5 fine")
        elif verb == "DATA":
            if self.recipient or self.server.eager:
                self.say("354 go on")
                self.take()
            else:
                self.say("503 5.5.1 nobody to send it to")
        elif verb == "QUIT":
            self.say("221 2.0.0 bye")
            return False
        else:
            self.say("250 2.0.0 fine")
        return True

    def take(self) -> None:
        if self.server.hold_body:
            self.server.stopped.wait()
            raise OSError("gone")
        body = bytearray()
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return
            body += line[1:] if line.startswith(b".") else line
        if self.server.delay:
            time.sleep(self.server.delay)
        with self.server.lock:
            if not body or not self.recipient:
                self.server.empty += 1
            else:
                self.server.accepted[self.recipient] += 1
                if self.server.keep_messages:
                    self.server.messages.append((self.recipient, bytes(body)))
        if self.recipient:
            self.server.on_accept(self.recipient)
        self.say("250 2.0.0 taken" if self.recipient else "554 5.5.1 no valid recipients")
        self.recipient = ""
