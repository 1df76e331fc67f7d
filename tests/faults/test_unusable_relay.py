"""A relay that cannot be used: the sending pauses, its page says why, and it goes on by itself. Nobody is given up."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.delivery import smtp
from blogapp.posts.models import Post
from tests import mailbox
from tests.faults.sending import (
    CONNECTIONS,
    READERS,
    check_everybody,
    goes_on_by_itself,
    readers,
    run_to_the_end,
    working,
)
from tests.faults.sending import wait_for as eventually
from tests.rogue import Rogue, Rule
from tests.worker import exceptions, how_far, let_time_pass, publish_draft, send_all

LogIn = Callable[[Member], FlaskClient]
CERTIFICATE = Path(__file__).parents[1] / "integration" / "localhost.pem"
SATURDAY = datetime(2026, 3, 7, 9, 0, tzinfo=UTC)


@pytest.fixture
def choice() -> dict[str, Any]:
    return {}


@pytest.fixture
def chosen(rogue: Rogue, choice: dict[str, Any]) -> dict[str, Any]:
    given = {name: value.format(port=rogue.port) for name, value in choice.items()}
    return {"smtp_url": rogue.url, "mail_connections": CONNECTIONS, **given}


def check_paused(post: Post, client: FlaskClient, why: str, waiting: int, refused: int = 0) -> None:
    """Everybody whom the relay has not taken waits, and the author is told why."""
    found = how_far(post)
    assert (found.state, found.refused, found.skipped) == ("paused", refused, 0)
    assert found.waiting == waiting
    assert why in found.pause_reason
    page = client.get(f"/posts/{post.id}/digest/progress", headers={"Accept": "application/json"}).get_json()
    assert (page["state"], why in page["line"], "tries again at" in page["line"]) == ("paused", True, True)


REFUSALS = {
    "your address is on a list": Rule("greeting", say="554 5.7.1 your address is on a list"),
    "we are closed": Rule("greeting", say="421 4.3.2 we are closed"),
    "who are you": Rule("EHLO", say="550 5.7.0 who are you"),
    "sender not wanted": Rule("MAIL", say="550 5.7.1 sender not wanted"),
    "log in first": Rule("MAIL", say="530 5.7.0 log in first"),
    "relay access denied": Rule("RCPT", say="554 5.7.1 relay access denied"),
    "not in this house": Rule("RCPT", say="554 5.7.1 not in this house"),
    "looks like spam": Rule("dot", say="554 5.7.1 this looks like spam"),
}
TROUBLES = {
    f"{said} at {at}": Rule(at, say=said)
    for at in ("MAIL", "RCPT", "dot")
    for said in ("452 4.3.1 insufficient system storage", "451 4.3.5 server configuration error")
}
BREAKS = {f"{then} at {at}": Rule(at, then=then) for at in ("greeting", "EHLO", "MAIL") for then in ("reset", "close")}


def try_them_all(rogue: Rogue, post: Post, client: FlaskClient, rules: dict[str, Rule]) -> None:
    """One pause after the other, and none of it is any reader's fault."""
    waiting = READERS
    for name, rule in rules.items():
        rogue.change(rule)
        send_all()
        assert rogue.state["fired"][0] > 0, name
        check_paused(post, client, name if rules is REFUSALS else (rule.say or "")[10:], waiting)
        assert len(exceptions()) <= 20 * CONNECTIONS * len(rules), name
        let_time_pass()


def test_a_relay_that_refuses_everybody_is_waited_for_and_nobody_is_given_up(
    app: Flask, bob: Member, log_in: LogIn, rogue: Rogue
) -> None:
    everybody, post = readers(), publish_draft(bob)
    try_them_all(rogue, post, log_in(bob), REFUSALS)
    rogue.change()
    assert run_to_the_end(post).accepted == READERS
    check_everybody(rogue, everybody)


def test_a_relay_in_trouble_of_its_own_is_waited_for_rather_than_everybody_put_off(
    app: Flask, bob: Member, log_in: LogIn, rogue: Rogue
) -> None:
    """Else a full disk at the relay would make an entry for each of a million readers."""
    everybody, post = readers(), publish_draft(bob)
    try_them_all(rogue, post, log_in(bob), TROUBLES)
    rogue.change()
    assert run_to_the_end(post).accepted == READERS
    check_everybody(rogue, everybody)


def test_a_relay_that_breaks_every_connection_is_waited_for(
    app: Flask, bob: Member, log_in: LogIn, rogue: Rogue
) -> None:
    everybody, post = readers(), publish_draft(bob)
    try_them_all(rogue, post, log_in(bob), BREAKS)
    rogue.change(Rule("dot", then="reset"))
    send_all()
    found = how_far(post)
    assert 0 < found.in_doubt <= 3 * CONNECTIONS
    check_paused(post, log_in(bob), "final dot", READERS - found.in_doubt)
    rogue.change()
    assert run_to_the_end(post).accepted == READERS
    check_everybody(rogue, everybody)


def test_a_relay_that_refuses_everybody_half_way_keeps_what_it_took(
    app: Flask, bob: Member, log_in: LogIn, rogue: Rogue
) -> None:
    everybody, client = readers(), log_in(bob)
    rogue.change(Rule("dot", skip=100, say="554 5.7.1 enough of you"))
    post = publish_draft(bob)
    send_all()
    # A refusal that is heard before the last acceptance over another connection is one of that recipient.
    found = exceptions()
    given_up = {name for name, row in found.items() if row.state == "refused"}
    refused = frozenset(one for one in everybody if one.partition("@")[0] in given_up)
    assert len(refused) < CONNECTIONS
    check_paused(post, client, "enough of you", READERS - 100 - len(refused), len(refused))
    assert rogue.state["fired"][0] <= 20 * CONNECTIONS  # it is not pestered
    rogue.change()
    assert run_to_the_end(post).accepted == READERS - len(refused)
    check_everybody(rogue, everybody, but=refused)


