"""The page cache on real databases, over several processes: no reader ever gets an old page or somebody else's."""

import http.client
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, text

from blogapp.auth.models import Member
from blogapp.core.assets import asset
from blogapp.core.db import bump_version, db, transaction
from blogapp.core.pagecache import PageCache
from blogapp.digest.publishing import publish, withdraw
from blogapp.posts.writing import create_post, save_post
from tests.commands import Process, environment
from tests.pages import text as words_of
from tests.posts import article, week

LogIn = Callable[[Member], FlaskClient]
PAGES = ("/", "/week-473", "/archive", "/archive/2018", "/bob-barker", "/feed.atom", "/feed.rss", "/feed.json",
         "/sitemap.xml", "/robots.txt", "/favicon.ico")  # fmt: skip


def cache_of(app: Flask) -> PageCache:
    cache = app.wsgi_app.app  # type: ignore[attr-defined]  # inside TrustedProxies
    assert isinstance(cache, PageCache)
    return cache


@pytest.fixture
def asked(app: Flask) -> Iterator[list[str]]:
    """What the application itself asks the database; a hit asks nothing there."""
    statements: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield statements
    event.remove(db.engine, "before_cursor_execute", note)


def test_every_public_page_is_made_once_and_then_kept(reader: FlaskClient, bob: Member, asked: list[str]) -> None:
    with time_machine.travel(datetime(2018, 2, 5, tzinfo=UTC)):  # So that feeds are not just changed.
        week(bob, 473)
    first = {path: reader.get(path).data for path in PAGES}
    asked.clear()
    assert {path: reader.get(path).data for path in PAGES} == first
    assert asked == []


def test_an_edit_is_read_at_once_on_every_page_that_shows_it(reader: FlaskClient, bob: Member) -> None:
    post = create_post("article", "Boats", "Some words.", bob.id)
    post = publish(post.id, post.version, bob.id)
    for number in range(3):
        post = save_post(post.id, post.version, bob.id, title=f"Boats {number}", body=f"Words of edit {number}.")
        for path in ("/boats", "/", "/feed.atom", "/feed.json"):
            assert f"edit {number}." in reader.get(path).text, path
        assert f"Boats {number}" in reader.get("/bob-barker").text


def past_the_watch(*statements: str) -> None:
    """Do something to the database that no use case does."""
    with closing(db.engine.raw_connection()) as connection:
        for statement in statements:
            connection.cursor().execute(statement)
        connection.commit()


def test_a_page_from_before_a_restore_never_comes_again_though_the_site_s_row_went_back(
    reader: FlaskClient, bob: Member
) -> None:
    post = article(bob, "boats", body="First words.")
    past_the_watch("CREATE TABLE old_site AS SELECT * FROM site", "CREATE TABLE old_posts AS SELECT * FROM posts")
    post = save_post(post.id, post.version, bob.id, title="Boats", body="Canary words.")
    assert "Canary" in reader.get("/boats").text
    for table, columns in (("posts", ("html", "summary")), ("site", ("version", "instance", "nonce", "changed_at"))):
        past_the_watch(*(f"UPDATE {table} SET {name} = (SELECT {name} FROM old_{table})" for name in columns))
    with transaction() as session:
        bump_version(session)
    assert "Canary" not in reader.get("/boats").text


def test_what_is_withdrawn_is_gone_at_once_and_a_draft_is_never_kept(
    app: Flask, reader: FlaskClient, bob: Member, log_in: LogIn
) -> None:
    post = create_post("article", "Boats", "Canary words.", bob.id)
    inside = log_in(bob)
    for _ in range(2):
        assert "Canary" in inside.get("/boats").text
        assert reader.get("/boats").status_code == 404
    post = publish(post.id, post.version, bob.id)
    assert "Canary" in reader.get("/boats").text
    withdraw(post.id, post.version, bob.id)
    assert reader.get("/boats").status_code == 404
    assert "Canary" not in reader.get("/").text
    assert "Canary" in inside.get("/boats").text
    assert "/boats" not in cache_of(app).pages._kept


def test_a_stranger_never_gets_a_member_s_page_nor_a_member_a_stranger_s(
    reader: FlaskClient, bob: Member, log_in: LogIn
) -> None:
    week(bob, 473)
    inside = log_in(bob)
    for path in ("/", "/week-473", "/archive", "/archive/2018", "/bob-barker"):
        for _ in range(2):  # each first and second
            mine, theirs = inside.get(path), reader.get(path)
            assert "Desk" in words_of(mine, ".foot nav"), path
            assert mine.headers["Cache-Control"] == "private, no-store", path
            assert "Content-Encoding" not in inside.get(path, headers={"Accept-Encoding": "br"}).headers, path
            assert "Desk" not in words_of(theirs, ".foot nav"), path
            assert set(theirs.vary) == {"Accept-Encoding", "Cookie"}, path


def test_an_answer_that_is_no_page_is_not_kept(app: Flask, reader: FlaskClient, bob: Member) -> None:
    post = create_post("article", "Boats", "x", bob.id)
    publish(post.id, post.version, bob.id)
    for path in (
        "/nothing",
        "/boats/",
        "/BOATS",
        "/?before=9999",
        "/login",
        "/healthz",
        "/readyz",
        "/feed",
        "/static/x",
    ):
        reader.get(path, buffered=True)
    assert [key for key in cache_of(app).pages._kept if key != "/boats"] == []


