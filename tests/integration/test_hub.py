"""The WebSub hub: told once a change, again where it did not hear, and by whoever lives."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.config import EXTENSION, settings
from blogapp.core.db import db
from blogapp.core.errors import BadSetting
from blogapp.digest.publishing import publish, withdraw
from blogapp.posts import hub
from blogapp.posts.hub import HubPing, ping_hub, retry_after
from blogapp.posts.models import Post
from blogapp.posts.writing import create_post, save_post
from tests.conftest import make_settings


class Hub(HTTPServer):
    """Notes what it is told. `answers`: status codes for the next requests, then 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.told: list[str] = []
        self.answers: list[int] = []
        # Whether a transaction was open while we were being told.
        self.meanwhile: Any = None


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert form["hub.mode"] == ["publish"]
        if self.server.meanwhile:
            self.server.meanwhile()
        status = self.server.answers.pop(0) if self.server.answers else 204
        if status == 204:
            self.server.told += form["hub.url"]
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[Hub]:
    found = Hub()
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


@pytest.fixture
def chosen(server: Hub) -> dict[str, Any]:
    return {"websub_hub": f"http://127.0.0.1:{server.server_port}/hub"}


def published(bob: Member) -> Post:
    post = create_post("article", "Bread", "We baked.", bob.id)
    post = save_post(post.id, post.version, bob.id, title="Bread", body="We baked.", tags=["Boats"])
    return publish(post.id, post.version, bob.id, with_digest=False)


def waiting() -> list[str]:
    db.session.rollback()
    return list(db.session.execute(select(HubPing.path).order_by(HubPing.path)).scalars())


FEEDS = {f"http://blog.test{feed}/feed.{kind}" for feed in ("", "/bob-barker", "/tags/boats")
         for kind in ("atom", "rss", "json")}  # fmt: skip


def test_the_hub_is_told_once_of_every_feed_that_a_change_concerns(server: Hub, bob: Member) -> None:
    post = published(bob)
    assert server.told == [], "never from a request"
    assert ping_hub() == 9
    assert (len(server.told), set(server.told)) == (9, FEEDS)
    assert ping_hub() == 0
    post = save_post(post.id, post.version, bob.id, title="Bread", body="Of rye.")
    assert ping_hub() == 0, "an edit is no news"
    post = save_post(post.id, post.version, bob.id, title="Bread", body="Of rye.", correction="It was rye.")
    assert ping_hub() == 9
    withdraw(post.id, post.version, bob.id)
    assert ping_hub() == 9
    draft = create_post("article", "Draft", "Words.", bob.id)
    save_post(draft.id, draft.version, bob.id, title="Draft", body="Other words.")
    assert waiting() == []


def test_a_hub_that_did_not_hear_is_told_again_later_and_not_for_ever(server: Hub, bob: Member) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        published(bob)
        server.answers = [503]
        assert ping_hub() == 0, "it stops at the first trouble"
        assert len(waiting()) == 9
        server.answers = [302]
        assert ping_hub() == 0
        assert server.told == []
        assert ping_hub() == 7
        assert len(waiting()) == 2
        clock.shift(timedelta(seconds=31))
        assert ping_hub() == 2
        assert set(server.told) == FEEDS
        published_again = db.session.execute(select(Post)).scalar_one()
        withdraw(published_again.id, published_again.version, bob.id)
        clock.shift(timedelta(days=2))
        server.answers = [500] * 9
        for _ in range(9):
            ping_hub()
        assert waiting() == []


