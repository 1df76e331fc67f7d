"""`blogapp digest`: how digests are doing, and sending them without a worker."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.digest.holding import hold
from blogapp.digest.models import Digest, Sending
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post
from tests.commands import Command, environment
from tests.relay import Relay


@pytest.fixture
def blogapp(
    app: Flask, alice: Member, relay: Relay, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    """The command line of a site with a draft and two readers."""
    monkeypatch.chdir(tmp_path)
    create_post("week", "Week 473", "We *baked*.", alice.id, weeks=Weeks(473, 473))
    command = Command(environment(tmp_path / "data", BLOG_DATABASE_URL=database_url, BLOG_SMTP_URL=relay.url))
    command("subscriber add --confirmed ann@example.org ben@example.org")
    return command


def test_a_published_post_leaves_once_however_often_it_is_asked_for(blogapp: Command, relay: Relay) -> None:
    assert blogapp("digest send-due").stdout == "Nothing is due.\n"
    blogapp("post publish week-473")
    assert blogapp("digest send-due").stdout == "1 began, 1 of 1 sent: 2 accepted.\n"
    assert relay.accepted == {"ann@example.org": 1, "ben@example.org": 1}
    assert blogapp("digest send-due").stdout == "Nothing is due.\n"
    blogapp("post withdraw week-473")
    assert "none leaves a second time" in blogapp("post publish week-473").stdout
    assert blogapp("digest send-due").stdout == "Nothing is due.\n"
    assert relay.accepted.total() == 2


def test_a_digest_that_is_held_stays(blogapp: Command, relay: Relay, alice: Member) -> None:
    blogapp("post publish week-473")
    db.session.rollback()
    hold(db.session.execute(db.select(Digest.id)).scalar_one(), alice.id)
    assert blogapp("digest send-due").stdout == "Nothing is due.\n"
    assert blogapp.json("digest list --json")[0]["state"] == "held"
    assert not relay.accepted


def test_a_hold_is_waited_for(blogapp: Command, relay: Relay) -> None:
    blogapp.environ = {**blogapp.environ, "BLOG_DIGEST_HOLD_SECONDS": "900"}
    blogapp("post publish week-473")
    assert blogapp("digest send-due").stdout == "Nothing is due.\n"
    assert [d["state"] for d in blogapp.json("digest list --state waiting --json")] == ["waiting"]
    assert blogapp.json("digest list --state sent --json") == []


def test_digests_are_listed_and_shown_with_numbers_and_reasons(blogapp: Command, relay: Relay) -> None:
    relay.at_rcpt["ben@example.org"] = "550 5.1.1 no such user"
    blogapp("post publish week-473")
    said = blogapp("digest send-due").stdout
    assert "1 accepted, 1 refused" in said
    (listed,) = blogapp.json("digest list --json")
    assert {k: listed[k] for k in ("slug", "state", "to", "accepted", "refused", "waiting")} == {
        "slug": "week-473",
        "state": "sent",
        "to": 2,
        "accepted": 1,
        "refused": 1,
        "waiting": 0,
    }
    shown = blogapp("digest show week-473").stdout
    assert "1 × 550 5.1.1 no such user" in shown
    assert "Week 473" in shown
    assert "ben@example.org" not in shown


def test_catch_ups_and_corrections_are_listed_too(blogapp: Command, relay: Relay) -> None:
    blogapp("post publish week-473")
    blogapp("digest send-due")
    with transaction() as session:
        given = {"message": b"", "last_subscriber_id": 2, "planned_at": now()}
        month = Sending(subject="Weeks 471 to 473", kind="catch-up", state="sending", **given)
        session.add(month)
        session.flush()
        session.add(Sending(subject="Week 471", kind="catch-up", state="sent", main_id=month.id, **given))
    listed = [(one["kind"], one["title"], one["state"]) for one in blogapp.json("digest list --json")]
    assert listed == [("catch-up", "Weeks 471 to 473", "sending"), ("digest", "Week 473", "sent")]
    assert [one["kind"] for one in blogapp.json("digest list --json --state sending")] == ["catch-up"]
    assert [one["kind"] for one in blogapp.json("digest list --json --state sent")] == ["digest"]
    assert "catch-up" in blogapp("digest list").stdout


def test_a_relay_that_is_away_is_said_and_it_goes_on_later(blogapp: Command, relay: Relay) -> None:
    blogapp("post publish week-473")
    relay.stop()
    result = blogapp("digest send-due", code=1)
    assert "Paused: cannot connect to 127.0.0.1" in result.stderr
    assert "`blogapp mail test ADDRESS` tries the relay." in result.stderr
    assert blogapp.json("digest list --json")[0]["state"] == "paused"
    assert "Connection refused" in blogapp("digest show week-473").stdout


def test_a_post_without_a_digest_is_refused(blogapp: Command) -> None:
    assert blogapp.refused("digest show week-473") == "Week 473 has no digest."
    assert "There is no post nosuch" in blogapp.refused("digest show nosuch")


def test_ctrl_c_stops_after_what_is_in_flight_and_the_next_call_goes_on(
    blogapp: Command, relay: Relay, restored_signals: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = relay.handle_DATA
    interrupted: list[bool] = []

    async def take_and_interrupt(*arguments: Any) -> str:
        if not interrupted:
            interrupted.append(True)
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.2)  # time to hear of it
        return await take(*arguments)

    blogapp("subscriber add --confirmed cat@example.org dan@example.org eva@example.org")
    blogapp("post publish week-473")
    monkeypatch.setattr(relay, "handle_DATA", take_and_interrupt)
    assert "0 of 1 sent" in blogapp("digest send-due").stdout
    assert interrupted
    assert 1 <= relay.accepted.total() < 5
    assert "1 of 1 sent: 5 accepted" in blogapp("digest send-due").stdout
    assert relay.accepted.total() == len(relay.accepted) == 5


@pytest.fixture
def restored_signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)
