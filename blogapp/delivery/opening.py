"""Connections opened, and taken leave of, beside the engine's loop: these have many steps, and each may take minutes.

Each in a short-lived thread with the blocking code of `smtp.py`; the loop is woken when one is done.
"""

import contextlib
import logging
import socket
import threading
import time
from collections import deque

from blogapp.delivery.relay import Relay
from blogapp.delivery.smtp import QUIT_TIMEOUT, Connection, RelayTrouble
from blogapp.delivery.wire import why

log = logging.getLogger(__name__)


class Openers:
    """Opens connections to one relay. `socket` becomes readable when `done` has something.

    Raises:
        RelayTrouble: this machine has no sockets left.
    """

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.pending = 0
        try:
            self.socket, self._bell = socket.socketpair()
        except OSError as error:
            raise RelayTrouble(f"no connection can be opened: {why(error)}") from None
        self.socket.setblocking(False)
        self._done: deque[Connection | RelayTrouble] = deque()
        self._given_up = threading.Event()

    def start(self) -> None:
        """Begin to open one more.

        Raises:
            RelayTrouble: this machine has no thread left for it.
        """
        try:
            threading.Thread(target=self._open, name="opener", daemon=True).start()
        except RuntimeError as error:
            raise RelayTrouble(f"no connection can be opened: {error}") from None
        self.pending += 1

    def done(self) -> list[Connection | RelayTrouble]:
        """What has come of them: open connections, or why not."""
        with contextlib.suppress(BlockingIOError):
            self.socket.recv(4096)
        found = self._take()
        self.pending -= len(found)
        return found

    def close(self) -> None:
        """Give up on those that are not open yet."""
        self._given_up.set()
        self._hang_up_all()
        self.socket.close()
        self._bell.close()

    def _take(self) -> list[Connection | RelayTrouble]:
        found: list[Connection | RelayTrouble] = []
        with contextlib.suppress(IndexError):
            while True:
                found.append(self._done.popleft())
        return found

    def _hang_up_all(self) -> None:
        for one in self._take():
            if isinstance(one, Connection):
                one.hang_up()

    def _open(self) -> None:
        found: Connection | RelayTrouble
        try:
            found = Connection(self.relay, lambda: "nobody waits for it any more" if self._given_up.is_set() else "")
        except RelayTrouble as trouble:
            found = trouble
        except Exception as error:  # Of no kind that we know: it must not cost what is in flight its outcome.
            log.exception("a connection cannot be opened")
            found = RelayTrouble(f"no connection can be opened: {error}")
        self._done.append(found)
        if self._given_up.is_set():
            self._hang_up_all()
        with contextlib.suppress(OSError):
            self._bell.send(b".")


def take_leave(sockets: list[socket.socket]) -> None:
    """Say QUIT over each, and wait for the answers a little while, all together."""
    until = time.monotonic() + QUIT_TIMEOUT
    for one in sockets:
        with contextlib.suppress(OSError):
            one.settimeout(_rest(until))
            one.sendall(b"QUIT\r\n")
    for one in sockets:
        with contextlib.suppress(OSError):
            one.settimeout(_rest(until))
            one.recv(512)
        one.close()


def _rest(until: float) -> float:
    """Seconds until then; at least a moment, since 0 would mean not to wait for what is there already."""
    return max(until - time.monotonic(), 0.001)


def take_leave_meanwhile(one: socket.socket) -> None:
    """The same for one, while the loop goes on."""
    try:
        threading.Thread(target=take_leave, args=([one],), name="farewell", daemon=True).start()
    except RuntimeError:  # This machine has no thread left for manners.
        one.close()
