"""The worker's two long-lived loops. Apart, so that a password reset never waits behind a digest.

`scheduler.py` starts each in a thread and wakes it; safety lives in the claims, so any number of them may run.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from flask import Flask

from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.delivery import outbox
from blogapp.delivery.engine import Engine
from blogapp.delivery.owners import owner_name
from blogapp.delivery.relay import parse_relay
from blogapp.delivery.smtp import RelayTrouble
from blogapp.delivery.wake import Waker
from blogapp.digest import planning
from blogapp.digest.instance import may_send
from blogapp.digest.sending import new_engine, send_some

log = logging.getLogger(__name__)

# How long a loop sleeps when nothing wakes it, and after an error, in seconds.
NAP = 5.0
AFTER_ERROR = 2.0
AFTER_TROUBLE = 5.0


def run_digests(app: Flask, stop: threading.Event, wake: Waker) -> None:
    """Begin what is due and send it, until `stop` is set; then settle what is in flight and return within seconds."""
    owner = owner_name("digests")

    def work(engine: Engine) -> bool:
        return send_some(owner, stop, engine)

    _run(app, stop, wake, work, planning.next_due, new_engine)


def run_outbox(app: Flask, stop: threading.Event, wake: Waker) -> None:
    """The same for single mails."""
    owner = owner_name("outbox")

    def work(engine: Engine) -> bool:
        try:
            return outbox.dispatch(owner, stop, engine) > 0
        except RelayTrouble:
            stop.wait(AFTER_TROUBLE)
            return False

    _run(app, stop, wake, work, outbox.next_due, lambda: Engine(parse_relay(settings().smtp_url)))


def _run(
    app: Flask,
    stop: threading.Event,
    wake: Waker,
    work: Callable[[Engine], bool],
    next_due: Callable[[], datetime | None],
    connect: Callable[[], Engine],
) -> None:
    with app.app_context():
        engine = connect()
        try:
            while not stop.is_set():
                try:
                    nap = NAP if not may_send() else 0.0 if work(engine) else _nap(next_due())
                except Exception:
                    # A database that is away, a bug: say so, and look again. Claims are taken up where they were.
                    log.exception("a loop of the worker stumbled")
                    nap = AFTER_ERROR
                finally:
                    db.session.remove()
                if nap:
                    engine.close()
                    wake.wait(nap, stop)
        finally:
            engine.close()
            wake.close()


def _nap(due: datetime | None) -> float:
    """Seconds until something is due, at most NAP."""
    return NAP if due is None else min(max((due - now()).total_seconds(), 0.01), NAP)
