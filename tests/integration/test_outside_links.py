"""Links to other sites, looked at in the background: what is asked, how often, and what the checklist says."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from blogapp.auth.models import Member
from blogapp.authoring.checklist import checklist_of
from blogapp.core import outside
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.errors import NotAllowed
from blogapp.core.guard import Guard, NoSuchName, is_public, target_of
from blogapp.core.heartbeat import beat
from blogapp.core.outside import look_at
from blogapp.core.turns import Turns
from blogapp.core.web import local
from blogapp.posts import outside as links
from blogapp.posts.models import Post
from blogapp.posts.outside import OutsideLink, ask_outside, check_due, forget_outside_links
from blogapp.posts.writing import create_post
from tests import certificate, pages

LogIn = Callable[[Member], FlaskClient]
# A day later is the next day, whenever the test runs.
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
# What the servers of this module say at their paths: status, headers.
SAYS: dict[str, tuple[int, dict[str, str]]] = {
    "/": (200, {}),
    "/gone": (410, {}),
    "/none": (404, {}),
    "/private": (403, {}),
    "/broken": (500, {}),
    "/busy": (429, {"Retry-After": "120"}),
    "/closed": (503, {}),
    "/moved": (301, {"Location": "/new"}),
    "/moved-twice": (308, {"Location": "/moved"}),
    "/moved-away": (301, {"Location": "/none"}),
    "/slash": (301, {"Location": "/slash/"}),
    "/slash/": (200, {}),
    "/new": (200, {}),
    "/for-now": (302, {"Location": "/new"}),
    "/inside": (302, {"Location": "http://inside.test/admin"}),
    "/metadata": (301, {"Location": "http://169.254.169.254/latest/meta-data/"}),
    "/file": (302, {"Location": "file:///etc/passwd"}),
    "/port": (302, {"Location": "http://there.test:22/"}),
    "/user": (302, {"Location": "http://me:word@there.test/"}),
    "/nobody": (302, {"Location": "http://nobody.test/"}),
    "/nonsense": (302, {"Location": "http://[nonsense/"}),
    "/circle": (302, {"Location": "/circle"}),
    "/nowhere": (302, {}),
    "/nul": (302, {"Location": "http://there.test:22/\0x"}),
    "/endless": (302, {"Location": "http://there.test:22/" + "x" * 60_000}),
    "/endless-move": (301, {"Location": "/" + "x" * 5_000}),
}
NAMES = {"there.test": "127.0.0.1", "other.test": "127.0.0.1", "relay.test": "127.0.0.1", "inside.test": "10.0.0.1"}


class Site(ThreadingHTTPServer):
    """A site of somebody else; `asked`: method, path and headers of each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Pages)
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.let_go = threading.Event()
        # Whether anything is held open in the database while we are being asked.
        self.meanwhile: Any = None

    def url(self, path: str, host: str = "there.test") -> str:
        return f"http://{host}:{self.server_port}{path}"

    def methods(self, path: str) -> list[str]:
        return [method for method, asked, _ in self.asked if asked == path]


class Pages(BaseHTTPRequestHandler):
    server: Site

    def do_HEAD(self) -> None:
        self.server.asked.append((self.command, self.path, dict(self.headers)))
        if self.server.meanwhile:
            self.server.meanwhile()
        if self.path == "/slow":
            self.server.let_go.wait(5)
        if self.path == "/drips":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not self.server.let_go.wait(0.05):
                self.wfile.write(b"X-More: drip\r\n")
        if self.path in ("/get-only", "/get-only-404", "/breaks") and self.command == "HEAD":
            if self.path != "/breaks":
                self.send_error(405 if self.path == "/get-only" else 404)
            return
        status, headers = SAYS.get(self.path, (200, {}))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(b"words")

    do_GET = do_HEAD

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    thread = threading.Thread(target=found.serve_forever, args=(0.02,))
    thread.start()
    yield found
    found.let_go.set()
    found.shutdown()
    thread.join()
    found.server_close()


def resolve(host: str, port: int) -> list[str]:
    if host not in NAMES and not host[0].isdigit():
        raise NoSuchName
    return [NAMES.get(host, host)]


def guard_of(*sites: Site) -> Guard:
    """As in earnest, but that these sites' ports may be asked on this machine."""
    ports = {80, 443, *(site.server_port for site in sites)}
    return Guard(resolve=resolve, allows=lambda ip: ip == "127.0.0.1" or is_public(ip), ports=ports)


def look(site: Site, path: str) -> outside.Outcome:
    return look_at(site.url(path), agent="a test", turns=Turns(0), guard=guard_of(site))