def test_the_archive_has_monday_s_week_on_monday_though_nobody_writes(reader: FlaskClient, bob: Member) -> None:
    # Week 473 began on Monday, 5 February 2018. In London that is midnight UTC.
    with time_machine.travel(datetime(2018, 2, 11, 23, 59, tzinfo=UTC)) as clock:
        week(bob, 472)
        assert "Week 474" not in reader.get("/archive").text
        assert "Week 474" not in reader.get("/archive").text
        clock.move_to(datetime(2018, 2, 12, 0, 0, 1, tzinfo=UTC))
        assert "Week 474" in reader.get("/archive").text
        clock.move_to(datetime(2019, 1, 2, tzinfo=UTC))
        assert "/archive/2019" in reader.get("/archive").text


def test_a_feed_is_kept_once_it_can_say_when_it_changed(reader: FlaskClient, bob: Member, asked: list[str]) -> None:
    with time_machine.travel(datetime(2018, 2, 5, 12, tzinfo=UTC), tick=False) as clock:
        post = create_post("article", "Boats", "x", bob.id)
        publish(post.id, post.version, bob.id)
        assert "Last-Modified" not in reader.get("/feed.atom").headers
        clock.shift(3)
        since = reader.get("/feed.atom").headers["Last-Modified"]
        asked.clear()
        again = reader.get("/feed.atom", headers={"If-Modified-Since": since})
        assert (again.status_code, again.headers["Last-Modified"], asked) == (304, since, [])


def test_a_database_that_restarted_is_asked_again_on_a_new_connection(
    app: Flask, reader: FlaskClient, bob: Member, kind: str
) -> None:
    if kind == "sqlite":
        pytest.skip("a file does not restart")
    week(bob, 473)
    reader.get("/")
    db.session.rollback()
    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'blogapp stamps'"
    with db.engine.connect() as connection:
        assert connection.execute(text(query)).all() == [(True,)]
    article(bob, "boats", title="Boats again")
    assert "Boats again" in reader.get("/").text


def test_a_site_whose_database_is_gone_says_so_and_gives_out_nothing_that_may_be_old(
    app: Flask, reader: FlaskClient, bob: Member, asked: list[str]
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    week(bob, 473)
    assert reader.get("/week-473").status_code == 200
    with db.engine.begin() as connection:
        for table in ("site", "posts"):
            connection.execute(text(f"DROP TABLE {table} {'CASCADE' * (db.engine.name == 'postgresql')}"))
    assert reader.get("/week-473").status_code in (500, 503)


def test_a_style_sheet_s_hashed_address_is_for_ever_compressed_and_any_other_is_not(
    app: Flask, reader: FlaskClient, asked: list[str]
) -> None:
    with app.test_request_context():
        sheet, icon = asset("site.css"), asset("favicon.png")
    for _ in range(2):
        answer = reader.get(sheet, headers={"Accept-Encoding": "gzip, br"})
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert (answer.headers["Content-Encoding"], answer.headers["Vary"]) == ("br", "Accept-Encoding")
        assert answer.content_type == "text/css; charset=utf-8"
    assert "immutable" in reader.get(icon, buffered=True).headers["Cache-Control"]
    for other in ("/static/site.css", "/static/site.css?v=0123456789ab", "/static/favicon.png?v=0123456789ab"):
        answer = reader.get(other, buffered=True)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache"), other
    assert asked == []


@pytest.fixture
def ports(app: Flask, database_url: str, tmp_path: Path) -> Iterator[list[int]]:
    """Two web servers of the same site, each on its port."""
    found, started = [], []
    for number in range(2):
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            found.append(probe.getsockname()[1])
        folder = tmp_path / str(number)
        folder.mkdir()
        environ = environment(tmp_path / "data", BLOG_DATABASE_URL=database_url)
        started.append(Process(["serve", "--no-worker", "--port", str(found[-1])], environ, folder))
    for process in started:
        process.wait_for("listening on")
    yield found
    for process in started:
        process.end()


def get(connection: http.client.HTTPConnection, path: str, **headers: str) -> tuple[int, str, str]:
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), answer.headers.get("ETag", "")


def test_an_edit_is_read_at_once_through_two_other_processes(app: Flask, bob: Member, ports: list[int]) -> None:
    post = create_post("article", "Boats", "Edit 0.", bob.id)
    post = publish(post.id, post.version, bob.id)
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=10) for port in ports]
    for connection in connections:
        assert get(connection, "/boats")[0] == 200
    for number in range(1, 31):
        post = save_post(post.id, post.version, bob.id, title="Boats", body=f"Edit {number}.")
        for connection in connections:
            status, page, etag = get(connection, "/boats")
            assert (status, f"Edit {number}." in page) == (200, True)
            assert get(connection, "/boats", If_None_Match=etag)[:2] == (304, "")
    withdraw(post.id, post.version, bob.id)
    assert [get(connection, "/boats")[0] for connection in connections] == [404, 404]
    for connection in connections:
        connection.close()


def _weeks(author: Member, numbers: range) -> None:
    for number in numbers:
        week(author, number, at=datetime(2018, 1, 1, tzinfo=UTC) + timedelta(hours=number))


def test_a_page_asks_no_more_questions_however_much_it_shows(
    app: Flask, reader: FlaskClient, bob: Member, asked: list[str]
) -> None:
    def count() -> dict[str, int]:
        found = {}
        for path in ("/", "/week-402", "/archive", "/archive/2016", "/bob-barker", "/feed.atom", "/feed.json"):
            asked.clear()
            assert reader.get(path).status_code == 200, path
            found[path] = len([statement for statement in asked if statement.lstrip()[:6] in ("SELECT", "WITH")])
        return found

    _weeks(bob, range(400, 405))
    few = count()
    _weeks(bob, range(405, 500))
    assert count() == few
    assert max(few.values()) <= 10, few
