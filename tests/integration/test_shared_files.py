"""Files that several posts have, damaged pictures, and what sweeping and attaching hold locked."""

import io
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from blogapp.auth.models import Member
from blogapp.core import files
from blogapp.core.clock import now
from blogapp.core.db import WRITES, db
from blogapp.core.errors import Invalid
from blogapp.core.files import path_of
from blogapp.core.media import prepare
from blogapp.posts import attachments
from blogapp.posts.attachments import attach, bring_back_attachment, line_for, remove_attachment, sweep_files
from blogapp.posts.models import Attachment, Post
from blogapp.posts.queries import list_attachments
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
    monkeypatch.setattr(attachments, "SLICE", 1)
    sweep_files(now() - timedelta(days=30))
    assert not lost.exists()
    assert path_of(list_attachments(post.id)[0][0].sha256).read_bytes() == kept


def test_the_editor_says_that_other_posts_keep_the_file(
    plan: Attachment, borrower: Post, carol: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    form = {"do": f"remove:{plan.id}", "title": "Borrowed", "body": "Without.", "version": str(borrower.version)}
    assert "put away here; other posts keep it" in log_in(carol).post(f"/posts/{borrower.id}/edit", data=form).text
