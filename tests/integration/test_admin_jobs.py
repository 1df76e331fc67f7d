"""Importing and exporting in the browser: upload, preview, import, report."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from blogapp.auth.models import Member
from blogapp.core.db import db, transaction
from blogapp.porting.jobs import files, queue
from blogapp.porting.jobs.context import Running
from blogapp.porting.jobs.models import Job
from blogapp.porting.report import Outcome
from blogapp.posts.models import Post
from blogapp.subscribing.models import Subscriber
from tests.jobs import SNIPS, add_kind, begin, look, run, zipped
from tests.pages import soup, text


@pytest.fixture
def admin(alice: Member, log_in: Callable[[Member], FlaskClient]) -> FlaskClient:
    """An admin's browser."""
    return log_in(alice)


def send(client: FlaskClient, content: bytes, name: str = "old.zip", what: str = "snips", **more: Any) -> TestResponse:
    data = {"file": (io.BytesIO(content), name), **more}
    return client.post(f"/admin/import/{what}", data=data, content_type="multipart/form-data")


def only_job() -> Job:
    db.session.rollback()
    return db.session.execute(select(Job)).scalar_one()


def folders() -> list[Path]:
    return list(files.root().iterdir())


def test_an_admin_uploads_snips_watches_and_reads_what_became_of_them(admin: FlaskClient) -> None:
    assert "Snips" in admin.get("/admin/import").text
    assert soup(admin.get("/admin/import/snips")).select_one("input[type=file]#file") is not None
    answer = send(admin, zipped(), name="../old/my snips.zip")
    assert answer.status_code == 303
    page = admin.get(answer.location)
    assert text(page, "h1") == "Snips"
    assert "my snips.zip" in text(page, "h1 + .meta")
    assert text(page, "#line") == "The preview is about to begin."
    assert "No worker is running" in page.text
    run(only_job().id)
    page = admin.get(answer.location)
    assert text(page, "#line") == "This is what an import would do. Nothing was changed yet."
    assert db.session.execute(select(Post.id)).all() == []
    admin.post(f"{answer.location}/import")
    run(only_job().id)
    page = admin.get(answer.location)
    assert text(page, "#line") == "The import is done."
    assert [item.get_text(" ", strip=True) for item in soup(page).select(".figures li")] == ["2 new", "1 refused"]
    (row,) = soup(page).select(".outcomes tbody tr")
    assert row.get_text(" ", strip=True).startswith("weeknotes/week-3.snip.markdown refused")
    assert "done, 1 refused" in admin.get("/admin/import").text


def test_the_page_and_its_script_are_told_the_same(admin: FlaskClient, alice: Member) -> None:
    number = begin(alice.id, "import.snips", zipped())
    with transaction() as session:
        session.execute(
            update(Job).values(state="running", owner="x", done=132, total=577, note="weeknotes/week-132.snip.markdown")
        )
    told = admin.get(f"/admin/jobs/{number}/progress").get_json()
    assert (told["line"], told["done"], told["total"], told["live"]) == ("The import is at 132 of 577.", 132, 577, True)
    page = admin.get(f"/admin/jobs/{number}")
    assert text(page, "#line") == told["line"]
    bar = soup(page).select_one("#bar")
    assert bar is not None
    assert (bar["value"], bar["max"]) == ("132", "577")
    assert 'http-equiv="refresh"' in page.text
    assert soup(page).select_one('form[action$="/stop"]') is not None


def preview_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(job: Running) -> None:
        if job.dry_run:
            mapping = dict(job.options.get("mapping", []))
            job.found["columns"] = [
                {"name": "Email", "taken": mapping.get("Email", "address"), "samples": ["ann@example.org"]},
                {"name": "Note", "taken": mapping.get("Note", ""), "samples": ["<b>met</b> at the fair"]},
            ]
            job.found["fields"] = [["", "left out"], ["address", "E-mail address"], ["name", "Name"]]
        job.report.add(Outcome("line 2", "made"))
        job.report.add(Outcome("line 3", "refused", "=cmd() is no address"))

    given = {"label": "Subscribers", "brings": "subscribers", "ticks": {"confirm": "Ask each"}}
    add_kind(monkeypatch, run, "import.people", **given)


