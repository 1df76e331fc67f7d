"""Files that several posts have, damaged pictures, and what sweeping and attaching hold locked."""

import io
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.auth.models import Member
from blogapp.core import files
from blogapp.core.clock import now
from blogapp.core.db import WRITES, db, transaction
from blogapp.core.errors import Invalid
from blogapp.core.files import path_of
from blogapp.core.media import prepare
from blogapp.posts import sweeping, writing
from blogapp.posts.attachments import attach, bring_back_attachment, line_for, remove_attachment
from blogapp.posts.finding import keep_findable
from blogapp.posts.models import Attachment, Post, post_attachments
from blogapp.posts.queries import list_attachments
from blogapp.posts.rendering import link_files
from blogapp.posts.sweeping import sweep_files
from blogapp.posts.writing import create_post, save_post


@pytest.fixture
def plan(app: Flask, bob: Member) -> Attachment:
    """A file that bob attached to a draft of his."""
    post = create_post("article", "Plans", "None yet.", bob.id)
    return attach(post.id, "plan.pdf", io.BytesIO(b"%PDF-1 x"), bob.id)


@pytest.fixture
def borrower(plan: Attachment, carol: Member) -> Post:
    """A draft of carol's that has shown bob's file, and shows it no longer."""
    post = create_post("article", "Borrowed", line_for(plan), carol.id)
    return save_post(post.id, post.version, carol.id, title="Borrowed", body="Without.")


def test_who_puts_a_colleagues_file_away_only_lets_go_of_it(plan: Attachment, borrower: Post, carol: Member) -> None:
    number = plan.id
    assert remove_attachment(borrower.id, number, carol.id).removed_at is None
    assert list_attachments(borrower.id) == []
    sweep_files(now() + timedelta(days=1))
    assert db.session.get(Attachment, number) is not None
    bring_back_attachment(borrower.id, number, carol.id)
    assert [(file.id, shown) for file, shown in list_attachments(borrower.id)] == [(number, False)]


def test_the_last_post_that_has_a_file_puts_it_away(
    plan: Attachment, borrower: Post, bob: Member, carol: Member
) -> None:
    owner = create_post("article", "Other", line_for(plan), bob.id)
    remove_attachment(borrower.id, plan.id, carol.id)
    with pytest.raises(Invalid, match="still shows"):
        remove_attachment(owner.id, plan.id, bob.id)
    save_post(owner.id, owner.version, bob.id, title="Other", body="Without.")
    assert remove_attachment(owner.id, plan.id, bob.id).removed_at is None
    first = next(number for number in range(1, owner.id) if list_attachments(number))
    assert remove_attachment(first, plan.id, bob.id).removed_at is not None


def test_a_damaged_picture_is_refused_whatever_the_decoder_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "damaged"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    prepare(path)  # No picture at all: a download.

    def decode(*_: object, **__: object) -> None:
        raise KeyError("MPO")

    monkeypatch.setattr(Image, "open", decode)
    with pytest.raises(Invalid, match="broken"):
        prepare(path)


def test_a_damaged_picture_is_a_download_even_before_pillow_has_met_an_mpo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.init()
    monkeypatch.delitem(Image.OPEN, "MPO", raising=False)
    path = tmp_path / "damaged"
    path.write_bytes(b"\xff\xd8\xff" + b"\0" * 40)
    assert prepare(path).media_type == "application/octet-stream"


