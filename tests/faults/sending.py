"""A whole sending under faults: to its end by itself, and what became of everybody."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import update

from blogapp.core.db import db, transaction
from blogapp.delivery.wake import DIGESTS, Waker
from blogapp.digest import worker
from blogapp.digest.progress import Progress
from blogapp.posts.models import Post
from blogapp.subscribing.models import Subscriber
from tests.rogue import Rogue
from tests.worker import exceptions, how_far, let_time_pass, many_subscribers, send_all

CONNECTIONS = 4
READERS = 240


def readers(count: int = READERS, **elsewhere: int) -> list[str]:
    """`r1@reader.test` …; of these, at `NAME.test` every so-manieth: `readers(240, busy=5)`."""
    addresses = many_subscribers(count)
    with transaction() as session:
        for domain, every in elsewhere.items():
            for number in range(every, count + 1, every):
                addresses[number - 1] = f"r{number}@{domain}.test"
                here = update(Subscriber).where(Subscriber.id == number)
                session.execute(here.values(address=addresses[number - 1]))
    return addresses


def run_to_the_end(post: Post, rounds: int = 8) -> Progress:
    """Send, and whenever nothing is left to do just now let the time pass that has to."""
    for _ in range(rounds):
        send_all()
        if (found := how_far(post)).state == "sent":
            return found
        let_time_pass()
    raise AssertionError(how_far(post))


def check_everybody(rogue: Rogue, addresses: list[str], twice: int = 0, but: frozenset[str] = frozenset()) -> None:
    """Everybody has the mail, at most `twice` a second time, which then is the same mail; `but` these have not."""
    mails = rogue.mails()
    assert {mail.recipient for mail in mails} == set(addresses) - but
    assert len(mails) - (len(addresses) - len(but)) <= twice
    assert len({mail[:2] for mail in mails}) == len(addresses) - len(but)
    everybody_else = set(exceptions()) & but
    assert all(exceptions()[name].reply for name in everybody_else)


@contextmanager
def working(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The worker's loop for digests, in a thread, as it runs in a worker; only that its naps are short."""
    monkeypatch.setattr(worker, "AFTER_ERROR", 0.05)
    monkeypatch.setattr(worker, "NAP", 0.1)
    stop = threading.Event()
    thread = threading.Thread(target=worker.run_digests, args=(app, stop, Waker(app, DIGESTS)))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(15)
        assert not thread.is_alive()


def wait_for(what: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def is_sent(post: Post) -> bool:
    """Whether it is over; what cannot be known just now is not."""
    with contextlib.suppress(Exception):
        db.session.rollback()
        return how_far(post).state == "sent"
    return False


def let_go() -> None:
    """Hold no lock of our own, and no connection that is dead."""
    with contextlib.suppress(Exception):
        db.session.rollback()


def goes_on_by_itself(post: Post) -> None:
    """All that is waited for is time."""

    def over() -> bool:
        let_go()
        with contextlib.suppress(Exception):
            let_time_pass()
        return is_sent(post)

    wait_for(over)