def test_a_preview_comes_first_and_changes_nothing_until_import_is_pressed(
    admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    preview_kind(monkeypatch)
    page = send(admin, b"Email,Note\nann@example.org,x\n", "list.csv", "people", confirm="y").location
    job = run(only_job().id)
    assert (job.dry_run, job.options["confirm"]) == (True, True)
    seen = admin.get(page)
    assert text(seen, "#line") == "This is what an import would do. Nothing was changed yet."
    assert text(seen, "#report-title") == "What would happen"
    assert "&lt;b&gt;met&lt;/b&gt;" in seen.text
    assert "previewed, not imported yet" in admin.get("/admin/import").text
    assert admin.post(f"{page}/import").status_code == 303
    assert not run(job.id).dry_run
    assert text(admin.get(page), "#line") == "The import is done."


def test_a_preview_that_found_a_reason_not_to_import_offers_no_import(
    admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_it(job: Running) -> None:
        job.found["refusal"] = "The file does not say who agreed."

    add_kind(monkeypatch, run_it)
    page = send(admin, b"Email\n", "list.csv", "test").location
    number = run(only_job().id).id
    seen = soup(admin.get(page))
    assert "does not say who agreed" in seen.select_one(".notice.warn").text  # type: ignore[union-attr]
    assert seen.select_one('form[action$="/import"]') is None
    admin.post(f"{page}/import")
    assert look(number).state == "done"


def test_the_columns_can_be_said_to_mean_something_else(admin: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    preview_kind(monkeypatch)
    page = send(admin, b"Email,Note\n", "list.csv", "people").location
    number = run(only_job().id).id
    admin.post(f"{page}/columns", data={"column-0": "address", "column-1": "nonsense"})
    assert look(number).state == "done"
    assert admin.post(f"{page}/columns", data={"column-0": "address", "column-1": "name"}).status_code == 303
    run(number)
    chosen = [option["value"] for option in soup(admin.get(page)).select("option[selected]")]
    assert chosen == ["address", "name"]
    assert soup(admin.get(page)).select_one("#confirm[checked]") is None
    admin.post(f"{page}/columns", data={"column-0": "address", "column-1": "", "confirm": "on"})
    assert run(number).options["confirm"] is True
    assert soup(admin.get(page)).select_one("#confirm[checked]") is not None


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "old.zip", "old.zip is empty."),
        (b"PK", "old.zip", "is something else, or it was cut off"),
        (b"just words", "old.zip", "is something else"),
        (b"words", "old.exe", "is not of the right kind"),
        (b"a\0b", "week-1.snip.md", "is something else"),
    ],
)
def test_what_cannot_be_right_is_said_at_once_and_nothing_is_kept(
    admin: FlaskClient, content: bytes, name: str, words: str
) -> None:
    answer = send(admin, content, name)
    assert answer.status_code == 422
    assert words in text(answer, "#file-error")
    assert (queue.list_jobs(), folders()) == ([], [])
    json = admin.post(
        "/admin/import/snips",
        data={"file": (io.BytesIO(content), name)},
        content_type="multipart/form-data",
        headers={"Accept": "application/json"},
    )
    assert (json.status_code, words in json.get_json()["error"]) == (422, True)


