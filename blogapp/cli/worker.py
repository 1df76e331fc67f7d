"""`blogapp worker`: sends the digests and the single mails, and keeps the timetable."""

import gc
import os
import signal
import sys
import time

import click

from blogapp.cli.context import inside
from blogapp.cli.lifeline import die_with
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.logs import set_up_logs
from blogapp.scheduler import Worker

STOP_SECONDS = 5.0
TICK_SECONDS = 0.1


@click.command()
@click.option("--parent", type=int, hidden=True, help="End with this process (`blogapp serve` says its own id).")
def worker(parent: int | None) -> None:
    """Send mail and do the housekeeping, without a web server.

    `blogapp serve` runs one already. Several may run, on several hosts, where the database is PostgreSQL.

    \b
    Example:
      blogapp worker
    """
    if parent is not None:
        die_with(parent)
    asked_to_stop: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A list rather than an Event: setting an Event that the main thread waits for could lock it up.
        signal.signal(number, lambda received, _: asked_to_stop.append(received))
    with inside() as app:
        set_up_logs(settings().log_format)
        db.session.remove()
        # What has been imported stays: looking through it again and again costs a sending a twentieth of its time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 10, 10)  # and a sending makes much that is young and in no cycle
        running = Worker(app)
        running.start()
        while not asked_to_stop and not running.broken.is_set():
            time.sleep(TICK_SECONDS)
        ended = running.end(STOP_SECONDS)
    if not ended:
        # A thread hangs in a network call. What it had claimed is taken up again when its lease runs out.
        os._exit(1)
    sys.exit(0 if asked_to_stop else 1)
