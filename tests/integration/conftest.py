"""Fixtures of the integration tests: the command line on the test's own database."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from blogapp.auth.models import Member
from blogapp.core.db import db, transaction
from blogapp.delivery.models import OutboxMail
from blogapp.digest.publishing import publish
from blogapp.posts.attachments import attach
from blogapp.posts.models import Post
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post
from tests.commands import Command, environment
from tests.relay import Relay

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
