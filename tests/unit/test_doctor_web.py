"""Fetching our own pages as a stranger does: over TLS that holds, following nothing."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from blogapp.core.clock import now
from blogapp.digest.doctor.findings import Verdict
from blogapp.digest.doctor.web import Unreachable, certificate, fetch

CERTIFICATE = Path(__file__).parents[1] / "integration" / "localhost.pem"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/old" else 200)
        self.send_header("Location", "/new")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    """An https server for localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that does not trust us hangs up
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_what_comes_back(port: int) -> None:
    trusting = ssl.create_default_context(cafile=CERTIFICATE)
    answer = fetch(f"https://localhost:{port}/healthz", trusting)
    assert (answer.status, answer.body) == (200, b"ok\n")
    assert answer.date is not None
    assert abs(answer.date - now()) < timedelta(seconds=5)
    assert answer.certificate_ends == datetime(2126, 10, 30, 17, 52, 20, tzinfo=UTC)
    old = fetch(f"https://localhost:{port}/old", trusting)
    assert (old.status, old.location) == (302, "/new")


def test_a_certificate_that_nobody_vouches_for(port: int) -> None:
    with pytest.raises(Unreachable, match="certificate does not hold: self-signed"):
        fetch(f"https://localhost:{port}/")


def test_a_certificate_of_another_host(port: int) -> None:
    with pytest.raises(Unreachable, match="certificate does not hold"):
        fetch(f"https://127.0.0.1:{port}/", ssl.create_default_context(cafile=CERTIFICATE))


def test_nobody_there() -> None:
    with pytest.raises(Unreachable, match="refused"):
        fetch("http://127.0.0.1:1/")


@pytest.mark.parametrize(
    ("days", "proves", "verdict"),
    [
        (90, True, Verdict.OK),
        (5, True, Verdict.WARNING),
        (-1, True, Verdict.FAILED),
        (-1, False, Verdict.WARNING),
    ],
)
def test_how_long_a_certificate_holds(days: int, proves: bool, verdict: Verdict) -> None:
    ends = now() + timedelta(days=days, hours=1)
    assert certificate("x", ends, proves=proves).verdict is verdict