def test_a_big_file_reaches_the_disk_before_the_transaction(
    app: Flask, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = create_post("article", "Big", "x", bob.id)
    flushed: list[bool] = []
    secure = files.secure

    def watched(path: Path, sha256: str) -> None:
        flushed.append(bool(db.session().info.get(WRITES)))
        secure(path, sha256)

    monkeypatch.setattr(files, "secure", watched)
    attach(post.id, "big.bin", io.BytesIO(b"x" * 1000), bob.id)
    assert flushed == [False]


def test_the_folder_is_looked_through_outside_of_a_transaction_and_what_was_attached_meanwhile_stays(
    app: Flask, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = create_post("article", "Swept", "x", bob.id)
    kept, lost = b"attached meanwhile", files.folder() / "incoming-cut-off"
    lost.write_bytes(b"half of")
    os.utime(lost, (0, 0))
    stored = files.stored

    def meanwhile() -> list[tuple[str, datetime]]:
        assert not db.session().info.get(WRITES)
        found = [(sha256, now() - timedelta(days=2)) for sha256, _ in stored()]
        return [*found, (attach(post.id, "a.txt", io.BytesIO(kept), bob.id).sha256, now() - timedelta(days=2))]

    monkeypatch.setattr(files, "stored", meanwhile)
    monkeypatch.setattr(sweeping, "SLICE", 1)
    sweep_files(now() - timedelta(days=30))
    assert not lost.exists()
    assert path_of(list_attachments(post.id)[0][0].sha256).read_bytes() == kept


def test_the_editor_says_that_other_posts_keep_the_file(
    plan: Attachment, borrower: Post, carol: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    form = {"do": f"remove:{plan.id}", "title": "Borrowed", "body": "Without.", "version": str(borrower.version)}
    assert "put away here; other posts keep it" in log_in(carol).post(f"/posts/{borrower.id}/edit", data=form).text


@pytest.fixture
def put_away(plan: Attachment, bob: Member) -> Attachment:
    """Bob's file, put away long enough ago for the sweep."""
    remove_attachment(the_draft_of(plan), plan.id, bob.id)
    with transaction() as session:
        session.get_one(Attachment, plan.id).removed_at = now() - timedelta(days=40)
    return plan


def the_draft_of(file: Attachment) -> int:
    query = select(post_attachments.c.post_id).where(post_attachments.c.attachment_id == file.id)
    return int(db.session.execute(query.limit(1)).scalar_one())


def in_a_thread(app: Flask, act: Callable[[], object]) -> Future[object]:
    def inside() -> object:
        with app.app_context():
            try:
                return act()
            finally:
                db.session.remove()

    pool = ThreadPoolExecutor(1)
    future = pool.submit(inside)
    pool.shutdown(wait=False)
    return future


def sweep() -> int:
    db.session.rollback()
    return sweep_files(now() - timedelta(days=30))


def test_a_file_that_a_save_has_just_shown_again_survives_the_sweep_that_runs_beside_it(
    app: Flask, put_away: Attachment, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, line = put_away.id, line_for(put_away)
    post = db.session.get_one(Post, the_draft_of(put_away))
    saved = (post.id, post.version)
    db.session.rollback()
    revived, swept = threading.Event(), threading.Event()

    def slowly(session: Session, post: Post) -> None:
        session.flush()
        revived.set()
        swept.wait(1)  # The sweep may have to wait for us.
        keep_findable(session, post)

    monkeypatch.setattr(writing, "keep_findable", slowly)
    saving = in_a_thread(app, lambda: save_post(*saved, bob.id, title="Plans", body=f"See {line}"))
    assert revived.wait(10)
    assert sweep() == 0
    swept.set()
    saving.result(10)
    db.session.rollback()
    assert [(file.id, file.removed_at, shown) for file, shown in list_attachments(saved[0])] == [(number, None, True)]


def test_a_save_that_comes_too_late_for_a_file_waits_for_the_sweep_and_is_kept_without_it(
    app: Flask, put_away: Attachment, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = line_for(put_away)
    post = db.session.get_one(Post, the_draft_of(put_away))
    saved = (post.id, post.version)
    db.session.rollback()
    chosen, saving = threading.Event(), threading.Event()
    unwanted = sweeping.unwanted

    def slowly(session: Session, numbers: list[int], until: datetime) -> list[int]:
        found = unwanted(session, numbers, until)
        if session.info.get(WRITES):
            chosen.set()
            saving.wait(1)
        return found

    monkeypatch.setattr(sweeping, "unwanted", slowly)
    sweeper = in_a_thread(app, sweep)
    assert chosen.wait(10)
    post = save_post(*saved, bob.id, title="Plans", body=f"See {line}")
    assert sweeper.result(10) == 1
    assert (post.body, list_attachments(post.id)) == (f"See {line}", [])


def test_a_file_that_another_post_lets_go_of_during_a_save_is_not_put_away_under_it(
    app: Flask, kind: str, plan: Attachment, bob: Member, carol: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "sqlite":
        pytest.skip("there nobody writes between a save's first look and its last write")
    number, first = plan.id, the_draft_of(plan)
    post = create_post("article", "Mine", "x", carol.id)
    saved, line = (post.id, post.version), line_for(plan)

    def meanwhile(session: Session, post_id: int, shown: list[Attachment]) -> None:
        in_a_thread(app, lambda: remove_attachment(first, number, bob.id)).result(10)
        link_files(session, post_id, shown)

    monkeypatch.setattr(writing, "link_files", meanwhile)
    save_post(*saved, carol.id, title="Mine", body=line)
    db.session.rollback()
    assert [(file.id, file.removed_at, shown) for file, shown in list_attachments(post.id)] == [(number, None, True)]


def test_no_file_that_a_text_shows_is_swept_whatever_else_is_noted_of_it(
    plan: Attachment, borrower: Post, carol: Member
) -> None:
    post = save_post(borrower.id, borrower.version, carol.id, title="Borrowed", body=line_for(plan))
    with transaction() as session:
        session.get_one(Attachment, plan.id).removed_at = now() - timedelta(days=40)
    assert sweep() == 0
    assert len(list_attachments(post.id)) == 1
