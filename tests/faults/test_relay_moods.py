"""A relay that can be used, and is difficult: what it does to one mail, one connection or one domain is nobody else's
trouble, and everybody who is not refused has the mail in the end, once.
"""

from datetime import timedelta

import pytest
from flask import Flask

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.delivery.suppressions import suppressed
from tests.faults.sending import READERS, check_everybody, readers, run_to_the_end
from tests.rogue import Rogue, Rule
from tests.worker import exceptions, how_far, publish_draft, send_all

HOW_IT_SPEAKS = [
    Rule("RCPT", every=40, trickle=0.005),  # a byte at a time
    Rule("dot", every=40, trickle=0.005),
    Rule("dot", every=50, wait=0.15),
    Rule("MAIL", every=50, wait=0.15),
    Rule("dot", every=9, say="250-2.0.0 it is a fine mail\r\n250-2.0.0 indeed\r\n250 2.0.0 taken"),
    Rule("dot", every=8, say="250 2.0.0 gr\xfc\xdfe \xff"),
    Rule("dot", every=2, say="250"),
    Rule("MAIL", every=2, say="250"),
    Rule("DATA", every=2, say="354"),
]
SEVERAL_ANSWERS_AT_ONCE = [Rule("MAIL", every=3, glue=True), Rule("RCPT", every=5, glue=True)]
NO_ANSWERS = ("\xff\x00\x16\x03", "x" * 30_000, "999 no such code", "HTTP/1.1 400 Bad Request", "\r\n\r\n")


@pytest.mark.parametrize("pipelining", [True, False])
def test_some_are_refused_a_domain_is_put_off_and_the_others_have_it(
    app: Flask, bob: Member, rogue: Rogue, pipelining: bool
) -> None:
    everybody = readers(busy=6)
    busy = {address for address in everybody if address.endswith("@busy.test")}
    refusals = [
        Rule("RCPT", to=("r11@reader.test",), say="550 5.1.1 no such box"),
        Rule("RCPT", to=("r22@reader.test",), say="452 4.2.2 the box is full"),
        Rule("dot", to=("r33@reader.test",), say="554 5.6.0 we do not like it"),
        Rule("dot", to=("r44@reader.test",), say="451 4.3.0 later"),
    ]
    rogue.change(
        Rule("RCPT", to=("@busy.test",), say="451 4.4.1 nobody answers there"), *refusals, pipelining=pipelining
    )
    post, before = publish_draft(bob), now()
    send_all()
    found = how_far(post)
    assert (found.state, found.refused, found.waiting, found.in_doubt) == ("sending", 2, len(busy) + 2, 0)
    waiting = [row for row in exceptions().values() if row.state == "deferred"]
    assert all((row.due_at or before) - before >= timedelta(minutes=30) for row in waiting)
    rogue.change(*refusals[::2])
    found = run_to_the_end(post)
    assert (found.accepted, found.refused) == (READERS - 2, 2)
    assert dict(found.reasons) == {"550 5.1.1 no such box": 1, "554 5.6.0 we do not like it": 1}
    check_everybody(rogue, everybody, but=frozenset({"r11@reader.test", "r33@reader.test"}))
    assert suppressed(db.session(), "r11@reader.test") is not None


@pytest.mark.parametrize("eager", [True, False])
def test_a_recipient_refused_behind_a_body_costs_no_mail_of_its_neighbours(
    app: Flask, bob: Member, rogue: Rogue, eager: bool
) -> None:
    everybody = readers(120, dead=3)
    rogue.change(Rule("RCPT", to=("@dead.test",), say="550 5.1.1 no such box"), eager=eager)
    found = run_to_the_end(publish_draft(bob))
    assert (found.accepted, found.refused) == (80, 40)
    check_everybody(rogue, everybody, but=frozenset(a for a in everybody if a.endswith("@dead.test")))
    assert rogue.state["empty"] == (40 if eager else 0)


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_relay_that_has_enough_after_every_few_mails_gets_them_all(
    app: Flask, bob: Member, rogue: Rogue, pipelining: bool
) -> None:
    everybody = readers(120)
    rogue.change(Rule("MAIL", message=(13,), say="421 4.3.2 enough for one connection"), pipelining=pipelining)
    found = run_to_the_end(publish_draft(bob))
    assert (found.accepted, found.refused) == (120, 0)
    check_everybody(rogue, everybody)
    assert rogue.state["fired"][0] >= 120 // 12 - 4


