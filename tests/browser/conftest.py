"""A real Chromium, and the application on a port of this machine (SQLite: the database is another test's matter)."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from blogapp.auth.models import Member
from tests.conftest import IN_CI
from tests.people import PASSWORD

# Debian's two builds of it; the one without windows takes half the time for a page.
BUILDS = [Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium")]
CHROMIUM = Path(os.environ.get("CHROMIUM") or next((path for path in BUILDS if path.exists()), BUILDS[-1]))
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--no-first-run"]  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser; each test opens pages of its own in it."""
    if not CHROMIUM.exists():
        if IN_CI:
            pytest.fail(f"no browser at {CHROMIUM}")
        pytest.skip(f"no browser at {CHROMIUM} (CHROMIUM says where)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def nothing_stays_open(request: pytest.FixtureRequest) -> Iterator[None]:
    """Close what a test has opened: a page that polls a site that is gone takes time from all tests after it."""
    browser = request.getfixturevalue("chromium") if "chromium" in request.fixturenames else None
    before = list(browser.contexts) if browser else []
    yield
    for context in list(browser.contexts) if browser else []:
        if context not in before:
            context.close()


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> str:
    """A migrated, empty SQLite database."""
    file = tmp_path / "blog.sqlite3"
    shutil.copy(sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture
def website(app: Flask) -> Iterator[str]:
    """The address at which the application answers a browser."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def open_as(chromium: Browser, website: str) -> Iterator[Callable[..., Page]]:
    """Open a path in a browser in which a member is logged in; whatever goes wrong in its console fails the test."""
    contexts, troubles = [], []

    def opened(member: Member, path: str, **options: object) -> Page:
        # Without transitions a colour is there at once, and is the one that is meant.
        context = chromium.new_context(base_url=website, **{"reduced_motion": "reduce", **options})  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto("/login")
        page.fill("[name=email]", str(member.email))
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url("**/write")
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not troubles