@pytest.mark.parametrize("choice", [{"smtp_url": "smtp://ada:right@127.0.0.1:{port}?starttls=never"}])
def test_a_password_that_does_not_hold_pauses_until_it_does(
    app: Flask, bob: Member, log_in: LogIn, rogue: Rogue
) -> None:
    everybody, client = readers(60), log_in(bob)
    rogue.change(login=("ada", "another"))
    post = publish_draft(bob)
    send_all()
    check_paused(post, client, "535 5.7.8", 60)
    rogue.change(login=("ada", "right"))
    assert run_to_the_end(post).accepted == 60
    check_everybody(rogue, everybody)


BAD_TLS = {
    "certificate does not hold": [],
    "does not offer STARTTLS": [],
    "454 4.7.0 not now": [Rule("STARTTLS", say="454 4.7.0 not now")],
    # CVE-2011-0411: what comes with the answer, in the clear, must not be taken for what comes after the handshake.
    "before the TLS handshake": [Rule("STARTTLS", say="220 2.0.0 go on\r\n250-rogue.test\r\n250 AUTH PLAIN")],
    "TLS handshake failed: ": [Rule("STARTTLS", say="220 2.0.0 go on", then="garbage")],
    "TLS handshake failed": [Rule("STARTTLS", say="220 2.0.0 go on", then="close")],
}


@pytest.mark.parametrize("choice", [{"smtp_url": "smtp://localhost:{port}?starttls=required"}])
def test_a_relay_without_proper_encryption_gets_nothing_until_it_has_it(
    app: Flask, bob: Member, log_in: LogIn, rogue: Rogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody, client, post = readers(60), log_in(bob), publish_draft(bob)
    for why, rules in BAD_TLS.items():
        rogue.change(*rules, certificate="" if "offer" in why else str(CERTIFICATE))
        send_all()
        check_paused(post, client, why, 60)
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))  # trusted from here on
        let_time_pass()
    assert rogue.total == 0
    rogue.change()
    assert run_to_the_end(post).accepted == 60
    check_everybody(rogue, everybody)


@pytest.mark.parametrize("taken", [0, 100])
def test_a_relay_that_is_down_for_an_hour_is_tried_now_and_then_and_gets_the_rest_by_itself(
    app: Flask, bob: Member, log_in: LogIn, rogue: Rogue, taken: int
) -> None:
    with time_machine.travel(SATURDAY, tick=False) as clock:
        everybody = readers()
        rogue.change(Rule("MAIL", skip=taken, say="421 4.3.2 going down"))
        post = publish_draft(bob)
        send_all()
        rogue.leave()
        tries = 0
        while (found := how_far(post)).resume_at and found.resume_at < SATURDAY + timedelta(hours=1):
            assert found.resume_at - now() <= timedelta(minutes=8)
            clock.move_to(found.resume_at + timedelta(seconds=1))
            send_all()
            check_paused(post, log_in(bob), "refused", READERS - found.accepted)
            tries += 1
        assert 10 <= tries <= 25
        (told,) = mailbox.outbox("bob@blog.test")
        assert told.purpose == "digest-held-up"
        rogue.change()
        rogue.come_back()
        assert found.resume_at is not None
        clock.move_to(found.resume_at + timedelta(seconds=1))
        send_all()
        found = how_far(post)
        assert (found.state, found.accepted) == ("sent", READERS)
        assert now() < SATURDAY + timedelta(minutes=70)
        check_everybody(rogue, everybody)


def test_a_relay_that_restarts_again_and_again_gets_everything_without_a_hand(
    app: Flask, bob: Member, rogue: Rogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = readers()
    rogue.change(delay=0.004)
    with working(app, monkeypatch):
        post = publish_draft(bob)
        for share in (40, 80, 120):
            eventually(lambda share=share: rogue.total >= share)  # type: ignore[misc]
            rogue.leave()
            eventually(lambda: how_far(post).state == "paused")
            rogue.come_back()
            let_time_pass()
        goes_on_by_itself(post)
    check_everybody(rogue, everybody, twice=3 * CONNECTIONS)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time-outs of RFC 5321 are minutes: here they are moments."""
    for phase in smtp.TIMEOUTS:
        monkeypatch.setitem(smtp.TIMEOUTS, phase, 0.6)


@pytest.mark.parametrize("at", ["greeting", "DATA", "dot"])
def test_a_relay_that_falls_silent_is_left_and_waited_for(
    app: Flask, bob: Member, log_in: LogIn, rogue: Rogue, impatient: None, at: str
) -> None:
    everybody, client = readers(80), log_in(bob)
    rogue.change(Rule(at, skip=0 if at == "greeting" else 30, then="silence"))
    post = publish_draft(bob)
    send_all()
    found = how_far(post)
    assert found.in_doubt <= (3 * CONNECTIONS if at == "dot" else 0)
    check_paused(post, client, "did not answer in time", 80 - found.accepted - found.in_doubt)
    rogue.change()
    assert run_to_the_end(post).accepted == 80
    check_everybody(rogue, everybody)
