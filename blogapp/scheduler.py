"""The timetable, in one place: job -> use case -> how often. And the worker that keeps it.

APScheduler is the clock and nothing else. Its jobs live in memory, are defined here, and are safe to run twice or on
several hosts at once: what must happen once is claimed in the database.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection

from blogapp.auth.logins import forget_ended_logins
from blogapp.core import heartbeat, throttle
from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.core.variants import run_pictures
from blogapp.delivery.outbox import forget_old_mail
from blogapp.delivery.wake import DIGESTS, OUTBOX, Waker
from blogapp.digest.instance import look
from blogapp.digest.mail_in import look_for_mail
from blogapp.digest.scheduling import publish_due
from blogapp.digest.worker import run_digests, run_outbox
from blogapp.porting.jobs.claims import JOBS
from blogapp.porting.jobs.queue import forget_old_jobs
from blogapp.porting.jobs.running import run_jobs
from blogapp.posts.deleted import purge_deleted
from blogapp.posts.hub import ping_hub
from blogapp.posts.links import forget_unused_links
from blogapp.posts.monday import begin_week
from blogapp.posts.nudging import nudge
from blogapp.posts.outside import forget_outside_links, run_outside
from blogapp.subscribing.privacy import forget_pending

log = logging.getLogger("blogapp.worker")

SECOND, MINUTE, HOUR, DAY = 1, 60, 3600, 86400
# Housekeeping comes a little after the start, so that a worker which never lives for a day does it too.
SETTLED_SECONDS = 30


def process_name() -> str:
    """Who this process is, in heartbeats: `worker:<host>:<pid>`."""
    return f"worker:{socket.gethostname()}:{os.getpid()}"


@dataclass(frozen=True)
class Job:
    """A line of the timetable: `call` runs inside an application context, first after `first_seconds`.

    `threads`: which of the clock's; `network` is for what may wait long for somebody else's server.
    """

    name: str
    every_seconds: int
    call: Callable[[], Any]
    first_seconds: int = 0
    threads: str = "default"


def timetable(digests: Waker, outbox: Waker) -> list[Job]:
    """All that happens by the clock. Retries and due times are the loops' own: a wake-up makes them look."""
    return [
        #   name                     every                        use case             (first after)
        Job("wake digests",          SECOND,                      digests.wake),
        Job("wake outbox",           SECOND,                      outbox.wake),
        Job("ping hub",              3 * SECOND,                  ping_hub),
        Job("publish scheduled",     SECOND,                      publish_due),
        Job("heartbeat",             heartbeat.INTERVAL_SECONDS,  lambda: heartbeat.beat(process_name(), look())),
        Job("begin week",            MINUTE,                      begin_week),
        Job("nudge",                 3 * MINUTE,                  nudge),
        Job("sweep throttles",       HOUR,                        throttle.sweep,       SETTLED_SECONDS),
        Job("look for mail",         30 * SECOND,                 look_for_mail,        threads="network"),
        Job("forget ended log-ins",  DAY,                         forget_ended_logins,  SETTLED_SECONDS),
        Job("forget old mail",       DAY,                         forget_old_mail,      SETTLED_SECONDS),
        Job("forget pending",        DAY,                         forget_pending,       SETTLED_SECONDS),
        Job("purge deleted posts",   DAY,                         purge_deleted,        SETTLED_SECONDS),
        Job("forget old jobs",       DAY,                         forget_old_jobs,      SETTLED_SECONDS),
        Job("forget unused links",   DAY,                         forget_unused_links,  SETTLED_SECONDS),
        Job("forget outside links",  DAY,                         forget_outside_links, SETTLED_SECONDS),
    ]  # fmt: skip


def start_clock(app: Flask, jobs: list[Job]) -> BackgroundScheduler:
    """Begin to keep the timetable, in threads of its own; a job that fails says so in the log and comes again."""
    clock = BackgroundScheduler(
        executors={"default": ThreadPoolExecutor(3), "network": ThreadPoolExecutor(1)},
        # A worker that was suspended catches up once, however late, and never runs a job beside itself.
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone="UTC",
    )
    for job in jobs:
        first = now() + timedelta(seconds=job.first_seconds)
        clock.add_job(
            _in_context(app, job),
            "interval",
            seconds=job.every_seconds,
            next_run_time=first,
            id=job.name,
            executor=job.threads,
        )
    clock.start()
    return clock


def _in_context(app: Flask, job: Job) -> Callable[[], None]:
    def call() -> None:
        with app.app_context():
            job.call()

    return call


@dataclass
class Worker:
    """The loops that send mail and do long work, each in a thread, and the clock that wakes them."""

    app: Flask
    stop: threading.Event = field(default_factory=threading.Event)
    broken: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin. Returns at once."""
        with self.app.app_context():
            sync_fully(db.engine)
        wakers = {"digests": Waker(self.app, DIGESTS), "outbox": Waker(self.app, OUTBOX), "jobs": Waker(self.app, JOBS)}
        # An import's loop is its own: neither a digest nor a password reset ever waits behind one.
        loops = {"digests": run_digests, "outbox": run_outbox, "jobs": run_jobs, "pictures": run_pictures,
                 "outside links": run_outside}  # fmt: skip
        self.threads = [
            threading.Thread(target=self._run, args=(loops[name], wakers.get(name)), name=name) for name in loops
        ]
        for thread in self.threads:
            thread.start()
        try:
            self.clock = start_clock(self.app, timetable(wakers["digests"], wakers["outbox"]))
        except BaseException:
            self.stop.set()  # The loops would keep a process alive that has no clock.
            raise
        log.info("at work", extra={"worker": process_name()})

    def end(self, seconds: float) -> bool:
        """Let the loops and the jobs finish what they are at, for so long. Whether they did."""
        self.stop.set()
        jobs = threading.Thread(target=self.clock.shutdown, name="jobs", daemon=True)  # waits for those that run
        jobs.start()
        deadline = time.monotonic() + seconds
        for thread in (*self.threads, jobs):
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in (*self.threads, jobs))

    def _run(self, loop: Callable[[Flask, threading.Event, Any], None], waker: Waker | None) -> None:
        try:
            loop(self.app, self.stop, waker)
        except Exception:
            log.exception("a loop of the worker broke")
        finally:
            if not self.stop.is_set():
                # It ended by itself. A worker with one loop is worse than none: end, and be started again.
                self.broken.set()


def sync_fully(engine: Engine) -> None:
    """Have SQLite's commits survive a power cut: a delivery that was settled is never made a second time."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _synchronous_full)
        engine.dispose()  # the connections made before this


def _synchronous_full(connection: DBAPIConnection, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