@pytest.fixture
def any_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links to a site of a test can be written into a text."""
    monkeypatch.setattr(links, "target_of", lambda url: target_of(url, range(65536)))


def known() -> dict[str, OutsideLink]:
    db.session.rollback()
    return {row.url: row for row in db.session.execute(select(OutsideLink)).scalars()}


def post_with(member: Member, *urls: str) -> Post:
    return create_post("article", "Boats", "\n\n".join(f"See [it]({url})." for url in urls), member.id)


@pytest.mark.parametrize(
    ("path", "state", "status", "why"),
    [
        ("/", "ok", 200, ""),
        ("/none", "dead", 404, "answers 404: nothing is there"),
        ("/gone", "dead", 410, "answers 410: it was taken away"),
        ("/private", "unsure", 403, "answers 403"),
        ("/broken", "unsure", 500, "answers 500"),
        ("/for-now", "ok", 200, ""),
        ("/slash", "ok", 200, ""),
        ("/nowhere", "unsure", 302, "answers 302"),
    ],
)
def test_what_a_site_answers_is_what_is_known(site: Site, path: str, state: str, status: int, why: str) -> None:
    found = look(site, path)
    assert (found.state, found.status, found.why, found.again_seconds) == (state, status, why, 0)


def test_head_is_asked_first_and_get_only_where_that_is_not_liked(site: Site) -> None:
    for path in ("/get-only", "/get-only-404", "/breaks"):
        assert look(site, path).state == "ok"
        assert site.methods(path) == ["HEAD", "GET"]
    assert look(site, "/").state == "ok"
    assert site.methods("/") == ["HEAD"]
    _, _, headers = site.asked[0]
    assert headers["User-Agent"] == "a test"
    assert headers["Host"] == f"there.test:{site.server_port}"
    assert not {"Cookie", "Authorization", "Referer"} & headers.keys()


def test_a_permanent_redirect_tells_the_new_address_and_a_dead_end_is_dead(site: Site) -> None:
    for path in ("/moved", "/moved-twice"):
        found = look(site, path)
        assert (found.state, found.moved_to) == ("moved", site.url("/new"))
    found = look(site, "/moved-away")
    assert (found.state, found.status) == ("dead", 404)
    assert found.why == f"leads on to “{site.url('/none')}”, which answers 404: nothing is there"
    found = look(site, "/nobody")
    assert (found.state, found.status) == ("dead", None)


@pytest.mark.parametrize("path", ["/inside", "/metadata", "/file", "/port", "/user", "/nonsense", "/circle"])
def test_a_redirect_is_followed_to_no_place_that_is_not_asked_itself(site: Site, path: str) -> None:
    found = look(site, path)
    assert (found.state, found.moved_to) == ("unsure", "")
    assert len(site.asked) <= outside.MOST_REDIRECTS + 1
    assert {asked for _, asked, _ in site.asked} == {path}


def test_who_is_busy_or_slow_is_asked_once_more_later_and_never_called_dead(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = look(site, "/busy")
    assert (found.state, found.status, found.again_seconds) == ("unsure", 429, 120)
    found = look(site, "/closed")
    assert (found.state, found.status, found.again_seconds) == ("unsure", 503, 60)
    assert site.methods("/busy") == site.methods("/closed") == ["HEAD"], "not at once in another way"
    monkeypatch.setattr(outside, "TIMEOUT_SECONDS", 0.1)
    found = look(site, "/slow")
    assert (found.state, found.why, found.again_seconds) == ("unsure", "did not answer in time", 60)
    monkeypatch.setattr(outside, "TIMEOUT_SECONDS", 5)
    monkeypatch.setattr(outside, "ANSWER_SECONDS", 0.3)
    began = time.monotonic()
    assert look(site, "/drips").why == "did not answer in time"
    assert time.monotonic() - began < 2


def test_a_certificate_has_to_be_the_name_s_own(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.socket = certificate.server_context(tmp_path).wrap_socket(site.socket, server_side=True)
    trusting = ssl.create_default_context(cadata=certificate.PEM[certificate.PEM.index("-----BEGIN CERT") :])
    monkeypatch.setattr(outside, "_tls", lambda: trusting)

    def looked_at(host: str) -> outside.Outcome:
        url = f"https://{host}:{site.server_port}/"
        return look_at(url, agent="a test", turns=Turns(0), guard=guard_of(site))

    assert looked_at("relay.test").state == "ok"
    found = looked_at("there.test")
    assert (found.state, found.again_seconds) == ("unsure", 0)
    assert "a certificate that does not hold" in found.why


def test_proxies_of_the_environment_are_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert look(site, "/").state == "ok"


def test_asking_writes_rows_and_the_worker_does_the_rest(
    any_port: None, site: Site, app: Flask, bob: Member, log_in: LogIn
) -> None:
    urls = [site.url("/"), site.url("/none"), site.url("/moved#part"), site.url("/private", "other.test")]
    post = post_with(bob, *urls, "/archive", "mailto:bob@blog.test", "//user@there.test/")
    client = log_in(bob)
    assert pages.text(client.get(f"/posts/{post.id}"), ".check-outside p") == "4 outside links, not checked yet."
    answer = client.post(f"/posts/{post.id}/outside-links")
    assert (answer.status_code, site.asked) == (303, [])
    beat("worker:test")
    page = client.get(answer.location)
    assert pages.text(page, ".check-outside p") == "4 outside links are being checked… Reload to see."
    assert "No worker is running" not in page.text
    open_transactions: list[bool] = []

    def write() -> None:  # It would wait for another writer on SQLite.
        with app.app_context(), transaction() as session:
            session.execute(select(1))
            open_transactions.append(False)

    site.meanwhile = write
    assert check_due(Turns(0), guard=guard_of(site)) == 4
    assert len(open_transactions) == len(site.asked)
    page = client.get(f"/posts/{post.id}")
    assert "1 thing to mend and 1 to look at." in page.text
    text = pages.text(page, ".checklist")
    assert f"“{urls[1]}” answers 404: nothing is there. Line 3" in text
    assert f"“{urls[2]}” has moved for good. Line 5 {site.url('/new#part')}" in text
    assert "Checked 5 outside links at " in text
    assert "all there" not in text
    assert "2 could not be checked: look at them yourself." in text
    assert f"{urls[3]} answers 403." in text
    assert "holds a user’s name or password" in text
    assert "Check them again" not in text


def test_what_is_known_is_used_for_a_day_and_then_asked_anew(
    any_port: None, site: Site, bob: Member, alice: Member
) -> None:
    post = post_with(bob, site.url("/"))
    with time_machine.travel(NOON, tick=False) as clock:
        ask_outside(post.id, bob.id, post.html)
        assert check_due(Turns(0), guard=guard_of(site)) == 1
        other = post_with(alice, site.url("/#part"))
        ask_outside(other.id, alice.id, other.html)
        assert check_due(Turns(0), guard=guard_of(site)) == 0
        report = checklist_of(other, None).outside
        assert (report.line, report.offer) == (f"Checked 1 outside link at {local(NOON):%H:%M}: all there.", "")
        clock.shift(timedelta(hours=25))
        report = checklist_of(other, None).outside
        assert (report.line, report.offer) == ("Checked 1 outside link yesterday: all there.", "Check them again")
        both = post_with(bob, site.url("/"), site.url("/new"))
        report = checklist_of(both, None).outside
        assert (report.line, report.offer) == ("Checked 1 of 2 outside links yesterday.", "Check the others")
        ask_outside(post.id, bob.id, post.html)
        assert checklist_of(post, None).outside.line == "1 outside link is being checked…"
        assert check_due(Turns(0), guard=guard_of(site)) == 1
        clock.shift(timedelta(days=29))
        assert forget_outside_links() == 0
        clock.shift(timedelta(days=2))
        assert forget_outside_links() == 1
        assert known() == {}


def test_nothing_that_a_strangers_server_says_stops_the_round_or_fills_the_page(
    any_port: None, site: Site, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = [site.url(path) for path in ("/nul", "/endless", "/endless-move", "/")]
    ask_outside((post := post_with(bob, *urls)).id, bob.id, post.html)
    assert check_due(Turns(0), guard=guard_of(site)) == 4
    found = [known()[url] for url in urls]
    assert [row.state for row in found] == ["unsure", "unsure", "unsure", "ok"]
    assert all(row.why.isprintable() and len(row.why) < 400 for row in found)
    # Nor what nobody has thought of: the database does not take it, and the others are settled.
    outcomes = iter([outside.Outcome("unsure", None, "\0" * 3), outside.Outcome("ok", 200)])
    monkeypatch.setattr(links, "look_at", lambda *_, **__: next(outcomes))
    ask_outside((post := post_with(bob, site.url("/1"), site.url("/2"))).id, bob.id, post.html)
    assert check_due(Turns(0), guard=guard_of(site)) == 2
    assert sorted(known()[site.url(path)].state for path in ("/1", "/2")) == ["ok", "unsure"]


def test_where_no_name_at_all_is_found_no_site_is_called_dead(
    any_port: None, site: Site, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = post_with(bob, "http://nobody.test/")
    ask_outside(gone.id, bob.id, gone.html)
    with time_machine.travel(now(), tick=False) as clock:
        assert check_due(Turns(0), guard=guard_of(site)) == 1
        (row,) = known().values()
        assert (row.state, "perhaps this server is not online" in row.why) == ("unsure", True)
        clock.shift(timedelta(seconds=61))
        monkeypatch.setitem(NAMES, "blog.test", "127.0.0.1")  # Our own name is found.
        assert check_due(Turns(0), guard=guard_of(site)) == 1
        (row,) = known().values()
        assert (row.state, row.why) == ("dead", "leads nowhere: there is no site of this name")
    monkeypatch.delitem(NAMES, "blog.test")
    both = post_with(bob, "http://nobody-either.test/", site.url("/"))  # Another site's is.
    ask_outside(both.id, bob.id, both.html)
    assert check_due(Turns(0), guard=guard_of(site)) == 2
    assert known()["http://nobody-either.test/"].state == "dead"


def test_a_busy_site_is_asked_again_once_and_then_left_alone(any_port: None, site: Site, bob: Member) -> None:
    post = post_with(bob, site.url("/busy"))
    with time_machine.travel(now(), tick=False) as clock:
        ask_outside(post.id, bob.id, post.html)
        assert check_due(Turns(0), guard=guard_of(site)) == 1
        assert [row.state for row in known().values()] == ["unsure"]
        clock.shift(timedelta(seconds=119))
        assert check_due(Turns(0), guard=guard_of(site)) == 0
        clock.shift(timedelta(seconds=2))
        assert check_due(Turns(0), guard=guard_of(site)) == 1
        assert [(row.state, row.due_at) for row in known().values()] == [("unsure", None)]
    assert len(site.asked) == 2


def test_what_a_worker_had_when_it_died_is_taken_up_again_and_not_for_ever(
    any_port: None, site: Site, bob: Member
) -> None:
    post = post_with(bob, site.url("/"))
    with time_machine.travel(now(), tick=False) as clock:
        ask_outside(post.id, bob.id, post.html)
        for _ in range(links.TRIES):
            assert links._claim(site.url("/"))
            assert not links._claim(site.url("/")), "it is somebody's"
            clock.shift(links.CLAIM + timedelta(seconds=1))
        assert check_due(Turns(0), guard=guard_of(site)) == 0
        assert [(row.state, row.why, row.due_at) for row in known().values()] == [
            ("unsure", "could not be asked", None)
        ]
    assert site.asked == []


def test_a_site_that_one_worker_is_asking_is_left_alone_by_the_other(any_port: None, site: Site, bob: Member) -> None:
    post = post_with(bob, site.url("/"), site.url("/new"), site.url("/", "other.test"))
    ask_outside(post.id, bob.id, post.html)
    assert links._claim(site.url("/")), "the other worker's"
    assert check_due(Turns(0), guard=guard_of(site)) == 1
    assert known()[site.url("/new")].state == "waiting"
    with transaction() as session:  # It is done with it.
        session.get_one(OutsideLink, site.url("/")).due_at = None
    assert check_due(Turns(0), guard=guard_of(site)) == 1
    assert known()[site.url("/new")].state == "ok"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_worker_that_is_told_to_end_does_not_wait_for_a_slow_site(any_port: None, site: Site, bob: Member) -> None:
    post = post_with(bob, site.url("/slow"))
    ask_outside(post.id, bob.id, post.html)
    began = time.monotonic()
    assert check_due(Turns(0), guard=guard_of(site), stopped=lambda: bool(site.asked)) == 0
    assert time.monotonic() - began < 3
    assert [(row.state, row.attempts, row.due_at is not None and row.due_at <= now()) for row in known().values()] == [
        ("waiting", 0, True)
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_editor_asks_for_what_is_typed_and_saves_nothing(
    any_port: None, site: Site, bob: Member, carol: Member, log_in: LogIn
) -> None:
    post = create_post("article", "Boats", "Some words.", bob.id)
    typed = {"title": "Boats", "body": f"Some [words]({site.url('/none')})."}
    whole = pages.soup(log_in(bob).post(f"/posts/{post.id}/checklist", data=typed))
    form = whole.select_one(".check-outside form")
    assert form is not None
    sent = {str(field["name"]): str(field["value"]) for field in form.select("input[value]")}
    assert {name: sent[name] for name in typed} == typed
    asked = log_in(bob).post(str(form["action"]), data=sent)
    assert "1 outside link is being checked…" in asked.text
    assert "No worker is running" in asked.text
    check_due(Turns(0), guard=guard_of(site))
    fetch = {"X-Requested-With": "fetch"}
    alone = log_in(bob).post(f"/posts/{post.id}/outside-links", data=typed, headers=fetch)
    assert alone.text.strip().startswith('<div class="checklist">')
    assert "answers 404: nothing is there" in alone.text
    db.session.rollback()
    assert db.session.get_one(Post, post.id).body == "Some words."
    theirs = log_in(carol).post(f"/posts/{post.id}/checklist", data={**typed, "body": "[x](https://x.test/)"})
    assert "1 outside link, not checked yet." in theirs.text
    assert pages.soup(theirs).select_one(".check-outside form") is None, "who may not edit has no button"
    with pytest.raises(NotAllowed):
        ask_outside(post.id, carol.id, post.html)
