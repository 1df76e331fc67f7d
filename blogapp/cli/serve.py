"""`blogapp serve`: a small supervisor with two children, the web server and the worker, which die with it.

It imports none of the application, so it costs 20 MB rather than 60; `blogapp check` looks at the settings and the
database in a process of its own before anything starts.
"""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

import click

from blogapp.cli import Refused
from blogapp.cli.supervisor import Supervisor
from blogapp.core.logs import set_up_logs

log = logging.getLogger("blogapp.serve")
LOCAL = ("127.0.0.1", "localhost", "::1")
PYTHON = [sys.executable, "-m"]


@click.command(
    epilog="Behind a reverse proxy keep the host and set BLOG_TRUSTED_PROXIES; docs/operations.md has examples."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--no-worker", is_flag=True, help="Web only: the worker runs elsewhere (`blogapp worker`).")
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1, 64), help="Requests answered at once.")
def serve(host: str, port: int, no_worker: bool, threads: int) -> None:
    """Run the site: the web server and the worker that sends mail.

    \b
    Examples:
      blogapp serve
      blogapp serve --host 0.0.0.0 --port 8080 --threads 8
      blogapp serve --no-worker
    """
    facts = _check()
    set_up_logs(facts["log_format"])
    address = _free_address(host, port)
    me = str(os.getpid())
    programs = {"web": [*PYTHON, "blogapp.cli.web", address, str(port), str(threads), facts["log_format"], me]}
    if not no_worker:
        programs["worker"] = [*PYTHON, "blogapp", "worker", "--parent", me]
    supervisor = Supervisor(programs)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, supervisor.stop)
    threading.Thread(target=_announce, args=(host, address, port, facts["base_url"]), daemon=True).start()
    supervisor.run()


def _check() -> dict[str, str]:
    """Settings and schema, looked at by another process.

    Raises:
        Refused: they are not fit; the message is that process's own line.
    """
    done = subprocess.run([*PYTHON, "blogapp", "check", "--json"], capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["blogapp check failed without a word"]
        if len(lines) > 1:
            click.echo(done.stderr, err=True, nl=False)
        raise Refused(lines[-1].removeprefix("blogapp: "))
    facts: dict[str, str] = json.loads(done.stdout)
    return facts


def _free_address(host: str, port: int) -> str:
    """The IP address of `host`; nobody listens there yet (the server shares its port, so it would not notice).

    Raises:
        Refused: somebody does, or this machine may not listen there.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, _, _, address = found[0]
        with socket.socket(family, kind) as probe:
            # A port whose last connections are still dying (TIME_WAIT) is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise Refused(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another with --port.") from None
    return str(address[0])


def _announce(host: str, address: str, port: int, base_url: str) -> None:
    """Say where the site is, once it answers."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104  # only said, never bound to
    while not _answers(here, port):
        time.sleep(0.05)
    shown = f"[{host}]" if ":" in host else host
    log.info("listening on http://%s:%d; readers reach it at %s", shown, port, base_url)
    base = urlsplit(base_url)
    if base.hostname in LOCAL and base.port != port:
        log.warning("links in mails lead to %s: set BLOG_BASE_URL to where the site is", base_url)


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=5) as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False
