"""Importing in a real browser: choose a file, watch, read the report."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from blogapp.auth.models import Member
from blogapp.porting.jobs import files
from blogapp.porting.jobs.context import Running
from blogapp.porting.report import Outcome
from blogapp.scheduler import Worker
from tests.jobs import add_kind, begin, work, zipped
from tests.people import PASSWORD

pytestmark = pytest.mark.browser
PHONE, DESKTOP = {"width": 390, "height": 800}, {"width": 1280, "height": 800}


@pytest.fixture
def worker(app: Flask) -> Iterator[Worker]:
    """A worker in this process."""
    worker = Worker(app)
    worker.start()
    yield worker
    assert worker.end(20)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Three snips; one of them has no date."""
    path = tmp_path / "old-site.zip"
    path.write_bytes(zipped())
    return path


def log_in(chromium: Browser, website: str, member: Member, **options: Any) -> Page:
    page = chromium.new_page(base_url=website, **options)
    page.goto("/login")
    page.fill("[name=email]", str(member.email))
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/write")
    return page


def complaints(page: Page) -> list[str]:
    return [violation["id"] for violation in Axe().run(page).response["violations"]]


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("javascript", [True, False], ids=["script", "plain"])
def test_an_admin_brings_snips_in_and_reads_what_became_of_them(
    alice: Member, worker: Worker, archive: Path, chromium: Browser, website: str, viewport: Any, javascript: bool
) -> None:
    page = log_in(chromium, website, alice, viewport=viewport, java_script_enabled=javascript)
    page.goto("/admin")
    page.click("text=Import")
    page.click("text=Snips")
    page.set_input_files("#file", archive)
    page.click("main button")
    page.wait_for_url("**/admin/jobs/*")
    expect(page.locator("#line")).to_have_text(
        "This is what an import would do. Nothing was changed yet.", timeout=30_000
    )
    expect(page.locator(".figures")).to_have_text("2 new 1 refused", use_inner_text=False)
    page.locator(".actions button", has_text="Import").click()
    expect(page.locator("#line")).to_have_text("The import is done.", timeout=30_000)
    expect(page.locator(".figures")).to_have_text("2 new 1 refused", use_inner_text=False)
    expect(page.locator(".outcomes tbody tr")).to_have_count(1)
    expect(page.locator(".outcomes")).to_contain_text("weeknotes/week-3.snip.markdown")
    if javascript:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto("/week-1")
    expect(page.locator(".prose em")).to_have_text("began")
    page.close()


def test_the_bar_moves_by_itself_and_stop_and_go_on_work(
    app: Flask, alice: Member, worker: Worker, chromium: Browser, website: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    going = [True]

    def slowly(job: Running) -> None:
        for number in range(1, 101):
            while number == 50 and going[0]:
                job.check()
                worker.stop.wait(0.01)
            job.on_progress(number, 100)

    add_kind(monkeypatch, slowly)
    page = log_in(chromium, website, alice)
    page.goto(f"/admin/jobs/{begin(alice.id)}")
    page.evaluate("window.here = true")
    expect(page.locator("#bar")).to_have_js_property("value", 49, timeout=20_000)
    expect(page.locator("#line")).to_have_text("The import is at 49 of 100.")
    page.click("text=Stop")
    expect(page.locator("#line")).to_contain_text("The import was stopped at 49 of 100.", timeout=20_000)
    going[0] = False
    page.click("text=Go on")
    expect(page.locator("#line")).to_have_text("The import is done.", timeout=20_000)
    page.close()


def test_what_is_wrong_with_a_file_is_said_without_leaving_the_form(
    alice: Member, archive: Path, tmp_path: Path, chromium: Browser, website: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = log_in(chromium, website, alice)
    page.goto("/admin/import/snips")
    page.click("main button")
    expect(page.locator("#sent")).to_have_text("Choose a file first.")
    (tmp_path / "no.zip").write_bytes(b"words")
    page.set_input_files("#file", tmp_path / "no.zip")
    page.click("main button")
    expect(page.locator("#sent")).to_contain_text("no.zip is called .zip but is something else")
    monkeypatch.setattr(files, "MAX_UPLOAD_BYTES", 100)
    page.reload()
    page.set_input_files("#file", archive)
    page.click("main button")
    expect(page.locator("#sent")).to_contain_text("the most that can be uploaded here")
    assert page.locator("main button").is_enabled()
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_nothing_to_complain_about(
    alice: Member, chromium: Browser, website: str, monkeypatch: pytest.MonkeyPatch, theme: Any, viewport: Any
) -> None:
    def run(job: Running) -> None:
        job.found["lines"] = ["829 rows."]
        job.found["columns"] = [{"name": "Email", "taken": "address", "samples": ["ann@example.org"]}]
        job.found["fields"] = [["", "Leave out"], ["address", "E-mail address"]]
        for number, result in enumerate(("made", "changed", "unchanged", "beside", "refused")):
            job.report.add(Outcome(f"{number}.md", result, "it has no `:date:`", post_id=1))

    def export(job: Running) -> None:
        job.result_file("notes.zip").write_bytes(b"words")

    add_kind(monkeypatch, run, images=True, ticks={"confirm": "Ask each of them"})
    add_kind(monkeypatch, export, "export.test", takes=())
    preview, made = begin(alice.id, dry_run=True), begin(alice.id, "export.test")
    assert (work(), work()) == (preview, made)
    waits = begin(alice.id)
    page = log_in(chromium, website, alice, color_scheme=theme, viewport=viewport)
    paths = ["/admin", "/admin/import", "/admin/import/test", "/admin/export"]
    for path in [*paths, *(f"/admin/jobs/{number}" for number in (preview, made, waits))]:
        page.goto(path)
        assert complaints(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    page.close()