def test_a_worker_that_died_at_it_forgets_nothing_and_two_never_tell_the_same(
    server: Hub, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(feed: str) -> str:
        raise SystemExit

    with time_machine.travel(now(), tick=False) as clock:
        published(bob)
        with monkeypatch.context() as patched:
            patched.setattr(hub, "_tell", dies)
            with pytest.raises(SystemExit):
                ping_hub()
        assert ping_hub() == 8, "what the dead one holds is held for a minute"
        clock.shift(timedelta(seconds=61))
        assert ping_hub() == 1
        assert len(server.told) == len(FEEDS)


class Other(threading.Thread):
    """A server that is no hub: answers one request with `said`, then with a byte now and then until nobody listens."""

    def __init__(self, said: bytes, *, drips: bool) -> None:
        super().__init__()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.said, self.drips = said, drips

    def run(self) -> None:
        connection, _ = self.listener.accept()
        with self.listener, connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(self.said)
            while self.drips:
                connection.sendall(b"x")
                time.sleep(0.02)


@pytest.mark.parametrize(("said", "drips"), [(b"220 not http\r\n", False), (b"HTTP/1.1 200 OK\r\nX: ", True)])
def test_a_hub_that_speaks_no_http_or_never_ends_is_tried_again_later(
    app: Flask, bob: Member, monkeypatch: pytest.MonkeyPatch, said: bytes, drips: bool
) -> None:
    other = Other(said, drips=drips)
    other.start()
    monkeypatch.setattr(hub, "ANSWER_SECONDS", 0.3)
    address = f"http://127.0.0.1:{other.listener.getsockname()[1]}/"
    monkeypatch.setitem(app.extensions, EXTENSION, replace(settings(), websub_hub=address))
    published(bob)
    with time_machine.travel(now(), tick=False):
        assert ping_hub() == 0
        later = select(HubPing.due_at).where(HubPing.attempts == 1)
        assert db.session.execute(later).scalar_one() == now() + hub.FIRST_RETRY
    other.join()


def test_many_who_publish_at_once_are_all_heard(app: Flask, bob: Member) -> None:
    drafts = [create_post("article", f"Bread {number}", "We baked.", bob.id) for number in range(6)]
    given = [(post.id, post.version, bob.id) for post in drafts]
    db.session.remove()
    ready = threading.Barrier(len(given))

    def go(post: int, version: int, by: int) -> None:
        with app.app_context():
            ready.wait()
            publish(post, version, by, with_digest=False)

    with ThreadPoolExecutor(len(given)) as pool:
        for done in [pool.submit(go, *each) for each in given]:
            done.result()
    assert len(waiting()) == 6


def test_no_transaction_is_open_while_the_hub_is_told_and_a_change_meanwhile_is_told_too(
    server: Hub, bob: Member
) -> None:
    post = published(bob)
    pool: Any = db.engine.pool
    seen = []

    def look() -> None:
        server.meanwhile = None
        seen.append(pool.checkedout())

    server.meanwhile = look
    db.session.rollback()
    ping_hub()
    assert seen == [0]
    save_post(post.id, post.version, bob.id, title="Bread", body="Of rye.", correction="")
    claimed_at = hub._claim("/feed.atom")
    assert claimed_at is not None
    latest = db.session.execute(select(Post)).scalar_one()
    withdraw(latest.id, latest.version, bob.id)
    hub._settle("/feed.atom", claimed_at, "")
    assert "/feed.atom" in waiting(), "what changed while it was told is told once more"


def test_feeds_name_the_hub_in_themselves_and_in_their_headers(server: Hub, reader: FlaskClient, bob: Member) -> None:
    published(bob)
    address = f"http://127.0.0.1:{server.server_port}/hub"
    for feed in ("/feed.atom", "/bob-barker/feed.rss", "/tags/boats/feed.json"):
        response = reader.get(feed)
        assert response.headers["Link"] == f'<{address}>; rel="hub", <http://blog.test{feed}>; rel="self"'
        assert address in response.text
    assert reader.get("/feed.json").get_json()["hubs"] == [{"type": "WebSub", "url": address}]


def test_waits_grow_from_half_a_minute_to_an_hour_and_an_odd_address_stops_the_start(tmp_path: Any) -> None:
    assert [retry_after(n).total_seconds() for n in (1, 2, 3, 9, 99)] == [30, 60, 120, 3600, 3600]
    with pytest.raises(BadSetting):
        make_settings(tmp_path, websub_hub="file:///etc/passwd")