def test_a_relay_that_says_421_to_a_mail_it_has_read_gets_that_again(app: Flask, bob: Member, rogue: Rogue) -> None:
    everybody = readers()
    rogue.change(Rule("dot", every=25, times=8, say="421 4.3.2 going down"))
    found = run_to_the_end(publish_draft(bob))
    assert found.accepted == READERS
    check_everybody(rogue, everybody)
    assert rogue.state["fired"] == [8]


def test_a_relay_that_wants_it_slower_gets_everything_slower(app: Flask, bob: Member, rogue: Rogue) -> None:
    everybody = readers(120)
    slower = ("450 4.7.1 too fast", "421 4.7.0 try again later", "452 4.5.3 too many at once")
    rogue.change(*(Rule("MAIL", skip=10 + 10 * n, every=30, times=2, say=said) for n, said in enumerate(slower)))
    found = run_to_the_end(publish_draft(bob))
    assert (found.accepted, found.refused) == (120, 0)
    check_everybody(rogue, everybody)
    assert rogue.state["fired"] == [2, 2, 2]


@pytest.mark.parametrize("pipelining", [True, False])
def test_however_the_relay_speaks_it_is_understood(app: Flask, bob: Member, rogue: Rogue, pipelining: bool) -> None:
    everybody = readers()
    rogue.change(*SEVERAL_ANSWERS_AT_ONCE[: 2 * pipelining], *HOW_IT_SPEAKS, pipelining=pipelining)
    found = run_to_the_end(publish_draft(bob), rounds=1)
    assert found.accepted == READERS
    check_everybody(rogue, everybody)
    assert all(rogue.state["fired"])


@pytest.mark.parametrize("then", ["reset", "close", "half-close"])
def test_a_connection_that_ends_before_the_final_dot_costs_nobody_their_mail(
    app: Flask, bob: Member, rogue: Rogue, then: str
) -> None:
    """Where the whole body has left before the connection ends we cannot know: in doubt, and not taken."""
    everybody = readers()
    steps = ("MAIL", "RCPT", "DATA", "body")
    rogue.change(*(Rule(at, skip=5 + 10 * n, every=40, times=2, then=then, bytes=200) for n, at in enumerate(steps)))
    found = run_to_the_end(publish_draft(bob))
    assert found.accepted == READERS
    check_everybody(rogue, everybody)
    assert rogue.state["fired"] == [2, 2, 2, 2]


@pytest.mark.parametrize("at", ["dot", "taken"])
def test_a_connection_that_ends_after_the_final_dot_leaves_a_doubt_which_is_said_and_resent_once(
    app: Flask, bob: Member, rogue: Rogue, at: str
) -> None:
    everybody = readers()
    rogue.change(Rule(at, skip=3, every=40, times=5, then="reset"))
    post = publish_draft(bob)
    send_all()
    found = how_far(post)
    assert (found.in_doubt, found.accepted) == (5, READERS - 5)
    assert all("final dot" in row.reply for row in exceptions().values())
    assert run_to_the_end(post).accepted == READERS
    check_everybody(rogue, everybody, twice=5 if at == "taken" else 0)
    assert rogue.total == READERS + (5 if at == "taken" else 0)


def test_what_is_no_answer_ends_the_connection_and_loses_nobody(app: Flask, bob: Member, rogue: Rogue) -> None:
    everybody = readers()
    rules = [(Rule("RCPT", skip=10 * n, times=1, say=said), Rule("dot", skip=5 + 10 * n, times=1, say=said))
             for n, said in enumerate(NO_ANSWERS, 1)]  # fmt: skip
    rogue.change(*(rule for pair in rules for rule in pair))
    found = run_to_the_end(publish_draft(bob))
    assert (found.accepted, found.refused) == (READERS, 0)
    check_everybody(rogue, everybody)  # the rogue does not take what it has not called taken
    assert set(rogue.state["fired"]) == {1}


def test_a_relay_that_takes_fewer_connections_than_we_may_open_gets_it_over_these(
    app: Flask, bob: Member, rogue: Rogue
) -> None:
    everybody = readers()
    rogue.change(most=2)
    found = run_to_the_end(publish_draft(bob), rounds=2)
    assert found.accepted == READERS
    check_everybody(rogue, everybody)


def test_a_mail_larger_than_the_relay_takes_is_refused_before_it_is_sent(app: Flask, bob: Member, rogue: Rogue) -> None:
    readers(5)
    rogue.change(size=2000)
    found = run_to_the_end(publish_draft(bob))
    assert (found.refused, found.accepted, rogue.total) == (5, 0, 0)
    assert "larger than the relay takes" in found.reasons[0][0]
