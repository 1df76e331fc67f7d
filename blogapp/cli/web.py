"""The web server's process (granian), which `blogapp serve` starts.

`python -m blogapp.cli.web ADDRESS PORT THREADS LOG_FORMAT PARENT`
"""

import os
import signal
import sys
from functools import partial
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

from blogapp.cli.lifeline import die_with
from blogapp.core.logs import set_up_logs

# Long enough for a page that is being made, shorter than the supervisor's patience.
STOP_SECONDS = 5

# Granian's own words go where the rest goes; its start and stop are not worth a line each.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"_granian": {"handlers": [], "propagate": True}, "granian.access": {"handlers": [], "propagate": True}},
}


def application(threads: int) -> Any:
    """What granian's worker process runs; as many database connections wait in the pool as threads may want."""
    die_with(os.getppid(), signal.SIGKILL)
    # Only here: the process above this one has no use for them, and stays small.
    from blogapp.app import create_app, serve_quickly
    from blogapp.core import config

    settings = config.load()
    set_up_logs(settings.log_format)
    app = create_app(settings, pool_size=threads, max_overflow=threads)
    serve_quickly(app)
    return app


def run(address: str, port: int, threads: int, log_format: str) -> None:
    """Answer requests until SIGTERM, with at most `threads` of them inside Python at once."""
    set_up_logs(log_format)
    server = Server(
        "blogapp",
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        blocking_threads=threads,
        # Its warnings are opinions about the number of threads.
        log_level=LogLevels.error,
        log_dictconfig=LOGGING,
        workers_kill_timeout=STOP_SECONDS,
    )
    server.serve(target_loader=partial(application, threads), wrap_loader=False)


if __name__ == "__main__":
    _, listen, number, most, form, parent = sys.argv
    die_with(int(parent))
    run(listen, int(number), int(most), form)
