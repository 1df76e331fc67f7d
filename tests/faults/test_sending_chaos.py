"""A whole sending over eight connections, with faults of the relay, the line and the worker thrown with a die.

However they fall, it ends; the books add up to the candidates, each with a reason; nobody is lost; and whoever got it
twice had been in doubt.
"""

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from blogapp.auth.models import Member
from blogapp.core.db import db
from tests.faults.dice import throw
from tests.faults.sending import READERS, is_sent, readers, working
from tests.rogue import Rogue
from tests.worker import exceptions, how_far, let_time_pass, publish_draft

EIGHT = 8
SEEDS = 3
# Seconds until the relay is itself again, and after that until everything must be over.
WILD, CALM = 2.0, 30.0


@pytest.fixture
def chosen(rogue: Rogue) -> dict[str, Any]:
    return {"smtp_url": rogue.url, "mail_connections": EIGHT}


@pytest.fixture
def rogue() -> Iterator[Rogue]:
    with Rogue() as rogue:
        yield rogue
        assert rogue.state["blamed"] == {}


def make_trouble(rogue: Rogue, dice: random.Random) -> int:
    """Until `WILD` is over. Returns how often a mail may have been taken whose answer was never heard."""
    until, unheard = time.monotonic() + WILD, 0
    while time.monotonic() < until:
        time.sleep(dice.uniform(0.05, 0.4))
        match dice.choice(("hang up", "leave", "time passes", "time passes")):
            case "hang up":
                rogue.hang_up()
                unheard += EIGHT
            case "leave":
                rogue.leave()
                unheard += EIGHT
                time.sleep(dice.uniform(0, 0.2))
                rogue.come_back()
            case _:
                with contextlib.suppress(Exception):
                    let_time_pass()
    return unheard + sum(int(times) for times in rogue.state["fired"])


@pytest.mark.parametrize("seed", range(SEEDS))
def test_however_the_faults_fall_a_sending_ends_and_its_books_add_up(
    app: Flask, bob: Member, rogue: Rogue, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    dice = random.Random(seed)
    print("seed", seed)
    everybody = readers(READERS, other=4)
    mood = {"pipelining": dice.random() < 0.7, "eager": dice.random() < 0.5, "most": dice.choice((0, 3))}
    rogue.change(*throw(dice, 8), **mood, delay=0.005)
    with working(app, monkeypatch):
        post = publish_draft(bob)
        unheard = make_trouble(rogue, dice)
        rogue.change(most=0, delay=0)
        deadline = time.monotonic() + CALM
        while not is_sent(post):
            assert time.monotonic() < deadline, (seed, how_far(post), threading.enumerate())
            with contextlib.suppress(Exception):
                let_time_pass()
            time.sleep(0.05)
    db.session.rollback()
    found, accepted = how_far(post), rogue.accepted
    refused = {name for name, row in exceptions().items() if row.state == "refused"}
    held = {name for name, row in exceptions().items() if row.state == "in_doubt"}
    assert all(row.reply for row in exceptions().values()), seed
    assert (found.candidates, found.waiting, found.skipped) == (READERS, 0, 0), seed
    assert (found.refused, found.in_doubt) == (len(refused), len(held)), seed
    reached = {address.partition("@")[0] for address in accepted}
    names = {address.partition("@")[0] for address in everybody}
    assert names - refused - held <= reached, (seed, names - refused - held - reached)
    assert accepted.total() - len(accepted) <= unheard, (seed, unheard)
    assert len({mail[:2] for mail in rogue.mails()}) == len(accepted), seed  # a repeat is the same mail
