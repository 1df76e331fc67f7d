"""An answer of another server has an end, however its bytes drip."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from threading import Event, Timer


@contextmanager
def hurry(connection: HTTPConnection, seconds: float) -> Iterator[None]:
    """Cut the connection if this takes longer: a timeout of a socket is only for the next bytes to come.

    Raises:
        TimeoutError: it did; what was cut off may pass for a whole answer.
    """
    late = Event()

    def cut() -> None:
        late.set()
        # It is closed already, or does not stand yet.
        with suppress(OSError, AttributeError):
            connection.sock.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, cut)
    timer.daemon = True  # A process that ends does not wait for it.
    timer.start()
    try:
        yield
    except (OSError, HTTPException):
        if not late.is_set():
            raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError("it took too long to answer")
