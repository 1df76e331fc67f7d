"""Fixtures of the integration tests: the command line on the test's own database."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask

from blogapp.app import create_app
from blogapp.auth import passwords
from blogapp.auth.models import Member
from blogapp.core.db import db, transaction
from blogapp.delivery.models import OutboxMail
from blogapp.digest.publishing import publish
from blogapp.posts.attachments import attach
from blogapp.posts.models import Post
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post
from tests import people
from tests.commands import Command, environment
from tests.conftest import Browser, make_settings
from tests.relay import Relay

# Going on in another place: see `enter`.
Enter = Callable[[str], Flask]
PIXEL = (
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


@pytest.fixture
def blogapp(app: Flask, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line, on the database (and the data folder) that `app` has."""
    monkeypatch.chdir(tmp_path)
    return Command(environment(tmp_path / "data", BLOG_DATABASE_URL=database_url))


@pytest.fixture
def now_see(app: Flask) -> Callable[[], None]:
    """Forget what this process has read: a command has written since."""

    def forget() -> None:
        db.session.rollback()
        db.session.expire_all()

    return forget


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A mail relay."""
    with Relay() as found:
        yield found


@pytest.fixture
def site(app: Flask, alice: Member) -> Post:
    """A site with a published post, a picture in it, a waiting digest and a waiting mail."""
    post = create_post("week", "Week 473", "We baked.", alice.id, weeks=Weeks(473, 473))
    picture = attach(post.id, "bread.png", io.BytesIO(bytes.fromhex(PIXEL)), alice.id)
    assert picture.size_bytes
    publish(post.id, post.version, alice.id)
    with transaction() as session:
        session.add(OutboxMail(purpose="x", recipient="ann@example.org", subject="x", message=b"x"))
    return post


@pytest.fixture
def kind(database_url: str) -> str:
    return database_url.partition(":")[0]


@pytest.fixture
def enter(
    app: Flask, tmp_path: Path, postgres_template: str, chosen: dict[str, Any], request: pytest.FixtureRequest
) -> Iterator[Enter]:
    """Go on in another, empty place on a database of that kind, which has no tables yet."""
    made: list[str] = []
    contexts: list[Any] = []

    def go(kind: str) -> Flask:
        number = len(contexts)
        url = ""
        if kind == "postgresql":
            made.append(f"moved_{abs(hash(request.node.nodeid)) % 10**12}_{number}")
            with psycopg.connect(postgres_template.format("postgres"), autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "{made[-1]}"'.encode())
            url = postgres_template.format(made[-1])
        app = create_app(make_settings(tmp_path / f"place-{number}", url, **chosen))
        app.testing, app.test_client_class = True, Browser
        app.extensions[passwords.EXTENSION] = people.QUICK
        contexts.append(app.app_context())
        contexts[-1].push()
        return app

    yield go
    for context in reversed(contexts):
        db.session.remove()
        db.engine.dispose()
        context.pop()
    for name in made:
        with psycopg.connect(postgres_template.format("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