def test_a_form_without_a_file_asks_for_one_and_keeps_the_ticks(
    admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    preview_kind(monkeypatch)
    answer = admin.post("/admin/import/people", data={"confirm": "y"})
    assert answer.status_code == 422
    assert text(answer, "#file-error") == "Choose a file first."
    assert soup(answer).select_one("#confirm[checked]") is not None


def test_an_archive_that_was_cut_off_fails_with_one_line_and_can_be_deleted(admin: FlaskClient, alice: Member) -> None:
    page = send(admin, zipped()[:-40]).location
    run(only_job().id)
    seen = admin.get(page)
    assert text(seen, "#line") == "The preview failed: the archive is damaged (it has no list of files at its end)"
    assert admin.post(f"{page}/delete").location.endswith("/admin/import")
    assert folders() == []
    assert admin.get(page).status_code == 404


def test_an_admin_may_send_more_than_an_attachment_holds_and_nobody_else_may(
    app: Flask, admin: FlaskClient, log_in: Callable[[Member], FlaskClient], bob: Member
) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 2000
    more = zipped({**SNIPS, "big.bin": bytes(range(256)) * 40})
    assert send(admin, more).status_code == 303
    assert send(log_in(bob), more).status_code in (403, 413)
    assert len(queue.list_jobs()) == 1


def test_what_is_too_big_is_refused_with_the_way_that_is_open(
    admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_UPLOAD_BYTES", 100)
    answer = send(admin, zipped())
    assert answer.status_code == 413
    assert "blogapp import" in answer.text
    monkeypatch.setattr("blogapp.admin.importing.FORM_BYTES", 0)  # now it is refused before the view reads it
    answer = send(admin, zipped())
    assert (answer.status_code, "blogapp import" in answer.text) == (413, True)
    assert (queue.list_jobs(), folders()) == ([], [])


def test_a_job_is_stopped_and_taken_up_again_from_its_page(admin: FlaskClient, alice: Member) -> None:
    page = send(admin, zipped()).location
    admin.post(f"{page}/stop")
    assert text(admin.get(page), "#line") == "The preview was stopped."
    admin.post(f"{page}/go-on")
    run(only_job().id)
    admin.post(f"{page}/import")
    run(only_job().id)
    assert db.session.execute(select(Post.id)).all() != []
    admin.post(f"{page}/stop")
    assert "This is over already." in admin.get(page).text


def test_the_whole_report_is_a_file_in_which_no_cell_is_a_formula(
    admin: FlaskClient, alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_it(job: Running) -> None:
        for number in range(250):
            job.report.add(Outcome(f"={number}.md", "refused", "odd\nand old", post_id=7))

    add_kind(monkeypatch, run_it)
    number = run(begin(alice.id)).id
    page = admin.get(f"/admin/jobs/{number}")
    assert len(soup(page).select(".outcomes tbody tr")) == 200
    assert "250 to look at" in page.text
    answer = admin.get(f"/admin/jobs/{number}/report.csv")
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert len(rows) == 251
    assert rows[1] == ["refused", "'=0.md", "odd\nand old", "http://localhost/posts/7"]


def test_an_export_is_made_and_downloaded_and_kept_by_no_cache(
    admin: FlaskClient, alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(job: Running) -> None:
        job.result_file("notes.zip").write_bytes(b"all of it")

    add_kind(monkeypatch, write, "export.test", takes=(), label="Everything")
    assert "Everything" in admin.get("/admin/export").text
    page = admin.post("/admin/export/test").location
    assert admin.get(f"{page}/file").status_code == 404
    job = run(only_job().id)
    assert "Download notes.zip" in admin.get(page).text
    answer = admin.get(f"{page}/file")
    assert (answer.data, answer.headers["Cache-Control"]) == (b"all of it", "private, no-store")
    assert "notes.zip" in answer.headers["Content-Disposition"]
    answer.close()
    files.remove_folder(job.folder)
    assert admin.get(f"{page}/file").status_code == 410
    assert "was deleted after 7 days" in admin.get(page).text


def test_a_kind_that_is_not_known_is_not_offered_and_its_old_jobs_still_have_a_page(
    admin: FlaskClient, alice: Member
) -> None:
    assert admin.get("/admin/import/ghosts").status_code == 404
    assert admin.post("/admin/export/ghosts").status_code == 404
    number = run(begin(alice.id, "import.ghosts")).id
    assert "This site can do nothing of that kind." in text(admin.get(f"/admin/jobs/{number}"), "#line")


def test_an_upload_that_was_cut_off_on_its_way_begins_nothing_and_leaves_nothing(admin: FlaskClient) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="old.zip"\r\n\r\n'
    body = head + zipped()
    sent = {"content_type": "multipart/form-data; boundary=x", "input_stream": io.BytesIO(body)}
    for length in (len(body), len(body) + 5000):
        sent["input_stream"] = io.BytesIO(body)
        answer = admin.post("/admin/import/snips", content_length=length, **sent)
        assert answer.status_code in (400, 422)
    assert (queue.list_jobs(), folders()) == ([], [])


def test_a_list_whose_columns_nobody_knows_is_mapped_in_the_browser(admin: FlaskClient) -> None:
    content = b"Epost;Zweite\nann@example.org;ann2@example.org\nben@example.org;ben2@example.org\n"
    page = send(admin, content, "list.csv", "subscribers").location
    run(only_job().id)
    seen = admin.get(page)
    assert "Say below which one does" in seen.text
    assert soup(seen).select_one('button[value="import"]') is None
    mapped = {"column-0": "email", "column-1": "", "agreed": "y"}
    admin.post(f"{page}/columns", data={**mapped, "do": "preview"})
    run(only_job().id)
    assert soup(admin.get(page)).select_one('button[value="import"]') is not None
    # Another column now, and Import pressed: nothing is imported that was not shown.
    admin.post(f"{page}/columns", data={"column-0": "", "column-1": "email", "agreed": "y", "do": "import"})
    assert only_job().dry_run
    run(only_job().id)
    admin.post(f"{page}/columns", data={"column-0": "", "column-1": "email", "agreed": "y", "do": "import"})
    assert not only_job().dry_run
    run(only_job().id)
    addresses = db.session.execute(select(Subscriber.address).order_by(Subscriber.address)).scalars().all()
    assert addresses == ["ann2@example.org", "ben2@example.org"]


def test_a_list_in_an_older_encoding_says_so_and_can_be_read(admin: FlaskClient) -> None:
    page = send(
        admin, "Email,Name,Status\nzoe@example.org,Zoë,subscribed\n".encode("latin-1"), "a.csv", "subscribers"
    ).location
    run(only_job().id)
    assert "older Windows program" in admin.get(page).text
    columns = {"column-0": "email", "column-1": "name", "column-2": "status", "windows": "y", "do": "preview"}
    admin.post(f"{page}/columns", data=columns)
    run(only_job().id)
    assert "Zoë" in admin.get(page).text
